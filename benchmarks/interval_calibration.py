"""Learn how much the posterior's intervals must be stretched, and check it on sources that took no part.

`python -m benchmarks.interval_calibration` writes `data/interval_calibration.csv`. The table has a row for every kind
of curve (few budgets or trace; all losses below one apart) and extrapolation ratio. A row is found in two steps:

1. the least spread, by maximum likelihood of the forecast errors under a Student t with 4 degrees of freedom whose
   scale is the posterior's, the noise of a run and the least spread, added in quadrature;
2. the stretch of the 80, 90 and 95 % interval that holds so many of the errors (split conformal; Vovk et al. 2005).

A curve of a small source weighs more than one of a large source, by the fourth root of their sizes. `measure` reports
the coverage of every source with the table learned on all the others.
"""

from __future__ import annotations

import csv
import datetime
from typing import Any

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import t as student

from benchmarks._law_adapters import curve_of
from benchmarks._protocol import ABSENT, protocol, tasks
from benchmarks.figure import Figure
from planner.law import interval
from planner.law.posterior import posterior
from planner.resources import data_directory

FloatArray = NDArray[np.float64]

KINDS = ("budgets", "budgets_below_one", "trace", "trace_below_one")
RATIOS = (2.0, 4.0, 8.0)
FEWEST_TASKS = 20
FAR_RATIO = 64.0
_ENDS = {0.80: (0.10, 0.90), 0.90: (0.05, 0.95), 0.95: (0.025, 0.975)}
_FREEDOM = 4.0
_LEAST_STRETCH, _LARGEST_SPREAD = 0.5, 0.15


class Row(Struct, frozen=True, kw_only=True):
    """One row of the table."""

    kind: str
    ratio: float
    numbers: dict[str, float]


def errors(*, quick: bool) -> pd.DataFrame:
    """One row a task: posterior quantiles of ln loss at the horizon, and the truth."""
    module = protocol()
    if module is None:
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    for suite, design, name, _, x, y, horizon, truth in tasks(module, quick=quick):
        curve = curve_of(x, y)
        draws = posterior(curve)
        log_loss = np.log(draws.paths(np.array([horizon]))[:, 0])
        row = {"suite": suite, "design": design, "curve": name, "kind": interval.curve_kind(curve)}
        row |= {"ratio": horizon / x[-1], "middle": float(np.median(log_loss)), "truth": float(np.log(truth))}
        row["noise"] = float(np.median(draws.sigma_m))
        for level, ends in _ENDS.items():
            row[f"low_{level:g}"], row[f"high_{level:g}"] = np.quantile(log_loss, ends).tolist()
        rows.append(row)
    return pd.DataFrame(rows)


def learn(table: pd.DataFrame) -> list[Row]:
    """Rows of the calibration table, by kind and ratio."""
    rows: list[Row] = []
    for kind in KINDS:
        mine = table[table.kind == kind]
        if len(mine) < FEWEST_TASKS:
            mine = table[table.kind == kind.removesuffix("_below_one")]
        rows.append(Row(kind=kind, ratio=1.0, numbers=dict.fromkeys(interval.NUMBERS, 1.0) | {"least_spread": 0.0}))
        for ratio in RATIOS:
            near = mine[np.abs(np.log2(mine.ratio / ratio)) < 0.75]
            numbers = _numbers(near if len(near) >= FEWEST_TASKS else mine)
            before = rows[-1].numbers if ratio > RATIOS[0] else numbers
            # farther ahead is never better known
            rows.append(Row(kind=kind, ratio=ratio, numbers={n: max(v, before[n]) for n, v in numbers.items()}))
        farthest = dict(rows[-1].numbers)
        farthest["least_spread"] *= float(np.log(FAR_RATIO) / np.log(RATIOS[-1]))
        rows.append(Row(kind=kind, ratio=FAR_RATIO, numbers=farthest))
    return rows


def _weights(table: pd.DataFrame) -> FloatArray:
    size = table.suite.map(table.suite.value_counts())
    return np.asarray(size, dtype=np.float64) ** -0.25


