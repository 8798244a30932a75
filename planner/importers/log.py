"""What every reader of a foreign log gives, and the one way from there to a calibration."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from planner.catalog import Catalog
from planner.errors import Mistake, RecordError
from planner.importers.facts import ImportFacts, known_architecture
from planner.record import (
    UNKNOWN,
    Calibration,
    CalibrationHeader,
    Configuration,
    Dataset,
    Eval,
    Event,
    Finished,
    Hardware,
    Imported,
    LossKind,
    NonFinite,
    Run,
    Schedule,
    Started,
    Train,
    XUnit,
    import_notes,
)

NEVER_NEGATIVE = "Plateau reads losses in nats (cross-entropy), which are never negative"
FEWEST_HELD_OUT = 4
RUN = "imported"
_PAUSE = 10.0


class LogPoint(Struct, frozen=True, kw_only=True):
    """One logged loss. `x` is in the log's own unit; a loss that is not a number is NaN."""

    x: float
    loss: float
    row: int | None = None
    seconds: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None


class ForeignLog(Struct, frozen=True, kw_only=True):
    """What a reader found in a log, before the user's facts.

    Attributes:
        log: Name of the reader.
        file: Name for messages.
        rows: Rows or entries of the log.
        series: Points by kind of loss, in the order of the log; `unknown` where the log does not say.
        x_unit: What x counts, as far as the log says.
        wall_clock: `seconds` are readings of a clock (pauses included), not training time.
        estimated_seconds: Total training seconds, when there is only a total: spread evenly over the steps.
        effective_batch_size, training_examples: Derived by the reader.
        finished: The run came to its planned end.
        created: ISO date of the log, None where it does not say.
        remarks: See `planner.record.imported`.
    """

    log: str
    file: str
    rows: int
    series: dict[LossKind, tuple[LogPoint, ...]]
    x_unit: XUnit
    wall_clock: bool = False
    estimated_seconds: float | None = None
    effective_batch_size: int | None = None
    training_examples: int | None = None
    finished: bool = False
    created: str | None = None
    remarks: dict[str, float] = {}


def calibration_of(log: ForeignLog, facts: ImportFacts, catalog: Catalog, *, digest: str) -> Calibration:
    """The calibration that a log amounts to: one run, a trace of whatever loss it has.

    Args:
        log: From a reader.
        facts: Checked facts; they win over what the reader derived.
        catalog: For the numbers of a known model.
        digest: Of the file; with the facts it makes the calibration's id.

    Raises:
        RecordError: There is no usable loss.
    """
    remarks = dict(log.remarks)
    kind, chosen = _chosen(log, facts, remarks)
    training = _in_order(log.series.get(LossKind.TRAINING, ()), {}) if kind is LossKind.HELD_OUT else ()
    curve = _in_order(chosen, remarks)
    batch = facts.effective_batch_size or log.effective_batch_size
    if facts.effective_batch_size:
        remarks.pop("effective_batch_size_derived", None)
    per_x, x_unit = _examples_per_x(log, facts, batch)
    unique = facts.training_examples or (log.training_examples if x_unit is XUnit.EXAMPLES else None)
    if facts.training_examples or unique is None:
        remarks.pop("training_examples_derived", None)
    if training:
        remarks["training_loss_beside"] = len(training)
    seconds = _TrainingSeconds(log, (*curve, *training), remarks)
    events: list[Event] = [Started(run=RUN, unique_examples=unique)]
    both = [(point, kind) for point in curve] + [(point, LossKind.TRAINING) for point in training]
    for point, of in sorted(both, key=lambda pair: (pair[0].x, pair[1] is kind)):
        events.extend(_events(point, of, per_x, batch, seconds, remarks))
    if not any(isinstance(event, Eval if kind is LossKind.HELD_OUT else Train) for event in events):
        raise _no_loss(log, "none of its losses is a finite number above 0 at a step above 0")
    if log.finished:
        last = max(event.examples for event in events if isinstance(event, (Eval, Train, NonFinite)))
        events.append(Finished(run=RUN, status="done", examples=last, train_seconds=seconds.total()))
    found = known_architecture(facts.model, catalog)
    if facts.model and not found:
        remarks["model_not_in_catalog"] = 1
    header = CalibrationHeader(
        calibration_id=_identity(digest, facts),
        created=log.created or datetime.datetime.now(datetime.UTC).date().isoformat(),
        illustration=False,
        loss_kind=kind,
        x_unit=x_unit,
        configuration=Configuration(
            model=found[0].model if found else facts.model or UNKNOWN,
            context_length_tokens=facts.context_length_tokens,
            quantization=facts.quantization,
            effective_batch_size=batch,
            learning_rate=max((p.learning_rate for p in (*curve, *training) if p.learning_rate), default=None),
            schedule=facts.schedule or _schedule((*curve, *training)),
        ),
        dataset=Dataset(format="imported", training_examples=unique),
        hardware=Hardware(device="cuda" if facts.gpu else UNKNOWN, gpu=facts.gpu),
        architecture=found[1] if found else None,
        vocabulary_size=found[0].vocabulary if found else None,
        imported=Imported(log=log.log, rows=log.rows, seconds=seconds.basis, remarks=remarks),
    )
    return Calibration(header=header, runs=(Run(id=RUN, events=tuple(events)),), notes=import_notes(header))


