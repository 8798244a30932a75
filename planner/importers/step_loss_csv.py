"""CSV of step and loss: TensorBoard's `Wall time,Step,Value`, Weights & Biases' chart export, or anybody's own.

Columns are known by their names. Where two could be meant nothing is guessed: the message says which option decides.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from msgspec import Struct

from planner.errors import InputError, Mistake, RecordError
from planner.importers.facts import ImportFacts
from planner.importers.log import NEVER_NEGATIVE, ForeignLog, LogPoint
from planner.reading import parse_number, read_table
from planner.record import LossKind, XUnit

NAME = "step_loss_csv"

STEP_NAMES = frozenset(
    [
        "step",
        "steps",
        "global_step",
        "iteration",
        "iterations",
        "iter",
        "update",
        "updates",
        "num_updates",
        "optimizer_step",
        "trainer_global_step",
        "train_global_step",
    ]
)
EXAMPLE_NAMES = frozenset(
    [
        "examples",
        "samples",
        "examples_seen",
        "samples_seen",
        "num_examples",
        "num_samples",
        "n_examples",
        "pairs",
        "training_examples",
    ]
)
CLOCK_NAMES = frozenset(["wall_time", "timestamp", "unix_time"])
ELAPSED_NAMES = frozenset(["runtime", "elapsed", "elapsed_seconds", "seconds", "train_seconds", "relative_time"])
LOSS_NAMES = {
    LossKind.HELD_OUT: frozenset(
        [
            "eval_loss",
            "val_loss",
            "valid_loss",
            "validation_loss",
            "dev_loss",
            "test_loss",
            "held_out_loss",
            "heldout_loss",
            "loss_eval",
            "loss_val",
            "loss_validation",
        ]
    ),
    LossKind.TRAINING: frozenset(["train_loss", "training_loss", "loss_train", "train_train_loss"]),
    LossKind.UNKNOWN: frozenset(["loss", "value", "nll", "cross_entropy"]),
}
_SMOOTHED = re.compile(r"(^|[_(\s])(smooth\w*|ema|ewma|rolling|running|moving)([_)\s]|$)")
_EXTREMES = ("__min", "__max")
_NOT_FINITE = frozenset(["nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"])
_RAW = "Export the raw column (smoothing at 0), not the smoothed one"


class _Columns(Struct, frozen=True, kw_only=True):
    x: str
    x_unit: XUnit
    losses: dict[LossKind, str]
    time: str | None
    wall_clock: bool


def recognises(data: bytes) -> bool:
    """Whether the content looks like text with columns."""
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    return (
        b"\0" not in data[:4096]
        and first[:1] not in (b"{", b"[")
        and any(mark in first for mark in (b",", b";", b"\t"))
    )


def parse(data: bytes, *, file: str, facts: ImportFacts) -> ForeignLog:
    """Read one CSV; `facts` may name its columns.

    Raises:
        RecordError: Every mistake of the table at once, each with line and column.
    """
    names, table = read_table(data, file=file, error=RecordError)
    columns = _columns(names, facts, file)
    mistakes: list[Mistake] = []
    remarks: dict[str, float] = {}
    series: dict[LossKind, list[LogPoint]] = {kind: [] for kind in columns.losses}
    clock_start: float | None = None
    for row, cells in table:
        texts = {kind: cells[column].strip() for kind, column in columns.losses.items()}
        if not any(texts.values()):
            remarks["no_loss"] = remarks.get("no_loss", 0) + 1
            continue
        try:
            x = _whole(cells[columns.x], file=file, row=row, field=columns.x)
        except RecordError as problem:
            mistakes.extend(problem.mistakes)
            continue
        seconds = _seconds(cells[columns.time]) if columns.time else None
        if columns.wall_clock and clock_start is None:
            clock_start = seconds
        for kind, text in texts.items():
            if not text:
                continue
            try:
                loss = _loss(text, file=file, row=row, field=columns.losses[kind])
            except RecordError as problem:
                mistakes.extend(problem.mistakes)
                continue
            series[kind].append(LogPoint(x=x, loss=loss, row=row, seconds=seconds))
    if mistakes:
        raise RecordError(mistakes)
    return ForeignLog(
        log=NAME,
        file=file,
        rows=len(table),
        series={kind: tuple(points) for kind, points in series.items()},
        x_unit=columns.x_unit,
        wall_clock=columns.wall_clock,
        created=_day(clock_start),
        remarks=remarks,
    )


def _columns(names: list[str], facts: ImportFacts, file: str) -> _Columns:
    plain = {name: _plain(name) for name in names}

    def fail(field: str | None, reason: str, remedy: str) -> RecordError:
        return RecordError(Mistake(file=file, row=1, field=field, reason=reason, remedy=remedy))

    def one(belongs: Callable[[str], bool], option: str) -> str | None:
        found = [name for name, key in plain.items() if belongs(key) and not _derived(name)]
        if len(found) > 1:
            shown = ", ".join(repr(name) for name in found[:4])
            raise fail(None, f"{len(found)} columns could be meant ({shown})", f"Say which with {option}")
        return found[0] if found else None

    for given, option in ((facts.x_column, "--x-column"), (facts.loss_column, "--loss-column")):
        if given is not None and given not in names:
            raise fail(option, f"no column {given[:40]!r}", f"The columns are {', '.join(names[:12])}")
    x, x_unit = facts.x_column, XUnit.UNKNOWN
    if x is None:
        examples = one(lambda key: key in EXAMPLE_NAMES, "--x-column")
        steps = one(lambda key: key in STEP_NAMES, "--x-column")
        x = steps if facts.x_unit is XUnit.STEPS and steps else examples or steps
    if x is None:
        raise fail(
            None,
            f"expected a column of steps or examples, found {', '.join(names[:12])}",
            "Say which column with --x-column",
        )
    if plain[x] in EXAMPLE_NAMES:
        x_unit = XUnit.EXAMPLES
    elif plain[x] in STEP_NAMES:
        x_unit = XUnit.STEPS
    losses = {}
    if facts.loss_column is not None:
        if _smoothed(facts.loss_column):
            raise fail(facts.loss_column, "a smoothed column: its floor and its noise are not those of the run", _RAW)
        kind = next((kind for kind, known in LOSS_NAMES.items() if plain[facts.loss_column] in known), LossKind.UNKNOWN)
        losses[kind] = facts.loss_column
    else:
        for kind, known in LOSS_NAMES.items():
            found = one(known.__contains__, "--loss-column")
            if found is not None and not (kind is LossKind.UNKNOWN and losses and plain[found] == "value"):
                losses[kind] = found
    if not losses:
        smoothed = [name for name in names if _smoothed(name)]
        if smoothed:
            raise fail(smoothed[0], "a smoothed column: its floor and its noise are not those of the run", _RAW)
        raise fail(
            None, f"expected a column of losses, found {', '.join(names[:12])}", "Say which column with --loss-column"
        )
    clock = one(CLOCK_NAMES.__contains__, "--x-column")
    return _Columns(
        x=x,
        x_unit=x_unit,
        losses=losses,
        time=clock or one(ELAPSED_NAMES.__contains__, "--x-column"),
        wall_clock=clock is not None,
    )


def _plain(name: str) -> str:
    """A column's name without a run's name before it (`my-run - train/loss`), case and punctuation."""
    return re.sub(r"[\s_/.-]+", "_", name.rsplit(" - ", 1)[-1].strip().lower()).strip("_")


def _derived(name: str) -> bool:
    return name.lower().endswith(_EXTREMES) or _smoothed(name)


def _smoothed(name: str) -> bool:
    return _SMOOTHED.search(_plain(name)) is not None


def _whole(text: str, *, file: str, row: int, field: str) -> float:
    value = parse_number(text, file=file, row=row, field=field, error=RecordError)
    if value < 0 or value != int(value) or value > 1e12:
        raise RecordError(
            Mistake(
                file=file,
                row=row,
                field=field,
                reason=f"expected a whole number of 0 or more, got {text.strip()[:20]}",
                remedy="Plateau counts steps or examples; with --x-column another column can be named",
            )
        )
    return value


def _loss(text: str, *, file: str, row: int, field: str) -> float:
    if text.lower() in _NOT_FINITE:
        return float("nan")
    value = parse_number(text, file=file, row=row, field=field, error=RecordError)
    if value < 0:
        raise RecordError(
            Mistake(
                file=file,
                row=row,
                field=field,
                reason=f"expected a loss above 0, got {text[:20]}",
                remedy=NEVER_NEGATIVE,
            )
        )
    return value


def _seconds(text: str) -> float | None:
    """A reading of a clock; times are a bonus, so an odd one is none."""
    try:
        value = parse_number(text, file="", row=None, field="")
    except InputError:
        return None
    return value if value >= 0 else None


def _day(unix_seconds: float | None) -> str | None:
    if unix_seconds is None or not 1e9 < unix_seconds < 4e9:
        return None
    return datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC).date().isoformat()
