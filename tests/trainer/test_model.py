"""Loading and adapters, on the real configuration and on small weights on disk."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from planner.errors import MissingPartError
from planner.hardware.architecture import architecture_from_config
from tests.trainer.models import random_examples, random_features, random_model
from trainer import tiny
from trainer.lora import add_lora, reset_lora
from trainer.model import load_model, parameter_counts
from trainer.quantize import quantised_modules
from trainer.shape import PALIGEMMA_CONFIG
from trainer.step import micro_batches, token_losses, training_step

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny.save(random_model(targets=None), folder)
    return folder


@pytest.mark.parametrize(("targets", "expected"), [("attention", 1_843_200), ("all-linear", 9_805_824)])
def test_paligemma_3b_has_the_published_adapter_sizes_in_its_language_model_alone(targets: str, expected: int) -> None:
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    with torch.device("meta"):
        network = PaliGemmaForConditionalGeneration(PaliGemmaConfig(**PALIGEMMA_CONFIG))
        network.requires_grad_(False)
        base = sum(parameter.numel() for parameter in network.parameters())
        network = add_lora(network, targets=targets, rank=8, alpha=16, seed=0)
    trainable, total = parameter_counts(network)
    assert base == 2_923_466_480
    assert trainable == expected == architecture_from_config(PALIGEMMA_CONFIG).lora_parameters(targets, 8)
    assert total == base + expected
    assert not [name for name, p in network.named_parameters() if p.requires_grad and "language_model" not in name]


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


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_quantised_weights_train_and_the_tower_keeps_its_precision(on_disk: Path, quantization: str) -> None:
    model = load_model(str(on_disk), name="local", quantization=quantization, device=CPU)
    names = quantised_modules(model.network)
    assert len(names) == 2 * 7
    assert all("language_model" in name for name in names)
    full = load_model(str(on_disk), name="local", quantization="fp32", device=CPU)
    add_lora(model.network, targets="all-linear", rank=4, alpha=8, seed=0)
    assert parameter_counts(model.network)[1] - parameter_counts(model.network)[0] == parameter_counts(full.network)[1]
    features = random_features(model)
    optimizer = torch.optim.AdamW(model.trainable(), lr=1e-2)
    losses = [
        training_step(model, optimizer, random_examples(model), lambda rows: features[rows], micro_batch_size=4).loss
        for _ in range(6)
    ]
    assert losses[-1] < losses[0]
