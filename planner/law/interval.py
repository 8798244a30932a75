"""Interval calibration: how wide the posterior must be to hold what it says.

The form of a law is never exactly right, and the farther ahead, the less. What that costs was counted on public loss
curves of other models. On either side of the median the spread of ln loss is

    exp(constant + a ln(sd) + b ln(ratio) + c ln(noise) + d ln(fall) + e smallness + f fall_near_zero)

with the posterior's own sd on that side, the extrapolation ratio, the noise of a run, the fall that is forecast, how
far the last loss lies below one nat (near zero the same wobble is a larger share of the loss), and, there, the square
root of the fall (what heads for zero may be there much sooner, or not). The ends of the 80, 90 and 95 % interval are
multiples of it. What is forecast is the loss that a run will show. The numbers are data
(`data/interval_calibration.csv`), learned by `python -m benchmarks.interval_calibration`; a calibration's own curve
plays no part in them. Adapters of vision-language models, the case that Plateau is for, have rows of their own: what is
learned on all curves, with calibrations of that kind counted ten times.

Legend: _m draws, _q queried examples.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import ndtri

from planner.errors import CatalogError, Mistake
from planner.reading import parse_number, read_bytes, read_table
from planner.record import Configuration
from planner.resources import data_directory

FloatArray = NDArray[np.float64]
FILE = "interval_calibration.csv"
FEATURES = ("constant", "log_sd", "log_ratio", "log_noise", "log_fall", "smallness", "fall_near_zero")
ENDS = ("end_80", "end_90", "end_95")
COLUMNS = ("kind", "side", *FEATURES, *ENDS, "source", "as_of")
SIDES = ("above", "below")
ANY_CURVE, VISION_LANGUAGE_ADAPTER = "any curve", "vision-language adapter"
KINDS = (ANY_CURVE, VISION_LANGUAGE_ADAPTER)
LEVELS = (0.80, 0.90, 0.95)
# Quantiles of the draws that become the ends of the intervals, on the side above.
RANKS = np.array([0.5 + level / 2 for level in LEVELS])
FARTHEST_RATIO = 64.0
_LEAST_SD, _LEAST_FALL, _LEAST_NOISE = 1e-3, 1e-3, 5e-4
_MOST_SMALLNESS, _LARGEST_FALL = 1.0, 3.0
_LARGEST_LOG = 600.0
_CALIBRATED_FROM = 2.0


class Spread(Struct, frozen=True, kw_only=True):
    """One side of the table: coefficients in the order of `FEATURES`, multiples in the order of `ENDS`."""

    coefficients: FloatArray
    ends: FloatArray


def features(
    sd_q: FloatArray,
    ratio_q: FloatArray,
    noise: float | FloatArray,
    middle_q: FloatArray,
    last_loss: float | FloatArray,
) -> FloatArray:
    """Columns of `FEATURES`, shape (q, 7).

    Args:
        sd_q: Half the width of the draws' 80 % interval on one side, over 1.2816; of ln loss.
        ratio_q: Queried examples over the largest measured ones.
        noise: Relative standard deviation from one run to the next; of each where they are of several curves.
        middle_q: Median of ln loss.
        last_loss: Measured at the largest budget; of each where they are of several curves.
    """
    ratio = np.clip(ratio_q, _CALIBRATED_FROM, FARTHEST_RATIO)
    ones = np.ones_like(ratio)
    fall = np.log(last_loss) - middle_q
    smallness = np.maximum(-np.log(last_loss), 0.0) * ones
    return np.column_stack(
        [
            ones,
            np.log(np.maximum(sd_q, _LEAST_SD)),
            np.log(ratio),
            np.log(np.maximum(noise, _LEAST_NOISE)) * ones,
            np.log(np.maximum(fall, _LEAST_FALL)),
            smallness,
            np.minimum(smallness, _MOST_SMALLNESS) * np.sqrt(np.clip(fall, 0.0, _LARGEST_FALL)),
        ]
    )


def half_widths(log_loss_mq: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Median of ln loss and its standard deviation above and below, shape (q,), from the 80 % interval."""
    low, middle, high = np.quantile(log_loss_mq, [0.1, 0.5, 0.9], axis=0)
    unit = float(ndtri(0.9))
    return middle, (high - middle) / unit, (middle - low) / unit


