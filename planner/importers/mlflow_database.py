"""MLflow's tracking database (`mlflow.db`): metrics one by one, with times in milliseconds.

Source: mlflow/store/tracking/dbmodels/models.py. Values that are infinite are stored as the largest double.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from planner.errors import Mistake, RecordError
from planner.importers.database import Database, has_columns, opened
from planner.importers.table import ForeignLog, LogFile, Sample, table_of

NAME = "mlflow_database"
TITLE = "database of MLflow (mlflow.db)"
_METRICS = ("key", "value", "timestamp", "run_uuid", "step", "is_nan")
_RUNS = ("run_uuid", "name", "lifecycle_stage")
_INFINITE = 1.79e308


def recognises(data: bytes) -> bool:
    """Whether the content is a database with MLflow's tables."""
    file = LogFile(path=NAME, data=data)
    return has_columns(file, "metrics", _METRICS) and has_columns(file, "runs", _RUNS)


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read one database; runs that were deleted are left out.

    Raises:
        RecordError: It is damaged, or has no metric.
    """
    file = files[0]
    with opened(file) as database:
        names = _names(database)
        samples: dict[str, list[Sample]] = {}
        for key, value, milliseconds, run, step, is_nan in database.rows("metrics", _METRICS, ("timestamp", "step")):
            if run in names and isinstance(step, int) and isinstance(key, str):
                number = _number(value, is_nan)
                seconds = milliseconds / 1000 if isinstance(milliseconds, int) else None
                samples.setdefault(run, []).append(Sample(key, step, seconds, number))
    runs = tuple(table_of(names[run], found) for run, found in samples.items())
    if not runs:
        raise RecordError(Mistake(file=file.name, reason="no run has a metric", remedy="Log the loss of the run"))
    return ForeignLog(log=NAME, file=file.name, runs=runs, entry="metric row")


def _names(database: Database) -> dict[str, str]:
    """Runs that are not deleted, by id; a name that several share is followed by the id."""
    kept = [
        (run, name or run) for run, name, stage in database.rows("runs", _RUNS, ("run_uuid",)) if stage != "deleted"
    ]
    all_names = [name for _, name in kept]
    return {run: name if all_names.count(name) == 1 else f"{name} ({run})" for run, name in kept}


def _number(value: Any, is_nan: Any) -> float:
    if is_nan or not isinstance(value, (int, float)) or abs(value) >= _INFINITE:
        return math.nan
    return float(value)
