"""From a law to an answer: loss at t, examples to a target, horizon and verdict."""

from __future__ import annotations

import math
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from planner.law.diagnose import PASSES_AS_GOOD_AS_NEW
from planner.law.engine import Law
from planner.law.interval import VISION_LANGUAGE_ADAPTER, kind_of
from planner.outcome import CurveBand, Forecast, Interval, Severity, Verdict, VerdictName, chance_in_words

FloatArray = NDArray[np.float64]

VALIDATED_EXTRAPOLATION = 64.0
CONFIDENT = 0.9
# A target that will not be reached within the horizon is called unreachable when the floor is the likely cause.
FLOOR_ABOVE = 0.65
_FARTHEST = 1e6
_GRID_POINTS = 80


class Prospect:
    """What a law says before a target is named: asked about one target after another, the draws are made once.

    Args:
        law: From `fit_law`.
        horizon_examples: What money or time allow, in examples; None: not limited by them.
        unique_examples: Different studies that are or will be there; None: those of the calibration.
    """

    def __init__(
        self, law: Law, *, horizon_examples: float | None = None, unique_examples: float | None = None
    ) -> None:
        self.law = with_studies(law, unique_examples)
        self.horizon, self.reason = horizon_of(self.law, horizon_examples, unique_examples)
        self._first, self._last = float(law.curve.examples_n[0]), float(law.curve.examples_n[-1])

    def forecast(self, target_loss: float) -> Forecast:
        """What the law says about one target, nats per suffix token."""
        law = self.law
        examples = self.examples_to(target_loss)
        floor_above = _floor_above(law, target_loss)
        at_horizon = self._own_at_horizon if self._floor_decides(floor_above) else self._at_horizon
        # Between the points of the grid a draw may seem to be there a little late: at the horizon itself it is there.
        examples = np.where((examples > self.horizon) & (at_horizon <= target_loss), self.horizon, examples)
        probability = float((examples <= self.horizon).mean())
        name, sentence = _verdict(law, target_loss, probability, floor_above, self.horizon, self.reason)
        return Forecast(
            target_loss=target_loss,
            examples_m=examples,
            asymptote=law.asymptote,
            verdict=Verdict(
                name=name,
                probability=probability,
                sentence=sentence,
                target_loss=target_loss,
                horizon_examples=self.horizon,
                horizon_reason=self.reason,
            ),
            loss_at_horizon=self._loss_at_horizon,
            findings=law.findings,
            band=self._band,
            measured_examples=law.curve.examples_n.tolist(),
            measured_loss=law.curve.loss_n.tolist(),
            largest_examples=self._last,
            sentence=law.sentence,
        )

    def examples_to(self, target_loss: float) -> FloatArray:
        """Examples at which every draw first reaches the target, shape (m,); inf where it never does.

        A draw whose floor lies above the target, or that needs more than a million times the largest budget, is at
        infinity. Running minima make a lower target never cheaper, draw by draw.

        The draws are those of what a run shows, calibrated; but where the floor is the likely obstacle those of the
        law itself: what a run shows off its law does not lower a floor. In the lower tail the calibrated draws are the
        wider ones, so a lower target is never cheaper on either side of the switch. Adapters of vision-language models
        may fall a second time after a plateau of several doublings, so that no floor of theirs is beyond that: their
        draws are the calibrated ones throughout.
        """
        paths = self._own_paths if self._floor_decides(_floor_above(self.law, target_loss)) else self._paths
        reached = paths <= target_loss
        after = reached.argmax(axis=1)
        rows = np.arange(len(paths))
        before = np.maximum(after - 1, 0)
        high, low = paths[rows, before], paths[rows, after]
        fall = np.maximum(high - low, 1e-15 * high)
        share = np.where(after > 0, np.clip((high - target_loss) / fall, 0.0, 1.0), 1.0)
        log_t = np.log(self._grid)
        log_examples = log_t[before] + share * (log_t[after] - log_t[before])
        return np.where(reached.any(axis=1), np.exp(log_examples), np.inf)

    def _floor_decides(self, floor_above: float) -> bool:
        adapter = kind_of(self.law.curve.configuration) == VISION_LANGUAGE_ADAPTER
        return floor_above >= FLOOR_ABOVE and not adapter

    @cached_property
    def _grid(self) -> FloatArray:
        near = np.geomspace(self._first, self._last, 12)
        return np.unique(np.concatenate([near, np.geomspace(self._last, _FARTHEST * self._last, _GRID_POINTS)]))

    @cached_property
    def _paths(self) -> FloatArray:
        """Running minima of what a run shows, shape (m, q)."""
        return np.minimum.accumulate(self.law.paths(self._grid), axis=1)

    @cached_property
    def _own_paths(self) -> FloatArray:
        """Running minima of the law itself, shape (m, q)."""
        return np.minimum.accumulate(self.law.draws.paths(self._grid), axis=1)

    @cached_property
    def _at_horizon(self) -> FloatArray:
        return self.law.paths(np.array([self.horizon]))[:, 0]

    @cached_property
    def _own_at_horizon(self) -> FloatArray:
        return self.law.draws.paths(np.array([self.horizon]))[:, 0]

    @cached_property
    def _loss_at_horizon(self) -> Interval:
        return self.law.loss_at(self.horizon)

    @cached_property
    def _band(self) -> CurveBand:
        return self.law.band(self._first, max(self.horizon, self._last))


