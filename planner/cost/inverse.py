"""Questions asked backwards: what loss a budget buys, what reaches each loss for least, how long to calibrate."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.cost.affordable import affordable_examples, total_along
from planner.cost.analyses import CalibrateLonger, FrontPoint, LossForBudget, OptionName
from planner.cost.case import Case
from planner.cost.choice import in_words, name_of
from planner.cost.drawing import Question, law_index
from planner.cost.figures import in_eur
from planner.cost.options import OPTION_DRAWS, Candidate, Options
from planner.cost.quantiles import FloatArray, cost_quantiles, quantiles
from planner.cost.yearly import Work, first_year, yearly_cost
from planner.loss_paths import LossPaths
from planner.outcome import Interval, Quantiles

FRONT_POINTS = 12
CONFIDENT = 0.9
_LOOKED_AT = 8


class Advice(Struct, frozen=True, kw_only=True):
    """What the law advises on a further run (`planner.law.next_run`), as plain numbers.

    Attributes:
        examples: Of one run; None where none is advised. `replicates` of it, each with its own seed.
        chance_settled: That the verdict is then decided.
        examples_factor_now, examples_factor_after: P90 / P10 of the examples to the target; None: infinite.
        sentence: The advice in words.
    """

    examples: float | None
    replicates: int | None
    chance_settled: float | None
    examples_factor_now: float | None
    examples_factor_after: float | None
    sentence: str


def loss_for_budget(question: Question, found: Options, paths: LossPaths, budget_eur: float) -> LossForBudget:
    """What loss a yearly budget buys, with the option that gets farthest with it.

    Every feasible option is asked how many examples of a fine-tuning the budget leaves after all other lines in the
    budget scenario; of the eight that can afford most (the cheaper first where several reach the horizon) the one is
    taken whose loss is lowest in nine of ten draws.

    Args:
        question: Law, calibration, catalog.
        found: The options of a scenario; its target plays no part.
        paths: The law with the studies that are there.
        budget_eur: A year, VAT included.
    """
    grid, money = _grid(paths), np.array([budget_eur])
    ranked = []
    for row, candidate in enumerate(_feasible(found)):
        typical = msgspec.structs.replace(candidate, drivers=candidate.drivers.medians())
        total = _along(question, typical, grid)
        reach = min(float(affordable_examples(total, grid, money)[0]), paths.horizon_examples)
        if reach > 0:
            ranked.append((-reach, float(total[0, -1]), row, candidate))
    if not ranked:
        return _nothing(budget_eur, found)
    draw_m = law_index(question, OPTION_DRAWS)
    best: tuple[float, Candidate, FloatArray, FloatArray] | None = None
    for *_, candidate in sorted(ranked)[:_LOOKED_AT]:
        affordable = affordable_examples(_along(question, candidate, grid), grid, money)
        reach_m = np.minimum(affordable, paths.horizon_examples)
        loss_m = paths.loss_at(reach_m, draw_m)
        confident = float(np.quantile(loss_m, CONFIDENT, method="inverted_cdf"))
        if best is None or confident < best[0]:
            best = (confident, candidate, reach_m, loss_m)
    assert best is not None
    confident, candidate, reach_m, loss_m = best
    buys = np.isfinite(loss_m)
    at_horizon = float((reach_m >= paths.horizon_examples * (1.0 - 1e-9)).mean())
    limited_by = paths.limited_by if at_horizon > 0.5 else "budget"
    loss = None
    if buys.any():
        low, middle, high = np.quantile(loss_m[buys], [0.05, 0.5, 0.95])
        loss = Interval(p05=float(low), p50=float(middle), p95=float(high))
    name = name_of(candidate)
    return LossForBudget(
        budget_eur=budget_eur,
        option=name,
        probability_affordable=float(buys.mean()),
        examples=quantiles(reach_m),
        loss=loss,
        confident_loss=confident if math.isfinite(confident) else None,
        limited_by=limited_by,
        sentence=_loss_sentence(budget_eur, name, loss, limited_by),
    )


def _along(question: Question, candidate: Candidate, grid: FloatArray) -> FloatArray:
    """First year's cost of every draw along the grid, shape (m, q)."""
    work = first_year(candidate.scenario, question.calibration_examples)
    return total_along(candidate, candidate.scenario, question.catalog, work, grid)


def _nothing(budget_eur: float, found: Options) -> LossForBudget:
    why = "what else a year costs is more than that" if _feasible(found) else "no option has the memory and a price"
    return LossForBudget(
        budget_eur=budget_eur,
        option=None,
        probability_affordable=0.0,
        examples=Quantiles(p10=None, p50=None, p90=None),
        loss=None,
        confident_loss=None,
        limited_by="budget",
        sentence=f"{in_eur(budget_eur)} a year buy no fine-tuning: {why}.",
    )


def _loss_sentence(budget_eur: float, option: OptionName, loss: Interval | None, limited_by: str) -> str:
    limits = {
        "budget": "More money would lower it.",
        "studies": "The number of different studies limits it, not the budget.",
        "extrapolation": "How far the law may be trusted limits it, not the budget.",
    }
    if loss is None:
        return f"{in_eur(budget_eur)} a year buy fewer examples than the smallest calibrated run."
    return (
        f"{in_eur(budget_eur)} a year buy a loss of about {loss.p50:.2f} nats (9 in 10: {loss.p05:.2f} to "
        f"{loss.p95:.2f}) with {in_words(option)}. {limits[limited_by]}"
    )


