"""Learn how far the median must be moved and how wide the intervals must be, and check it on sources left out.

`python -m benchmarks.interval_calibration` writes two tables. `data/median_calibration.csv`: the share of the way to
the straight line with the least absolute errors (`planner.law.median`). `data/interval_calibration.csv`: on either side
of the moved median the coefficients of `planner.law.interval.features`, by maximum likelihood of the forecast errors on
that side under a Student t with 4 degrees of freedom, and the multiples of that spread that hold 80, 90 and 95 % (split
conformal; Vovk et al. 2005). Calibrations of small vision-language models by LoRA, the case that Plateau is for, count
ten times in the rows that are used for them. `measure` reports error, coverage and interval score of every
source with tables learned on all the others.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks._law_adapters import curve_of
from benchmarks._protocol import ABSENT, OWN_CALIBRATIONS, OWN_CASE, own_tasks, protocol, tasks
from benchmarks.figure import Figure
from planner.law import interval, median
from planner.law.median import MedianCalibration, gap_to_line
from planner.law.posterior import posterior
from planner.resources import data_directory

FloatArray = NDArray[np.float64]

_FREEDOM = 4.0
# How often a calibration of the own case counts, in the rows for any curve and in those for the own case.
_WEIGHT_OF_OWN_CASE = {interval.ANY_CURVE: 1.0, interval.VISION_LANGUAGE_ADAPTER: 10.0}
_OWN = (OWN_CASE, OWN_CALIBRATIONS)
# Pull of every coefficient but the constant and that of the posterior's own width towards zero.
_SHRINKAGE = 2.0
# Chosen by hand: every bound between 0.1 and 1.2 % of noise gained, and the protocol looks eight times ahead at most.
_NOISE_BELOW, _FARTHEST_RATIO = 0.005, 8.0


class Learnt(Struct, frozen=True, kw_only=True):
    """Both tables for one kind of curve."""

    median: MedianCalibration
    spreads: dict[str, interval.Spread]


def errors(*, quick: bool) -> pd.DataFrame:
    """One row a task: what the posterior says about ln loss at the horizon, and the truth.

    Columns: `middle`, its spread `above` and `below`, the way to the straight line (`gap`), `ratio`, `noise`,
    `last_loss`, `truth` (ln), and `suite`, `design`, `curve`.
    """
    module = protocol()
    if module is None:
        return pd.DataFrame()
    whole_way = MedianCalibration(share=1.0, noise_below=_NOISE_BELOW, farthest_ratio=_FARTHEST_RATIO)
    rows: list[dict[str, Any]] = []
    for suite, design, name, _, x, y, horizon, truth in [*tasks(module, quick=quick), *own_tasks(module)]:
        draws = posterior(curve_of(x, y))
        ahead = np.array([horizon])
        middle, above, below = interval.half_widths(np.log(draws.paths(ahead)))
        rows.append(
            {
                "suite": suite,
                "design": design,
                "curve": name,
                "middle": float(middle[0]),
                "above": float(above[0]),
                "below": float(below[0]),
                "gap": float(gap_to_line(draws, ahead, float(x[-1]), whole_way)[0]),
                "ratio": horizon / x[-1],
                "noise": float(np.median(draws.sigma_m)),
                "last_loss": draws.points.level,
                "truth": float(np.log(truth)),
            }
        )
    return pd.DataFrame(rows)


def learn(table: pd.DataFrame, kind: str) -> Learnt:
    """The rows of both calibration tables for a kind of curve."""
    share = _share(table)
    error = _column(table, "truth") - _middle(table, share)
    weight = _weights(table.suite, kind)
    found = {}
    for side, sign in zip(interval.SIDES, (1.0, -1.0), strict=True):
        x = _features(table, side, share)
        size = sign * error
        mine = size > 0

        def misfit(b: FloatArray, x: FloatArray = x, size: FloatArray = size, mine: NDArray[np.bool_] = mine) -> float:
            log_scale = x[mine] @ b
            z = size[mine] * np.exp(-log_scale)
            log_likelihood = log_scale + (_FREEDOM + 1) / 2 * np.log1p(z * z / _FREEDOM)
            return float((weight[mine] * log_likelihood).sum() + _SHRINKAGE * (b[2:] ** 2).sum())

        start = np.zeros(len(interval.FEATURES))
        start[1] = 0.8
        b = minimize(misfit, start, method="BFGS").x
        z = np.where(mine, size, 0.0) * np.exp(-(x @ b))
        order = np.argsort(z)
        held = np.cumsum(weight[order]) / weight.sum()
        found[side] = interval.Spread(coefficients=b, ends=np.interp(interval.RANKS, held, z[order]))
    calibration = MedianCalibration(share=share, noise_below=_NOISE_BELOW, farthest_ratio=_FARTHEST_RATIO)
    return Learnt(median=calibration, spreads=found)


def _share(table: pd.DataFrame) -> float:
    """Share of the way to the straight line with the least absolute errors, relative to the posterior's own spread.

    That is the weighted median of the shares at which every forecast would have been right.
    """
    table = table[table.gap < 0]
    gap, spread = _column(table, "gap"), _column(table, "above") + _column(table, "below")
    right = (_column(table, "truth") - _column(table, "middle")) / gap
    weight = _weights(table.suite, interval.ANY_CURVE) * np.abs(gap) / spread
    order = np.argsort(right)
    held = np.cumsum(weight[order])
    return float(np.clip(right[order][np.searchsorted(held, held[-1] / 2)], 0.0, 1.0))


def _weights(suite: pd.Series, kind: str) -> FloatArray:
    """Weight of every forecast, 1 on average: a source counts as the square root of its forecasts.

    Forecasts of one source err alike; a source of many must not speak for all curves.
    """
    forecasts = suite.map(suite.value_counts()).to_numpy(dtype=np.float64)
    weight = np.where(suite.isin(_OWN), _WEIGHT_OF_OWN_CASE[kind], 1.0) / np.sqrt(forecasts)
    return np.asarray(weight / weight.mean())


def ends(table: pd.DataFrame, learnt: Learnt) -> dict[str, FloatArray]:
    """Ends of the intervals of every task (ln loss), shape (tasks, levels)."""
    middle = _middle(table, learnt.median.share)
    found = {}
    for side, sign in zip(interval.SIDES, (1.0, -1.0), strict=True):
        rows = learnt.spreads[side]
        spread = np.exp(_features(table, side, learnt.median.share) @ rows.coefficients)
        found[side] = middle[:, None] + sign * rows.ends * spread[:, None]
    return found


def _middle(table: pd.DataFrame, share: float) -> FloatArray:
    """Moved median of ln loss."""
    return _column(table, "middle") + share * _column(table, "gap")


def _features(table: pd.DataFrame, side: str, share: float) -> FloatArray:
    sd, ratio, noise, last_loss = (_column(table, name) for name in (side, "ratio", "noise", "last_loss"))
    return interval.features(sd, ratio, noise, _middle(table, share), last_loss)


def _column(table: pd.DataFrame, name: str) -> FloatArray:
    return np.asarray(table[name].to_numpy(dtype=np.float64))


def measure(quick: bool) -> list[Figure]:
    """Error, coverage and interval score of every source by tables that were learned without it."""
    table = errors(quick=quick)
    if table.empty:
        return [Figure(name=ABSENT, value=float("nan"), unit="")]
    figures = []
    for suite in sorted(table.suite.unique()):
        mine = table[table.suite == suite]
        kind = interval.VISION_LANGUAGE_ADAPTER if suite in _OWN else interval.ANY_CURVE
        learnt = learn(table[table.suite != suite], kind)
        found = ends(mine, learnt)
        truth = _column(mine, "truth")
        name = f"left out {suite} (n = {len(mine)})"
        for how, share in (("", learnt.median.share), (", median not moved", 0.0)):
            error = float(np.median(np.abs(truth - _middle(mine, share))))
            figures.append(Figure(name=f"{name}: median error{how}", value=100 * error, unit="%"))
        for column, level in enumerate((80, 90)):
            held = (found["below"][:, column] <= truth) & (truth <= found["above"][:, column])
            figures.append(Figure(name=f"{name}: {level} % interval holds", value=100 * float(held.mean()), unit="%"))
        low, high, t = np.exp(found["below"][:, 1]), np.exp(found["above"][:, 1]), np.exp(truth)
        miss = np.maximum(low - t, 0.0) + np.maximum(t - high, 0.0)
        score = float(np.minimum((high - low + 20 * miss) / t, 20.0).mean())
        figures.append(Figure(name=f"{name}: interval score 90 %", value=score, unit="x truth"))
    return figures


def main() -> None:
    """Write both tables."""
    table = errors(quick=False)
    if table.empty:
        raise SystemExit(ABSENT)
    suites = "; ".join(sorted(table.suite.unique()))
    from_where = {
        "source": f"benchmarks/interval_calibration.py: {len(table)} forecasts on {suites}",
        "as_of": datetime.date.today().isoformat(),
    }
    learnt = {kind: learn(table, kind) for kind in interval.KINDS}
    calibration = learnt[interval.ANY_CURVE].median
    shifts = [{name: f"{getattr(calibration, name):.4g}" for name in median.FIELDS} | from_where]
    _write(median.FILE, median.COLUMNS, shifts)
    spreads = []
    for kind in interval.KINDS:
        for side, spread in learnt[kind].spreads.items():
            values = np.concatenate([spread.coefficients, spread.ends])
            numbers = zip((*interval.FEATURES, *interval.ENDS), values, strict=True)
            spreads.append(
                {"kind": kind, "side": side} | {name: f"{value:.4g}" for name, value in numbers} | from_where
            )
    _write(interval.FILE, interval.COLUMNS, spreads)


def _write(name: str, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    with (data_directory() / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
