"""Hugging Face `trainer_state.json`: the log history of a `Trainer`.

It has no time for each entry (unless input tokens were counted), a training loss that is a mean since the entry before,
and, in the last entry, the run time including evaluation. A run that diverged leaves bare NaN in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from planner.errors import RecordError
from planner.importers.names import SESSION_SECONDS, is_evaluation_seconds
from planner.importers.table import ForeignLog, LogFile, Row, RunTable
from planner.reading import decode_json

NAME = "trainer_state"
TITLE = "trainer_state.json of Hugging Face"
MAX_BYTES = 32 * 1024 * 1024
_REMEDY = "Take the trainer_state.json that the Trainer wrote into its checkpoint or output folder"


class _State(Struct, frozen=True, kw_only=True):
    log_history: list[dict[str, Any]]
    global_step: int | None = None
    max_steps: int | None = None


def recognises(data: bytes) -> bool:
    """Whether the content looks like a trainer state."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and b'"log_history"' in data


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read one trainer state.

    Raises:
        RecordError: Not a trainer state.
    """
    file = files[0]
    state = decode_json(
        file.data, _State, file=file.name, error=RecordError, remedy=_REMEDY, limit=MAX_BYTES, non_finite=True
    )
    columns = dict.fromkeys(column for entry in state.log_history for column in entry)
    rows = tuple(Row(number, entry) for number, entry in enumerate(state.log_history, start=1))
    finished = state.global_step is not None and bool(state.max_steps) and state.global_step == state.max_steps
    return ForeignLog(
        log=NAME,
        file=file.name,
        runs=(RunTable(columns=tuple(columns), rows=rows),),
        entry="log_history entry",
        estimated_seconds=_training_seconds(state.log_history) if finished else None,
        finished=finished,
    )


def _training_seconds(entries: list[dict[str, Any]]) -> float | None:
    """Run time of the last session without its evaluations; it includes saving checkpoints, hence "estimated"."""
    total = next((entry[SESSION_SECONDS] for entry in reversed(entries) if SESSION_SECONDS in entry), None)
    evaluation = sum(
        value for entry in entries for name, value in entry.items() if is_evaluation_seconds(name) and _is_time(value)
    )
    return max(float(total) - evaluation, 0.0) if _is_time(total) and total else None


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12
