"""A CSV of step and loss: TensorBoard's `Wall time,Step,Value`, or anybody's own with a header line."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from planner.errors import RecordError
from planner.importers.table import MOST_ENTRIES, ForeignLog, LogFile, Row, RunTable, too_many
from planner.reading import read_table

NAME = "csv_table"
TITLE = "CSV with a column of steps and one of losses"
_MARKS = (b",", b";", b"\t")


def recognises(data: bytes) -> bool:
    """Whether the content looks like text with columns."""
    first = header_line(data)
    return b"\0" not in data[:4096] and first[:1] not in (b"{", b"[") and any(mark in first for mark in _MARKS)


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read one CSV.

    Raises:
        RecordError: The table has no shape, with every line that is wrong.
    """
    file = files[0]
    columns, rows, remarks = table_rows(file)
    run = RunTable(columns=columns, rows=rows)
    return ForeignLog(log=NAME, file=file.name, runs=(run,), sparse=False, remarks=remarks)


def table_rows(file: LogFile) -> tuple[tuple[str, ...], tuple[Row, ...], dict[str, float]]:
    """Columns and rows of a CSV, and a remark where its last line is cut off.

    Raises:
        RecordError: The table has no shape.
    """
    if file.data.count(b"\n") > MOST_ENTRIES:
        raise too_many(file)
    data, cut = _without_torn_line(file.data)
    columns, rows = read_table(data, file=file.name, error=RecordError)
    remarks = {"torn_tail": float(cut)} if cut else {}
    return tuple(columns), tuple(Row(number, cells) for number, cells in rows), remarks


def header_line(data: bytes) -> bytes:
    """The first line that is not empty, without a byte-order mark."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]


def header_columns(data: bytes) -> list[str]:
    """The names in the header line; empty where it is no line of a CSV."""
    line = header_line(data).decode("utf-8", "replace")
    try:
        return next(csv.reader([line], delimiter=max(",;\t", key=line.count), strict=True), [])
    except csv.Error:
        return []


def _without_torn_line(data: bytes) -> tuple[bytes, int]:
    """The table without a last line that was cut off, and the bytes that this leaves out.

    A whole line has as many separators as the header; a file that ends in the middle of a number cannot be told.
    """
    body, newline, last = data.rpartition(b"\n")
    header = header_line(data)
    mark = max(_MARKS, key=header.count)
    torn = last.strip() and (last.count(mark) < header.count(mark) or last.count(b'"') % 2)
    return (body + newline, len(last)) if newline and torn else (data, 0)
