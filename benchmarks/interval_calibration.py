"""Learn how wide the posterior's intervals must be, and check it on sources that took no part.

`python -m benchmarks.interval_calibration` writes `data/interval_calibration.csv`: on either side of the median the
coefficients of `planner.law.interval.features`, by maximum likelihood of the forecast errors on that side under a
Student t with 4 degrees of freedom, and the multiples of that spread that hold 80, 90 and 95 % (split conformal; Vovk
et al. 2005). Calibrations of small vision-language models by LoRA, the case that Plateau is for, count more, most of
all in the rows that are used for them. `measure` reports the coverage and the interval score of every source with
the table learned on all the others.
"""

from __future__ import annotations

import csv
import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks._law_adapters import curve_of
from benchmarks._protocol import ABSENT, OWN_CALIBRATIONS, OWN_CASE, own_tasks, protocol, tasks
from benchmarks.figure import Figure
from planner.law import interval
from planner.law.posterior import posterior
from planner.resources import data_directory

FloatArray = NDArray[np.float64]

_FREEDOM = 4.0
# How often a calibration of the own case counts, in the rows for any curve and in those for the own case.
_WEIGHT_OF_OWN_CASE = {interval.ANY_CURVE: 1.5, interval.VISION_LANGUAGE_ADAPTER: 10.0}
_OWN = (OWN_CASE, OWN_CALIBRATIONS)
# Pull of every coefficient but the constant and that of the posterior's own width towards zero.
_SHRINKAGE = 2.0


def errors(*, quick: bool) -> pd.DataFrame:
    """One row a task: median and both spreads of ln loss at the horizon, and how far the truth is from the median."""
    module = protocol()
    if module is None:
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    for suite, design, name, _, x, y, horizon, truth in [*tasks(module, quick=quick), *own_tasks(module)]:
        curve = curve_of(x, y)
        draws = posterior(curve)
        log_loss = np.log(draws.paths(np.array([horizon])))
        middle, above, below = interval.half_widths(log_loss)
        columns = {
            side: interval.features(
                sd,
                np.array([horizon / x[-1]]),
                float(np.median(draws.sigma_m)),
                middle,
                draws.points.level,
            )[0]
            for side, sd in zip(interval.SIDES, (above, below), strict=True)
        }
        row = {
            "suite": suite,
            "design": design,
            "curve": name,
            "middle": float(middle[0]),
            "truth": float(np.log(truth)),
        }
        rows.append(row | columns)
    return pd.DataFrame(rows)


def learn(table: pd.DataFrame, kind: str) -> dict[str, interval.Spread]:
    """The rows of the calibration table for a kind of curve, by side."""
    error = (table.truth - table.middle).to_numpy(dtype=np.float64)
    weight = _weights(table.suite, kind)
    found = {}
    for side, sign in zip(interval.SIDES, (1.0, -1.0), strict=True):
        x = np.stack(table[side].tolist())
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
        share = np.cumsum(weight[order]) / weight.sum()
        ends = np.interp(interval.RANKS, share, z[order])
        found[side] = interval.Spread(coefficients=b, ends=ends)
    return found


def _weights(suite: pd.Series, kind: str) -> FloatArray:
    """Weight of every forecast, 1 on average: a source counts as the square root of its forecasts.

    Forecasts of one source err alike; a source of many must not speak for all curves.
    """
    forecasts = suite.map(suite.value_counts()).to_numpy(dtype=np.float64)
    weight = np.where(suite.isin(_OWN), _WEIGHT_OF_OWN_CASE[kind], 1.0) / np.sqrt(forecasts)
    return np.asarray(weight / weight.mean())


def ends(table: pd.DataFrame, learnt: dict[str, interval.Spread]) -> dict[str, FloatArray]:
    """Ends of the intervals of every task (ln loss), shape (tasks, levels)."""
    middle = table.middle.to_numpy(dtype=np.float64)
    found = {}
    for side, sign in zip(interval.SIDES, (1.0, -1.0), strict=True):
        spread = np.exp(np.stack(table[side].tolist()) @ learnt[side].coefficients)
        found[side] = middle[:, None] + sign * learnt[side].ends * spread[:, None]
    return found


def measure(quick: bool) -> list[Figure]:
    """Coverage and interval score of every source by a table that was learned without it."""
    table = errors(quick=quick)
    if table.empty:
        return [Figure(name=ABSENT, value=float("nan"), unit="")]
    figures = []
    for suite in sorted(table.suite.unique()):
        mine = table[table.suite == suite]
        kind = interval.VISION_LANGUAGE_ADAPTER if suite in _OWN else interval.ANY_CURVE
        found = ends(mine, learn(table[table.suite != suite], kind))
        truth = mine.truth.to_numpy(dtype=np.float64)
        name = f"left out {suite} (n = {len(mine)})"
        for column, level in enumerate((80, 90)):
            held = (found["below"][:, column] <= truth) & (truth <= found["above"][:, column])
            figures.append(Figure(name=f"{name}: {level} % interval holds", value=100 * float(held.mean()), unit="%"))
        low, high, t = np.exp(found["below"][:, 1]), np.exp(found["above"][:, 1]), np.exp(truth)
        miss = np.maximum(low - t, 0.0) + np.maximum(t - high, 0.0)
        score = float(np.minimum((high - low + 20 * miss) / t, 20.0).mean())
        figures.append(Figure(name=f"{name}: interval score 90 %", value=score, unit="x truth"))
    return figures


def main() -> None:
    """Write the table."""
    table = errors(quick=False)
    if table.empty:
        raise SystemExit(ABSENT)
    source = f"benchmarks/interval_calibration.py: {len(table)} forecasts on {'; '.join(sorted(table.suite.unique()))}"
    path = data_directory() / interval.FILE
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, interval.COLUMNS, lineterminator="\n")
        writer.writeheader()
        for kind in interval.KINDS:
            for side, spread in learn(table, kind).items():
                values = np.concatenate([spread.coefficients, spread.ends])
                row = {"kind": kind, "side": side, "source": source, "as_of": datetime.date.today().isoformat()}
                row |= {
                    name: f"{value:.4g}"
                    for name, value in zip((*interval.FEATURES, *interval.ENDS), values, strict=True)
                }
                writer.writerow(row)


if __name__ == "__main__":
    main()
