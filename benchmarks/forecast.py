"""Forecasts on real loss curves by the protocol in ../shared, against what a user would pick instead.

Every engine sees the first half, quarter or eighth of a curve and forecasts its end, from a dense trace or from 4 to 6
budgets. Curves and protocol are not part of the checkout: without them only speed is measured, and a figure says so.
This project's own calibrations (`benchmarks/curves`) stand apart; the interval calibration has seen them, so their
coverage without it is what `benchmarks.interval_calibration` prints.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from benchmarks._certified import certified_digits
from benchmarks._law_adapters import curve_of, forecast
from benchmarks._peers import SLOW, peers
from benchmarks._protocol import ABSENT, OWN_CALIBRATIONS, OWN_CASE, own_tasks, protocol, tasks
from benchmarks.figure import Figure, at_least, at_most
from planner import law
from planner.law.posterior import posterior
from planner.outcome import VerdictName
from planner.record import Configuration

FloatArray = NDArray[np.float64]

REACH = {"trace": (2.7, 7.7, 0.62), "budgets": (2.5, 7.4, 0.62)}
REACH_TINY = {"trace": 4.5, "budgets": 5.0}
FEWEST_TASKS = 30
ERROR_RATES = "lcdb11_test_error"
TARGETS_FROM_TRUTH = (0.02, 0.2)
ADAPTER = Configuration(image_tokens=256, lora_rank=8)
BOOTSTRAPS = 400
SLOW_EVERY = 19
RESAMPLES = 1000
SPEED_UP = {8: 100.0, 40: 40.0, 200: 20.0}


def measure(quick: bool) -> list[Figure]:
    """Error, coverage and interval score by design and by source; our own case; peers; verdicts; digits; speed."""
    module = protocol()
    if module is None:
        return [Figure(name=ABSENT, value=float("nan"), unit=""), *speed(quick)]
    others = peers(module)
    if quick:
        others = {name: engine for name, engine in others.items() if name not in SLOW}
    rows = []
    for number, task in enumerate([*tasks(module, quick=quick), *own_tasks(module)]):
        suite, design, curve, _, x, y, horizon, truth = task
        for name, engine in {"plateau": forecast, **others}.items():
            if name in SLOW and number % SLOW_EVERY:
                continue
            row = _row(name, suite, design, truth, *module.run(engine, x, y, horizon))
            rows.append(row | {"curve": f"{suite} {curve}", "number": number})
    table = pd.DataFrame(rows)
    shared, own = table[table.suite != OWN_CALIBRATIONS], table[table.suite == OWN_CALIBRATIONS]
    figures: list[Figure] = []
    for design, (median, mean, score) in REACH.items():
        figures += _of_design(shared[shared.design == design], design, median, mean, score)
        figures += _of_peers(shared[shared.design == design], design, others)
    for design, mine in own[own.engine == "plateau"].groupby("design"):
        name = f"{design!s}: {OWN_CALIBRATIONS} (n = {len(mine)})"
        figures.append(Figure(name=f"{name} median error", value=100 * float(mine.error.median()), unit="%"))
        figures.append(Figure(name=f"{name} 90 % interval holds", value=100 * float(mine.held90.mean()), unit="%"))
    verdicts = _verdicts([*tasks(module, quick=quick), *own_tasks(module)])
    return figures + verdicts + certified_digits() + speed(quick)


def _verdicts(work: Iterable[Any]) -> list[Figure]:
    """Verdicts on real curves: targets drawn above and below what was measured, with its point as the horizon.

    Calibrations of the small vision-language model are taken as what they are, as a record of the trainer says it.
    """
    rng = np.random.default_rng(0)
    rows = []
    for suite, _, _, _, x, y, horizon, truth in work:
        curve = curve_of(x, y)
        if suite in (OWN_CASE, OWN_CALIBRATIONS):
            curve = msgspec.structs.replace(curve, configuration=ADAPTER)
        prospect = law.Prospect(law.fit_law(curve), horizon_examples=horizon)
        reached, missed = (
            prospect.forecast(truth * (1 + sign * rng.uniform(*TARGETS_FROM_TRUTH))).verdict.name for sign in (1, -1)
        )
        group = suite if suite in (OWN_CASE, OWN_CALIBRATIONS, ERROR_RATES) else "others"
        rows.append({"suite": group, "hit": reached, "miss": missed})
    table = pd.DataFrame(rows)
    figures = []
    for suite, mine in table.groupby("suite"):
        for column, was in (("hit", "reached"), ("miss", "missed")):
            for name in (VerdictName.REACHABLE, VerdictName.UNREACHABLE):
                share = 100 * float((mine[column] == name).mean())
                figures.append(
                    Figure(name=f"{suite!s} (n = {len(mine)}): target {was}, called {name}", value=share, unit="%")
                )
    return figures


def _of_peers(table: pd.DataFrame, design: str, others: Iterable[str]) -> list[Figure]:
    """Every peer on the tasks it ran, and how much larger its errors are than ours on the same tasks."""
    figures = []
    ours = table[table.engine == "plateau"].set_index("number")
    for peer in others:
        theirs = table[table.engine == peer].set_index("number")
        if not len(theirs):
            continue
        same = ours.loc[theirs.index]
        name = f"{design}: {peer} (n = {len(theirs)})"
        figures += [
            Figure(name=f"{name} median error", value=100 * float(theirs.error.median()), unit="%"),
            Figure(name=f"{name} mean error", value=100 * float(theirs.error.mean()), unit="%"),
            Figure(name=f"{name} failures", value=100 * float(theirs.failed.mean()), unit="%"),
            Figure(name=f"{name} 90 % interval holds", value=100 * float(theirs.held90.mean()), unit="%"),
            Figure(name=f"{name} interval score 90 %", value=float(theirs.score.mean()), unit="x truth"),
            Figure(name=f"{name} time a curve", value=float(theirs.ms.median()), unit="ms"),
            Figure(
                name=f"{name} median error / ours", value=float(theirs.error.median() / same.error.median()), unit="x"
            ),
        ]
    return figures


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
        _holds(f"{design}: 90 % interval holds", ours, "held90", 90.0),
        _holds(f"{design}: 80 % interval holds", ours, "held80", 80.0),
        at_most(f"{design}: interval score 90 %", float(ours.score.mean()), "x truth", score),
        at_most(f"{design}: failures", 100 * float(ours.failed.mean()), "%", 0.0),
        Figure(name=f"{design}: time a curve", value=float(ours.ms.median()), unit="ms"),
    ]
    for suite, mine in ours.groupby("suite"):
        if len(mine) < FEWEST_TASKS:
            continue
        # Peers that ran on the same tasks; those that are too slow for that ran on a few.
        peers = table[(table.engine != "plateau") & ~table.engine.isin(SLOW) & (table.suite == suite)]
        best = float(peers.groupby("engine").error.median().min())
        name = f"{design}: {suite} (n = {len(mine)})"
        figures.append(at_most(f"{name} median error / best peer", float(mine.error.median()) / best, "x", 1.05))
        figures.append(_within(f"{name} 90 % interval holds", 100 * float(mine.held90.mean()), 82, 97))
        figures.append(_within(f"{name} 80 % interval holds", 100 * float(mine.held80.mean()), 72, 90))
    own = ours[ours.suite == OWN_CASE]
    if len(own):
        figures.append(
            at_most(f"{design}: {OWN_CASE} median error", 100 * float(own.error.median()), "%", REACH_TINY[design])
        )
        figures.append(_holds(f"{design}: {OWN_CASE} 90 % interval holds", own, "held90", 90.0))
    return figures


def _holds(name: str, table: pd.DataFrame, column: str, aimed: float) -> Figure:
    """Coverage; met where the 90 % confidence interval of a bootstrap over curves holds what is aimed at."""
    by = table.groupby("curve")[column].agg(["sum", "size"]).to_numpy(dtype=np.float64)
    pick = np.random.default_rng(0).integers(0, len(by), (BOOTSTRAPS, len(by)))
    low, high = 100 * np.quantile(by[pick, 0].sum(axis=1) / by[pick, 1].sum(axis=1), [0.05, 0.95])
    value = 100 * float(table[column].mean())
    reach = f"{aimed:g} in {low:.1f}..{high:.1f}"
    return Figure(name=name, value=value, unit="%", reach=reach, met=bool(low <= aimed <= high))


def _within(name: str, value: float, low: float, high: float) -> Figure:
    return Figure(name=name, value=value, unit="%", reach=f"{low:g}..{high:g}", met=low <= value <= high)


def speed(quick: bool) -> list[Figure]:
    """Posterior of a curve, and 1,000 resamples of the point fit against as many calls of curve_fit, in one run.

    Seconds of this process on the CPU: other work on the machine does not count.
    """
    figures = []
    rng = np.random.default_rng(0)
    t = np.geomspace(256, 16384, 8)
    curve = curve_of(t, (5 * t**-0.4 + 1) * (1 + 0.005 * rng.standard_normal(8)))
    posterior(curve)
    figures.append(at_most("posterior of a curve", 1e3 * _seconds(lambda: posterior(curve), 25), "ms", 5.0))
    for points, reach in SPEED_UP.items():
        t = np.geomspace(256, 16384, points)
        losses = (5 * t**-0.4 + 1) * (1 + 0.005 * rng.standard_normal((RESAMPLES, points)))
        calls = 100 if quick else RESAMPLES
        ours = _seconds(lambda t=t, losses=losses: law.resampled_fits(t, losses), 5)
        began = time.process_time()
        for loss in losses[:calls]:
            _curve_fit(t, loss)
        theirs = (time.process_time() - began) * RESAMPLES / calls
        figures.append(at_least(f"1,000 resamples of {points} points: curve_fit / ours", theirs / ours, "x", reach))
    return figures


def _seconds(work: Any, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
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
