"""Training seconds from a log's clock: without pauses, evaluation, and the time between two sessions.

A clock runs on while a job waits in a queue, is resumed the next day, or evaluates. Steps take about equally long, so
the usual time a step tells what was not training.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from planner.importers.points import LogPoint
from planner.record import UNKNOWN

# A stretch is a pause when it takes ten times the usual, or twice the usual and half an hour more than it.
PAUSE_RATIO, LONG_PAUSE_RATIO, LONG_PAUSE_SECONDS = 10.0, 2.0, 1800.0


class TrainingSeconds:
    """Training seconds at every point of a run.

    Attributes:
        basis: `wall_clock`, `estimated` (an even share of a total) or `unknown`.
    """

    def __init__(
        self,
        points: Sequence[LogPoint],
        remarks: dict[str, float],
        *,
        from_clock: bool,
        estimated_total: float | None,
        evaluation_seconds: Mapping[float, float],
    ) -> None:
        """Work them out.

        Args:
            points: Of every kind of loss.
            remarks: Gets what was taken off.
            from_clock: Times are readings of a clock, not seconds since the start.
            estimated_total: Training seconds of the whole run, used where the points have no times.
            evaluation_seconds: What evaluations at an x took.
        """
        self.basis = UNKNOWN
        self._at: dict[float, float] = {}
        timed = sorted({(point.x, point.seconds) for point in points if point.seconds is not None})
        every_x = sorted({point.x for point in points})
        knots = _knots(timed)
        if len(knots) >= 2:
            self.basis = "wall_clock"
            spent = _spent(knots, remarks, from_clock=from_clock, evaluation_seconds=evaluation_seconds)
            self._at = _between(spent, [x for x in every_x if x <= timed[-1][0]])
        elif estimated_total is not None and every_x and every_x[-1] > 0:
            self.basis = "estimated"
            self._at = {x: estimated_total * x / every_x[-1] for x in every_x}

    def at(self, x: float) -> float | None:
        """Seconds of training until here, None where the log does not say."""
        return self._at.get(x)

    def total(self) -> float | None:
        """Seconds of training until the last point."""
        return max(self._at.values(), default=None)


def _knots(timed: Sequence[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Where the clock was read: (x, first reading there, last reading there).

    A tracker that sends its rows in batches gives all rows of a batch the time it was sent; its last x is the knot.
    """
    knots: list[tuple[float, float, float]] = []
    for x, group in itertools.groupby(timed, key=lambda pair: pair[0]):
        readings = [seconds for _, seconds in group]
        if knots and knots[-1][1] == knots[-1][2] == readings[0]:
            knots.pop()
        knots.append((x, readings[0], readings[-1]))
    return knots


def _spent(
    knots: Sequence[tuple[float, float, float]],
    remarks: dict[str, float],
    *,
    from_clock: bool,
    evaluation_seconds: Mapping[float, float],
) -> list[tuple[float, float]]:
    """Training seconds at every knot."""
    stretches = []
    evaluating = 0.0
    for (x0, begin0, end0), (x1, begin1, _) in itertools.pairwise(knots):
        # What the log says an evaluation took; else the time between two readings at one x, where nothing was trained.
        evaluated = min(evaluation_seconds.get(x0, end0 - begin0), max(begin1 - begin0, 0.0))
        evaluating += evaluated
        took = begin1 - begin0 - evaluated
        stretches.append((x1 - x0, took))
    rates = sorted(took / dx for dx, took in stretches if took >= 0)
    usual = rates[len(rates) // 2] if rates else 0.0
    # A clock starts at the first row; the steps before it took about as long as the others.
    first = knots[0]
    spent = [(first[0], first[0] * usual if from_clock else first[1])]
    pauses, paused = 0, 0.0
    for (x1, _, _), (dx, took) in zip(knots[1:], stretches, strict=True):
        expected = usual * dx
        longer = took - expected
        long = took > LONG_PAUSE_RATIO * expected and longer > LONG_PAUSE_SECONDS
        if took < 0 or (expected > 0 and (long or took > PAUSE_RATIO * expected)):
            pauses += 1
            paused += max(longer, 0.0)
            took = expected
        spent.append((x1, spent[-1][1] + took))
    for code, number in (("pauses", pauses), ("pause_seconds", paused), ("evaluation_seconds", evaluating)):
        if number >= 1:
            remarks[code] = float(number)
    return spent


def _between(spent: Sequence[tuple[float, float]], every_x: Sequence[float]) -> dict[float, float]:
    """Seconds at every x: linear between knots, with the mean rate of the run outside them."""
    found: dict[float, float] = {}
    (x_first, s_first), (x_last, s_last) = spent[0], spent[-1]
    rate = (s_last - s_first) / (x_last - x_first)
    at = 0
    for x in every_x:
        while at + 1 < len(spent) and spent[at + 1][0] <= x:
            at += 1
        x0, s0 = spent[at]
        if x == x0:
            found[x] = s0
        elif x < x0 or at + 1 == len(spent):
            found[x] = max(s0 + rate * (x - x0), 0.0)
        else:
            x1, s1 = spent[at + 1]
            found[x] = s0 + (s1 - s0) * (x - x0) / (x1 - x0)
    return found
