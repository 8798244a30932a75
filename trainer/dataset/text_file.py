"""Reading the text files of a dataset, with mistakes that name file and row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.errors import InputError, Mistake, shown_name

MAX_BYTES = 512 * 1024 * 1024
_SHOWN_MISTAKES = 20


def read_text(path: Path) -> str:
    """UTF-8 text of a file of at most 512 MiB.

    Raises:
        InputError: Missing, too large, or not UTF-8.
    """
    name = shown_name(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(Mistake(file=name, reason="more than 512 MiB", remedy="Split the dataset"))
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            Mistake(file=name, reason="there is no such file", remedy="Give the dataset's folder as distributed")
        ) from None
    except UnicodeDecodeError as problem:
        raise InputError(
            Mistake(
                file=name, reason=f"expected UTF-8 text, byte {problem.start + 1} is not", remedy="Save it as UTF-8"
            )
        ) from None
    except OSError as problem:
        raise InputError(
            Mistake(file=name, reason=f"cannot be read ({problem.strerror})", remedy="Check the rights of the file")
        ) from None


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        InputError: Not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as problem:
        row = getattr(problem, "lineno", None)
        raise InputError(
            Mistake(file=shown_name(path), row=row, reason="not JSON", remedy="Download the dataset again")
        ) from None


_TABLE = "Export it as CSV with one header line: image,prompt,answer,case"


def csv_rows(path: Path, *, remedy: str = _TABLE) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, {column: text}) of every row that is not blank.

    Raises:
        InputError: Not a table with one header line.
    """
    name = shown_name(path)
    text = read_text(path)
    if not text.strip() or "\0" in text:
        raise InputError(Mistake(file=name, reason="there is no table in it", remedy=remedy))
    first = text.lstrip().splitlines()[0]
    csv.field_size_limit(16 * 1024 * 1024)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    columns: list[str] | None = None
    line = 1
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as problem:
            raise InputError(Mistake(file=name, row=start, reason=f"not CSV ({problem})", remedy=remedy)) from None
        if fields is None:
            return
        line = start
        if not any(field.strip() for field in fields):
            continue
        if columns is None:
            columns = [field.strip() for field in fields]
        elif len(fields) != len(columns):
            reason = f"expected {len(columns)} fields, got {len(fields)}"
            raise InputError(Mistake(file=name, row=line, reason=reason, remedy="Quote answers that have a comma"))
        else:
            yield line, dict(zip(columns, fields, strict=True))


def jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of every line that is not blank.

    Raises:
        InputError: A line is not a JSON object.
    """
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise InputError(
                Mistake(file=shown_name(path), row=number, reason="not a JSON object", remedy="Write one object a line")
            )
        yield number, row


def raise_all(mistakes: list[Mistake]) -> None:
    """Raise the mistakes of a file together, the first twenty in full.

    Raises:
        InputError: When there is one.
    """
    if not mistakes:
        return
    shown = mistakes[:_SHOWN_MISTAKES]
    more = len(mistakes) - len(shown)
    if more:
        last = shown[-1]
        shown.append(Mistake(file=last.file, reason=f"{more:,} more rows have mistakes", remedy="Correct these first"))
    raise InputError(shown)
