"""From the chosen points of a foreign log, and what its user knows, to a calibration: one run, a trace of its loss."""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from planner.catalog import Catalog
from planner.errors import RecordError
from planner.importers.choice import Columns, chosen_columns, chosen_run
from planner.importers.derived import effective_batch_size, training_examples
from planner.importers.facts import ImportFacts, known_architecture
from planner.importers.points import LogPoint, in_order, read_points
from planner.importers.table import ForeignLog
from planner.importers.times import day
from planner.importers.training_seconds import TrainingSeconds
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

FEWEST_HELD_OUT = 4
RUN = "imported"


class LogImport(Struct, frozen=True, kw_only=True):
    """A calibration with what it was read from. A record keeps no names, so only this says them.

    Attributes:
        calibration: For a record.
        log: Kind of log, a name of `READERS`.
        run: Name of the chosen run; empty where the log has no names.
        columns: The chosen columns.
        loss_column: The one of them that is the curve.
    """

    calibration: Calibration
    log: str
    run: str
    columns: Columns
    loss_column: str


def log_import(log: ForeignLog, facts: ImportFacts, catalog: Catalog, *, digest: str) -> LogImport:
    """The calibration that a log amounts to: one run, a trace of whatever loss it has.

    Args:
        log: From a reader.
        facts: Checked facts; they win over what follows from the log.
        catalog: For the numbers of a known model.
        digest: Of the log's bytes; with the facts it makes the calibration's id.

    Raises:
        RecordError: There is no usable loss, or the log leaves open which run or column is meant.
    """
    table = chosen_run(log, facts)
    if not table.rows:
        raise _no_loss(log, "no row has a loss")
    columns = chosen_columns(log, table, facts)
    read = read_points(log, table, columns, times_named=facts.time_column is not None)
    remarks = log.remarks | read.remarks
    kind, chosen = _chosen(log, read.series, facts, remarks)
    curve = in_order(chosen, remarks)
    training = in_order(read.series.get(LossKind.TRAINING, ()), {}) if kind is LossKind.HELD_OUT else ()
    if training:
        remarks["training_loss_beside"] = len(training)
    derived = None if facts.effective_batch_size else effective_batch_size(log, table, columns.x)
    if derived:
        remarks["effective_batch_size_derived"] = derived
    batch = facts.effective_batch_size or derived
    counts_examples = (facts.x_unit or columns.x_unit) is XUnit.EXAMPLES
    unique = facts.training_examples
    if unique is None and not counts_examples:
        unique = training_examples(log, table, columns.x, batch)
        if unique:
            remarks["training_examples_derived"] = unique
    seconds = TrainingSeconds(
        (*curve, *training),
        remarks,
        from_clock=columns.wall_clock,
        estimated_total=log.estimated_seconds,
        evaluation_seconds=read.evaluation_seconds,
    )
    events = _Events(
        examples_per_x=1.0 if counts_examples or batch is None else float(batch),
        steps_per_x=1.0 / batch if counts_examples and batch else 1.0,
        seconds=seconds,
        remarks=remarks,
    )
    both = [(point, kind) for point in curve] + [(point, LossKind.TRAINING) for point in training]
    found: list[Event] = [Started(run=RUN, unique_examples=unique)]
    for point, of in sorted(both, key=lambda pair: (pair[0].x, pair[1] is kind)):
        found.extend(events.of(point, of))
    if not any(isinstance(event, Eval if kind is LossKind.HELD_OUT else Train) for event in found):
        raise _no_loss(log, "none of its losses is a finite number above 0 at a step above 0")
    if log.finished:
        last = max(event.examples for event in found if isinstance(event, (Eval, Train, NonFinite)))
        found.append(Finished(run=RUN, status="done", examples=last, train_seconds=seconds.total()))
    architecture = known_architecture(facts.model, catalog)
    if facts.model and not architecture:
        remarks["model_not_in_catalog"] = 1
    header = CalibrationHeader(
        calibration_id=_identity(digest, facts),
        created=day(read.first_seconds) or datetime.datetime.now(datetime.UTC).date().isoformat(),
        illustration=False,
        loss_kind=kind,
        x_unit=XUnit.EXAMPLES if counts_examples or batch is not None else XUnit.STEPS,
        configuration=Configuration(
            model=architecture[0].model if architecture else facts.model or UNKNOWN,
            context_length_tokens=facts.context_length_tokens,
            quantization=facts.quantization,
            effective_batch_size=batch,
            learning_rate=max(read.learning_rates, default=0.0) or None,
            schedule=facts.schedule or _schedule(read.learning_rates),
        ),
        dataset=Dataset(format="imported", training_examples=unique),
        hardware=Hardware(device="cuda" if facts.gpu else UNKNOWN, gpu=facts.gpu),
        architecture=architecture[1] if architecture else None,
        vocabulary_size=architecture[0].vocabulary if architecture else None,
        imported=Imported(log=log.log, rows=len(table.rows), seconds=seconds.basis, remarks=remarks),
    )
    return LogImport(
        calibration=Calibration(header=header, runs=(Run(id=RUN, events=tuple(found)),), notes=import_notes(header)),
        log=log.log,
        run=table.name,
        columns=columns,
        loss_column=columns.losses.get(kind) or columns.losses[LossKind.UNKNOWN],
    )


