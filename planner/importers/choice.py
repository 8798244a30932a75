"""Which run and which columns make the curve. Where two could be meant nothing is guessed: the message lists them.

What the user names wins; otherwise a name that is clearly a loss, a step or a clock (`planner.importers.names`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from planner.errors import RecordError
from planner.importers import names
from planner.importers.facts import ImportFacts
from planner.importers.names import Role, loss_rank, plain, role_of
from planner.importers.table import ForeignLog, Row, RunTable, is_blank
from planner.importers.times import reading
from planner.record import LossKind, XUnit

_MOST_LISTED = 12
_LONGEST = 60
_RAW = "Export the raw column (smoothing at 0), not the smoothed one"
_SMOOTHED = "a smoothed column: its floor and its noise are not those of the run"
FEWEST_READINGS = 2


class Columns(Struct, frozen=True, kw_only=True):
    """What is read of a table.

    Attributes:
        x: Column of steps or examples.
        x_unit: Which of them, as far as its name says.
        losses: Column by kind of loss.
        time: Column of times, None where there is none.
        wall_clock: Its times are readings of a clock, not elapsed seconds.
        learning_rate, gradient_norm: None where there is none.
        evaluation_seconds: Columns with the time an evaluation took.
    """

    x: str
    x_unit: XUnit
    losses: dict[LossKind, str]
    time: str | None = None
    wall_clock: bool = False
    learning_rate: str | None = None
    gradient_norm: str | None = None
    evaluation_seconds: tuple[str, ...] = ()


def chosen_run(log: ForeignLog, facts: ImportFacts) -> RunTable:
    """The run that is meant: the one that is named, or the only one that has a loss.

    Raises:
        RecordError: Several have one, or none of this name; lists them.
    """
    if facts.run is not None:
        for run in log.runs:
            if run.name == facts.run:
                return run
        known = _listed([run.name for run in log.runs if run.name])
        raise _fail(
            log,
            f"no run {facts.run[:_LONGEST]!r}",
            f"The runs are {known}" if known else "The log has one run without a name; leave --run out",
            field="--run",
        )
    with_loss = [run for run in log.runs if _has_loss(run, facts)]
    if len(with_loss) > 1:
        raise _fail(
            log,
            f"{len(with_loss):,} runs have a loss: {_listed([run.name for run in with_loss])}",
            "Say which with --run",
        )
    return (with_loss or log.runs)[0]


def chosen_columns(log: ForeignLog, run: RunTable, facts: ImportFacts) -> Columns:
    """The columns of one run.

    Raises:
        RecordError: There is no such column, or several could be meant.
    """
    losses = _losses(log, run, facts)
    rows = [row for row in run.rows if any(not is_blank(row.cells.get(column)) for column in losses.values())]
    x = _x(log, run, facts, rows)
    key = plain(x)
    unit = XUnit.EXAMPLES if key in names.EXAMPLES else XUnit.STEPS if _is_step(key) else XUnit.UNKNOWN
    time = _time(log, run, facts, rows)
    return Columns(
        x=x,
        x_unit=unit,
        losses=losses,
        time=time,
        wall_clock=time is not None and _is_clock(time, rows),
        learning_rate=_first(run, names.LEARNING_RATES),
        gradient_norm=_first(run, names.GRADIENT_NORMS),
        evaluation_seconds=tuple(column for column in run.columns if names.is_evaluation_seconds(column)),
    )


def _losses(log: ForeignLog, run: RunTable, facts: ImportFacts) -> dict[LossKind, str]:
    if facts.loss_column is not None:
        column = _named(log, run, facts.loss_column, "--loss-column")
        if names.is_smoothed(column):
            raise _fail(log, _SMOOTHED, _RAW, field=column)
        rank = loss_rank(column)
        return {rank[0] if rank else LossKind.UNKNOWN: column}
    candidates = _candidates(run)
    if not candidates:
        smoothed = [column for column in run.columns if role_of(column) is Role.SMOOTHED]
        if smoothed:
            raise _fail(log, _SMOOTHED, _RAW, field=smoothed[0])
        raise _fail(
            log,
            f"expected a column of losses, found {_listed(run.columns)}",
            "Say which column with --loss-column",
        )
    found: dict[LossKind, str] = {}
    for kind, columns in candidates.items():
        if len(columns) == 1:
            found[kind] = columns[0]
        elif facts.loss_kind is kind or (facts.loss_kind is None and LossKind.HELD_OUT not in found):
            raise _ambiguous(log, columns, "--loss-column")
    if not found:
        raise _ambiguous(log, next(iter(candidates.values())), "--loss-column")
    return found


def _candidates(run: RunTable) -> dict[LossKind, list[str]]:
    """The clearest names of every kind of loss, held-out first; empty columns only where all are."""
    ranked = [(column, rank) for column in run.columns if (rank := loss_rank(column))]
    final = [column for column in run.columns if plain(column) in names.FINAL_SECONDS]
    if final:
        # Hugging Face's last entry has the mean of the whole run under a name that others give to the curve.
        entries = max(run.filled(column) for column in final)
        ranked = [
            (column, rank)
            for column, rank in ranked
            if plain(column) not in names.FINAL_MEAN_LOSS or run.filled(column) > entries
        ]
    ranked = [pair for pair in ranked if run.filled(pair[0])] or ranked
    found: dict[LossKind, list[str]] = {}
    for kind in (LossKind.HELD_OUT, LossKind.TRAINING, LossKind.UNKNOWN):
        mine = [(rank[1], column) for column, rank in ranked if rank[0] is kind]
        best = min(mine, default=(0, ""))[0]
        if mine:
            found[kind] = [column for rank, column in mine if rank == best]
    if LossKind.UNKNOWN in found and (len(found) > 1 or final):
        # A bare "loss" beside a held-out one, or in Hugging Face's log, is the training loss.
        unnamed = found.pop(LossKind.UNKNOWN)
        if LossKind.TRAINING not in found and plain(unnamed[0]) == "loss":
            found[LossKind.TRAINING] = unnamed
    return found


def _x(log: ForeignLog, run: RunTable, facts: ImportFacts, rows: Sequence[Row]) -> str:
    if facts.step_column is not None:
        column = _named(log, run, facts.step_column, "--step-column")
        if plain(column) in names.EPOCHS:
            reason = "a column of epochs, which have no size of their own"
            raise _fail(log, reason, "Multiply it by the steps or examples of an epoch, and name that", field=column)
        return column
    steps = [[c for c in run.columns if plain(c) in tier and c not in log.log_calls] for tier in names.STEPS]
    examples = [[c for c in run.columns if plain(c) in names.EXAMPLES]]
    calls = [[column] for column in log.log_calls if column in run.columns]
    tiers = [*steps, *calls, *examples] if facts.x_unit is XUnit.STEPS else [*examples, *steps, *calls]
    present = [tier for tier in tiers if tier]
    for tier in present:
        # A count that most rows lack is another logger's; one that a few lack is meant, and those rows are mistakes.
        usual = [c for c in tier if 2 * sum(not is_blank(row.cells.get(c)) for row in rows) > len(rows)]
        if usual:
            return _only(log, usual, "--step-column")
    if present:
        return _only(log, present[0], "--step-column")
    raise _fail(
        log,
        f"expected a column of steps or examples, found {_listed(run.columns)}",
        "Say which column with --step-column",
    )


def _time(log: ForeignLog, run: RunTable, facts: ImportFacts, rows: Sequence[Row]) -> str | None:
    if facts.time_column is not None:
        return _named(log, run, facts.time_column, "--time-column")
    for name in (*names.CLOCKS, *names.ELAPSED, names.SESSION_SECONDS):
        for column in run.columns:
            if plain(column) == name:
                readings = (reading(row.cells.get(column)) for row in rows)
                if sum(found is not None for found in readings) >= FEWEST_READINGS:
                    return column
    return None


def _is_clock(column: str, rows: Sequence[Row]) -> bool:
    role = role_of(column)
    if role in (Role.CLOCK, Role.ELAPSED):
        return role is Role.CLOCK
    first = next((found for row in rows if (found := reading(row.cells.get(column))) is not None), 0.0)
    return first > 1e9


def _is_step(key: str) -> bool:
    return any(key in tier for tier in names.STEPS)


def _has_loss(run: RunTable, facts: ImportFacts) -> bool:
    if facts.loss_column is not None:
        return facts.loss_column in run.columns and run.filled(facts.loss_column) > 0
    return any(run.filled(column) for columns in _candidates(run).values() for column in columns)


def _first(run: RunTable, wanted: Sequence[str]) -> str | None:
    return next((column for name in wanted for column in run.columns if plain(column) == name), None)


def _named(log: ForeignLog, run: RunTable, column: str, option: str) -> str:
    if column not in run.columns:
        raise _fail(log, f"no column {column[:_LONGEST]!r}", f"The columns are {_listed(run.columns)}", field=option)
    return column


def _only(log: ForeignLog, columns: Sequence[str], option: str) -> str:
    if len(columns) > 1:
        raise _ambiguous(log, columns, option)
    return columns[0]


def _ambiguous(log: ForeignLog, columns: Sequence[str], option: str) -> RecordError:
    return _fail(log, f"{len(columns)} columns could be meant: {_listed(columns)}", f"Say which with {option}")


def _fail(log: ForeignLog, reason: str, remedy: str, *, field: str | None = None) -> RecordError:
    return RecordError(log.mistake(reason, remedy, row=1 if log.entry is None else None, field=field))


def _listed(columns: Iterable[str]) -> str:
    shown = [repr(column[:_LONGEST]) for column in columns]
    more = f" and {len(shown) - _MOST_LISTED:,} more" if len(shown) > _MOST_LISTED else ""
    return ", ".join(shown[:_MOST_LISTED]) + more
