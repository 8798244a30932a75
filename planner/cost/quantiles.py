"""P10, P50 and P90 that keep the mass at infinity."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from planner.cost.figures import CostQuantiles
from planner.outcome import Quantiles

FloatArray = NDArray[np.float64]


def quantiles(values: FloatArray) -> Quantiles:
    """Order statistics without interpolation, so that no finite figure is mixed with infinity; None is infinite."""
    found = np.quantile(values, [0.1, 0.5, 0.9], method="inverted_cdf")
    p10, p50, p90 = (float(value) if math.isfinite(value) else None for value in found)
    return Quantiles(p10=p10, p50=p50, p90=p90)


def rows_of_quantiles(values_om: FloatArray) -> list[Quantiles]:
    """`quantiles` of every row of a table of draws, shape (o, m)."""
    if not len(values_om):
        return []
    found = np.quantile(values_om, [0.1, 0.5, 0.9], axis=1, method="inverted_cdf").T.tolist()
    return [
        Quantiles(
            p10=p10 if math.isfinite(p10) else None,
            p50=p50 if math.isfinite(p50) else None,
            p90=p90 if math.isfinite(p90) else None,
        )
        for p10, p50, p90 in found
    ]


def cost_quantiles(values_eur: FloatArray) -> CostQuantiles:
    """`quantiles` of a cost in euro."""
    found = quantiles(values_eur)
    return CostQuantiles(p10=found.p10, p50=found.p50, p90=found.p90)


def rows_of_cost_quantiles(values_eur: FloatArray) -> list[CostQuantiles]:
    """`cost_quantiles` of every row of a table of draws."""
    return [CostQuantiles(p10=row.p10, p50=row.p50, p90=row.p90) for row in rows_of_quantiles(values_eur)]


NEVER = Quantiles(p10=None, p50=None, p90=None)
NEVER_PAID = CostQuantiles(p10=None, p50=None, p90=None)
