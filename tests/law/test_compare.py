"""Two configurations side by side."""

import msgspec
import numpy as np
import pytest

from planner.curve import LossCurve, curve_from_arrays
from planner.law import Contender, compare, contenders_of, fit_law, pooled_exponent
from planner.record import Configuration
from tests.factories import example_calibration

BUDGETS = 256 * 2.0 ** np.arange(7)
CASES = 120


def curve_on_cases(c: float, *, luck: np.ndarray, seed: int, **configuration: float) -> LossCurve:
    """A curve whose held-out cases share their difficulty with the other curve's."""
    rng = np.random.default_rng(seed)
    tokens = np.full(CASES, 20.0)
    mean = 5 * BUDGETS**-0.4 + c
    sums = (mean[:, None] * luck + 0.02 * rng.standard_normal((len(BUDGETS), CASES))) * tokens
    curve = curve_from_arrays(BUDGETS, sums.sum(axis=1) / tokens.sum())
    return msgspec.structs.replace(
        curve,
        case_loss_sums_nk=sums,
        case_tokens_k=tokens,
        configuration=Configuration(model="tiny", dataset_digest="abc", **configuration),  # type: ignore[arg-type]
    )


@pytest.fixture
def luck() -> np.ndarray:
    """Some cases are twice as hard as others, for every configuration."""
    return np.random.default_rng(0).uniform(0.5, 1.5, CASES)


def contender(name: str, curve: LossCurve, **facts: object) -> Contender:
    return Contender(name=name, law=fit_law(curve), **facts)  # type: ignore[arg-type]


def test_a_small_difference_shows_through_hard_cases_because_they_are_paired(luck: np.ndarray) -> None:
    one = contender("rank 8", curve_on_cases(1.00, luck=luck, seed=1, lora_rank=8))
    two = contender("rank 16", curve_on_cases(0.97, luck=luck, seed=2, lora_rank=16))
    measured = compare(one, two).differences[0]
    assert measured.basis == "measured" and measured.paired
    assert measured.difference.p05 > 0
    unpaired_sd = float(np.std(luck)) / np.sqrt(CASES) * np.sqrt(2)
    assert measured.difference.p95 - measured.difference.p05 < unpaired_sd
    assert "rank 16 has the lower loss" in measured.sentence


def test_swapping_the_two_turns_every_difference_around(luck: np.ndarray) -> None:
    one = contender("a", curve_on_cases(1.0, luck=luck, seed=1), seconds_per_example=1.0, device="L4")
    two = contender("b", curve_on_cases(0.9, luck=luck, seed=2), seconds_per_example=2.0, device="L4")
    there, back = compare(one, two), compare(two, one)
    assert [d.basis for d in there.differences] == ["measured", "matched_examples", "matched_hours", "asymptote"]
    for forward, backward in zip(there.differences, back.differences, strict=True):
        assert forward.difference.p50 == pytest.approx(-backward.difference.p50, abs=1e-12)
        assert forward.probability_first_better == pytest.approx(1 - backward.probability_first_better)


def test_the_same_curve_twice_shows_no_difference(luck: np.ndarray) -> None:
    curve = curve_on_cases(1.0, luck=luck, seed=1)
    found = compare(contender("a", curve), contender("b", curve))
    assert found.sentence.startswith("No clear difference")
    assert all(d.difference.p05 <= 0 <= d.difference.p95 for d in found.differences)


def test_a_faster_configuration_gains_at_matched_hours(luck: np.ndarray) -> None:
    slow = contender("slow", curve_on_cases(1.0, luck=luck, seed=1), seconds_per_example=4.0, device="L4")
    fast = contender("fast", curve_on_cases(1.0, luck=luck, seed=2), seconds_per_example=1.0, device="L4")
    by_basis = {d.basis: d for d in compare(slow, fast).differences}
    hours = by_basis["matched_hours"]
    assert hours.difference.p50 > by_basis["matched_examples"].difference.p50
    assert hours.examples_second == pytest.approx(4 * (hours.examples_first or 0))


