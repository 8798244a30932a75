"""What can be wrong with the input, as exceptions that carry their parts.

Only broken input is an exception. An outcome such as "the target is unreachable" is a value (`planner.outcome`).
Every message says what was read, where, what was expected and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in one file.

    Attributes:
        file: Name of the file as the user gave it; no directories, so that a message shows no private path.
        row: 1-based line or row, or None when the whole file is meant.
        field: Column, key or option, or None.
        reason: What was read and what was expected.
        remedy: What to do.
    """

    file: str
    row: int | None = None
    field: str | None = None
    reason: str
    remedy: str

    def __str__(self) -> str:
        where = self.file
        if self.row is not None:
            where += f" line {self.row}"
        if self.field is not None:
            where += f", {self.field}"
        return f"{where}: {self.reason}. {self.remedy}"


class PlannerError(Exception):
    """Base of every error that the planner raises on purpose; `str(error)` is a sentence for the user."""

    exit_code = 2


class InputError(PlannerError):
    """One or more mistakes in a file, all reported at once.

    Attributes:
        mistakes: At least one `Mistake`.
    """

    def __init__(self, mistakes: Mistake | Sequence[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = (mistakes,) if isinstance(mistakes, Mistake) else tuple(mistakes)
        if not self.mistakes:
            raise ValueError("InputError needs at least one mistake")
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class RecordError(InputError):
    """A calibration record or an imported log cannot be read."""


class CatalogError(InputError):
    """A catalog file in `data/`, or a user's own price file, is wrong."""


class ScenarioError(InputError):
    """A scenario (what the hospital decides) is wrong."""


class PlanError(InputError):
    """A plan file cannot be read."""


class CurveError(PlannerError):
    """The runs cannot be turned into a loss curve (no points, mixed units)."""


class MissingPartError(PlannerError):
    """A needed part is not installed or not there (GPU, extra, weights)."""

    exit_code = 4


def shown_name(path: str | PurePath) -> str:
    """The name of a file for messages: without directories, which may name a person or a patient."""
    return PurePath(path).name
