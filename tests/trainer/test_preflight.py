"""The gate: each silent failure, planted."""

from __future__ import annotations

import pytest
import torch
from msgspec import structs

from tests.trainer.models import random_examples, random_features, random_model
from trainer.preflight import PreflightError, check_modules, check_start, run_gate
from trainer.step import micro_batches


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
