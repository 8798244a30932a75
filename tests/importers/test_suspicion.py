"""What a log hides from its numbers, all the way from its bytes to the diagnosis of the law."""

from __future__ import annotations

import numpy as np
import pytest

from planner.curve import loss_curves
from planner.importers import ImportFacts, parse_log
from planner.law import fit_law
from planner.record import LossKind
from tests.importers import logs
from tests.importers.logs import loss

STEPS = range(10, 2001, 10)
NOISE = np.random.default_rng(3).normal(size=len(STEPS))
NOISY = {step: loss(step) * (1 + 0.02 * noise) for step, noise in zip(STEPS, NOISE, strict=True)}


def codes(data: bytes, **facts: object) -> set[str]:
    (curve,) = loss_curves(parse_log(data, file="log", facts=ImportFacts(**facts)))
    return {finding.code for finding in fit_law(curve).findings}


def events(losses: dict[int, float], **others: float) -> bytes:
    return logs.tensorboard_events([(s, logs.clock(s), {"train/loss": value, **others}) for s, value in losses.items()])


def smoothed(losses: dict[int, float], weight: float = 0.9) -> dict[int, float]:
    """As TensorBoard's slider does it, without a word in the name of the column."""
    last, found = next(iter(losses.values())), {}
    for step, value in losses.items():
        last = weight * last + (1 - weight) * value
        found[step] = last
    return found


def test_values_that_were_smoothed_under_an_innocent_name_are_found_out() -> None:
    assert "smoothed" in codes(events(smoothed(NOISY)))
    assert "smoothed" not in codes(events(NOISY))


def test_losses_that_a_trainer_masked_show_by_their_gradients() -> None:
    state = logs.trainer_state()
    for entry in state["log_history"][20:60:5]:
        if "grad_norm" in entry:
            entry["grad_norm"] = float("nan")
    assert "non_finite" in codes(logs.encoded(state), loss_kind=LossKind.TRAINING)


def test_points_that_were_dropped_show_by_the_gaps_they_leave() -> None:
    kept = {step: value for step, value in NOISY.items() if step % 70}
    assert "gaps" in codes(events(kept))
    assert "gaps" not in codes(events(NOISY))


@pytest.mark.parametrize(("schedule", "code"), [(1e-5, "not_annealed"), (None, "mid_run_points")])
def test_a_rate_that_never_came_to_its_end_is_said(schedule: float | None, code: str) -> None:
    assert code in codes(events(NOISY, **({"train/learning_rate": schedule} if schedule else {})))


def test_training_loss_is_never_taken_for_held_out_loss() -> None:
    assert "training_loss_only" in codes(events(NOISY))
    assert "loss_kind_unknown" in codes(logs.tensorboard_csv())