def kind_of(configuration: Configuration) -> str:
    """The row of the table for a configuration: an adapter of known rank on a model that sees images, or any curve."""
    sees_and_adapts = configuration.image_tokens is not None and configuration.lora_rank is not None
    return VISION_LANGUAGE_ADAPTER if sees_and_adapts else ANY_CURVE


def widened(
    loss_mq: FloatArray, ratio_q: FloatArray, *, last_loss: float, noise: float, kind: str = ANY_CURVE
) -> FloatArray:
    """Spread draws around their median as the table asks (in ln loss); their order is kept; shape (m, q).

    Args:
        loss_mq: Draws of the loss, > 0.
        ratio_q: Queried examples over the largest measured ones; at 1 and below nothing is changed, from 2 on all.
        last_loss: Measured at the largest budget.
        noise: Relative standard deviation from one run to the next.
        kind: One of `KINDS`.
    """
    log_loss = np.log(loss_mq)
    middle, *sds = half_widths(log_loss)
    out = log_loss.copy()
    share = np.clip(np.log(np.maximum(ratio_q, 1.0)) / np.log(_CALIBRATED_FROM), 0.0, 1.0)
    for side, sd, sign in zip(SIDES, sds, (1.0, -1.0), strict=True):
        table = spreads()[kind, side]
        spread = np.exp(features(sd, ratio_q, noise, middle, last_loss) @ table.coefficients)
        own = np.maximum.accumulate(
            sign * (np.quantile(log_loss, RANKS if sign > 0 else 1 - RANKS, axis=0) - middle), axis=0
        )
        ends = np.maximum.accumulate(
            np.maximum((1 - share) * own + share * table.ends[:, None] * spread, 1e-12), axis=0
        )
        for q in np.flatnonzero(share > 0):
            size = sign * (log_loss[:, q] - middle[q])
            mine = size > 0
            out[mine, q] = middle[q] + sign * _moved(size[mine], own[:, q], ends[:, q])
    return np.asarray(np.exp(np.clip(out, -_LARGEST_LOG, _LARGEST_LOG)))


def _moved(size: FloatArray, own: FloatArray, ends: FloatArray) -> FloatArray:
    """A monotone map that takes `own` to `ends`: linear between them, proportional beyond the last."""
    knots = np.concatenate([[0.0], np.maximum(own, 1e-12 * np.arange(1, len(own) + 1))])
    beyond = size > knots[-1]
    moved = np.interp(size, knots, np.concatenate([[0.0], ends]))
    moved[beyond] = ends[-1] * size[beyond] / knots[-1]
    return np.asarray(np.minimum(moved, _LARGEST_LOG))


@functools.cache
def spreads() -> dict[tuple[str, str], Spread]:
    """The table by kind and side.

    Raises:
        CatalogError: A row is missing or not a number.
    """
    path = data_directory() / FILE
    _, rows = read_table(read_bytes(path, error=CatalogError), file=FILE, required=COLUMNS, error=CatalogError)
    found = {}
    for number, row in rows:
        values = [
            parse_number(row[name], file=FILE, row=number, field=name, error=CatalogError)
            for name in (*FEATURES, *ENDS)
        ]
        found[row["kind"], row["side"]] = Spread(
            coefficients=np.array(values[: len(FEATURES)]), ends=np.array(values[len(FEATURES) :])
        )
    wanted = set(itertools.product(KINDS, SIDES))
    if set(found) != wanted:
        names = [", ".join(" ".join(pair) for pair in sorted(pairs)) or "none" for pairs in (wanted, found)]
        reason = f"expected one row each for {names[0]}; got {names[1]}"
        raise CatalogError([Mistake(file=FILE, field="side", reason=reason, remedy="Install Plateau again")])
    return found