def front(question: Question, found: Options, paths: LossPaths) -> list[FrontPoint]:
    """The front of loss and yearly cost: for each loss the option that reaches it for least in the budget scenario.

    Losses go from what most draws can reach within the horizon up to that of the smallest measured budget.
    """
    middle = np.quantile(paths.loss_mq, 0.5, axis=0)
    targets = np.linspace(float(middle[-1]), float(middle[0]), FRONT_POINTS)
    examples_tm = np.stack([paths.examples_to(float(target)) for target in targets])
    typical_t = np.quantile(examples_tm, 0.5, axis=1, method="inverted_cdf")
    open_t = np.isfinite(typical_t)
    feasible = _feasible(found)
    if not feasible or not open_t.any():
        return []
    draws = law_index(question, OPTION_DRAWS)
    costs = []
    for candidate in feasible:
        typical = msgspec.structs.replace(candidate, drivers=candidate.drivers.medians())
        costs.append(_along(question, typical, typical_t[open_t])[0])
    cheapest = np.argmin(np.stack(costs), axis=0)
    points = []
    for index, target_index in zip(cheapest, np.flatnonzero(open_t), strict=True):
        candidate = feasible[int(index)]
        examples = examples_tm[target_index][draws]
        work = first_year(candidate.scenario, question.calibration_examples)
        drivers = candidate.drivers.replaced("examples", examples)
        total = yearly_cost(drivers, candidate.scenario, candidate.gpu, question.catalog, work).total
        points.append(
            FrontPoint(
                target_loss=float(targets[target_index]),
                probability=float(np.isfinite(examples).mean()),
                option=name_of(candidate),
                cost_per_year=cost_quantiles(total),
            )
        )
    return points


def calibrate_longer(case: Case, advice: Advice) -> CalibrateLonger:
    """What a further calibration run costs on the plan's GPU, and how much surer the yearly cost is after it.

    Afterwards the spread of the examples to the target is taken to shrink to what the law expects; everything else
    stays as uncertain as it is.
    """
    now = _factor(case, case.drivers.examples)
    if advice.examples is None or advice.replicates is None or not case.hours_known:
        return CalibrateLonger(
            needed=False,
            examples=None,
            replicates=None,
            gpu_hours=None,
            cost_eur=None,
            chance_settled=None,
            cost_factor_now=now,
            cost_factor_after=None,
            sentence=advice.sentence,
        )
    work = Work(
        trials=0.0, retunings=0.0, calibration_examples=advice.examples * advice.replicates, in_use=False
    )  # fmt: skip
    idle = msgspec.structs.replace(work, calibration_examples=0.0)
    nothing = case.drivers.replaced("examples", np.zeros_like(case.drivers.examples))
    run, rest = (
        yearly_cost(nothing, case.scenario, case.gpu, case.question.catalog, each) for each in (work, idle)
    )  # fmt: skip
    cost = run.gross("calibration_rent", "energy") - rest.gross("calibration_rent", "energy")
    after = _factor(case, _narrowed(case.drivers.examples, advice.examples_factor_after))
    hours, euro = quantiles(run.calibration_hours), cost_quantiles(cost)
    times = f"{advice.replicates} runs" if advice.replicates > 1 else "one run"
    said = f"{advice.sentence} That is {times}, about {hours.p50 or 0:,.2g} GPU-hours and {in_eur(euro.p50 or 0)}"
    if now is not None and after is not None and round(after, 2) != round(now, 2):
        said += f"; the yearly cost would then be known within a factor of {after:.2f} instead of {now:.2f}"
    return CalibrateLonger(
        needed=True,
        examples=advice.examples,
        replicates=advice.replicates,
        gpu_hours=hours,
        cost_eur=euro,
        chance_settled=advice.chance_settled,
        cost_factor_now=now,
        cost_factor_after=after,
        sentence=f"{said}.",
    )


def _factor(case: Case, examples: FloatArray) -> float | None:
    """P90 / P10 of the yearly cost of the draws that reach the target; None where none does."""
    reached = np.isfinite(examples)
    if not reached.any():
        return None
    drivers = case.drivers.replaced("examples", examples)
    cost = yearly_cost(drivers, case.scenario, case.gpu, case.question.catalog, case.work).total[reached]
    low, high = np.quantile(cost, [0.1, 0.9])
    return float(high / low) if low > 0 else None


def _narrowed(examples: FloatArray, factor_after: float | None) -> FloatArray:
    """The same draws with P90 / P10 at the factor, around their median; as they are where none is known."""
    reached = np.isfinite(examples)
    if factor_after is None or not reached.any():
        return examples
    low, middle, high = np.log(np.quantile(examples[reached], [0.1, 0.5, 0.9]))
    shrink = min(math.log(max(factor_after, 1.0)) / (high - low), 1.0) if high > low else 1.0
    with np.errstate(invalid="ignore"):
        moved = np.exp(middle + shrink * (np.log(examples) - middle))
    return np.where(reached, moved, np.inf)


def _grid(paths: LossPaths) -> NDArray[np.float64]:
    return paths.examples_q[paths.examples_q <= paths.horizon_examples * (1.0 + 1e-9)]


def _feasible(found: Options) -> list[Candidate]:
    return [candidate for candidate in found.candidates if candidate.feasible]
