"""A catalog file as checked rows: unknown columns, numbers, dates and prices, every mistake at once."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from planner.catalog.rows import Row
from planner.errors import CatalogError, Mistake
from planner.reading import parse_number, read_table

MAY_BE_NEGATIVE = frozenset({"value", "growth_per_year"})

R = TypeVar("R", bound=Row)


ALLOWED = {
    "tenure": ("on_demand", "spot", "commitment_1_year", "commitment_3_years"),
    "currency": ("EUR", "USD"),
}
"""What a cell of a column may hold: another tenure would never be found, another currency taken for dollars."""


def read_rows(
    data: bytes,
    kind: type[R],
    *,
    file: str,
    today: datetime.date | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
    written: Mapping[str, Callable[[str], str]] | None = None,
) -> tuple[R, ...]:
    """Read one CSV file as rows of a type; unknown columns are refused, because a typo would be silently ignored.

    Args:
        data: The file.
        kind: The type of a row.
        file: Name for the messages.
        today: No date may lie after it; None: now.
        known: What the cells of a column may hold, for example the GPUs of the catalog.
        written: How the catalog writes what the cells of a column say.

    Raises:
        CatalogError: Every mistake of the file at once.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    types = get_type_hints(kind)
    required = [name for name, field in fields.items() if field.default is msgspec.NODEFAULT]
    columns, table = read_table(data, file=file, required=required, error=CatalogError)
    mistakes = [
        Mistake(
            file=file,
            row=1,
            field=column,
            reason="an unknown column",
            remedy=f"The columns are {', '.join(fields)}",
        )
        for column in columns
        if column not in fields
    ]
    if mistakes:
        raise CatalogError(mistakes)
    rows: list[R] = []
    allowed = ALLOWED | dict(known or {})
    last_day = (today or datetime.datetime.now(datetime.UTC).date()).isoformat()
    for number, texts in table:
        values: dict[str, Any] = {}
        for column in columns:
            try:
                values[column] = _value(texts[column], types[column], file=file, row=number, field=column)
            except CatalogError as problem:
                mistakes.extend(problem.mistakes)
            else:
                if written is not None and column in written:
                    values[column] = written[column](values[column])
                mistakes.extend(_unknown(values[column], allowed.get(column), file=file, row=number, field=column))
        mistakes.extend(_dating(values, last_day, file=file, row=number))
        if not mistakes:
            rows.append(kind(**values))
    if mistakes:
        raise CatalogError(mistakes)
    return tuple(rows)


def _value(text: str, kind: Any, *, file: str, row: int, field: str) -> Any:
    """One cell as its type; an empty cell is None where the type allows it."""
    stripped = text.strip()
    inner = [part for part in get_args(kind) if part is not NoneType] if isinstance(kind, UnionType) else [kind]
    if not stripped and isinstance(kind, UnionType):
        return None
    if inner[0] is str:
        if not stripped and field != "note":
            raise CatalogError(
                Mistake(file=file, row=row, field=field, reason="the field is empty", remedy="Fill it in")
            )
        return stripped
    if inner[0] is bool:
        if stripped not in ("true", "false"):
            raise CatalogError(
                Mistake(file=file, row=row, field=field, reason=f"expected true or false, got {stripped[:20]!r}",
                        remedy="Write true or false")
            )  # fmt: skip
        return stripped == "true"
    number = parse_number(stripped, file=file, row=row, field=field, error=CatalogError)
    if number < 0 and field not in MAY_BE_NEGATIVE:
        raise CatalogError(
            Mistake(
                file=file,
                row=row,
                field=field,
                reason=f"expected a number that is not negative, got {stripped}",
                remedy="Correct the row",
            )
        )
    if number == 0 and "price" in field:
        raise CatalogError(
            Mistake(file=file, row=row, field=field, reason="a price of 0", remedy="Leave the row out or correct it")
        )
    if inner[0] is int:
        if number != int(number):
            raise CatalogError(
                Mistake(file=file, row=row, field=field, reason=f"expected a whole number, got {stripped}",
                        remedy="Correct the row")
            )  # fmt: skip
        return int(number)
    return number


def _unknown(value: Any, known: Sequence[str] | None, *, file: str, row: int, field: str) -> Iterable[Mistake]:
    if known is None or value in known:
        return
    near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    yield Mistake(
        file=file,
        row=row,
        field=field,
        reason=f"{str(value)[:40]!r} is not known",
        remedy=f"{hint}Known: {', '.join(known)}",
    )


def _dating(values: dict[str, Any], last_day: str, *, file: str, row: int) -> Iterable[Mistake]:
    for field in ("as_of", "valid_until"):
        text = values.get(field)
        if text is None:
            continue
        try:
            stated = datetime.date.fromisoformat(text).isoformat()
        except ValueError:
            yield Mistake(
                file=file,
                row=row,
                field=field,
                reason=f"expected a date, got {text[:20]!r}",
                remedy="Write it as 2026-11-24",
            )
            continue
        if field == "as_of" and stated > last_day:
            yield Mistake(
                file=file, row=row, field=field, reason=f"{stated} lies in the future", remedy="Correct the date"
            )
