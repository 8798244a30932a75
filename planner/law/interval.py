"""Interval calibration: how much wider the posterior must be, by design and extrapolation ratio, to hold what it says.

The factors are data (`data/interval_calibration.csv`), learned on public loss curves of other models by
`python -m benchmarks.interval_calibration`; a calibration's own curve plays no part in them.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from planner.curve import Design
from planner.errors import CatalogError
from planner.reading import parse_number, read_bytes, read_table
from planner.resources import data_directory

FloatArray = NDArray[np.float64]
FILE = "interval_calibration.csv"
COLUMNS = ("design", "extrapolation_ratio", "spread_factor", "source", "as_of")


def widened(loss_mq: FloatArray, ratio_q: FloatArray, design: Design) -> FloatArray:
    """Spread draws around their median by the factor of each extrapolation ratio (in ln loss), shape (m, q).

    Args:
        loss_mq: Draws of the loss, > 0.
        ratio_q: Queried examples over the largest measured ones; below 1 nothing is changed.
        design: Which factors to use.
    """
    ratios, factors = _factors(design)
    factor_q = np.where(ratio_q <= 1, 1.0, np.interp(np.log(np.maximum(ratio_q, 1.0)), np.log(ratios), factors))
    log_loss = np.log(loss_mq)
    middle = np.median(log_loss, axis=0, keepdims=True)
    return np.asarray(np.exp(middle + (log_loss - middle) * factor_q))


@functools.cache
def _factors(design: Design) -> tuple[FloatArray, FloatArray]:
    path = data_directory() / FILE
    _, rows = read_table(read_bytes(path, error=CatalogError), file=FILE, required=COLUMNS, error=CatalogError)
    found = sorted(
        (
            parse_number(row["extrapolation_ratio"], file=FILE, row=number, field="extrapolation_ratio"),
            parse_number(row["spread_factor"], file=FILE, row=number, field="spread_factor"),
        )
        for number, row in rows
        if row["design"] == design
    )
    return np.array([ratio for ratio, _ in found]), np.array([factor for _, factor in found])
