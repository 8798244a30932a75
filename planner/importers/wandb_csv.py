"""CSV of Weights & Biases: the export of a chart, or a run's history.

A chart has one column of x and, for every run, `RUN - METRIC` with `RUN - METRIC__MIN` and `__MAX`; where these differ
the chart had put several values into one. A history (`run.history().to_csv()`) has `_step`, `_runtime`, `_timestamp`
and the metrics of one run. `Step` and `_step` count calls of `wandb.log`, unless the trainer said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.importers.csv_table import header_columns, table_rows
from planner.importers.csv_table import recognises as is_table
from planner.importers.names import is_extreme
from planner.importers.table import ForeignLog, LogFile, Row, RunTable, is_blank

NAME = "wandb_csv"
TITLE = "CSV of Weights & Biases (a chart, or a run's history)"
_BETWEEN = " - "
_STEP, _CLOCKS = "_step", frozenset(["_runtime", "_timestamp"])
_CALLS = ("Step", "_step")


def recognises(data: bytes) -> bool:
    """Whether the header line is one that Weights & Biases writes."""
    columns = header_columns(data) if is_table(data) else []
    return _is_chart(columns) or (_STEP in columns and not _CLOCKS.isdisjoint(columns))


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read one export.

    Raises:
        RecordError: The table has no shape.
    """
    file = files[0]
    columns, rows, remarks = table_rows(file)
    runs = _runs(columns, rows) if _is_chart(columns) else (RunTable(columns=columns, rows=rows),)
    return ForeignLog(log=NAME, file=file.name, runs=runs, log_calls=_CALLS, remarks=remarks)


def _is_chart(columns: Sequence[str]) -> bool:
    with_run = [_BETWEEN in column for column in columns]
    extremes = any(found and is_extreme(column) for found, column in zip(with_run, columns, strict=True))
    return extremes or (len(columns) > 1 and not with_run[0] and all(with_run[1:]))


def _runs(columns: Sequence[str], rows: Sequence[Row]) -> tuple[RunTable, ...]:
    """One table a run, with the columns that all share; rows in which a run has nothing are not its rows."""
    shared = [column for column in columns if _BETWEEN not in column]
    metrics: dict[str, dict[str, str]] = {}
    for column in columns:
        if _BETWEEN in column:
            run, _, metric = column.rpartition(_BETWEEN)
            metrics.setdefault(run, {})[metric] = column
    tables = []
    for name, mine in metrics.items():
        kept = []
        for row in rows:
            cells = {metric: row.cells[column] for metric, column in mine.items()}
            if not all(is_blank(cell) for cell in cells.values()):
                kept.append(Row(row.number, {column: row.cells[column] for column in shared} | cells))
        tables.append(RunTable(name=name, columns=(*shared, *mine), rows=tuple(kept)))
    return tuple(tables)
