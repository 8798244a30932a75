"""Forecasts on real loss curves by the protocol in ../shared, against what a user would pick instead.

Every engine sees the first half, quarter or eighth of a curve and forecasts its end, from a dense trace or from 4 to 6
budgets. The targets are those of issue 3. Curves and protocol are not part of the checkout: without them nothing is
measured and the one figure says so.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from benchmarks._law_adapters import curve_of, forecast
from benchmarks._protocol import ABSENT, protocol, tasks
from benchmarks.figure import Figure, at_least, at_most
from planner import law
from planner.law.posterior import posterior

FloatArray = NDArray[np.float64]

REACH = {"trace": (2.7, 7.7, 0.62), "budgets": (2.5, 7.4, 0.62)}
REACH_TINY = {"trace": 4.5, "budgets": 5.0}
OWN_CASE = "tiny_vlm_lora"
FEWEST_TASKS = 30
RESAMPLES = 1000
SPEED_UP = {8: 100.0, 40: 40.0, 200: 20.0}


def measure(quick: bool) -> list[Figure]:
    """Error, coverage and interval score by design; the worst source; our own case; speed."""
    module = protocol()
    if module is None:
        return [Figure(name=ABSENT, value=float("nan"), unit=""), *speed(quick)]
    engines = {"plateau": forecast, "curve_fit": module.peer_curve_fit, "bounded": module.peer_bounded}
    rows = [
        _row(name, suite, design, truth, *module.run(engine, x, y, horizon))
        for suite, design, _, _, x, y, horizon, truth in tasks(module, quick=quick)
        for name, engine in engines.items()
    ]
    table = pd.DataFrame(rows)
    figures: list[Figure] = []
    for design, (median, mean, score) in REACH.items():
        figures += _of_design(table[table.design == design], design, median, mean, score)
    return figures + speed(quick)


def _row(
    name: str, suite: str, design: str, truth: float, out: dict[str, float], ok: bool, ms: float
) -> dict[str, Any]:
    ends = np.array([out.get(key, np.nan) for key in ("lo80", "hi80", "lo90", "hi90")])
    known = ok and bool(np.isfinite(ends).all())
    low80, high80, low, high = ends.tolist()
    miss = max(low - truth, 0.0) + max(truth - high, 0.0)
    return {
        "engine": name,
        "suite": suite,
        "design": design,
        "failed": not ok,
        "error": min(abs(float(np.log(out["median"] / truth))), 1.0) if ok else 1.0,
        "held80": known and low80 <= truth <= high80,
        "held90": known and low <= truth <= high,
        "score": min((high - low + 20 * miss) / truth, 20.0) if known else 20.0,
        "ms": ms,
    }


def _of_design(table: pd.DataFrame, design: str, median: float, mean: float, score: float) -> list[Figure]:
    ours = table[table.engine == "plateau"]
    figures = [
        at_most(f"{design}: median error", 100 * float(ours.error.median()), "%", median),
        at_most(f"{design}: mean error", 100 * float(ours.error.mean()), "%", mean),
        _within(f"{design}: 90 % interval holds", 100 * float(ours.held90.mean()), 88, 92),
        _within(f"{design}: 80 % interval holds", 100 * float(ours.held80.mean()), 77, 83),
        at_most(f"{design}: interval score 90 %", float(ours.score.mean()), "x truth", score),
        at_most(f"{design}: failures", 100 * float(ours.failed.mean()), "%", 0.0),
    ]
    for peer in ("curve_fit", "bounded"):
        theirs = table[table.engine == peer]
        ratio = float(theirs.error.median() / ours.error.median())
        figures.append(Figure(name=f"{design}: median error of {peer} / ours", value=ratio, unit="x"))
    for suite, mine in ours.groupby("suite"):
        if len(mine) < FEWEST_TASKS:
            continue
        peers = table[(table.engine != "plateau") & (table.suite == suite)]
        best = float(peers.groupby("engine").error.median().min())
        name = f"{design}: {suite} (n = {len(mine)})"
        figures.append(at_most(f"{name} median error / best peer", float(mine.error.median()) / best, "x", 1.05))
        figures.append(_within(f"{name} 90 % interval holds", 100 * float(mine.held90.mean()), 82, 97))
    own = ours[ours.suite == OWN_CASE]
    if len(own):
        figures.append(
            at_most(f"{design}: {OWN_CASE} median error", 100 * float(own.error.median()), "%", REACH_TINY[design])
        )
    return figures


def _within(name: str, value: float, low: float, high: float) -> Figure:
    return Figure(name=name, value=value, unit="%", reach=f"{low:g}..{high:g}", met=low <= value <= high)


def speed(quick: bool) -> list[Figure]:
    """Posterior of a curve, and 1,000 resamples of the point fit against as many calls of curve_fit, in one run."""
    figures = []
    rng = np.random.default_rng(0)
    t = np.geomspace(256, 16384, 8)
    curve = curve_of(t, (5 * t**-0.4 + 1) * (1 + 0.005 * rng.standard_normal(8)))
    posterior(curve)
    figures.append(at_most("posterior of a curve", 1e3 * _seconds(lambda: posterior(curve), 9), "ms", 5.0))
    for points, reach in SPEED_UP.items():
        t = np.geomspace(256, 16384, points)
        losses = (5 * t**-0.4 + 1) * (1 + 0.005 * rng.standard_normal((RESAMPLES, points)))
        calls = 100 if quick else RESAMPLES
        ours = _seconds(lambda t=t, losses=losses: law.resampled_fits(t, losses), 5)
        began = time.perf_counter()
        for loss in losses[:calls]:
            _curve_fit(t, loss)
        theirs = (time.perf_counter() - began) * RESAMPLES / calls
        figures.append(at_least(f"1,000 resamples of {points} points: curve_fit / ours", theirs / ours, "x", reach))
    return figures


def _seconds(work: Any, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def _curve_fit(t: FloatArray, loss: FloatArray) -> None:
    import warnings

    def form(u: FloatArray, a: float, b: float, c: float) -> FloatArray:
        return np.asarray(a * u**-b + c)

    start = [max(float(np.ptp(loss)), 1e-3), 0.5, float(loss.min()) * 0.9]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        try:
            curve_fit(form, t / t[0], loss, p0=start, maxfev=10000)
        except RuntimeError:
            return
