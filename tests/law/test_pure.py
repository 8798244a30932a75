"""Least squares without an asymptote, certified by NIST where its sets are at hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from planner.law.pure import pure_power_fit

SHARED = Path(__file__).resolve().parents[3] / "shared" / "certified"
needs_nist = pytest.mark.skipif(not SHARED.is_dir(), reason="NIST's sets lie in ../shared, which is not here")
CERTIFIED_DIGITS = 7


def digits(value: float, certified: float) -> float:
    return -math.log10(max(abs(value - certified) / abs(certified), 1e-17))


def nist(name: str) -> tuple[np.ndarray, np.ndarray, list[dict[str, float]]]:
    rows = np.genfromtxt(SHARED / f"{name}.csv", delimiter=",", names=True)
    return rows["x"], rows["y"], json.loads((SHARED / "certified.json").read_text())[name]["params"]


@needs_nist
@pytest.mark.parametrize("start", ["start1", "start2"])
def test_danwood_is_certified_from_both_starts(start: str) -> None:
    x, y, (b1, b2) = nist("DanWood")
    fit = pure_power_fit(x, y, start_b=-b2[start])
    pairs = [(fit.a, b1["value"]), (-fit.b, b2["value"]), (fit.se_a, b1["stddev"]), (fit.se_b, b2["stddev"])]
    assert fit.converged
    assert min(digits(value, certified) for value, certified in pairs) >= CERTIFIED_DIGITS


@needs_nist
@pytest.mark.parametrize("start", ["start1", "start2"])
def test_bennett5_is_certified_from_both_starts(start: str) -> None:
    x, y, (b1, b2, b3) = nist("Bennett5")
    fit = pure_power_fit(x, y, start_b=1 / b3[start], start_t0=b2[start])
    pairs = [
        (fit.a, b1["value"]),
        (fit.t0, b2["value"]),
        (1 / fit.b, b3["value"]),
        (fit.se_a, b1["stddev"]),
        (fit.se_t0, b2["stddev"]),
        (fit.se_b / fit.b**2, b3["stddev"]),
    ]
    assert fit.converged
    assert min(digits(value, certified) for value, certified in pairs) >= CERTIFIED_DIGITS


def test_exact_data_give_their_parameters_back() -> None:
    t = np.geomspace(10, 10_000, 9)
    fit = pure_power_fit(t, 7 * (t + 30) ** -0.6, start_t0=1.0)
    assert (fit.a, fit.b, fit.t0) == pytest.approx((7, 0.6, 30), rel=1e-9)


def test_without_a_shift_the_shift_stays_zero() -> None:
    t = np.geomspace(10, 10_000, 9)
    fit = pure_power_fit(t, 7 * t**-0.6)
    assert fit.t0 == 0.0 and fit.se_t0 == 0.0
    assert fit.b == pytest.approx(0.6, rel=1e-12)
