"""Interval calibration: how much wider the posterior must be to hold what it says.

The form of a law is never exactly right, and the farther ahead, the less. What that costs was counted on public loss
curves of other models: for every design and extrapolation ratio a least spread (in ln loss, added in quadrature), and
by how much the 80, 90 and 95 % intervals must be stretched after that. What is forecast is the loss that a run will
show, so its noise counts too. The numbers are data
(`data/interval_calibration.csv`), learned by `python -m benchmarks.interval_calibration`; a calibration's own curve
plays no part in them.

Legend: _m draws, _q queried examples.
"""

from __future__ import annotations

import functools

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import ndtri

from planner.curve import Design, LossCurve
from planner.errors import CatalogError
from planner.reading import parse_number, read_bytes, read_table
from planner.resources import data_directory

FloatArray = NDArray[np.float64]
FILE = "interval_calibration.csv"
KEYS = ("curve_kind", "extrapolation_ratio")
NUMBERS = ("least_spread", "stretch_80", "stretch_90", "stretch_95")
COLUMNS = (*KEYS, *NUMBERS, "source", "as_of")
LEVELS = np.array([0.80, 0.90, 0.95])
_NORMAL = np.concatenate([[0.0], ndtri(0.5 + LEVELS / 2)])
_LEAST_SD = 1e-9
_LARGEST_LOG = 600.0


class Stretch(Struct, frozen=True, kw_only=True):
    """Numbers of one curve kind along ln of the extrapolation ratio, shape (r,) and (r, levels)."""

    log_ratio: FloatArray
    least_spread: FloatArray
    stretch: FloatArray


def curve_kind(curve: LossCurve) -> str:
    """Which rows of the table apply: the design, and whether every loss lies below one (as error rates do).

    Near zero the same absolute wobble is a larger share of the loss, so such curves are calibrated apart.
    """
    low = "_below_one" if float(curve.loss_n.max()) < 1.0 else ""
    return f"{Design(curve.design).value}{low}"


def widened(loss_mq: FloatArray, ratio_q: FloatArray, kind: str, noise: float = 0.0) -> FloatArray:
    """Spread draws around their median as the table asks (in ln loss), shape (m, q).

    Args:
        loss_mq: Draws of the loss, > 0.
        ratio_q: Queried examples over the largest measured ones; at 1 and below nothing is changed.
        kind: From `curve_kind`.
        noise: Standard deviation of ln loss from one run to the next.
    """
    table = stretches()[kind]
    log_ratio = np.log(np.maximum(ratio_q, 1.0))
    least = np.interp(log_ratio, table.log_ratio, table.least_spread)
    factors = np.array([np.interp(log_ratio, table.log_ratio, column) for column in table.stretch.T])
    log_loss = np.log(loss_mq)
    low, middle, high = np.quantile(log_loss, [0.1, 0.5, 0.9], axis=0)
    sd = np.maximum((high - low) / (2 * _NORMAL[1]), _LEAST_SD)
    deviation = (log_loss - middle) / sd
    ahead = np.minimum(log_ratio / table.log_ratio[1], 1.0)
    scale = np.sqrt(sd**2 + least**2 + (noise * ahead) ** 2)
    out = np.empty_like(log_loss)
    for q in range(log_loss.shape[1]):
        # a monotone map of the standardised deviation: linear between the levels, proportional beyond the last
        ends = np.concatenate([[0.0], _NORMAL[1:] * factors[:, q]])
        size = np.abs(deviation[:, q])
        stretched = np.where(size <= _NORMAL[-1], np.interp(size, _NORMAL, ends), size * factors[-1, q])
        out[:, q] = middle[q] + np.sign(deviation[:, q]) * stretched * scale[q]
    return np.asarray(np.exp(np.clip(np.where(log_ratio > 0, out, log_loss), -_LARGEST_LOG, _LARGEST_LOG)))


@functools.cache
def stretches() -> dict[str, Stretch]:
    """The table by curve kind.

    Raises:
        CatalogError: A row is missing or not a number.
    """
    path = data_directory() / FILE
    _, rows = read_table(read_bytes(path, error=CatalogError), file=FILE, required=COLUMNS, error=CatalogError)
    found: dict[str, list[list[float]]] = {}
    for number, row in rows:
        values = [
            parse_number(row[name], file=FILE, row=number, field=name, error=CatalogError)
            for name in ("extrapolation_ratio", *NUMBERS)
        ]
        found.setdefault(row["curve_kind"], []).append(values)
    result = {}
    for kind, lines in found.items():
        table = np.array(sorted(lines))
        result[kind] = Stretch(log_ratio=np.log(table[:, 0]), least_spread=table[:, 1], stretch=table[:, 2:])
    return result
