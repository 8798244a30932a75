"""Figures as people read them, for a language: grouping, decimal sign and currency from Babel's locale data.

Every function takes what the plan holds and returns plain text with ordinary spaces. None is infinity in the
quantiles of a plan: the target is not reached. Ranges are shown with two significant digits, since more would
pretend to a precision that no forecast has; amounts that must add up are shown to the cent (`eur_cents`).
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from typing import Literal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from planner.cost.plan import CostQuantiles
from planner.outcome import Quantiles
from planner.report.words.language import locale_of, words

Formatter = Callable[[float | None, str], str]
_LEAST_EUR = 0.01
_LEAST = 0.001
_AMOUNT = r"(?<![\w.,’])\d[\d.,’]*(?: \d{3}(?!\d)[\d.,’]*)*(?<![.,])"
"""A number as any locale of ours groups it, without the comma or the full stop that may follow it."""


def two_significant(value: float) -> float:
    """The value rounded to two significant digits; never minus zero.

    Raises:
        ValueError: Not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    return float(f"{value:.1e}") + 0.0


def eur(value: float | None, language: str = "en") -> str:
    """Euro for ranges, two significant digits: "€3,100", "€0.25", "under €0.01", or "not reached" for None."""
    if value is None:
        return words(language).numbers.not_reached
    if 0 < value < _LEAST_EUR:
        return words(language).numbers.under.format(_currency(_LEAST_EUR, language, cents=True))
    rounded = two_significant(value) if abs(value) >= _LEAST_EUR else 0.0
    return _currency(rounded, language, cents=0 < abs(rounded) < 10)


def eur_cents(value: float | None, language: str = "en") -> str:
    """Euro to the cent, for amounts that add up: "€3,104.27"."""
    if value is None:
        return words(language).numbers.not_reached
    return _currency(round(value, 2) + 0.0, language, cents=True)


def signed_eur_cents(value: float, language: str = "en") -> str:
    """A difference in euro to the cent, with its sign: "+€31.20", "−€4.00", "±€0.00"."""
    sign = "±" if round(value, 2) == 0 else "+" if value > 0 else "−"
    return sign + eur_cents(abs(value), language)


def with_euro_sign(text: str, language: str = "en") -> str:
    """A text of the language with its amounts as `eur` writes them: "€1,234" for "1,234 EUR", "€0.19 to €0.21/kWh".

    The cost model writes the code of the currency, which is the contract of its JSON; people read the sign.
    """
    if "EUR" not in text:
        return text
    one = _currency(1.0, language, cents=False)
    if one.endswith("1"):
        between = words(language).numbers.to.format("", "")
        text = re.sub(rf"({_AMOUNT})(?={re.escape(between)}{_AMOUNT} EUR\b)", _euro_of(one), text)
    return re.sub(rf"({_AMOUNT}) EUR\b", _euro_of(one), text)


def unknown_or(value: float | None, show: Formatter, language: str = "en") -> str:
    """A figure, or the word for one that nobody knows."""
    return words(language).numbers.unknown if value is None else show(value, language)


def plain(value: float, language: str = "en") -> str:
    """A value as it was typed, without rounding: "14,600", "0.035"."""
    text = f"{value:.10g}"
    if "e" in text:
        return text
    decimals = len(text.partition(".")[2])
    return decimal(value, decimals, language)


def whole(value: float | None, language: str = "en") -> str:
    """A count without rounding: "1,653"; "unknown" for None."""
    return words(language).numbers.unknown if value is None else decimal(value, 0, language)


def decimal(value: float, decimals: int, language: str = "en") -> str:
    """A number with a fixed count of decimals and grouped thousands, without unit."""
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    rounded = round(value, decimals) + 0.0
    return _plain(format_decimal(rounded, format=pattern, locale=locale_of(language), decimal_quantization=True))


def count(value: float | None, language: str = "en") -> str:
    """Two significant digits without unit: "12,000", "4.3", "0.052"; "not reached" for None."""
    if value is None:
        return words(language).numbers.not_reached
    if 0 < value < _LEAST:
        return words(language).numbers.under.format(decimal(_LEAST, 3, language))
    rounded = two_significant(value) if abs(value) >= _LEAST else 0.0
    decimals = 0 if rounded == 0 else max(0, 1 - math.floor(math.log10(abs(rounded))))
    return decimal(rounded, decimals, language)


