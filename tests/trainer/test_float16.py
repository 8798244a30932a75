"""float16 arithmetic for V100 and T4: the float32 result where the stock model computes infinities."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from planner.record import Answers, read_calibration
from tests.trainer.conftest import Make
from tests.trainer.models import random_examples, random_features, random_model
from trainer import model as model_module
from trainer import quantize
from trainer.answers import generate
from trainer.calibration import calibrate, final_losses
from trainer.feature_cache import FeatureCache
from trainer.float16 import FIRST_LOSS_SCALE, LARGEST_LOSS_SCALE, LossScale
from trainer.last_layer import shorten_last_layer
from trainer.memory import set_checkpointing
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.preflight import run_gate
from trainer.step import micro_batches, token_losses, training_step
from trainer.stopping import StopFlag


def swell(model: LoadedModel, factor: float) -> None:
    """As trained Gemmas do: one layer's MLP writes far larger numbers than the others."""
    mlp = model.network.model.language_model.layers[0].mlp
    with torch.no_grad():
        for projection in (mlp.gate_proj, mlp.up_proj):
            getattr(projection, "base_layer", projection).weight *= factor


def gradients(model: LoadedModel) -> torch.Tensor:
    model.network.train()
    batch = micro_batches(model, random_examples(model), 4)[0]
    torch.autograd.backward(token_losses(model, batch, random_features(model)).mean())
    found = torch.cat([p.grad.float().flatten() for p in model.trainable() if p.grad is not None])
    model.network.zero_grad()
    return found


def losses(model: LoadedModel) -> torch.Tensor:
    model.network.eval()
    with torch.no_grad():
        return token_losses(model, micro_batches(model, random_examples(model), 4)[0], random_features(model))


@pytest.mark.parametrize("family", ["gemma", "gemma2"])
@pytest.mark.parametrize("factor", [1.0, 3000.0])
def test_losses_and_gradients_are_those_of_float32_even_beyond_what_float16_holds(family: str, factor: float) -> None:
    wide, half = random_model(family=family), random_model(family=family, dtype=torch.float16)
    for model in (wide, half):
        swell(model, factor)
    assert torch.allclose(losses(half), losses(wide), rtol=0.01, atol=0.01)
    one, other = gradients(half), gradients(wide)
    assert float(torch.dot(one, other) / (one.norm() * other.norm())) > 0.999
    assert float(one.norm() / other.norm()) == pytest.approx(1.0, abs=0.02)


def test_the_stock_model_does_overflow_there() -> None:
    """Otherwise the test above would show nothing."""
    stock = random_model()
    swell(stock, 3000.0)
    stock.network.half()
    stock.dtype = torch.float16
    assert not bool(torch.isfinite(losses(stock)).all())


@pytest.mark.parametrize("family", ["gemma", "gemma2"])
def test_the_gate_passes_it_and_checkpointing_changes_nothing(family: str) -> None:
    model = random_model(family=family, dtype=torch.float16)
    run_gate(model, micro_batches(model, random_examples(model), 4)[0], random_features(model))
    assert model.short_last_layer
    before = gradients(model)
    set_checkpointing(model.network, True)
    assert torch.equal(before, gradients(model))


def test_it_learns_as_float32_does() -> None:
    ends = {}
    for dtype in (torch.float32, torch.float16):
        model = random_model(dtype=dtype)
        optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-2)
        features = random_features(model)
        for _ in range(12):
            result = training_step(model, optimizer, random_examples(model), features.__getitem__, micro_batch_size=2)
            assert result.finite
        ends[dtype] = result
    assert ends[torch.float16].loss == pytest.approx(ends[torch.float32].loss, rel=0.01)
    assert ends[torch.float16].gradient_norm == pytest.approx(ends[torch.float32].gradient_norm, rel=0.05)


def test_gradients_that_overflow_cost_no_example() -> None:
    """The step is done again with half the scale, until it fits."""
    model = random_model(dtype=torch.float16)
    features = random_features(model)
    ends = {}
    for scale in (FIRST_LOSS_SCALE, 2.0**40):
        optimizer = MasterAdamW(model.trainable_named(), learning_rate=0.0)
        optimizer.loss_scale.value = scale
        ends[scale] = training_step(
            model, optimizer, random_examples(model), lambda rows: features[rows], micro_batch_size=2
        )
        assert optimizer.loss_scale.value < 2.0**30
    assert ends[2.0**40].finite
    assert ends[2.0**40].gradient_norm == pytest.approx(ends[FIRST_LOSS_SCALE].gradient_norm, rel=0.02)


def test_a_loss_that_is_not_finite_is_not_blamed_on_the_scale() -> None:
    model = random_model(dtype=torch.float16)
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-2)
    features = random_features(model) * float("nan")
    result = training_step(model, optimizer, random_examples(model), lambda rows: features[rows], micro_batch_size=2)
    assert not result.finite
    assert optimizer.loss_scale.value == FIRST_LOSS_SCALE


def test_the_scale_recovers_slowly_and_stays_one_elsewhere() -> None:
    scale = LossScale(active=True)
    assert scale.overflowed()
    assert scale.value == FIRST_LOSS_SCALE / 2
    for _ in range(5000):
        scale.worked()
    assert scale.value == LARGEST_LOSS_SCALE
    while scale.overflowed():
        pass
    assert scale.value == 1.0
    other = MasterAdamW(random_model().trainable_named(), learning_rate=0.0).loss_scale
    other.worked()
    assert (other.active, other.value, other.overflowed()) == (False, 1.0, False)


def test_answers_are_those_of_float32() -> None:
    texts = []
    for dtype in (torch.float32, torch.float16):
        model = random_model(dtype=dtype)
        found = generate(model, random_examples(model), FeatureCache(random_features(model)), longest_tokens=6)
        texts.append([answer.text for answer in found])
    assert texts[0] == texts[1]


def test_the_last_layer_can_be_shortened_before_or_after() -> None:
    model = random_model(dtype=torch.float16)
    before = losses(model)
    shorten_last_layer(model.network)
    assert torch.equal(before, losses(model))


@pytest.mark.training
def test_a_calibration_in_float16_falls_like_the_one_in_float32_and_says_so(
    settings: Make, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way of a V100: weights, features, gate, probes, steps, answers."""
    monkeypatch.setattr(quantize, "compute_dtype", lambda *_: torch.float16)
    monkeypatch.setattr(model_module, "compute_dtype", lambda *_: torch.float16)
    outcome = calibrate(settings("half"), StopFlag())
    assert outcome.exit_code == 0
    assert outcome.calibration.header.configuration.precision == "float16"
    ours, theirs = final_losses(outcome.calibration), final_losses(read_calibration(finished))
    assert [event.examples for _, event in ours] == [event.examples for _, event in theirs]
    for (_, one), (_, other) in zip(ours, theirs, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=0.01)
    assert all(run.of(Answers) for run, _ in ours)
