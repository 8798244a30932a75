"""Draws of (L, g) that obey g >= 0 and c >= 0, from cells that hardly do.

Where a curve falls faster than any form with a floor of zero, nearly all draws of the best cells lie below zero. What
counts is then the weight of a cell times its chance to obey, and draws come from normals cut off at zero: of the less
likely of the two demands, g >= 0 or c >= 0; the caller throws away what disobeys the other one. That is exact.

Legend: _c drawn cells.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from planner.law.evidence import Moments

FloatArray = NDArray[np.float64]


class Demand(Struct, frozen=True, kw_only=True):
    """The less likely demand of every cell: a * L + d * g >= 0, shape (c,).

    Attributes:
        log_chance: Natural log of the probability that it is obeyed.
    """

    a: FloatArray
    d: FloatArray
    mean: FloatArray
    sd: FloatArray
    log_chance: FloatArray


def demand_of(moments: Moments, h_inf_c: FloatArray) -> Demand:
    """The less likely of g >= 0 and c = L - g * h_inf >= 0.

    Args:
        moments: Of the cells.
        h_inf_c: `drop` at infinity; 0 where every floor is above zero, so that only g >= 0 is demanded.
    """
    mean_c = moments.mean_l - h_inf_c * moments.mean_g
    var_c = moments.var_l - 2 * h_inf_c * moments.cov + h_inf_c**2 * moments.var_g
    sd_c, sd_g = np.sqrt(np.maximum(var_c, 1e-300)), np.sqrt(np.maximum(moments.var_g, 1e-300))
    slope = (h_inf_c == 0.0) | (moments.mean_g / sd_g < mean_c / sd_c)
    mean, sd = np.where(slope, moments.mean_g, mean_c), np.where(slope, sd_g, sd_c)
    return Demand(
        a=np.where(slope, 0.0, 1.0),
        d=np.where(slope, 1.0, -h_inf_c),
        mean=mean,
        sd=sd,
        log_chance=log_ndtr(mean / sd),
    )


def free_draw(moments: Moments, h_inf_c: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(L, g) of every cell, each shape (c,), whether it obeys or not."""
    z = rng.standard_normal((2, len(h_inf_c)))
    along = moments.cov / moments.var_g
    step = np.sqrt(moments.var_g) * z[0]
    rest = np.sqrt(np.maximum(moments.var_l - moments.cov * along, 0.0))
    return moments.mean_l + along * step + rest * z[1], moments.mean_g + step


def truncated_draw(moments: Moments, h_inf_c: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(L, g) of every cell, each shape (c,), from its normal cut off where its less likely demand ends."""
    demand = demand_of(moments, h_inf_c)
    uniform = np.maximum(rng.random(len(h_inf_c)), 1e-300)
    value = np.maximum(demand.mean - demand.sd * ndtri_exp(np.log(uniform) + demand.log_chance), 0.0)
    # Given a * L + d * g the rest is normal again, along the direction (d, -a) in which that does not change.
    off = (value - demand.mean) / demand.sd**2
    rest = np.sqrt(np.maximum(moments.var_l * moments.var_g - moments.cov**2, 0.0)) / demand.sd
    rest *= rng.standard_normal(len(h_inf_c))
    loss = moments.mean_l + (demand.a * moments.var_l + demand.d * moments.cov) * off + demand.d * rest
    slope = moments.mean_g + (demand.a * moments.cov + demand.d * moments.var_g) * off - demand.a * rest
    return loss, slope
