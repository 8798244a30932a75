"""Times as logs write them: Unix seconds, milliseconds or microseconds, ISO text, or elapsed seconds."""

from __future__ import annotations

import datetime
import math
from typing import Any

from planner.errors import InputError
from planner.reading import parse_number

_LONGEST_TEXT = 40


def reading(cell: Any) -> float | None:
    """Seconds that a cell says, since 1970 or since the start; None for what is no time.

    A number above 1e11 counts milliseconds, above 1e14 microseconds (as seconds they would lie beyond the year 5000).
    Text without a time zone is taken as UTC: only differences matter.
    """
    if isinstance(cell, str):
        text = cell.strip()
        try:
            return reading(parse_number(text, file="", row=None, field=""))
        except InputError:
            return _from_iso(text)
    if not isinstance(cell, (int, float)) or isinstance(cell, bool):
        return None
    if not 0 <= cell < 1e17:  # also false for NaN
        return None
    value = float(cell)
    return value / 1e6 if value > 1e14 else value / 1e3 if value > 1e11 else value


def _from_iso(text: str) -> float | None:
    # `fromisoformat` also reads a bare date, which says nothing about seconds.
    if not 16 <= len(text) <= _LONGEST_TEXT or not text.isascii():
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def day(unix_seconds: float | None) -> str | None:
    """ISO date of a clock's reading; None for what is no plausible date of a training run."""
    if unix_seconds is None or not 1e9 < unix_seconds < 4e9:
        return None
    return datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC).date().isoformat()