def examples(value: float | None, language: str = "en") -> str:
    """Processed examples, two significant digits, without unit."""
    return count(value, language)


def hours(value: float | None, language: str = "en") -> str:
    """GPU-hours, two significant digits, without unit."""
    return count(value, language)


def loss(value: float | None, language: str = "en") -> str:
    """Nats per suffix token, two decimals, three below 0.1; without unit."""
    if value is None:
        return words(language).numbers.unknown
    return decimal(value, 3 if abs(value) < 0.1 else 2, language)


def percent(share: float | None, language: str = "en") -> str:
    """A share in whole percent: "21 %", with one decimal where needed ("3.5 %")."""
    if share is None:
        return words(language).numbers.unknown
    hundredth = share * 100
    whole = abs(hundredth - round(hundredth)) < 0.05
    return f"{decimal(hundredth, 0 if whole else 1, language)} %".replace("-", "−")


def chance(probability: float | None, language: str = "en") -> str:
    """A probability: "86 %", "over 99 %", "under 1 %"; thousands of draws do not tell 99.6 from 100 %."""
    if probability is None:
        return words(language).numbers.unknown
    hundredths = round(probability * 100)
    if hundredths >= 100:
        return words(language).numbers.over.format("99 %")
    if hundredths < 1:
        return words(language).numbers.under.format("1 %")
    return f"{hundredths} %"


def gib(value: float | None, language: str = "en") -> str:
    """Memory in GiB, one decimal: "17.4 GiB"."""
    return words(language).numbers.unknown if value is None else f"{decimal(value, 1, language)} GiB"


def date(value: str, language: str = "en") -> str:
    """An ISO date (or the date of an ISO timestamp) in words: "24 November 2026"; other text is returned as it is."""
    return _date(value, "long", language)


def short_date(value: str, language: str = "en") -> str:
    """An ISO date for tables: "24 Nov 2026"; other text is returned as it is."""
    return _date(value, "medium", language)


def span(quantiles: Quantiles | CostQuantiles, show: Formatter = count, language: str = "en") -> str:
    """P10 to P90: "€3,100 to €4,900", "€3,100 or more" where P90 is not reached, or "not reached".

    Ends that look the same give "about €3,000".
    """
    low, high = quantiles.p10, quantiles.p90
    if low is None:
        return words(language).numbers.not_reached
    if high is None:
        return words(language).numbers.or_more.format(show(low, language))
    first, last = show(low, language), show(high, language)
    return (
        words(language).numbers.about.format(first) if first == last else words(language).numbers.to.format(first, last)
    )


def short_span(quantiles: Quantiles | CostQuantiles, language: str = "en") -> str:
    """P10 to P90 for a narrow column, without unit: "3,100–4,900", "≥ 3,100" without P90, "–" without any."""
    low, high = quantiles.p10, quantiles.p90
    if low is None:
        return "–"
    if high is None:
        return f"≥ {count(low, language)}"
    first, last = count(low, language), count(high, language)
    return first if first == last else f"{first}–{last}"


def _currency(value: float, language: str, *, cents: bool) -> str:
    locale = locale_of(language)
    pattern = locale.currency_formats["standard"].pattern
    if not cents:
        pattern = pattern.replace(".00", "")
    text = format_currency(value + 0.0, "EUR", format=pattern, locale=locale, currency_digits=False)
    return _plain(text)


def _euro_of(one: str) -> Callable[[re.Match[str]], str]:
    """What puts an amount where the 1 of one euro stands."""
    return lambda found: one.replace("1", found[1])


def _date(value: str, form: Literal["long", "medium"], language: str) -> str:
    try:
        day = datetime.date.fromisoformat(value[:10])
    except ValueError:
        return value
    return _plain(format_date(day, format=form, locale=locale_of(language)))


def _plain(text: str) -> str:
    """Ordinary spaces: paper makes them unbreakable itself, a terminal must be searchable."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")
