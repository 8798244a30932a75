"""The points of a run: the chosen cells read strictly, in the order of training."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from planner.errors import Mistake, RecordError
from planner.importers.choice import Columns
from planner.importers.table import ForeignLog, Row, RunTable, cell_number, is_blank, optional_number
from planner.importers.times import reading
from planner.record import LossKind

_NEVER_NEGATIVE = "Plateau reads losses in nats (cross-entropy), which are never negative"
_LARGEST_STEP = 1e12
_CARRIED, _DIGITS = 3, 6


class LogPoint(Struct, frozen=True, kw_only=True):
    """One logged loss. `x` is in the log's own unit; a loss that is not a number is NaN."""

    x: float
    loss: float
    seconds: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None


class RunPoints(Struct, frozen=True, kw_only=True):
    """What was read of one run.

    Attributes:
        series: Points by kind of loss, x rising.
        learning_rates: In the order of training.
        evaluation_seconds: What the evaluations at an x took together, where the log says it.
        first_seconds: The first time of the log.
        remarks: See `planner.record.imported`.
    """

    series: dict[LossKind, tuple[LogPoint, ...]]
    learning_rates: tuple[float, ...]
    evaluation_seconds: dict[float, float]
    first_seconds: float | None
    remarks: dict[str, float]


def read_points(log: ForeignLog, run: RunTable, columns: Columns, *, times_named: bool = False) -> RunPoints:
    """Read the chosen columns.

    Args:
        log: For messages.
        run: The chosen run.
        columns: Its chosen columns.
        times_named: The user named the column of times, so what is no time is a mistake. Otherwise times are a bonus.

    Raises:
        RecordError: Every cell that is wrong, at once.
    """
    mistakes: list[Mistake] = []
    series: dict[LossKind, list[LogPoint]] = {kind: [] for kind in columns.losses}
    rates: list[tuple[float, float]] = []
    evaluations: dict[float, float] = {}
    first_seconds: float | None = None
    without = averaged = 0
    for row in run.rows:
        losses = {kind: column for kind, column in columns.losses.items() if not is_blank(row.cells.get(column))}
        rate = _at_least_0(log, row, columns.learning_rate)
        x_known = not is_blank(row.cells.get(columns.x))
        if not losses and not (x_known and (rate is not None or columns.evaluation_seconds)):
            without += 1
            continue
        without += not losses
        try:
            x = _whole(log, row, columns.x)
        except RecordError as problem:
            if losses:
                mistakes.extend(problem.mistakes)
            continue
        if rate is not None:
            rates.append((x, rate))
        for column in columns.evaluation_seconds:
            evaluations[x] = evaluations.get(x, 0.0) + (_at_least_0(log, row, column) or 0.0)
        seconds = reading(row.cells.get(columns.time)) if columns.time else None
        if losses and times_named and seconds is None:
            reason, remedy = "expected a time: seconds, or text such as 2026-11-24T09:00:00", "Leave --time-column out"
            mistakes.append(log.mistake(reason, remedy, row=row.number, field=columns.time))
        first_seconds = seconds if first_seconds is None else first_seconds
        gradient = optional_number(row, columns.gradient_norm, log)
        for kind, column in losses.items():
            try:
                loss = _loss(log, row, column)
            except RecordError as problem:
                mistakes.extend(problem.mistakes)
                continue
            averaged += _averages(row, column)
            point = LogPoint(x=x, loss=loss, seconds=seconds, learning_rate=rate, gradient_norm=gradient)
            series[kind].append(point)
    if mistakes:
        raise RecordError(mistakes)
    remarks = {
        "no_loss": 0 if log.sparse else without,
        "averaged": averaged,
        "log_calls": len(run.rows) if columns.x in log.log_calls else 0,
    }
    return RunPoints(
        series={kind: tuple(points) for kind, points in series.items()},
        learning_rates=tuple(rate for _, rate in sorted(rates, key=lambda pair: pair[0])),
        evaluation_seconds=evaluations,
        first_seconds=first_seconds,
        remarks={code: float(number) for code, number in remarks.items() if number},
    )


def in_order(points: Sequence[LogPoint], remarks: dict[str, float]) -> tuple[LogPoint, ...]:
    """Points with rising x. Where the log steps back, a run was resumed: what it logs again replaces what it had."""
    kept: list[LogPoint] = []
    again = twice = 0
    for point in points:
        while kept and kept[-1].x >= point.x:
            if kept.pop().x == point.x:
                twice += 1
            else:
                again += 1
        kept.append(point)
    if again:
        remarks["logged_again"] = again + twice
    elif twice:
        remarks["logged_twice"] = twice
    return _without_carried(kept, remarks)


def _without_carried(points: list[LogPoint], remarks: dict[str, float]) -> tuple[LogPoint, ...]:
    """Points without copies: a table that is filled downwards repeats the last evaluation in every row.

    Three equal values with six digits or more do not follow each other by chance.
    """
    kept: list[LogPoint] = []
    copies = 0
    at = 0
    while at < len(points):
        end = at + 1
        while end < len(points) and points[end].loss == points[at].loss:
            end += 1
        carried = end - at >= _CARRIED and _has_digits(points[at].loss)
        kept.extend(points[at : at + 1] if carried else points[at:end])
        copies += end - at - 1 if carried else 0
        at = end
    if copies:
        remarks["carried_forward"] = copies
    return tuple(kept)


def _has_digits(value: float) -> bool:
    """Whether a value is written with at least six significant digits."""
    return float(f"{value:.{_DIGITS - 1}g}") != value


def _averages(row: Row, column: str) -> bool:
    """Whether Weights & Biases says that a value stands for several: its least and largest differ."""
    least, largest = row.cells.get(f"{column}__MIN"), row.cells.get(f"{column}__MAX")
    return not is_blank(least) and not is_blank(largest) and least != largest


def _whole(log: ForeignLog, row: Row, column: str) -> float:
    cell = row.cells.get(column)
    if is_blank(cell):
        reason = "a loss without a step"
        raise RecordError(log.mistake(reason, "Name another column with --step-column", row=row.number, field=column))
    value = cell_number(cell, log, row=row.number, field=column)
    if not 0 <= value <= _LARGEST_STEP or value != int(value):
        shown = cell.strip() if isinstance(cell, str) else f"{value:g}"
        reason = f"expected a whole number of 0 or more, got {shown[:20]}"
        remedy = "Plateau counts steps or examples; with --step-column another column can be named"
        raise RecordError(log.mistake(reason, remedy, row=row.number, field=column))
    return value


def _loss(log: ForeignLog, row: Row, column: str) -> float:
    cell = row.cells[column]
    value = cell_number(cell, log, row=row.number, field=column)
    if value < 0:
        shown = cell.strip() if isinstance(cell, str) else f"{value:g}"
        reason = f"expected a loss above 0, got {shown[:20]}"
        raise RecordError(log.mistake(reason, _NEVER_NEGATIVE, row=row.number, field=column))
    return value


def _at_least_0(log: ForeignLog, row: Row, column: str | None) -> float | None:
    """A finite number of 0 or more that is a bonus."""
    value = optional_number(row, column, log)
    return value if value is not None and value >= 0 else None
