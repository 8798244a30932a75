"""One cell of a CSV file: numbers stay numbers, and no text is run as a formula."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
DECIMALS = 10

Cell = str | float | None


def cell(value: Cell, *, cents: bool = False) -> str:
    """What stands in the cell; the apostrophe is what spreadsheets read as "this is text"."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return f"{round(value, 2) + 0.0:.2f}" if cents else repr(round(float(value), DECIMALS) + 0.0)
