"""Budgets, learning rates and data order.

A learning rate that is constant after a warm-up, then a (1 - sqrt) cool-down over the last fifth: every budget comes to
its own end. Up to the cool-down all budgets do the same, so one constant-rate trunk serves them all and each budget is
a short branch of it. `separate` runs every budget alone, with the same rates; with the same seed a separate run and a
branch are the same computation.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from msgspec import Struct

WARM_UP_STEPS = 8
COOL_DOWN_SHARE = 0.2
FEWEST_BUDGETS = 6
SMALLEST_RATIO = 32


class Budget(Struct, frozen=True, kw_only=True):
    """A number of examples a run may process, in whole steps.

    Attributes:
        cool_down_from: First step whose rate is lowered.
    """

    examples: int
    steps: int
    cool_down_from: int


def make_budgets(examples: Sequence[int], effective_batch_size: int) -> tuple[Budget, ...]:
    """Budgets in ascending order, rounded to whole steps, without repetitions."""
    steps = sorted({max(2, round(count / effective_batch_size)) for count in examples})
    return tuple(
        Budget(
            examples=count * effective_batch_size,
            steps=count,
            cool_down_from=count - max(1, round(COOL_DOWN_SHARE * count)),
        )
        for count in steps
    )


def learning_rate(step: int, peak: float, budget: Budget | None) -> float:
    """Rate of a step (0-based); without a budget, that of the trunk."""
    rate = peak * min(1.0, (step + 1) / WARM_UP_STEPS)
    if budget is None or step < budget.cool_down_from:
        return rate
    done = (step - budget.cool_down_from + 1) / (budget.steps - budget.cool_down_from + 1)
    return rate * (1.0 - math.sqrt(done))


class DataOrder:
    """Which examples a step takes: a function of seed and step alone, so that a branch or a resume sees the same.

    Every pass visits all examples once, in an order of its own.
    """

    def __init__(self, examples: int, effective_batch_size: int, seed: int) -> None:
        self.examples = examples
        self.batch = effective_batch_size
        self.seed = seed
        self._pass = -1
        self._order: list[int] = []

    def __call__(self, step: int) -> list[int]:
        """Indices of the examples of a step."""
        first = step * self.batch
        return [self._at(position) for position in range(first, first + self.batch)]

    def _at(self, position: int) -> int:
        number, place = divmod(position, self.examples)
        if number != self._pass:
            self._order = list(range(self.examples))
            random.Random(f"{self.seed} pass {number}").shuffle(self._order)  # noqa: S311
            self._pass = number
        return self._order[place]

    def unique(self, steps: int) -> int:
        """Different examples among those of the first `steps` steps."""
        return min(steps * self.batch, self.examples)


def total_steps(budgets: Sequence[Budget], *, trunk: bool) -> int:
    """Optimizer steps of the whole calibration."""
    if not trunk:
        return sum(budget.steps for budget in budgets)
    return budgets[-1].cool_down_from + sum(budget.steps - budget.cool_down_from for budget in budgets)
