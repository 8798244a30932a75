"""The two words of every figure of a plan: where it comes from, and the quantiles of a cost."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Basis(StrEnum):
    """Where a number comes from; shown beside it."""

    MEASURED = "measured"
    EXTRAPOLATED = "extrapolated"
    UNPROBED = "unprobed"
    CATALOG = "catalog"
    DATASHEET = "datasheet"
    TYPED = "typed"
    DEFAULT = "default"
    ASSUMPTION = "assumption"


class CostQuantiles(Struct, frozen=True, kw_only=True):
    """P10, P50, P90 of a yearly cost; null is infinite."""

    p10: float | None
    p50: float | None
    p90: float | None
    currency: str = "EUR"
