"""Loading and adapters, on the real configuration and on small weights on disk."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from msgspec import structs

from planner.errors import MissingPartError
from planner.hardware.architecture import architecture_from_config
from tests.trainer.models import random_examples, random_features, random_model
from trainer import quantize, tiny
from trainer.lora import TARGETS, add_lora, lora_layers, remove_lora, reset_lora
from trainer.model import load_model, parameter_counts
from trainer.optimizer import MasterAdamW
from trainer.preflight import PreflightError, check_modules, gradients, run_gate
from trainer.quantize import quantised_modules
from trainer.shape import CONFIGS, PALIGEMMA, PALIGEMMA_2
from trainer.step import micro_batches, token_losses, training_step

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny.save(random_model(targets=None), folder)
    return folder


def on_meta(name: str):  # type: ignore[no-untyped-def]
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    with torch.device("meta"):
        return PaliGemmaForConditionalGeneration(PaliGemmaConfig(**CONFIGS[name])).requires_grad_(False)


@pytest.mark.parametrize(
    ("name", "base", "targets", "expected", "percent"),
    [
        (PALIGEMMA, 2_923_466_480, "attention", 1_843_200, "0.063 %"),
        (PALIGEMMA, 2_923_466_480, "all-linear", 9_805_824, "0.334 %"),
        (PALIGEMMA_2, 3_032_242_416, "attention", 3_194_880, "0.105 %"),
        (PALIGEMMA_2, 3_032_242_416, "all-linear", 10_383_360, "0.341 %"),
    ],
)
def test_the_real_models_have_the_published_adapter_sizes_in_their_language_model_alone(
    name: str, base: int, targets: str, expected: int, percent: str
) -> None:
    network = on_meta(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == base
    with torch.device("meta"):
        network = add_lora(network, targets=targets, rank=8, alpha=16, seed=0)
    trainable, total = parameter_counts(network)
    assert trainable == expected == architecture_from_config(CONFIGS[name]).lora_parameters(targets, 8)
    assert total == base + expected
    assert f"{100 * trainable / total:.3f} %" == percent
    assert not [name for name, p in network.named_parameters() if p.requires_grad and "language_model" not in name]


@pytest.mark.parametrize(
    ("targets", "expected", "percent"), [("attention", 3_336_192, "0.114 %"), ("all-linear", 11_298_816, "0.385 %")]
)
def test_by_suffix_names_the_adapters_are_those_of_the_research_notes_and_the_gate_refuses_them(
    targets: str, expected: int, percent: str
) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    network = on_meta(PALIGEMMA)
    with torch.device("meta"):
        network = inject_adapter_in_model(LoraConfig(r=8, target_modules=list(TARGETS[targets])), network)
    trainable, total = parameter_counts(network)
    assert trainable == expected
    assert f"{100 * trainable / total:.3f} %" == percent
    model = structs.replace(random_model(targets=None), network=network)
    with pytest.raises(PreflightError, match="vision tower"):
        check_modules(model)


def test_adapters_can_be_taken_out_and_others_put_in() -> None:
    model = random_model(targets=None)
    before = {name: p.clone() for name, p in model.network.named_parameters()}
    for targets in ("all-linear", "attention", "all-linear"):
        add_lora(model.network, targets=targets, rank=4, alpha=8, seed=0)
        assert len(lora_layers(model.network)) == 2 * len(TARGETS[targets])
        remove_lora(model.network)
        assert {name for name, _ in model.network.named_parameters()} == set(before)
        assert all(torch.equal(p, before[name]) for name, p in model.network.named_parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_adapter_s_sum_is_that_of_peft(dtype: torch.dtype) -> None:
    model = random_model(dtype=dtype)
    _, layer = lora_layers(model.network)[0]
    values = torch.randn(2, 5, layer.in_features, generator=torch.Generator().manual_seed(0)).to(dtype)
    ours = layer(values)
    stock = type(layer).forward(layer, values)
    rough = dtype == torch.bfloat16
    torch.testing.assert_close(ours, stock, rtol=2e-2 if rough else 1e-5, atol=1e-2 if rough else 1e-6)


def test_new_adapters_compute_what_the_base_computes_and_a_reset_goes_back_there() -> None:
    plain, adapted = random_model(targets=None), random_model()
    batch, features = micro_batches(plain, random_examples(plain), 4)[0], random_features(plain)
    with torch.no_grad():
        base = token_losses(plain, batch, features)
        assert not torch.equal(base, token_losses(adapted, batch, features))
        reset_lora(adapted.trainable_named(), seed=4)
        assert torch.equal(base, token_losses(adapted, batch, features))
    first = [p.detach().clone() for p in adapted.trainable()]
    reset_lora(adapted.trainable_named(), seed=4)
    assert all(torch.equal(one, other) for one, other in zip(first, adapted.trainable(), strict=True))
    reset_lora(adapted.trainable_named(), seed=5)
    assert not all(torch.equal(one, other) for one, other in zip(first, adapted.trainable(), strict=True))


def test_a_saved_paligemma_is_loaded_from_its_folder(on_disk: Path) -> None:
    model = load_model(str(on_disk), name="local", quantization="fp32", device=CPU)
    assert model.image_tokens == 4
    assert model.tokenizer.decode(model.tokenizer.encode("left upper zone")) == "left upper zone"
    assert not model.trainable()
    original = random_model(targets=None)
    batch, features = micro_batches(model, random_examples(model), 4)[0], random_features(model)
    assert torch.equal(token_losses(model, batch, features), token_losses(original, batch, features))


def test_missing_weights_are_a_missing_part_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match="calibrate fetch") as caught:
        load_model("google/paligemma-3b-pt-224", name="x", quantization="fp32", device=CPU)
    assert caught.value.exit_code == 4
    with pytest.raises(MissingPartError, match="this folder") as caught:
        load_model(str(tmp_path), name="x", quantization="fp32", device=CPU)
    assert str(tmp_path) not in str(caught.value)


def test_weights_with_a_flipped_byte_in_their_header_are_refused(on_disk: Path, tmp_path: Path) -> None:
    for file in on_disk.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[12] ^= 0xFF
    weights.write_bytes(bytes(data))
    with pytest.raises(MissingPartError):
        load_model(str(tmp_path), name="x", quantization="fp32", device=CPU)


def test_weights_that_are_missing_are_not_made_up(on_disk: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for file in on_disk.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(on_disk / "model.safetensors")
    tensors.pop(next(name for name in tensors if "q_proj" in name))
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MissingPartError, match="random ones"):
        load_model(str(tmp_path), name="x", quantization="fp32", device=CPU)


needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed"
)


@needs_bitsandbytes
@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_quantised_weights_train_and_the_tower_keeps_its_precision(on_disk: Path, quantization: str) -> None:
    model = load_model(str(on_disk), name="local", quantization=quantization, device=CPU)
    names = quantised_modules(model.network)
    assert len(names) == 2 * 7
    assert all("language_model" in name for name in names)
    full = load_model(str(on_disk), name="local", quantization="fp32", device=CPU)
    add_lora(model.network, targets="all-linear", rank=4, alpha=8, seed=0, dtype=model.dtype)
    assert parameter_counts(model.network)[1] - parameter_counts(model.network)[0] == parameter_counts(full.network)[1]
    assert {parameter.dtype for parameter in model.trainable()} == {torch.bfloat16}
    features = random_features(model)
    run_gate(model, micro_batches(model, random_examples(model), 4)[0], features)
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-2)
    losses = [
        training_step(model, optimizer, random_examples(model), lambda rows: features[rows], micro_batch_size=4).loss
        for _ in range(6)
    ]
    assert losses[-1] < losses[0]


@needs_bitsandbytes
@pytest.mark.parametrize("skipped", [("vision_tower", "multi_modal_projector", "lm_head"), ("lm_head",)])
def test_a_skip_list_that_skips_nothing_is_refused_by_the_gate(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch, skipped: tuple[str, ...]
) -> None:
    """Plain names match from the start of the full name only: the first list is the one found in tutorials."""
    monkeypatch.setattr(quantize, "SKIPPED", skipped)
    model = load_model(str(on_disk), name="local", quantization="nf4", device=CPU)
    assert [name for name in quantised_modules(model.network) if "vision_tower" in name]
    add_lora(model.network, targets="all-linear", rank=4, alpha=8, seed=0, dtype=model.dtype)
    with pytest.raises(PreflightError, match="keep their precision"):
        check_modules(model)


@needs_bitsandbytes
def test_4_bit_weights_have_the_same_gradients_after_an_evaluation(on_disk: Path) -> None:
    model = load_model(str(on_disk), name="local", quantization="nf4", device=CPU)
    add_lora(model.network, targets="all-linear", rank=4, alpha=8, seed=0, dtype=model.dtype)
    batch, features = micro_batches(model, random_examples(model), 4)[0], random_features(model)
    before = gradients(model, batch, features)
    model.network.eval()
    with torch.no_grad():
        token_losses(model, batch, features)
    after = gradients(model, batch, features)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