def forecast(
    law: Law,
    target_loss: float,
    *,
    horizon_examples: float | None = None,
    unique_examples: float | None = None,
) -> Forecast:
    """What the law says about one target; `Prospect` where there are several.

    Args:
        law: From `fit_law`.
        target_loss: Nats per suffix token.
        horizon_examples: What money or time allow, in examples; None: not limited by them.
        unique_examples: Different studies that are or will be there; None: those of the calibration.
    """
    return Prospect(law, horizon_examples=horizon_examples, unique_examples=unique_examples).forecast(target_loss)


def examples_to(law: Law, target_loss: float) -> FloatArray:
    """Examples at which every draw first reaches the target, shape (m,); inf where it never does (`Prospect`)."""
    return Prospect(law).examples_to(target_loss)


def _floor_above(law: Law, target_loss: float) -> float:
    """P(c >= target)."""
    return float((law.draws.asymptotes() >= target_loss).mean())


def with_studies(law: Law, unique_examples: float | None) -> Law:
    """The same law where there are so many different studies: passes over them are worth less later (`forms`)."""
    if unique_examples is None or law.curve.unique_examples_n is None:
        return law
    seen = float(law.curve.unique_examples_n.max())
    draws = msgspec.structs.replace(law.draws, unique_available=max(unique_examples, seen))
    return msgspec.structs.replace(law, draws=draws)


def horizon_of(law: Law, horizon_examples: float | None, unique_examples: float | None) -> tuple[float, str]:
    """How far a statement reaches, in examples, and what limits it."""
    largest = float(law.curve.examples_n[-1])
    limits = [
        (
            VALIDATED_EXTRAPOLATION * largest,
            f"{VALIDATED_EXTRAPOLATION:g} times the largest budget, beyond which no forecast of this kind was checked",
        )
    ]
    unique = unique_examples or law.curve.training_examples_available
    if unique:
        limits.append(
            (
                max(PASSES_AS_GOOD_AS_NEW * unique, largest),
                f"{unique:,.0f} different studies, each seen at most {PASSES_AS_GOOD_AS_NEW:g} times",
            )
        )
    if horizon_examples is not None:
        limits.append((horizon_examples, "what time and money allow"))
    return min(limits)


def _verdict(
    law: Law, target: float, probability: float, floor_above: float, horizon: float, reason: str
) -> tuple[VerdictName, str]:
    chance = chance_in_words(probability)
    within = f"within {horizon:,.0f} examples ({reason})"
    if law.blocked:
        causes = " ".join(f.sentence for f in law.findings if f.severity is Severity.BLOCKING)
        return VerdictName.UNDECIDED, f"These data cannot tell whether a loss of {target:g} can be reached. {causes}"
    if probability >= CONFIDENT:
        return VerdictName.REACHABLE, f"A loss of {target:g} is reachable {within}: {chance}."
    if probability <= 1 - CONFIDENT:
        if floor_above >= FLOOR_ABOVE:
            return (
                VerdictName.UNREACHABLE,
                f"A loss of {target:g} is out of reach for this configuration: the chance {within} is {chance}, and "
                f"the floor lies above the target in {chance_in_words(floor_above)} of the draws. More examples do not "
                "help; another configuration might.",
            )
        if floor_above <= 0.5:
            return (
                VerdictName.NOT_ENOUGH_DATA,
                f"The floor allows a loss of {target:g}, the studies do not: the chance {within} is {chance}. More "
                "different studies would be needed.",
            )
    return (
        VerdictName.UNDECIDED,
        f"Undecided: the chance to reach a loss of {target:g} {within} is {chance}. {_what_next(law)}",
    )


def _what_next(law: Law) -> str:
    largest = float(law.curve.examples_n[-1])
    magnitude = 10 ** math.floor(math.log10(2 * largest) - 1)
    doubled = math.ceil(2 * largest / magnitude) * magnitude
    return f"A further budget of about {doubled:,.0f} examples would narrow this."
