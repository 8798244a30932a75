"""Trackio's database of a project (`{project}.db`): one row a call, its metrics as JSON, its time as text.

Rows are sent in batches and a batch has one time. `step` counts calls of `trackio.log`, unless the trainer gave its
own; Hugging Face's adds `train/global_step`.

Source: trackio/sqlite_storage.py (0.43); older databases have no `run_id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.errors import Mistake, RecordError
from planner.importers.database import has_columns, opened
from planner.importers.table import ForeignLog, LogFile, Row, RunTable
from planner.reading import decode_json

NAME = "trackio"
TITLE = "database of Trackio (project.db)"
_COLUMNS = ("timestamp", "run_name", "step", "metrics")
_STEP, _TIME = "_step", "timestamp"
_REMEDY = "Copy the database again, or export the run as CSV and import that"


def recognises(data: bytes) -> bool:
    """Whether the content is a database with Trackio's table of metrics."""
    return has_columns(LogFile(path=NAME, data=data), "metrics", _COLUMNS)


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read the database of one project.

    Raises:
        RecordError: It is damaged, or has no metric.
    """
    file = files[0]
    runs: dict[str, list[Row]] = {}
    columns: dict[str, dict[str, None]] = {}
    with opened(file) as database:
        wanted = (*_COLUMNS, *(["run_id"] if "run_id" in database.columns("metrics") else []))
        found = database.rows("metrics", wanted, ("rowid",))
    names = _names(found)
    for number, (seconds, run_name, step, metrics, *run_id) in enumerate(found, start=1):
        name = names[(run_name, *run_id)]
        cells = {_STEP: step, _TIME: seconds} | _metrics(metrics, file, number)
        runs.setdefault(name, []).append(Row(number, cells))
        columns.setdefault(name, {}).update(dict.fromkeys(cells))
    if not runs:
        raise RecordError(Mistake(file=file.name, reason="no run has a metric", remedy="Log the loss of the run"))
    tables = tuple(RunTable(name=name, columns=tuple(columns[name]), rows=tuple(rows)) for name, rows in runs.items())
    return ForeignLog(log=NAME, file=file.name, runs=tables, entry="metrics row", log_calls=(_STEP,))


def _metrics(text: Any, file: LogFile, number: int) -> dict[str, Any]:
    if not isinstance(text, (str, bytes)):
        reason = "expected the metrics as JSON"
        raise RecordError(Mistake(file=file.name, row=number, field="metrics", reason=reason, remedy=_REMEDY))
    found = decode_json(
        text, dict[str, Any], file=file.name, row=number, error=RecordError, remedy=_REMEDY, non_finite=True
    )
    return {name: value for name, value in found.items() if name not in (_STEP, _TIME)}


def _names(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """Names of runs by (name, id); a name that several share is followed by the id."""
    keys = dict.fromkeys((row[1], *row[4:]) for row in rows)
    shared = [str(key[0]) for key in keys]
    return {
        key: str(key[0]) if shared.count(str(key[0])) == 1 else f"{key[0]} ({' '.join(map(str, key[1:]))})"
        for key in keys
    }
