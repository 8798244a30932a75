"""What reaching the target costs where it is reached, what is spent where it is missed, and the budget scenario."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.catalog import GpuSpec
from planner.cost.drawing import Question
from planner.cost.drivers import Drivers
from planner.cost.plan import IfReached
from planner.cost.quantiles import NEVER, NEVER_PAID, cost_quantiles, quantiles
from planner.cost.scenario import Scenario
from planner.cost.yearly import Work, YearlyCost, yearly_cost
from planner.outcome import chance_in_words

UNKNOWN_EXAMPLES = "the log counts steps and does not say how many examples a step has"


def if_reached(
    drivers: Drivers, cost: YearlyCost, scenario: Scenario, gpu: GpuSpec, question: Question, *, hours_known: bool
) -> IfReached:
    """Figures conditional on success, labelled, beside what is spent without it."""
    missed = spent_if_missed(drivers, scenario, gpu, question) if hours_known else None
    reached = is_reached(drivers)
    share = float(reached.mean())
    if not hours_known:
        return IfReached(
            probability=question.forecast.verdict.probability,
            examples=NEVER,
            hours=NEVER,
            cost_per_year=NEVER_PAID,
            spent_if_missed_eur=missed,
            sentence=f"Hours and cost are unknown: {UNKNOWN_EXAMPLES}.",
        )
    if not reached.any():
        return IfReached(
            probability=share,
            examples=NEVER,
            hours=NEVER,
            cost_per_year=NEVER_PAID,
            spent_if_missed_eur=missed,
            sentence="No draw reaches the target within the horizon, so there is no figure for reaching it.",
        )
    return IfReached(
        probability=share,
        examples=quantiles(drivers.examples[reached]) if question.counts_examples else NEVER,
        hours=quantiles(cost.tuning_hours[reached]),
        cost_per_year=cost_quantiles(cost.total[reached]),
        spent_if_missed_eur=missed,
        sentence=f"Figures for the {chance_in_words(share)} of draws that reach the target; conditional on reaching "
        "it.",
    )


def is_reached(drivers: Drivers) -> NDArray[np.bool_]:
    """Which draws reach the target within the horizon, shape (m,)."""
    return np.isfinite(drivers.examples)


def spent_if_missed(drivers: Drivers, scenario: Scenario, gpu: GpuSpec, question: Question) -> float | None:
    """P90 of what is spent before it is known that the target is missed: every trial up to the horizon, VAT included.

    This is the stop-loss. Bought hardware, a commitment, own staff and one-off lines are spent as a whole year of them;
    no study is answered yet, and the calibration was spent before the question was asked.
    """
    horizon = np.full_like(drivers.examples, question.forecast.verdict.horizon_examples)
    tried = Work(trials=scenario.trials, retunings=0.0, once=True, in_use=False)
    cost = yearly_cost(drivers.replaced("examples", horizon), scenario, gpu, question.catalog, tried)
    return quantiles(cost.total).p90


def budget_scenario(drivers: Drivers, question: Question, *, hours_known: bool) -> tuple[Drivers, str]:
    """The single scenario whose lines add up, and its name; a lower target never makes it cheaper."""
    typical = drivers.medians()
    if not hours_known:
        none = typical.replaced("examples", np.array([0.0]))
        return none, f"Without fine-tuning, whose hours are unknown: {UNKNOWN_EXAMPLES}"
    unit = "examples" if question.counts_examples else "steps"
    if np.isfinite(typical.examples[0]):
        return typical, (
            f"Target reached with the median effort ({typical.examples[0]:,.0f} {unit}), every other input at its "
            "median"
        )
    horizon = question.forecast.verdict.horizon_examples
    return typical.replaced("examples", np.array([horizon])), (
        f"Target missed in most draws: fine-tuning up to the horizon of {horizon:,.0f} {unit}, every other input at "
        "its median"
    )
