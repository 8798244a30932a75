"""Advice on the next run."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import Design, curve_from_arrays, loss_curves
from planner.law import Law, fit_law, forecast, next_run
from planner.outcome import VerdictName
from planner.record import read_calibration
from planner.resources import data_directory

BUDGETS = 256 * 2.0 ** np.arange(7)


def law_of(c: float = 1.0, noise: float = 0.02, *, seed: int = 1) -> Law:
    rng = np.random.default_rng(seed)
    loss = (5 * BUDGETS**-0.4 + c) * (1 + noise * rng.standard_normal(len(BUDGETS)))
    return fit_law(curve_from_arrays(BUDGETS, loss))


def test_an_undecided_verdict_gets_a_run_with_its_chance() -> None:
    law = law_of()
    target = 1.02
    assert forecast(law, target).verdict.name is VerdictName.UNDECIDED
    advice = next_run(law, target)
    assert advice.best is not None
    assert 0.05 <= advice.best.chance_settled <= 1
    assert f"{100 * advice.best.chance_settled:.0f} %" in advice.sentence


def test_advice_is_about_the_verdict_of_the_studies_that_will_be_there() -> None:
    example = fit_law(loss_curves(read_calibration(data_directory() / "example" / "calibration.jsonl"))[0])
    own, studies = 4.1, 14_600.0
    verdict = forecast(example, own, unique_examples=studies).verdict.name
    assert verdict is VerdictName.UNDECIDED
    advice = next_run(example, own, unique_examples=studies)
    assert "verdict stands" not in advice.sentence
    assert advice.candidates


def test_where_several_runs_would_settle_it_the_cheapest_is_named() -> None:
    law = law_of()
    found = 0
    for target in (0.9, 0.95, 1.02, 1.05):
        advice = next_run(law, target)
        likely = [candidate for candidate in advice.candidates if candidate.chance_settled >= 0.8]
        if advice.best is not None and likely and "settle" in advice.sentence:
            found += 1
            assert advice.best.total_examples == min(candidate.total_examples for candidate in likely)
    assert found


def test_more_replicates_of_a_budget_never_settle_much_less() -> None:
    candidates = next_run(law_of(), 1.04).candidates
    for budget in {candidate.budget_examples for candidate in candidates}:
        chances = [c.chance_settled for c in candidates if c.budget_examples == budget]
        assert chances[-1] >= chances[0] - 0.1


def test_nothing_is_advised_where_the_verdict_stands_and_the_examples_are_known() -> None:
    law = law_of(noise=0.002)
    assert forecast(law, 1.4).verdict.name is VerdictName.REACHABLE
    advice = next_run(law, 1.4)
    assert advice.best is None
    assert advice.examples_factor_now is not None and advice.examples_factor_now <= 1.5
    assert "no further run is needed" in advice.sentence


def test_an_unreachable_target_is_not_helped_by_a_run() -> None:
    law = law_of(noise=0.001)
    assert forecast(law, 0.6).verdict.name is VerdictName.UNREACHABLE
    advice = next_run(law, 0.6)
    assert advice.best is None
    assert "would not change it" in advice.sentence


def test_a_limit_on_examples_holds_for_all_replicates_together() -> None:
    advice = next_run(law_of(), 1.04, affordable_examples=20_000)
    assert advice.candidates
    assert max(candidate.total_examples for candidate in advice.candidates) <= 20_000
    assert next_run(law_of(), 1.04, affordable_examples=10).best is None


def test_a_trace_is_answered_with_separate_budgets() -> None:
    t = np.linspace(100, 10_000, 200)
    advice = next_run(fit_law(curve_from_arrays(t, 5 * t**-0.4 + 1, design=Design.TRACE)), 1.1)
    assert advice.best is None
    assert "Separate runs" in advice.sentence


def test_where_studies_repeat_a_nested_subset_is_looked_at() -> None:
    """It sees half of the studies, so it is expected to show a higher loss than the same budget on all of them."""
    curve = law_of().curve
    repeated = msgspec.structs.replace(
        curve, unique_examples_n=np.minimum(BUDGETS, 2000.0), training_examples_available=2000
    )
    law = fit_law(repeated)
    undecided = forecast(law, 1.1).loss_at_horizon.p50
    candidates = next_run(law, undecided).candidates
    subset = next(c for c in candidates if c.unique_examples == 1000 and c.replicates == 1)
    whole = next(c for c in candidates if c.unique_examples is None and c.budget_examples == subset.budget_examples)
    assert subset.budget_examples == BUDGETS[-1]
    assert subset.loss_expected.p50 > whole.loss_expected.p50
    assert all(c.unique_examples is None for c in next_run(law_of(), 1.04).candidates)


@pytest.mark.parametrize("points", [1, 2, 3])
def test_too_few_points_are_answered_with_a_calibration(points: int) -> None:
    advice = next_run(fit_law(curve_from_arrays(BUDGETS[:points], 5 * BUDGETS[:points] ** -0.4 + 1)), 1.2)
    assert advice.best is None
    assert advice.sentence


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 50), st.floats(0.2, 3), st.integers(0, 50))
def test_any_target_gets_a_sentence_and_finite_chances(scale: float, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loss = scale * (2 * BUDGETS**-0.3 + 0.5) * (1 + 0.02 * rng.standard_normal(len(BUDGETS)))
    advice = next_run(fit_law(curve_from_arrays(BUDGETS, loss)), float(loss[-1]) * share)
    assert advice.sentence.endswith(".")
    assert all(0 <= c.chance_settled <= 1 for c in advice.candidates)
    assert all(c.examples_factor is None or math.isfinite(c.examples_factor) for c in advice.candidates)