def _chosen(
    log: ForeignLog, series: dict[LossKind, tuple[LogPoint, ...]], facts: ImportFacts, remarks: dict[str, float]
) -> tuple[LossKind, tuple[LogPoint, ...]]:
    """The series that becomes the curve, with its kind: held-out loss where there is enough, else what there is."""
    series = {kind: points for kind, points in series.items() if points}
    if not series:
        raise _no_loss(log, "no row has a loss")
    if facts.loss_kind is not None:
        if facts.loss_kind in series:
            return facts.loss_kind, series[facts.loss_kind]
        if LossKind.UNKNOWN in series:
            return facts.loss_kind, series[LossKind.UNKNOWN]
        has = " and ".join(kind.value.replace("_", "-") for kind in series)
        reason = f"the log has no {facts.loss_kind.value.replace('_', '-')} loss, only {has} loss"
        raise RecordError(log.mistake(reason, "Leave --loss-kind out", field="--loss-kind"))
    held_out = series.get(LossKind.HELD_OUT, ())
    others = [kind for kind in (LossKind.TRAINING, LossKind.UNKNOWN) if kind in series]
    if held_out and (len({point.x for point in held_out}) >= FEWEST_HELD_OUT or not others):
        return LossKind.HELD_OUT, held_out
    if held_out:
        remarks["held_out_too_few"] = len(held_out)
    return others[0], series[others[0]]


class _Events:
    """The events of points: a loss, and a mark for what is not a number."""

    def __init__(
        self, *, examples_per_x: float, steps_per_x: float, seconds: TrainingSeconds, remarks: dict[str, float]
    ) -> None:
        self._examples_per_x = examples_per_x
        self._steps_per_x = steps_per_x
        self._seconds = seconds
        self._remarks = remarks

    def of(self, point: LogPoint, kind: LossKind) -> Iterator[Event]:
        """The events of one point."""
        examples = point.x * self._examples_per_x
        step = round(point.x * self._steps_per_x)
        gradient = point.gradient_norm
        odd = NonFinite(run=RUN, step=step, examples=examples)
        if gradient is not None and not math.isfinite(gradient):
            self._remark("gradient_not_finite")
            gradient = None
            yield odd
        elif not math.isfinite(point.loss) or point.loss == 0:
            yield odd
        if not math.isfinite(point.loss) or point.loss == 0:
            self._remark("loss_zero" if point.loss == 0 else "loss_not_finite")
        elif point.x == 0:
            self._remark("before_the_first_step")
        elif kind is LossKind.HELD_OUT:
            yield Eval(
                run=RUN,
                step=step,
                examples=examples,
                loss=point.loss,
                annealed=False,
                train_seconds=self._seconds.at(point.x),
            )
        else:
            yield Train(
                run=RUN,
                step=step,
                examples=examples,
                loss=point.loss,
                learning_rate=point.learning_rate,
                gradient_norm=gradient if gradient is not None and gradient >= 0 else None,
                train_seconds=self._seconds.at(point.x),
            )

    def _remark(self, code: str) -> None:
        self._remarks[code] = self._remarks.get(code, 0) + 1


def _schedule(rates: Sequence[float]) -> Schedule:
    """Constant or decaying, from the logged learning rates after their peak; unknown where there are too few."""
    after = rates[rates.index(max(rates)) :] if rates else []
    if len(after) < 3 or after[0] <= 0:
        return Schedule.UNKNOWN
    if min(after) > 0.999 * after[0]:
        return Schedule.CONSTANT
    return Schedule.DECAYING if after[-1] < 0.5 * after[0] else Schedule.UNKNOWN


def _identity(digest: str, facts: ImportFacts) -> str:
    return "import-" + hashlib.sha256(digest.encode() + msgspec.json.encode(facts)).hexdigest()[:12]


def _no_loss(log: ForeignLog, reason: str) -> RecordError:
    return RecordError(log.mistake(reason, "Export the loss of the run, one row a step, and import that"))
