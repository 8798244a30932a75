"""Fiscal years of a plan: which months of use fall into which. Pure arithmetic on months.

A year of use starts with the first month and has twelve months; a fiscal year starts with its own month. A plan that
starts in September against a fiscal year of January has a first fiscal year of four months and one more at its end.
"""

from __future__ import annotations

import datetime

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MONTHS = 12


class FiscalSpan(Struct, frozen=True, kw_only=True):
    """One fiscal year as far as the plan reaches into it.

    Attributes:
        name: "2027", or "2027/28" where it does not start in January.
        first_month: Of use, counted from 0; `months` of them fall into it.
    """

    name: str
    start: datetime.date
    end: datetime.date
    first_month: int
    months: int


def first_day(first_month: str | None, today: datetime.date) -> datetime.date:
    """First day of use: of the typed month ("2027-01"), else of the month after the day of the plan."""
    if first_month is not None:
        return datetime.date.fromisoformat(f"{first_month}-01")
    return _after(today.replace(day=1), 1)


def fiscal_years(start: datetime.date, fiscal_start_month: int, horizon_years: int) -> list[FiscalSpan]:
    """All fiscal years that the months of use fall into; their months add up to those of the horizon."""
    spans = []
    month, total = 0, horizon_years * MONTHS
    while month < total:
        begins = _after(start, month)
        until_next = (fiscal_start_month - begins.month - 1) % MONTHS + 1
        months = min(until_next, total - month)
        year = begins.year if begins.month >= fiscal_start_month else begins.year - 1
        spans.append(
            FiscalSpan(
                name=str(year) if fiscal_start_month == 1 else f"{year}/{(year + 1) % 100:02d}",
                start=begins,
                end=_after(begins, months) - datetime.timedelta(days=1),
                first_month=month,
                months=months,
            )
        )
        month += months
    return spans


def month_shares(spans: list[FiscalSpan], horizon_years: int) -> FloatArray:
    """Share of every year of use that falls into every fiscal year, shape (fiscal years, years of use)."""
    shares = np.zeros((len(spans), horizon_years))
    for row, span in enumerate(spans):
        for month in range(span.first_month, span.first_month + span.months):
            shares[row, month // MONTHS] += 1.0 / MONTHS
    return shares


def span_of_month(spans: list[FiscalSpan], month: int) -> int:
    """Index of the fiscal year that a month of use falls into."""
    return next(i for i, span in enumerate(spans) if month < span.first_month + span.months)


def _after(day: datetime.date, months: int) -> datetime.date:
    month = day.month - 1 + months
    return day.replace(year=day.year + month // MONTHS, month=month % MONTHS + 1)
