"""The posterior: seeded, ordered, covering, and an outcome for every curve."""

from __future__ import annotations

import math
import warnings

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import Design, curve_from_arrays
from planner.errors import CurveError
from planner.law import examples_to, fit_law, forecast
from planner.law.forms import Shapes, drop, drop_at_infinity, effective_log_t
from planner.law.posterior import posterior
from planner.outcome import AsymptoteStatus, VerdictName

losses = st.lists(st.floats(0.05, 20.0), min_size=1, max_size=10) | st.lists(
    st.floats(-20.0, 20.0).map(math.exp), min_size=1, max_size=40
)


def law_of(b: float, c: float, n: int = 8, noise: float = 0.003, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    t = np.geomspace(256, 256 * 2 ** (n - 1), n)
    return t, (2 * (t / 256) ** -b + c) * (1 + noise * np.random.default_rng(seed).normal(size=n))


@given(losses, st.sampled_from(Design), st.floats(-6, 9), st.floats(1.01, 4.0))
@settings(max_examples=100, deadline=None)
def test_any_losses_give_an_outcome_and_never_an_exception(
    values: list[float], design: Design, log_unit: float, step: float
) -> None:
    loss = np.array(values)
    t = 10.0**log_unit * step ** np.arange(len(loss))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        law = fit_law(curve_from_arrays(t, loss, design=design))
        answer = forecast(law, float(loss.min()) * 0.9)
    assert law.sentence
    assert law.asymptote.sentence
    assert law.asymptote.p05 <= law.asymptote.p50 <= law.asymptote.p95
    assert answer.loss_at_horizon.p05 <= answer.loss_at_horizon.p50 <= answer.loss_at_horizon.p95
    assert all(math.isfinite(value) for value in answer.band.p95)


def test_no_points_are_refused_in_one_sentence() -> None:
    with pytest.raises(CurveError, match="at least one point"):
        curve_from_arrays(np.array([]), np.array([]))


def test_the_same_seed_gives_the_same_law() -> None:
    curve = curve_from_arrays(*law_of(0.5, 1.0))
    one, other = forecast(fit_law(curve, seed=7), 1.3), forecast(fit_law(curve, seed=7), 1.3)
    assert np.array_equal(one.examples_m, other.examples_m)
    assert one.verdict == other.verdict


def test_the_order_of_the_points_is_irrelevant() -> None:
    t, loss = law_of(0.4, 1.0)
    order = np.random.default_rng(0).permutation(len(t))
    one, other = fit_law(curve_from_arrays(t, loss)), fit_law(curve_from_arrays(t[order], loss[order]))
    assert one.asymptote == other.asymptote


@given(st.floats(0.15, 1.0), st.floats(0.2, 3.0), st.floats(0.5, 1.4), st.floats(0.01, 0.3))
@settings(max_examples=25, deadline=None)
def test_a_lower_target_never_needs_fewer_examples(b: float, c: float, share: float, less: float) -> None:
    law = fit_law(curve_from_arrays(*law_of(b, c)))
    target = share * float(law.curve.loss_n[-1])
    high, low = examples_to(law, target), examples_to(law, target * (1 - less))
    for level in (0.1, 0.5, 0.9):
        assert np.quantile(low, level, method="inverted_cdf") >= np.quantile(high, level, method="inverted_cdf")


@given(st.floats(0.15, 1.0), st.floats(0.2, 3.0), st.floats(1.0, 64.0))
@settings(max_examples=25, deadline=None)
def test_the_interval_holds_the_median_and_grows_with_distance(b: float, c: float, ratio: float) -> None:
    law = fit_law(curve_from_arrays(*law_of(b, c)))
    last = float(law.curve.examples_n[-1])
    near, far = law.loss_at(last * ratio), law.loss_at(last * ratio * 8)
    assert near.p05 <= near.p50 <= near.p95
    assert math.log(far.p95 / far.p05) >= 0.95 * math.log(near.p95 / near.p05)


def test_the_asymptote_of_a_clean_long_curve_is_found() -> None:
    asymptote = fit_law(curve_from_arrays(*law_of(0.6, 1.5, n=12, noise=0.002))).asymptote
    assert asymptote.status is AsymptoteStatus.IDENTIFIED
    assert asymptote.p05 <= 1.5 <= asymptote.p95


def test_four_doublings_with_one_percent_noise_identify_no_asymptote() -> None:
    named = [
        fit_law(curve_from_arrays(*law_of(0.4, 1.0, n=5, noise=0.01, seed=seed))).asymptote.status for seed in range(20)
    ]
    assert named.count(AsymptoteStatus.NOT_IDENTIFIED) >= 18


def test_ninety_percent_intervals_hold_the_truth_about_ninety_percent_of_the_time() -> None:
    rng = np.random.default_rng(11)
    held = []
    for i in range(80):
        b, c = rng.uniform(0.2, 1.0), rng.uniform(0.3, 3.0)
        draws = posterior(curve_from_arrays(*law_of(b, c, n=int(rng.integers(6, 12)), noise=0.008, seed=i)))
        low, high = np.quantile(draws.asymptotes(), [0.05, 0.95])
        held.append(low <= c <= high)
    assert np.mean(held) >= 0.8


def test_a_slow_start_is_not_taken_for_a_floor() -> None:
    t = np.geomspace(128, 32768, 9)
    loss = 4 * ((t + 900) / 1000) ** -0.5 + 0.6
    law = fit_law(curve_from_arrays(t, loss))
    expected = 4 * ((8 * t[-1] + 900) / 1000) ** -0.5 + 0.6
    assert law.loss_at(8 * float(t[-1])).p50 == pytest.approx(expected, rel=0.06)


def test_replicates_narrow_the_interval() -> None:
    t, loss = law_of(0.5, 1.0, noise=0.0)
    rng = np.random.default_rng(2)
    once = fit_law(curve_from_arrays(t, loss * (1 + 0.01 * rng.normal(size=len(t)))))
    often = np.concatenate([loss * (1 + 0.01 * rng.normal(size=len(t))) for _ in range(6)])
    many = fit_law(curve_from_arrays(np.tile(t, 6), often))
    assert many.asymptote.p95 - many.asymptote.p05 < once.asymptote.p95 - once.asymptote.p05


def test_a_small_held_out_set_widens_the_interval() -> None:
    t, loss = law_of(0.5, 1.0, n=8, noise=0.001)
    plain = curve_from_arrays(t, loss)
    rng = np.random.default_rng(3)
    tokens = np.full(12, 20.0)
    hardness = rng.gamma(2.0, 0.5, size=12)
    sums = loss[:, None] * tokens * hardness / hardness.mean()
    shared = msgspec.structs.replace(plain, case_loss_sums_nk=sums, case_tokens_k=tokens)

    def width(curve: object) -> float:
        interval = fit_law(curve).loss_at(float(t[-1]))  # type: ignore[arg-type]
        return interval.p95 - interval.p05

    assert width(shared) > 2 * width(plain)


def test_branches_of_one_trunk_count_for_less_than_separate_runs() -> None:
    t, loss = law_of(0.5, 1.0, noise=0.01)
    apart = curve_from_arrays(t, loss)
    branches = msgspec.structs.replace(apart, trunk_n=("trunk",) * len(t))
    spread = [float(posterior(curve).loss_m.std()) for curve in (apart, branches)]
    assert spread[1] != spread[0]


def test_repeated_studies_are_worth_less_than_new_ones() -> None:
    t, loss = law_of(0.5, 1.0, n=9)
    new = curve_from_arrays(t, loss)
    repeated = msgspec.structs.replace(new, unique_examples_n=t, training_examples_available=int(t[-1]))
    ahead = 16 * float(t[-1])
    assert fit_law(repeated).loss_at(ahead).p50 > fit_law(new).loss_at(ahead).p50


def test_effective_examples_are_the_examples_within_the_first_pass() -> None:
    log_t = np.log(np.array([10.0, 100.0, 1000.0]))
    found = np.exp(effective_log_t(log_t, np.array([10.0, 100.0, 100.0]), np.array([15.0, math.inf])))
    assert found[0, :2] == pytest.approx([10, 100])
    assert found[1] == pytest.approx([10, 100, 1000])
    assert found[0, 2] == pytest.approx(100 + 100 * 15 * (1 - math.exp(-9 / 15)))


@pytest.mark.parametrize(("rectified", "log_shift"), [(False, -math.inf), (False, 5.0), (True, 5.0)])
def test_every_member_falls_with_unit_slope_at_the_last_point_and_ends_at_its_floor(
    rectified: bool, log_shift: float
) -> None:
    shapes = Shapes(
        rectified_s=np.array([rectified]),
        exponent_s=np.array([0.7]),
        log_shift_s=np.array([log_shift]),
        worth_s=np.array([math.inf]),
    )
    last, step = np.array([7.0]), 1e-5
    around = drop(shapes, np.array([7.0 - step, 7.0, 7.0 + step, 200.0]), last)[0]
    assert around[1] == 0
    assert (around[2] - around[0]) / (2 * step) == pytest.approx(1.0, rel=1e-6)
    assert around[3] == pytest.approx(drop_at_infinity(shapes, last)[0], rel=1e-9)


def test_a_trace_of_thousands_of_points_is_read_in_a_moment() -> None:
    t = np.arange(1.0, 6001.0)
    loss = (3 * t**-0.3 + 1) * (1 + 0.03 * np.random.default_rng(0).normal(size=len(t)))
    law = fit_law(curve_from_arrays(t, loss, design=Design.TRACE))
    assert law.loss_at(6000.0).p50 == pytest.approx(3 * 6000.0**-0.3 + 1, rel=0.01)


def test_verdict_names_are_the_four_words() -> None:
    assert {name.value for name in VerdictName} == {"REACHABLE", "UNREACHABLE", "NOT_ENOUGH_DATA", "UNDECIDED"}
