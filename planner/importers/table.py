"""A foreign log as tables, one a run: every kind of log becomes rows of named cells before anything is chosen.

Cells stay what the log has (text of a CSV, numbers of a database) until a column is used; only then are they read, and
read strictly. What nobody uses is never looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from planner.errors import Mistake, RecordError
from planner.reading import parse_number

MOST_ENTRIES = 500_000
"""Values or rows that are read of a log: a curve needs hundreds, and memory is not a stranger's to fill."""
STEP, WALL_TIME = "step", "wall_time"
"""Columns of a log that has its metrics one by one, each with step and time."""

_NOT_FINITE = frozenset(["nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"])


class LogFile(Struct, frozen=True, kw_only=True):
    """One file of a log.

    Attributes:
        path: Its name; inside a folder, its place below that folder, with `/`.
        data: Its content.
        write_ahead: Content of the `-wal` file beside a database.
    """

    path: str
    data: bytes
    write_ahead: bytes = b""

    @property
    def name(self) -> str:
        """For messages: without directories."""
        return PurePosixPath(self.path).name


class Row(Struct, frozen=True):
    """Cells by column; `number` is the line or entry that a message names."""

    number: int
    cells: dict[str, Any]


class RunTable(Struct, frozen=True, kw_only=True):
    """One run of a log, its rows in the order of the log. `name` is empty where the log has no names."""

    name: str = ""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def filled(self, column: str) -> int:
        """Rows that have something in this column."""
        return sum(not is_blank(row.cells.get(column)) for row in self.rows)


class ForeignLog(Struct, frozen=True, kw_only=True):
    """What a reader found, before anything is chosen or the user's facts are known.

    Attributes:
        log: Name of the reader.
        file: Name for messages.
        runs: At least one.
        entry: What messages call a row; None: it is a line of the file.
        log_calls: Columns that count calls of the logger, which need not be optimizer steps.
        sparse: A row without a loss is usual, because other metrics have rows of their own.
        estimated_seconds: Training seconds of the whole run, where the log has only a total.
        finished: The run came to its planned end.
        remarks: See `planner.record.imported`.
    """

    log: str
    file: str
    runs: tuple[RunTable, ...]
    entry: str | None = None
    log_calls: tuple[str, ...] = ()
    sparse: bool = True
    estimated_seconds: float | None = None
    finished: bool = False
    remarks: dict[str, float] = {}

    def mistake(self, reason: str, remedy: str, *, row: int | None = None, field: str | None = None) -> Mistake:
        """A mistake of this log, with its row called what the format calls it."""
        if field is not None:  # a name out of JSON may hold half a character, which no terminal prints
            field = field.encode("utf-8", "replace").decode()
        if self.entry is not None and row is not None:
            field = f"{self.entry} {row:,}" + (f", {field}" if field else "")
            row = None
        return Mistake(file=self.file, row=row, field=field, reason=reason, remedy=remedy)


class Sample(Struct, frozen=True):
    """One value of one metric, for logs that have them one by one. A value that is not a number is NaN."""

    metric: str
    step: int
    seconds: float | None
    value: float


def table_of(name: str, samples: Iterable[Sample]) -> RunTable:
    """A run of single samples as a table: samples of one step that follow each other share a row."""
    columns: dict[str, None] = {STEP: None, WALL_TIME: None}
    rows: list[Row] = []
    for sample in samples:
        metric = sample.metric if sample.metric not in (STEP, WALL_TIME) else f"{sample.metric} (metric)"
        columns.setdefault(metric)
        last = rows[-1].cells if rows else {}
        if last.get(STEP) == sample.step and metric not in last:
            last[metric] = sample.value
        else:
            cells = {STEP: sample.step, WALL_TIME: sample.seconds, metric: sample.value}
            rows.append(Row(number=len(rows) + 1, cells=cells))
    return RunTable(name=name, columns=tuple(columns), rows=tuple(rows))


def too_many(file: LogFile) -> RecordError:
    """What a log with more than `MOST_ENTRIES` gets."""
    reason, remedy = f"more than {MOST_ENTRIES:,} entries", "Export one run, or every tenth step of it, as CSV"
    return RecordError(Mistake(file=file.name, reason=reason, remedy=remedy))


def is_blank(cell: Any) -> bool:
    """Whether there is nothing in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def cell_number(cell: Any, log: ForeignLog, *, row: int, field: str) -> float:
    """The number in a cell that is not blank; NaN for what is written as not finite.

    Raises:
        RecordError: It is not one plain number.
    """
    if isinstance(cell, str):
        if cell.strip().lower() in _NOT_FINITE:
            return math.nan
        try:
            return parse_number(cell, file=log.file, row=row, field=field, error=RecordError)
        except RecordError as problem:
            found = problem.mistakes[0]
            raise RecordError(log.mistake(found.reason, found.remedy, row=row, field=field)) from None
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except OverflowError:
            reason = "expected a number, got a whole number of more than 300 digits"
            raise RecordError(log.mistake(reason, "Correct the log", row=row, field=field)) from None
        return value if math.isfinite(value) else math.nan
    kind = {bool: "true or false", dict: "an object", list: "a list"}.get(type(cell), "something else")
    raise RecordError(log.mistake(f"expected a number, got {kind}", "Name another column", row=row, field=field))


def optional_number(row: Row, column: str | None, log: ForeignLog) -> float | None:
    """The number in a cell that is a bonus: None where there is none, NaN where it is not finite."""
    cell = row.cells.get(column) if column is not None else None
    if column is None or is_blank(cell):
        return None
    try:
        return cell_number(cell, log, row=row.number, field=column)
    except RecordError:
        return None