def _chosen(log: ForeignLog, facts: ImportFacts, remarks: dict[str, float]) -> tuple[LossKind, tuple[LogPoint, ...]]:
    """The series that becomes the curve, with its kind: held-out loss where there is enough, else what there is."""
    series = {kind: points for kind, points in log.series.items() if points}
    if not series:
        raise _no_loss(log, "no row has a loss")
    if facts.loss_kind is not None:
        if facts.loss_kind in series:
            return facts.loss_kind, series[facts.loss_kind]
        if LossKind.UNKNOWN in series:
            return facts.loss_kind, series[LossKind.UNKNOWN]
        has = " and ".join(kind.value.replace("_", "-") for kind in series)
        raise RecordError(
            Mistake(
                file=log.file,
                field="--loss-kind",
                reason=f"the log has no {facts.loss_kind.value.replace('_', '-')} loss, only {has} loss",
                remedy="Leave --loss-kind out",
            )
        )
    held_out = series.get(LossKind.HELD_OUT, ())
    others = [kind for kind in (LossKind.TRAINING, LossKind.UNKNOWN) if kind in series]
    if held_out and (len({point.x for point in held_out}) >= FEWEST_HELD_OUT or not others):
        return LossKind.HELD_OUT, held_out
    if held_out:
        remarks["held_out_too_few"] = len(held_out)
    return others[0], series[others[0]]


def _in_order(points: Sequence[LogPoint], remarks: dict[str, float]) -> tuple[LogPoint, ...]:
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
    return tuple(kept)


def _examples_per_x(log: ForeignLog, facts: ImportFacts, batch: int | None) -> tuple[float, XUnit]:
    """How many examples one unit of x is, and what the record's x counts then."""
    unit = facts.x_unit or log.x_unit
    if unit is XUnit.EXAMPLES:
        return 1.0, XUnit.EXAMPLES
    if batch is not None:
        return float(batch), XUnit.EXAMPLES
    return 1.0, XUnit.STEPS


