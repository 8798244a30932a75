"""From the rows of a file to examples: every row is read, and the mistakes of all rows come together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from planner.errors import InputError, Mistake
from trainer.dataset.image_file import ImageRefusedError, image_inside
from trainer.dataset.text_file import raise_all

Made = TypeVar("Made")

# Four times the longest context at a token a word: nearly all of it would be cut, and rows that ran together look so.
MOST_WORDS = 2000
_KINDS = {bool: "true or false", list: "a list", dict: "an object", float: "a number that is not finite"}


class RowError(Exception):
    """A row that cannot be used."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.reason)
        self.mistake = mistake


class Row(Struct, frozen=True, kw_only=True):
    """One row or entry of a file.

    Attributes:
        number: 1-based.
        remedy: What to do about a field that cannot be used.
    """

    file: str
    number: int
    fields: Mapping[str, Any]
    remedy: str

    def text(self, key: str) -> str:
        """A field on one line; a number counts as its text (VQA-RAD writes some answers as numbers).

        Raises:
            RowError: Missing, empty, of another type, of more than 2,000 words, or not valid Unicode.
        """
        words = self.name(key).split()
        if len(words) > MOST_WORDS:
            raise self.error(
                key,
                f"{len(words):,} words, expected at most {MOST_WORDS:,}",
                "Look for a missing quotation mark that joins rows, shorten it, or take the row out",
            )
        return " ".join(words)

    def name(self, key: str) -> str:
        """A field as it stands there, without blanks around it.

        Raises:
            RowError: See `text`.
        """
        found = self.optional(key)
        if not found:
            raise self.error(key, "the field is empty")
        return found

    def optional(self, key: str) -> str:
        """The same, "" where the field is missing or empty.

        Raises:
            RowError: Of another type, or not valid Unicode.
        """
        value = self.fields.get(key)
        if value is None:
            return ""
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            value = str(value)
        if not isinstance(value, str):
            raise self.error(key, f"expected text, got {_KINDS.get(type(value), 'something else')}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self.error(key, "the text is not valid Unicode (a lone surrogate)") from None
        return value.strip()

    def image(self, root: Path, name: str, *, key: str, suffixes: Iterable[str] = ("",)) -> Path:
        """The image of this name inside `root`, with the first of `suffixes` that is there.

        Raises:
            RowError: None is, or the name is no plain one; see `image_inside`.
        """
        first: ImageRefusedError | None = None
        for suffix in suffixes:
            try:
                return image_inside(root, name + suffix)
            except ImageRefusedError as problem:
                first = first or problem
        assert first is not None
        raise self.error(key, first.reason, first.remedy)

    def error(self, key: str, reason: str, remedy: str | None = None) -> RowError:
        """A mistake in a field of this row."""
        return RowError(
            Mistake(file=self.file, row=self.number, field=key, reason=reason, remedy=remedy or self.remedy)
        )


def collected(
    file: str, rows: Iterable[tuple[int, Any]], make: Callable[[Row], Made | None], *, remedy: str
) -> list[Made]:
    """What `make` makes of every (number, fields); None leaves the row out. A row that is no object has no fields.

    Raises:
        InputError: The mistakes of all rows for which `make` raised a RowError.
    """
    mistakes: list[Mistake] = []
    found: list[Made] = []
    for number, fields in rows:
        row = Row(file=file, number=number, fields=fields if isinstance(fields, dict) else {}, remedy=remedy)
        try:
            made = make(row)
        except RowError as problem:
            mistakes.append(problem.mistake)
        else:
            if made is not None:
                found.append(made)
    raise_all(mistakes)
    return found


def entries(document: Any, file: str) -> list[tuple[int, Any]]:
    """(number, entry) of a JSON list.

    Raises:
        InputError: Not a list.
    """
    if not isinstance(document, list):
        raise InputError(Mistake(file=file, reason="expected a list of entries", remedy="Download the dataset again"))
    return list(enumerate(document, start=1))


def require_columns(rows: list[tuple[int, dict[str, Any]]], columns: Iterable[str], *, file: str, remedy: str) -> None:
    """Refuse a table without rows, or whose first row lacks a column: every other row would say the same.

    Raises:
        InputError: All columns that are missing.
    """
    if not rows:
        raise InputError(Mistake(file=file, reason="there is no row in it", remedy="Write one row an image and answer"))
    number, fields = rows[0]
    raise_all(
        [
            Mistake(file=file, row=number, field=column, reason="there is no such column", remedy=remedy)
            for column in columns
            if column not in fields
        ]
    )
