"""From a calibration record to checked loss curves, one a configuration.

A point of a calibration is the final, annealed held-out loss of a budget: a loss read in the middle of a decaying run
overstates the final one by 1-2 %. An imported log has no budgets; its curve is a trace. What is left out is said.
"""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.errors import CurveError
from planner.record import (
    Calibration,
    Configuration,
    Eval,
    LossKind,
    NonFinite,
    Probe,
    Run,
    Schedule,
    Started,
    Train,
    XUnit,
)

FloatArray = NDArray[np.float64]


class Design(StrEnum):
    """What the points are."""

    BUDGETS = "budgets"
    TRACE = "trace"


class LossCurve(Struct, frozen=True, kw_only=True):
    """A checked series of losses of one configuration, ordered by examples. n points, k held-out cases.

    Attributes:
        examples_n: Processed examples (or steps, see `x_unit`), > 0; equal values are replicates.
        loss_n: Nats per suffix token, > 0, finite.
        unique_examples_n: Different examples seen, or None where unknown.
        run_n: Run id of every point.
        trunk_n: Id of the trunk that a branch shares, or the run's own id: points with the same id are correlated.
        case_loss_sums_nk: Summed nats of every held-out case, shape (n, k), or None.
        case_tokens_k: Suffix tokens of every held-out case, shape (k,), or None.
        non_finite: Points that the log has as NaN or infinite.
        dropped: What was left out and why, a sentence each.
        suffix_unigram_entropy_nats: Loss of a model that knows only how frequent each token is.
        training_examples_available: Different examples the training set has, or None.
    """

    configuration: Configuration
    design: Design
    loss_kind: LossKind
    x_unit: XUnit
    examples_n: FloatArray
    loss_n: FloatArray
    run_n: tuple[str, ...]
    trunk_n: tuple[str, ...]
    unique_examples_n: FloatArray | None = None
    case_loss_sums_nk: FloatArray | None = None
    case_tokens_k: FloatArray | None = None
    non_finite: int = 0
    dropped: tuple[str, ...] = ()
    illustration: bool = False
    suffix_unigram_entropy_nats: float | None = None
    vocabulary_size: int | None = None
    training_examples_available: int | None = None

    @property
    def passes_n(self) -> FloatArray | None:
        """Examples / unique examples of every point."""
        if self.unique_examples_n is None:
            return None
        return self.examples_n / self.unique_examples_n


def on_most_studies(examples_n: FloatArray, unique_n: FloatArray | None) -> NDArray[np.bool_]:
    """Which points saw the most different examples at their budget; the others are runs on a part of the cases."""
    if unique_n is None:
        return np.ones(len(examples_n), dtype=bool)
    budgets, budget_n = np.unique(examples_n, return_inverse=True)
    most = np.zeros(len(budgets))
    np.maximum.at(most, budget_n, unique_n)
    return np.asarray(unique_n >= most[budget_n])


def curve_from_arrays(examples: FloatArray, loss: FloatArray, *, design: Design = Design.BUDGETS) -> LossCurve:
    """A curve from bare numbers (benchmarks, notebooks): held-out loss against examples, nothing else known.

    Raises:
        CurveError: Lengths differ, fewer than one point, or a value that is not finite and > 0.
    """
    x = np.asarray(examples, dtype=np.float64)
    y = np.asarray(loss, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0:
        raise CurveError("Examples and losses must be two lists of the same length with at least one point.")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all() and (y > 0).all()):
        raise CurveError("Examples and losses must be finite and above zero.")
    order = np.lexsort((y, x))
    runs = tuple(f"point-{i}" for i in range(len(x))) if design is Design.BUDGETS else ("trace",) * len(x)
    return LossCurve(
        configuration=Configuration(),
        design=design,
        loss_kind=LossKind.HELD_OUT,
        x_unit=XUnit.EXAMPLES,
        examples_n=x[order],
        loss_n=y[order],
        run_n=runs,
        trunk_n=runs,
    )


def loss_curves(calibration: Calibration) -> tuple[LossCurve, ...]:
    """The curves of a calibration, one a configuration (seeds are replicates, not configurations).

    Raises:
        CurveError: No run has a usable point.
    """
    groups: dict[bytes, tuple[Configuration, list[Run]]] = {}
    for run in calibration.runs:
        configuration = _configuration_of(run, calibration)
        groups.setdefault(msgspec.json.encode(configuration), (configuration, []))[1].append(run)
    curves = [_curve(calibration, configuration, runs) for configuration, runs in groups.values()]
    found = tuple(curve for curve in curves if curve is not None)
    if not found:
        raise CurveError(
            "No run of this calibration has a finished evaluation yet, so there is no curve to fit. "
            "Go on with `calibrate run --resume`, or import a log that has losses."
        )
    return found


def of_configuration(calibration: Calibration, configuration: Configuration) -> Calibration:
    """A calibration as one of its configurations ran it: what a step of it takes, in memory and in time.

    Its configuration takes the place of the record's own. Probes of configurations that take other steps are left out;
    all runs stay, because all of them were paid for.
    """
    header = calibration.header
    same_model = configuration.model == header.configuration.model
    runs = tuple(
        run
        if _step_of(_configuration_of(run, calibration)) == _step_of(configuration)
        else msgspec.structs.replace(run, events=tuple(event for event in run.events if not isinstance(event, Probe)))
        for run in calibration.runs
    )
    header = msgspec.structs.replace(
        header, configuration=configuration, architecture=header.architecture if same_model else None
    )
    return msgspec.structs.replace(calibration, header=header, runs=runs)


