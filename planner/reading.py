"""Strict reading of untrusted text: JSON, CSV tables and numbers.

Python's own readers accept what a budget must not rest on: NaN and 1e999 in JSON, a key twice (the last wins), `true`
as a number, `1_000` and Arabic digits in `float()`. Everything that comes from a file passes through here, and leaves
either as checked values or as an `InputError` that names file, row and field.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from planner.errors import InputError, Mistake, shown_name

MAX_JSON_BYTES = 2 * 1024 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3}(?:[. ]?\d{3})*,\d+|[+-]?\d+,\d+", re.ASCII)

T = TypeVar("T")
E = TypeVar("E", bound=InputError)


class _NotStrictError(ValueError):
    """JSON that Python would accept and we do not."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _NotStrictError(f"key {twice!r} stands there twice")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotStrictError(f"number {text} is not finite")
    return value


def _no_constant(text: str) -> float:
    raise _NotStrictError(f"{text} is not a number that JSON knows")


def decode_json(
    data: bytes | str,
    into: type[T],
    *,
    file: str,
    row: int | None = None,
    error: type[E] = InputError,  # type: ignore[assignment]
    remedy: str = "Correct the file, or write it again with the program that made it",
    limit: int = MAX_JSON_BYTES,
    non_finite: bool = False,
) -> T:
    """Decode one JSON document into a checked type.

    Args:
        data: UTF-8 text, with or without byte-order mark.
        into: A type that `msgspec.convert` knows.
        file: Name for the message.
        row: Line for the message.
        error: The class to raise.
        remedy: What the message tells the user to do.
        limit: Bytes that are read at most.
        non_finite: Accept the NaN and Infinity that Python's own writer leaves in a log of a run that diverged; the
            caller looks at every number.

    Raises:
        InputError: (or `error`) for anything that is not exactly the expected document.
    """

    def fail(reason: str, field: str | None = None) -> E:
        return error(Mistake(file=file, row=row, field=field, reason=reason, remedy=remedy))

    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > limit:
        raise fail(f"{len(raw):,} bytes of JSON, at most {limit:,} are read")
    try:
        document = json.loads(
            raw.decode("utf-8-sig"),
            object_pairs_hook=_unique_keys,
            parse_constant=float if non_finite else _no_constant,
            parse_float=float if non_finite else _finite,
        )
        return msgspec.convert(document, into, strict=True)
    except UnicodeDecodeError as problem:
        raise fail(f"expected UTF-8 text, byte {problem.start + 1} is not") from None
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, " if row is None else ""
        raise fail(f"not JSON ({where}column {problem.colno}: {problem.msg})") from None
    except _NotStrictError as problem:
        raise fail(str(problem)) from None
    except RecursionError:
        raise fail("brackets nested too deeply") from None
    except msgspec.ValidationError as problem:
        reason, _, place = str(problem).partition(" - at `")
        field = place.rstrip("`").removeprefix("$.").removeprefix("$") or None
        raise fail(reason[:1].lower() + reason[1:], field) from None
    except ValueError:  # integers of more than 4,300 digits
        raise fail("a number with too many digits") from None


def parse_number(text: str, *, file: str, row: int | None, field: str, error: type[E] = InputError) -> float:  # type: ignore[assignment]
    """Read one plain decimal number (`1234.5`, `1e-3`), finite.

    Raises:
        InputError: (or `error`) with a hint where a decimal comma was used.
    """
    stripped = text.strip()
    remedy = "Write plain decimal numbers such as 1234.5"
    if _DECIMAL.fullmatch(stripped):
        value = float(stripped)
        if math.isfinite(value):
            return value
        reason = f"{_quoted(text)} is too large"
    elif _DECIMAL_COMMA.fullmatch(stripped):
        reason = f"{_quoted(text)} has a decimal comma"
        remedy = "Write a decimal point (1234.5); in a spreadsheet, export with English number format"
    elif not stripped:
        reason = "expected a number, the field is empty"
    else:
        reason = f"expected a number, got {_quoted(text)}"
    raise error(Mistake(file=file, row=row, field=field, reason=reason, remedy=remedy))


def _quoted(text: str) -> str:
    """The text for a message, cut so that a misplaced report does not end up on a screen."""
    shown = text if len(text) <= 20 else text[:17] + "..."
    return repr(shown)


def read_bytes(path: Path, *, error: type[E] = InputError, limit: int = MAX_FILE_BYTES) -> bytes:  # type: ignore[assignment]
    """The bytes of a regular file of at most `limit` bytes.

    Raises:
        InputError: (or `error`) when the file is missing, not a file, unreadable or too large.
    """
    name = shown_name(path)

    def fail(reason: str, remedy: str) -> E:
        return error(Mistake(file=name, reason=reason, remedy=remedy))

    if not path.exists():
        raise fail("no such file", "Check the path")
    if not path.is_file():
        raise fail("expected a file, this is not one", "Name the file itself")
    try:
        size = path.stat().st_size
        if size > limit:
            raise fail(f"{size:,} bytes, at most {limit:,} are read", "Export fewer columns or points")
        return path.read_bytes()
    except OSError as problem:
        raise fail(f"cannot be read ({problem.strerror})", "Check the rights of the file") from None


def read_table(
    data: bytes,
    *,
    file: str,
    required: Sequence[str] = (),
    error: type[E] = InputError,  # type: ignore[assignment]
) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Rows of a CSV file (comma, semicolon or tab) with a header line.

    Returns:
        Column names, and (line number, {column: text}) for every row that is not blank.

    Raises:
        InputError: (or `error`) with every mistake of the table's shape at once: encoding, missing columns, rows with
            more or fewer fields than the header, an unclosed quote.
    """
    remedy = "Export it again as CSV with one header line"

    def mistake(reason: str, row: int | None = None, field: str | None = None) -> Mistake:
        return Mistake(file=file, row=row, field=field, reason=reason, remedy=remedy)

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(mistake(f"expected UTF-8 text, byte {problem.start + 1} is not")) from None
    if "\0" in text:
        raise error(mistake("a NUL byte: this is not a text file"))
    if not text.strip():
        raise error(mistake("the file is empty"))
    first = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    previous = 0
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append((previous + 1, fields))
            previous = reader.line_num
    except csv.Error as problem:
        raise error(mistake(f"not CSV ({problem})", previous + 1)) from None
    if not rows:
        raise error(mistake("the file has no header line"))
    columns = [column.strip() for column in rows[0][1]]
    mistakes = [
        mistake(f"the column {column!r} stands there twice", rows[0][0])
        for column in dict.fromkeys(columns)
        if columns.count(column) > 1
    ]
    missing = [column for column in required if column not in columns]
    if missing:
        mistakes.append(
            mistake(f"expected the columns {', '.join(required)}; missing {', '.join(missing)}", rows[0][0])
        )
    table = []
    for number, fields in rows[1:]:
        if len(fields) != len(columns):
            split = delimiter == "," and len(fields) > len(columns)
            hint = " (a decimal comma splits a number in two)" if split else ""
            mistakes.append(mistake(f"expected {len(columns)} fields, got {len(fields)}{hint}", number))
            continue
        table.append((number, dict(zip(columns, fields, strict=True))))
    if mistakes:
        raise error(mistakes)
    return columns, table
