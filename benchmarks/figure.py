"""One measured figure of a benchmark."""

from __future__ import annotations

from msgspec import Struct


class Figure(Struct, frozen=True, kw_only=True):
    """A figure with its unit.

    Attributes:
        reach: What is aimed at, in words ("<= 2.7"), or None when the figure is only reported.
        met: Whether it is reached; None when nothing is aimed at.
    """

    name: str
    value: float
    unit: str
    reach: str | None = None
    met: bool | None = None


def at_most(name: str, value: float, unit: str, bound: float) -> Figure:
    """A figure that should not exceed `bound`."""
    return Figure(name=name, value=value, unit=unit, reach=f"<= {bound:g}", met=value <= bound)


def at_least(name: str, value: float, unit: str, bound: float) -> Figure:
    """A figure that should reach `bound`."""
    return Figure(name=name, value=value, unit=unit, reach=f">= {bound:g}", met=value >= bound)