def _configuration_of(run: Run, calibration: Calibration) -> Configuration:
    started = run.started
    return (started.configuration if started else None) or calibration.header.configuration


def _step_of(configuration: Configuration) -> tuple[object, ...]:
    """What of a configuration changes the work of a step; a probe says its own bits, batch and tokens."""
    return configuration.model, configuration.image_size_px, configuration.lora_targets, configuration.lora_rank


def _curve(calibration: Calibration, configuration: Configuration, runs: list[Run]) -> LossCurve | None:
    header = calibration.header
    trace = configuration.schedule not in (Schedule.SEPARATE, Schedule.TRUNK)
    dropped = list(calibration.notes)
    points: list[tuple[Eval | Train, Run]] = []
    trunks = {run.started.branch_of for run in runs if run.started}
    for run in runs:
        chosen, sentence = _points(run, trace=trace)
        points.extend((point, run) for point in chosen)
        if sentence and run.id not in trunks:  # a trunk has no end of its own, its branches have
            dropped.append(sentence)
    usable = [(point, run) for point, run in points if point.loss > 0 and point.examples > 0]
    dropped.extend(_unusable([point for point, _ in points]))
    points = usable
    if not points:
        return None
    # Looked up once a run: a long log has as many points as its run has events.
    started = {run.id: run.started for run in runs}
    # Runs on a part of the cases first: the last point is one on all of them.
    points.sort(key=lambda pair: (pair[0].examples, _unique(pair[0], started[pair[1].id]) or 0.0, pair[1].id))
    evals = [point for point, _ in points if isinstance(point, Eval)]
    cases, tokens = _per_case(evals) if len(evals) == len(points) else (None, None)
    unique = [math.nan if (u := _unique(point, started[run.id])) is None else u for point, run in points]
    return LossCurve(
        configuration=configuration,
        design=Design.TRACE if trace else Design.BUDGETS,
        loss_kind=header.loss_kind,
        x_unit=header.x_unit,
        examples_n=np.array([point.examples for point, _ in points], dtype=np.float64),
        loss_n=np.array([point.loss for point, _ in points], dtype=np.float64),
        run_n=tuple(run.id for _, run in points),
        trunk_n=tuple(_trunk(run.id, started[run.id]) for _, run in points),
        unique_examples_n=np.array(unique) if np.isfinite(unique).all() else None,
        case_loss_sums_nk=cases,
        case_tokens_k=tokens,
        non_finite=sum(len(run.of(NonFinite)) for run in runs),
        dropped=tuple(dropped),
        illustration=header.illustration,
        suffix_unigram_entropy_nats=header.suffix_unigram_entropy_nats,
        vocabulary_size=header.vocabulary_size,
        training_examples_available=header.dataset.training_examples,
    )


def _points(run: Run, *, trace: bool) -> tuple[list[Eval] | list[Train], str | None]:
    """The points of a run that belong on the curve, and a sentence on what was left out."""
    evals: list[Eval] = list({event.examples: event for event in run.of(Eval)}.values())
    if trace:
        return (evals, None) if evals else (run.of(Train), None)
    final = [event for event in evals if event.annealed]
    if len(final) == len(evals):
        return final, None
    left_out = len(evals) - len(final)
    why = (
        "its learning rate had not come to its end there" if final else "it was stopped before its learning rate ended"
    )
    return final, f"Run {run.id}: {left_out} of {len(evals)} evaluations left out, {why}."


def _unusable(points: list[Eval | Train]) -> list[str]:
    """Sentences on points that no law can have."""
    zero = sum(point.loss == 0 for point in points)
    start = sum(point.loss > 0 and point.examples == 0 for point in points)
    found = []
    if zero:
        found.append(f"{zero} loss{'es' if zero > 1 else ''} of 0 left out: trainers write it in place of NaN.")
    if start:
        found.append(f"{start} loss{'es' if start > 1 else ''} before the first example left out.")
    return found


def _unique(point: Eval | Train, started: Started | None) -> float | None:
    if isinstance(point, Eval) and point.unique_examples is not None:
        return point.unique_examples
    if started is not None and started.unique_examples:
        return min(float(started.unique_examples), point.examples)
    return None


def _trunk(run: str, started: Started | None) -> str:
    return (started.branch_of if started else None) or run


def _per_case(evals: list[Eval]) -> tuple[FloatArray | None, FloatArray | None]:
    """Per-case sums, where every point has them for the same held-out cases."""
    tokens = evals[0].case_tokens
    if not tokens or any(event.case_tokens != tokens or not event.case_loss_sums for event in evals):
        return None, None
    if any(len(event.case_loss_sums or ()) != len(tokens) for event in evals):
        return None, None
    return (
        np.array([event.case_loss_sums for event in evals], dtype=np.float64),
        np.array(tokens, dtype=np.float64),
    )
