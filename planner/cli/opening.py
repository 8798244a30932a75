"""From what the user names to a value: a record, a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import Mistake, PlanError, RecordError, shown_name

if TYPE_CHECKING:
    from planner.cost.plan import Plan
    from planner.record import Calibration

EXAMPLE = "example"


def example_file() -> Path:
    """The bundled example calibration, packed."""
    from planner.resources import data_directory

    return data_directory() / "example" / "calibration.jsonl"


def open_calibration(record: str, *, skip_bad_lines: bool = False) -> Calibration:
    """A record directory, a packed record, a saved calibration, or `example`.

    Raises:
        RecordError: It is not there, not a record, or damaged.
    """
    from planner.record import read_calibration

    path = Path(record)
    if record == EXAMPLE and not path.exists():
        return read_calibration(example_file())
    if path.exists():
        _refuse_foreign_log(path)
        return read_calibration(path, skip_bad_lines=skip_bad_lines)
    from planner.store import load_calibration

    found = load_calibration(record)
    if found is None:
        raise RecordError(
            Mistake(
                file=shown_name(path),
                reason="no such folder or file, and no saved calibration of this name",
                remedy="Check the path, or make a record with `calibrate run` or `plateau import`",
            )
        )
    return found


def open_plan(plan: str) -> Plan:
    """A plan file, a board paper with its plan inside, or a saved plan.

    Raises:
        PlanError: It is not there, not a plan, or damaged.
    """
    from planner.cost.plan import parse_plan
    from planner.reading import read_bytes

    path = Path(plan)
    if not path.exists():
        from planner.store import load_plan

        found = load_plan(plan)
        if found is not None:
            return found
    data = read_bytes(path, error=PlanError)
    if data.startswith(b"%PDF"):
        from planner.report.pdf import read_plan_from_pdf

        return read_plan_from_pdf(data, file=shown_name(path))
    return parse_plan(data, file=shown_name(path))


def _refuse_foreign_log(path: Path) -> None:
    if not path.is_file():
        return
    from planner.importers import HEAD_BYTES, looks_like_a_log

    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    if b'"calibration_id"' not in start and looks_like_a_log(start):
        raise RecordError(
            Mistake(
                file=shown_name(path),
                reason="a log of another trainer, not a calibration record",
                remedy="Run `plateau import` on it first, and give what the log does not say",
            )
        )
