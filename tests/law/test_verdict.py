"""Verdicts: four words, each with its chance, its horizon and its sentence; none for what is not a law."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from benchmarks._shapes import SEEDS, SHAPES, T, drawn
from planner.curve import curve_from_arrays
from planner.law import Prospect, examples_to, fit_law, forecast
from planner.outcome import AsymptoteStatus, VerdictName
from planner.record import Configuration, LossKind

NOISE = 1 + 0.003 * np.random.default_rng(5).normal(size=10)
LAW = fit_law(curve_from_arrays(T, (2 * (T / 256) ** -0.5 + 1) * NOISE))


def test_a_target_above_the_measured_loss_is_reachable_for_certain() -> None:
    answer = forecast(LAW, 1.5)
    assert answer.verdict.name is VerdictName.REACHABLE
    assert answer.verdict.probability >= 0.99
    assert (answer.examples_m <= T[-1]).all()


def test_a_target_far_below_the_floor_is_unreachable_and_needs_infinitely_many_examples() -> None:
    answer = forecast(LAW, 0.7)
    assert answer.verdict.name is VerdictName.UNREACHABLE
    assert np.isinf(answer.examples_m).mean() > 0.9
    assert "out of reach" in answer.verdict.sentence


def test_a_target_that_the_floor_allows_and_the_studies_do_not_lacks_data() -> None:
    falling = fit_law(curve_from_arrays(T, 4 * (T / 256) ** -0.2 * NOISE))
    answer = forecast(falling, 1.2, unique_examples=6000)
    assert answer.verdict.name is VerdictName.NOT_ENOUGH_DATA
    assert "different studies" in answer.verdict.sentence


def test_a_target_inside_the_interval_is_undecided_and_the_sentence_says_what_would_help() -> None:
    far = LAW.loss_at(64 * float(T[-1]))
    answer = forecast(LAW, far.p50)
    assert answer.verdict.name is VerdictName.UNDECIDED
    assert "budget" in answer.verdict.sentence


def test_the_probability_never_falls_as_the_target_rises() -> None:
    chances = [forecast(LAW, target).verdict.probability for target in np.linspace(0.6, 2.0, 25)]
    assert chances == sorted(chances)


@pytest.mark.parametrize("studies", [None, 9000.0])
@pytest.mark.parametrize("target", np.linspace(0.9, 1.3, 9))
def test_the_probability_is_the_share_of_draws_that_get_there_within_the_horizon(
    target: float, studies: float | None
) -> None:
    found = forecast(LAW, target, unique_examples=studies, horizon_examples=40_000.0)
    within = found.examples_m <= found.verdict.horizon_examples
    assert found.verdict.probability == float(within.mean())


def test_the_horizon_is_the_least_of_what_limits_it_and_says_which() -> None:
    assert forecast(LAW, 1.0).verdict.horizon_examples == pytest.approx(64 * T[-1])
    money = forecast(LAW, 1.0, horizon_examples=50000).verdict
    assert (money.horizon_examples, "money" in money.horizon_reason) == (50000, True)
    data = forecast(LAW, 1.0, unique_examples=9000, horizon_examples=50000).verdict
    assert data.horizon_examples == pytest.approx(36000)
    assert "9,000 different studies" in data.horizon_reason


def test_the_mass_at_infinity_is_kept() -> None:
    far = LAW.loss_at(64 * float(T[-1]))
    never = np.isinf(examples_to(LAW, far.p50))
    assert 0.05 < never.mean() < 0.95


def test_a_clean_long_curve_has_an_identified_asymptote_whatever_the_target() -> None:
    statuses = {forecast(LAW, target).asymptote.status for target in (0.5, 1.0, 2.0)}
    assert statuses == {AsymptoteStatus.IDENTIFIED}


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_not_a_law_gets_no_confident_verdict_and_no_floor(name: str) -> None:
    for seed in range(SEEDS):
        loss = drawn(name, seed)
        law = fit_law(curve_from_arrays(T, loss))
        assert law.asymptote.status is AsymptoteStatus.NOT_IDENTIFIED
        for share in (0.6, 0.9, 1.1):
            assert forecast(law, share * float(loss.min())).verdict.name is VerdictName.UNDECIDED, (seed, share)


def test_true_laws_are_hardly_ever_refused() -> None:
    refused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        b, c = rng.uniform(0.2, 1.0), rng.uniform(0.3, 3.0)
        loss = (2 * (T / 256) ** -b + c) * (1 + 0.01 * rng.normal(size=10))
        refused += fit_law(curve_from_arrays(T, loss)).blocked
    assert refused <= 3


def test_training_loss_forbids_a_confident_verdict_however_clean_the_curve() -> None:
    curve = msgspec.structs.replace(LAW.curve, loss_kind=LossKind.TRAINING)
    answer = forecast(fit_law(curve), 1.5)
    assert answer.verdict.name is VerdictName.UNDECIDED
    assert "training loss" in answer.verdict.sentence


def test_a_prospect_says_of_each_target_what_it_would_say_of_that_target_alone() -> None:
    targets = (2.0, 1.2, 1.6, 1.2)
    prospect = Prospect(LAW, unique_examples=5_000.0)
    for target in targets:
        alone, asked = forecast(LAW, target, unique_examples=5_000.0), prospect.forecast(target)
        np.testing.assert_array_equal(asked.examples_m, alone.examples_m)
        assert asked.verdict == alone.verdict
        assert asked.band == alone.band
        assert asked.loss_at_horizon == alone.loss_at_horizon


def test_an_adapter_that_may_fall_a_second_time_is_less_soon_called_out_of_reach() -> None:
    adapter = msgspec.structs.replace(LAW.curve, configuration=Configuration(image_tokens=256, lora_rank=8))
    plain, careful = Prospect(LAW), Prospect(fit_law(adapter))
    targets = np.linspace(0.75, 0.99, 13)
    chances = [(careful.forecast(t).verdict.probability, plain.forecast(t).verdict.probability) for t in targets]
    assert all(mine >= theirs for mine, theirs in chances)
    assert any(mine > theirs for mine, theirs in chances)
    assert careful.forecast(0.5).verdict.name is VerdictName.UNREACHABLE
