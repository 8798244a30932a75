"""The law on a grid: the same answers as the forecast, and what more different studies change."""

from __future__ import annotations

import numpy as np
import pytest

from planner.curve import loss_curves
from planner.law import Law, fit_law, forecast, loss_paths
from tests.factories import example_calibration


@pytest.fixture(scope="module")
def law() -> Law:
    return fit_law(loss_curves(example_calibration())[0])


@pytest.mark.parametrize("target_loss", [1.7, 1.5, 1.45])
@pytest.mark.parametrize("unique_studies", [None, 20_000.0])
def test_examples_to_a_target_are_those_of_the_forecast(
    law: Law, target_loss: float, unique_studies: float | None
) -> None:
    answer = forecast(law, target_loss, unique_examples=unique_studies)
    paths = loss_paths(law, unique_studies)
    horizon = answer.verdict.horizon_examples
    assert paths.horizon_examples == horizon
    expected = np.where(answer.examples_m <= horizon, answer.examples_m, np.inf)
    found = paths.examples_to(target_loss)
    assert np.mean(np.isinf(found) != np.isinf(expected)) < 0.01
    both = np.isfinite(found) & np.isfinite(expected)
    # Two grids: a draw that is almost flat meets the target a little earlier or later on the other.
    assert np.mean(np.abs(found[both] / expected[both] - 1) > 0.05) < 0.01


def test_loss_at_the_examples_to_a_target_is_the_target(law: Law) -> None:
    paths = loss_paths(law)
    examples = paths.examples_to(1.6)
    reached = np.isfinite(examples) & (examples > paths.examples_q[0])
    loss = paths.loss_at(examples[reached], np.flatnonzero(reached))
    np.testing.assert_allclose(loss, 1.6, rtol=1e-3)


def test_below_the_smallest_budget_nothing_is_said_and_beyond_the_horizon_nothing_more(law: Law) -> None:
    paths = loss_paths(law)
    m = len(paths.loss_mq)
    assert np.isinf(paths.loss_at(np.full(m, paths.examples_q[0] / 2))).all()
    np.testing.assert_array_equal(paths.loss_at(np.full(m, 1e12)), paths.loss_mq[:, -1])


def test_more_different_studies_reach_a_lower_loss_and_never_a_higher_one(law: Law) -> None:
    lowest = [loss_paths(law, studies).at_horizon.p50 for studies in (1_800.0, 5_000.0, 20_000.0)]
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[-1] < lowest[0]
    assert loss_paths(law).limited_by == "studies"


def test_a_calibration_without_subsets_does_not_measure_the_data_axis(law: Law) -> None:
    assert not loss_paths(law).data_axis_measured