def _numbers(table: pd.DataFrame) -> dict[str, float]:
    error = np.asarray(np.abs(table.truth - table.middle), dtype=np.float64)
    sd = _sd(table)
    noise = table.noise.to_numpy(dtype=np.float64)
    weight = _weights(table)

    def misfit(parameters: FloatArray) -> float:
        scale = np.exp(parameters[0]) * np.sqrt(sd**2 + noise**2 + np.exp(2 * parameters[1]))
        return -float(weight @ student.logpdf(error / scale, _FREEDOM) - weight @ np.log(scale))

    starts = [minimize(misfit, [0.0, start], method="Nelder-Mead") for start in np.log([0.002, 0.01, 0.05])]
    best = min(starts, key=lambda found: float(found.fun))
    least = min(float(np.exp(best.x[1])), _LARGEST_SPREAD)
    least = least if least > 1e-4 else 0.0
    row, inner = {"least_spread": least}, 0.0
    for level in _ENDS:
        needed = np.sort(_needed(table, least, level))
        order = np.argsort(_needed(table, least, level))
        share = np.cumsum(weight[order]) / weight.sum()
        stretch = max(float(np.interp(level, share, needed)), _LEAST_STRETCH)
        inner = max(inner, stretch * float(ndtri(0.5 + level / 2)))  # a wider interval holds the narrower one
        row[f"stretch_{100 * level:.0f}"] = inner / float(ndtri(0.5 + level / 2))
    return row


def _sd(table: pd.DataFrame) -> FloatArray:
    return np.maximum((table["high_0.8"] - table["low_0.8"]).to_numpy(dtype=np.float64) / 2.5631, 1e-9)


def _needed(table: pd.DataFrame, least: FloatArray | float, level: float) -> FloatArray:
    """The stretch at which each task's interval just holds its truth."""
    above = table.truth >= table.middle
    end = np.where(above, table[f"high_{level:g}"] - table.middle, table.middle - table[f"low_{level:g}"])
    ahead = np.clip(np.log(table.ratio) / np.log(RATIOS[0]), 0.0, 1.0)
    grown = np.sqrt(1.0 + (np.asarray(least) ** 2 + (table.noise * ahead) ** 2) / _sd(table) ** 2)
    return np.asarray(np.abs(table.truth - table.middle) / np.maximum(end * grown, 1e-9), dtype=np.float64)


def covered(table: pd.DataFrame, rows: list[Row]) -> pd.DataFrame:
    """Whether the 80 and 90 % intervals of every task hold, with a calibration table."""
    found = table.copy()
    for kind, mine in table.groupby("kind"):
        own = [row for row in rows if row.kind == kind]
        log_ratio = np.log([row.ratio for row in own])
        at = np.log(np.maximum(mine.ratio.to_numpy(dtype=np.float64), 1.0))
        least = np.interp(at, log_ratio, [row.numbers["least_spread"] for row in own])
        for level in (0.80, 0.90):
            stretch = np.interp(at, log_ratio, [row.numbers[f"stretch_{100 * level:.0f}"] for row in own])
            found.loc[mine.index, f"held_{100 * level:.0f}"] = _needed(mine, least, level) <= stretch
    return found


def measure(quick: bool) -> list[Figure]:
    """Coverage of every source by a table that was learned without it."""
    table = errors(quick=quick)
    if table.empty:
        return [Figure(name=ABSENT, value=float("nan"), unit="")]
    figures = []
    for suite in sorted(table.suite.unique()):
        rows = learn(table[table.suite != suite])
        left_out = covered(table[table.suite == suite], rows)
        for level in (80, 90):
            held = left_out[f"held_{level}"].astype(float)
            figures.append(
                Figure(
                    name=f"left out {suite} (n = {len(held)}): {level} % interval holds",
                    value=100 * held.mean(),
                    unit="%",
                )
            )
    return figures


def main() -> None:
    """Write the table."""
    table = errors(quick=False)
    if table.empty:
        raise SystemExit(ABSENT)
    sources = "; ".join(sorted(table.suite.unique()))
    path = data_directory() / interval.FILE
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, interval.COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in learn(table):
            numbers = {name: f"{value:.4g}" for name, value in row.numbers.items()}
            where = {"curve_kind": row.kind, "extrapolation_ratio": f"{row.ratio:g}"}
            source = f"benchmarks/interval_calibration.py: {len(table)} forecasts on {sources}"
            writer.writerow(where | numbers | {"source": source, "as_of": datetime.date.today().isoformat()})


if __name__ == "__main__":
    main()
