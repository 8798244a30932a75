"""What a log holds, before it is imported: runs and columns, and what each most likely is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from planner.errors import RecordError
from planner.importers.choice import chosen_columns
from planner.importers.facts import ImportFacts
from planner.importers.names import Role, role_of
from planner.importers.readers import READERS, read_log
from planner.importers.table import ForeignLog, LogFile, RunTable
from planner.record import LossKind


class Column(Struct, frozen=True):
    """A column or metric of a run: its name, what it most likely is, and in how many rows it has something."""

    name: str
    role: Role
    filled: int


class RunContents(Struct, frozen=True, kw_only=True):
    """What one run offers.

    Attributes:
        name: For `ImportFacts.run`; empty where the log has one run without a name.
        rows: Rows of the log.
        columns: In the order of the log.
        step_column, loss_column, time_column: What an import takes when nothing is named; None where it would ask.
    """

    name: str
    rows: int
    columns: tuple[Column, ...]
    step_column: str | None
    loss_column: str | None
    time_column: str | None


class LogContents(Struct, frozen=True, kw_only=True):
    """What a log holds.

    Attributes:
        log: Name of its kind.
        title: Its kind in words.
        runs: At least one; with more than one that has a loss, `ImportFacts.run` must say which.
    """

    log: str
    title: str
    runs: tuple[RunContents, ...]


def log_contents(data: bytes, *, file: str) -> LogContents:
    """Look into the content of another trainer's log.

    Args:
        data: The whole file.
        file: Its name, for messages (and, for a metric file of MLflow, the name of its metric).

    Raises:
        RecordError: It is no log that Plateau knows, or is damaged.
    """
    return _contents(read_log([LogFile(path=file, data=data)]))


def _contents(log: ForeignLog) -> LogContents:
    return LogContents(log=log.log, title=READERS[log.log].title, runs=tuple(_run(log, run) for run in log.runs))


def _run(log: ForeignLog, run: RunTable) -> RunContents:
    columns = tuple(Column(name, role_of(name), run.filled(name)) for name in run.columns)
    try:
        chosen = chosen_columns(log, run, ImportFacts())
    except RecordError:
        return RunContents(
            name=run.name, rows=len(run.rows), columns=columns, step_column=None, loss_column=None, time_column=None
        )
    return RunContents(
        name=run.name,
        rows=len(run.rows),
        columns=columns,
        step_column=chosen.x,
        loss_column=next((chosen.losses[kind] for kind in _BEST_FIRST if kind in chosen.losses), None),
        time_column=chosen.time,
    )


_BEST_FIRST: Sequence[LossKind] = (LossKind.HELD_OUT, LossKind.TRAINING, LossKind.UNKNOWN)
