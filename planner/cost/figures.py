"""What every figure of a plan has: where it comes from, the quantiles of a cost, and euro in a sentence."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SMALL_EUR = 100.0


def in_eur(amount_eur: float) -> str:
    """An amount in a sentence: whole euro, small amounts with their cents; "1,234 EUR", "0.42 EUR"."""
    return f"{amount_eur:,.0f} EUR" if abs(amount_eur) >= SMALL_EUR else f"{amount_eur:,.2f} EUR"


def counted(count: float, noun: str) -> str:
    """A count with its noun: "1 trial", "3 trials", "0.5 trials"."""
    return f"{count:.4g} {noun}" if count == 1 else f"{count:.4g} {noun}s"


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