def _events(
    point: LogPoint,
    kind: LossKind,
    per_x: float,
    batch: int | None,
    seconds: _TrainingSeconds,
    remarks: dict[str, float],
) -> list[Event]:
    """The events of one point: its loss, and a mark for what is not a number."""
    examples = point.x * per_x
    counts_steps = per_x != 1.0 or batch is None
    step = round(point.x if counts_steps else point.x / (batch or 1))

    def remark(code: str) -> None:
        remarks[code] = remarks.get(code, 0) + 1

    events: list[Event] = []
    gradient = point.gradient_norm
    if gradient is not None and not math.isfinite(gradient):
        remark("gradient_not_finite")
        gradient = None
        events.append(NonFinite(run=RUN, step=step, examples=examples))
    if not math.isfinite(point.loss) or point.loss == 0:
        remark("loss_zero" if point.loss == 0 else "loss_not_finite")
        return events or [NonFinite(run=RUN, step=step, examples=examples)]
    if point.x == 0:
        remark("before_the_first_step")
        return events
    spent = seconds.at(point)
    if kind is LossKind.HELD_OUT:
        events.append(Eval(run=RUN, step=step, examples=examples, loss=point.loss, annealed=False, train_seconds=spent))
    else:
        events.append(
            Train(
                run=RUN,
                step=step,
                examples=examples,
                loss=point.loss,
                learning_rate=point.learning_rate,
                gradient_norm=gradient,
                train_seconds=spent,
            )
        )
    return events


class _TrainingSeconds:
    """Training seconds at every point: from the clock without pauses, or an even share of a total."""

    def __init__(self, log: ForeignLog, points: Sequence[LogPoint], remarks: dict[str, float]) -> None:
        self.basis = UNKNOWN
        self._at: dict[float, float] = {}
        self._rate: float | None = None
        timed = sorted({(p.x, p.seconds) for p in points if p.seconds is not None})
        last = max((point.x for point in points), default=0.0)
        if len(timed) >= 2:
            self.basis = "wall_clock"
            self._read(timed, remarks, from_clock=log.wall_clock)
        elif log.estimated_seconds is not None and last > 0:
            self.basis = "estimated"
            self._rate = log.estimated_seconds / last
            self._at = {point.x: point.x * self._rate for point in points}

    def _read(self, timed: list[tuple[float, float]], remarks: dict[str, float], *, from_clock: bool) -> None:
        rates = sorted(
            (s1 - s0) / (x1 - x0) for (x0, s0), (x1, s1) in itertools.pairwise(timed) if x1 > x0 and s1 >= s0
        )
        if not rates:
            return
        usual = rates[len(rates) // 2]
        # A clock starts at the first row; the steps before it took about as long as the others.
        spent = timed[0][0] * usual if from_clock else timed[0][1]
        self._at[timed[0][0]] = spent
        pauses = 0
        for (x0, s0), (x1, s1) in itertools.pairwise(timed):
            took = s1 - s0
            if took < 0 or took > _PAUSE * usual * max(x1 - x0, 1e-9):
                pauses += 1
                took = usual * (x1 - x0)
            spent += took
            self._at[x1] = spent
        if pauses:
            remarks["pauses"] = pauses

    def at(self, point: LogPoint) -> float | None:
        """Seconds of training until this point, None where the log does not say."""
        return self._at.get(point.x)

    def total(self) -> float | None:
        """Seconds of training until the last point."""
        return max(self._at.values(), default=None)


def _schedule(points: Sequence[LogPoint]) -> Schedule:
    """Constant or decaying, from the logged learning rates after their peak; unknown where there are too few."""
    rates = [p.learning_rate for p in sorted(points, key=lambda p: p.x) if p.learning_rate is not None]
    after = rates[rates.index(max(rates)) :] if rates else []
    if len(after) < 3 or after[0] <= 0:
        return Schedule.UNKNOWN
    if min(after) > 0.999 * after[0]:
        return Schedule.CONSTANT
    return Schedule.DECAYING if after[-1] < 0.5 * after[0] else Schedule.UNKNOWN


def _identity(digest: str, facts: ImportFacts) -> str:
    return "import-" + hashlib.sha256(digest.encode() + msgspec.json.encode(facts)).hexdigest()[:12]


def _no_loss(log: ForeignLog, reason: str) -> RecordError:
    return RecordError(
        Mistake(file=log.file, reason=reason, remedy="Export the loss of the run, one row a step, and import that")
    )