def test_seconds_of_different_devices_are_not_matched(luck: np.ndarray) -> None:
    cpu = contender("cpu", curve_on_cases(1.0, luck=luck, seed=1), seconds_per_example=4.0, device="cpu")
    gpu = contender("gpu", curve_on_cases(1.0, luck=luck, seed=2), seconds_per_example=1.0, device="L4")
    assert "matched_hours" not in {d.basis for d in compare(cpu, gpu).differences}


def test_floors_that_are_not_identified_are_not_compared() -> None:
    short = curve_from_arrays(BUDGETS[:4], 5 * BUDGETS[:4] ** -0.2 + 0.5)
    found = compare(contender("a", short), contender("b", short))
    assert found.differences[-1].sentence.startswith("The floors cannot be compared")


def test_other_cases_and_another_learning_rate_are_cautions(luck: np.ndarray) -> None:
    one = contender("a", curve_on_cases(1.0, luck=luck, seed=1, learning_rate=1e-4))
    two = contender("b", curve_on_cases(1.0, luck=luck, seed=2, learning_rate=3e-4))
    found = compare(one, two)
    assert found.changed == ("learning_rate: 0.0001 against 0.0003",)
    assert any("learning rates differ" in sentence for sentence in found.cautions)
    bare = contender("c", curve_from_arrays(BUDGETS, 5 * BUDGETS**-0.4 + 1))
    assert any("same held-out cases" in sentence for sentence in compare(one, bare).cautions)


def test_exponents_that_agree_are_pooled_and_those_that_do_not_are_told_apart() -> None:
    t = np.geomspace(64, 65_536, 12)
    alike = pooled_exponent([fit_law(curve_from_arrays(t, 5 * t**-0.5 + c)) for c in (1.0, 0.8, 1.2)])
    assert alike.exponent.p05 < 0.5 < alike.exponent.p95
    assert alike.p_same > 0.1
    apart = pooled_exponent([fit_law(curve_from_arrays(t, 5 * t**-b + 1)) for b in (0.2, 1.0)])
    assert apart.p_same < 0.05
    assert apart.heterogeneity_percent > 50


def test_the_configurations_of_a_calibration_become_contenders() -> None:
    found = contenders_of(example_calibration(), "mine")
    assert [one.name for one in found] == ["mine"]
    assert found[0].seconds_per_example is None or found[0].seconds_per_example > 0


def test_runs_on_a_part_of_the_cases_do_not_count_against_the_configuration_that_has_them(luck: np.ndarray) -> None:
    """`calibrate run --subsets --vary`: only the base has them, at budgets that the others have, too."""
    plain = curve_on_cases(1.0, luck=luck, seed=1, lora_rank=8)
    rows = [4, 4, 5, 5, 6, 6]
    worse = np.array([1.1, 1.2] * 3)
    order = np.lexsort((np.r_[BUDGETS, BUDGETS[rows] / worse], np.r_[BUDGETS, BUDGETS[rows]]))
    assert plain.case_loss_sums_nk is not None
    with_parts = msgspec.structs.replace(
        plain,
        examples_n=np.r_[BUDGETS, BUDGETS[rows]][order],
        loss_n=np.r_[plain.loss_n, plain.loss_n[rows] * worse][order],
        unique_examples_n=np.r_[BUDGETS, BUDGETS[rows] / 4 / worse][order],
        case_loss_sums_nk=np.r_[plain.case_loss_sums_nk, plain.case_loss_sums_nk[rows] * worse[:, None]][order],
        run_n=tuple(f"run-{number}" for number in order),
        trunk_n=tuple(f"run-{number}" for number in order),
    )
    one, other = contender("base", with_parts), contender("other", plain)
    measured = compare(one, other).differences[0]
    assert measured.basis == "measured"
    assert measured.difference.p50 == pytest.approx(0.0, abs=1e-12)
    shape = {"no_fall", "rising_tail", "outlying_budget"}
    assert not shape & {finding.code for finding in one.law.findings}
