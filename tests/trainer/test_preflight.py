"""The gate: each silent failure, planted."""

from __future__ import annotations

import pytest
import torch
from msgspec import structs

from tests.trainer.conftest import Make
from tests.trainer.models import random_examples, random_features, random_model
from trainer import lora
from trainer.calibration import calibrate
from trainer.preflight import PreflightError, check_attention, check_modules, check_start, run_gate
from trainer.step import micro_batches
from trainer.stopping import StopFlag


def parts():  # type: ignore[no-untyped-def]
    model = random_model()
    return model, micro_batches(model, random_examples(model), 4)[0], random_features(model)


def test_a_sound_set_up_passes_and_leaves_no_gradient() -> None:
    model, batch, features = parts()
    run_gate(model, batch, features)
    assert all(parameter.grad is None for parameter in model.trainable())


def test_a_label_leak_is_refused() -> None:
    model, batch, features = parts()
    original = model.network.model.forward

    def all_bidirectional(**options):  # type: ignore[no-untyped-def]
        return original(**{**options, "token_type_ids": torch.zeros_like(options["token_type_ids"])})

    model.network.model.forward = all_bidirectional
    with pytest.raises(PreflightError, match="leaks"):
        run_gate(model, batch, features)


def test_a_causal_prefix_is_refused() -> None:
    model, batch, features = parts()
    original = model.network.model.forward
    model.network.model.forward = lambda **options: original(**{**options, "token_type_ids": None})
    with pytest.raises(PreflightError, match="both directions"):
        run_gate(model, batch, features)


@pytest.mark.parametrize("value", [0, 1])
def test_wrong_token_types_are_refused(value: int) -> None:
    model, batch, features = parts()
    wrong = structs.replace(batch, token_type_ids=torch.full_like(batch.token_type_ids, value))
    with pytest.raises(PreflightError, match="token_type_ids"):
        run_gate(model, wrong, features)


def test_cut_image_tokens_are_refused() -> None:
    model, batch, features = parts()
    batch.input_ids[1, 0] = 50
    with pytest.raises(PreflightError, match="image tokens"):
        run_gate(model, batch, features)


def test_an_adapter_in_the_vision_tower_is_refused() -> None:
    from peft import LoraConfig, inject_adapter_in_model

    model = random_model(targets=None)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["q_proj", "v_proj"]), model.network)
    with pytest.raises(PreflightError, match="vision tower"):
        check_modules(model)


def test_gradients_that_are_not_finite_are_refused() -> None:
    model, batch, features = parts()
    features[0, 0, 0] = float("nan")
    with pytest.raises(PreflightError, match="finite"):
        run_gate(model, batch, features)


def test_a_filter_that_hides_nan_is_refused() -> None:
    """Hugging Face's trainer replaces NaN losses by the running mean; here the network itself is made to."""
    model, batch, features = parts()
    original = model.network.model.forward

    def filtered(**options):  # type: ignore[no-untyped-def]
        output = original(**options)
        output.last_hidden_state = torch.nan_to_num(output.last_hidden_state)
        return output

    model.network.model.forward = filtered
    with pytest.raises(PreflightError, match="filters it"):
        run_gate(model, batch, features)


def test_an_image_that_does_not_reach_the_answer_is_refused() -> None:
    model, batch, features = parts()
    projector = model.network.model.multi_modal_projector
    original = projector.forward
    projector.forward = lambda values: original(torch.ones_like(values) * values.sum().isfinite())
    with pytest.raises(PreflightError, match="image changes nothing"):
        check_attention(model, batch, features)


def test_quantised_layers_in_the_tower_are_refused() -> None:
    """Plain names in bitsandbytes' skip list skip nothing in transformers 5; None skips nothing at all."""
    model, batch, features = parts()
    tower = model.network.model.vision_tower
    name, linear = next((n, m) for n, m in tower.named_modules() if isinstance(m, torch.nn.Linear))
    quantised = type("Linear4bit", (torch.nn.Linear,), {"__module__": "bitsandbytes.nn.modules"})
    parent, _, child = name.rpartition(".")
    stand_in = quantised(linear.in_features, linear.out_features).requires_grad_(False)
    setattr(tower.get_submodule(parent), child, stand_in)
    with pytest.raises(PreflightError, match="keep their precision"):
        run_gate(model, batch, features)


def test_an_evaluation_that_changes_the_gradients_is_refused() -> None:
    """bitsandbytes 0.50.2 repacks 4-bit weights on a CPU at the first evaluation: no derivative from then on."""
    model, batch, features = parts()
    layer = model.network.model.language_model.layers[0].mlp
    original = layer.forward

    def forward(values):  # type: ignore[no-untyped-def]
        layer.repacked = getattr(layer, "repacked", False) or not layer.training
        result = original(values)
        return result.detach() if layer.repacked else result

    layer.forward = forward
    with pytest.raises(PreflightError, match="no derivative"):
        run_gate(model, batch, features)


def test_half_precision_that_overflows_is_refused() -> None:
    """What float16 does to Gemma: activations beyond 65,504 become infinite."""
    model, batch, features = parts()
    layer = model.network.model.language_model.layers[0]
    original = layer.mlp.forward
    layer.mlp.forward = lambda values: (original(values) * 1e8).half().float()
    with pytest.raises(PreflightError, match=r"finite|NaN"):
        run_gate(model, batch, features)


@pytest.mark.parametrize("family", ["gemma", "gemma2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_families_pass_in_both_precisions(family: str, dtype: torch.dtype) -> None:
    model = random_model(family=family, dtype=dtype)
    batch, features = micro_batches(model, random_examples(model), 4)[0], random_features(model)
    run_gate(model, batch, features)
    assert model.short_last_layer


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(PreflightError, match="Nothing would be trained"):
        check_modules(random_model(targets=None))


def test_a_pretrained_model_that_starts_above_guessing_is_refused_and_the_small_one_is_told() -> None:
    said: list[str] = []
    check_start(3.0, 4.0, pretrained=True, warn=said.append)
    check_start(5.0, 4.0, pretrained=False, warn=said.append)
    assert len(said) == 1
    with pytest.raises(PreflightError, match=r"5\.00 nats a token"):
        check_start(5.0, 4.0, pretrained=True, warn=said.append)


@pytest.mark.training
def test_a_set_up_that_is_refused_leaves_no_record(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters by suffix name, as in the tutorials: the whole command stops before the first step."""
    monkeypatch.setattr(lora, "lora_pattern", lambda targets: list(lora.TARGETS[targets]))
    with pytest.raises(PreflightError, match="vision tower"):
        calibrate(settings("refused"), StopFlag())
    out = settings("refused").out
    assert not (out / "calibration.json").exists()
    assert not list(out.rglob("*.jsonl"))
