"""The point fit: certified digits, invariances, an outcome for every input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.law import FitStatus, PointFit, point_fit, resampled_fits
from tests.law.certify import SETS

CERTIFIED = {
    "eight budgets": {
        "a": "17.224886455751196658",
        "b": "0.45555942193893106810",
        "c": "1.7280445226449517847",
        "se_a": "0.26266513855112208410",
        "se_b": "0.0030581184420040055890",
        "se_c": "0.0037700962049932091789",
    },
    "three passes, large offset": {
        "a": "7.6476419011553549761",
        "b": "0.46580334508547201915",
        "c": "1000.8977141364400878",
        "se_a": "0.10604746348086546328",
        "se_b": "0.0071625882275114509711",
        "se_c": "0.014480685140155720579",
    },
}
SHARED = Path(__file__).resolve().parents[3] / "shared" / "certified" / "powerlaw_certified.json"

curves = st.tuples(
    st.floats(0.2, 1.5), st.floats(0.05, 5.0), st.integers(5, 14), st.integers(0, 2**31), st.floats(0.001, 0.02)
)


def digits(found: float, certified: str) -> float:
    """Correct digits (log relative error, NIST's measure)."""
    value = float(certified)
    return -math.log10(max(abs(found - value) / abs(value), 1e-16))


def drawn(parts: tuple[float, float, int, int, float]) -> tuple[np.ndarray, np.ndarray]:
    b, c, n, seed, noise = parts
    t = np.geomspace(100, 100 * 2 ** (n - 1), n)
    loss = 2 * (t / 100) ** -b + c
    return t, loss * (1 + noise * np.random.default_rng(seed).normal(size=n))


@pytest.mark.parametrize("name", SETS)
def test_parameters_and_errors_agree_with_sixty_digit_arithmetic(name: str) -> None:
    t, loss, _ = SETS[name]
    fit = point_fit(np.array(t, dtype=float), np.array([float(value) for value in loss]))
    worst = min(digits(getattr(fit, key), value) for key, value in CERTIFIED[name].items())
    assert fit.status is FitStatus.CONVERGED
    assert worst >= 10


@pytest.mark.skipif(not SHARED.exists(), reason="the certified sets are not beside this checkout")
def test_twelve_certified_sets_agree_to_ten_digits() -> None:
    sets = json.loads(SHARED.read_text())
    for entry in sets.values():
        fit = point_fit(np.array(entry["t"], dtype=float), np.array(entry["y"], dtype=float))
        found = [digits(getattr(fit, key), entry["params"][key]) for key in "abc"]
        found += [digits(getattr(fit, f"se_{key}"), entry["stddev"][key]) for key in "abc"]
        assert min(found) >= 10


@given(curves, st.floats(1e-6, 1e6))
@settings(max_examples=60, deadline=None)
def test_units_of_t_change_only_the_amplitude(parts: tuple[float, float, int, int, float], unit: float) -> None:
    t, loss = drawn(parts)
    one, other = point_fit(t, loss), point_fit(t * unit, loss)
    assert other.status is one.status
    if one.status is FitStatus.CONVERGED:
        assert other.b == pytest.approx(one.b, rel=1e-7)
        assert other.c == pytest.approx(one.c, rel=1e-7, abs=1e-7)
        assert other.a == pytest.approx(one.a * unit**one.b, rel=1e-5)


@given(curves, st.floats(0.0, 50.0))
@settings(max_examples=60, deadline=None)
def test_adding_a_constant_to_the_losses_moves_only_the_asymptote(
    parts: tuple[float, float, int, int, float], constant: float
) -> None:
    t, loss = drawn(parts)
    one, other = point_fit(t, loss), point_fit(t, loss + constant)
    assert other.status is one.status
    if one.status is FitStatus.CONVERGED:
        assert other.b == pytest.approx(one.b, rel=1e-6)
        assert other.a == pytest.approx(one.a, rel=1e-5)
        assert other.c == pytest.approx(one.c + constant, rel=1e-6, abs=1e-6)


@given(curves, st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_points_is_irrelevant(parts: tuple[float, float, int, int, float], random: object) -> None:
    t, loss = drawn(parts)
    order = np.random.default_rng(parts[3]).permutation(len(t))
    assert str(point_fit(t[order], loss[order])) == str(point_fit(t, loss))


def test_no_start_of_a_brute_search_finds_a_better_optimum() -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        t, loss = drawn(
            (rng.uniform(0.1, 1.5), rng.uniform(0.1, 3), int(rng.integers(4, 12)), int(rng.integers(1e6)), 0.01)
        )
        fit = point_fit(t, loss)
        if fit.status is not FitStatus.CONVERGED:
            continue
        least = min(rss_of(t, loss, b) for b in np.geomspace(1e-3, 20, 3000))
        assert ((loss - fit(t)) ** 2).sum() <= 1.000001 * least


def rss_of(t: np.ndarray, loss: np.ndarray, b: float) -> float:
    design = np.column_stack([(t / t[0]) ** -b, np.ones_like(t)])
    return float(((loss - design @ np.linalg.lstsq(design, loss, rcond=None)[0]) ** 2).sum())


@pytest.mark.parametrize(
    ("t", "loss", "status"),
    [
        ([10.0], [2.0], FitStatus.TOO_FEW_POINTS),
        ([10.0, 10.0, 10.0, 20.0], [2.0, 2.1, 2.0, 1.9], FitStatus.TOO_FEW_POINTS),
        ([10.0, 20.0, 40.0, 80.0], [2.0, 2.0, 2.0, 2.0], FitStatus.UNIDENTIFIED),
        ([10.0, 20.0, 40.0, 80.0], [4.0, 3.5, 3.0, 2.5], FitStatus.AT_BOUND),
    ],
)
def test_points_that_hold_no_law_say_so_in_the_status(t: list[float], loss: list[float], status: FitStatus) -> None:
    assert point_fit(np.array(t), np.array(loss)).status is status


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e150])
def test_the_scale_of_the_losses_is_irrelevant(scale: float) -> None:
    t, loss = drawn((0.5, 1.0, 8, 1, 0.01))
    fit, plain = point_fit(t, loss * scale), point_fit(t, loss)
    assert fit.b == pytest.approx(plain.b, rel=1e-9)
    assert fit.c == pytest.approx(plain.c * scale, rel=1e-8)


def test_a_thousand_resamples_agree_with_single_fits() -> None:
    t, loss = drawn((0.5, 1.0, 9, 3, 0.001))
    rng = np.random.default_rng(1)
    resampled = loss + 0.004 * rng.normal(size=(1000, len(loss)))
    a, b, c = resampled_fits(t, resampled)
    single: list[PointFit] = [point_fit(t, row) for row in resampled[:20]]
    assert np.allclose(b[:20], [fit.b for fit in single], rtol=1e-3)
    assert np.allclose(c[:20], [fit.c for fit in single], atol=2e-3)
    assert np.allclose(a[:20], [fit.a for fit in single], rtol=5e-3)
