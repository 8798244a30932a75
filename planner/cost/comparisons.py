"""Two ways to do the same, draw by draw: spend once or every year; an adapter for each modality or one for all."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from planner.cost.affordable import affordable_examples, total_along
from planner.cost.analyses import Alternative, Comparison
from planner.cost.case import Case
from planner.cost.drawing import examples_drawn, law_index
from planner.cost.drivers import Drivers
from planner.cost.figures import CostQuantiles, in_eur
from planner.cost.flows import flows, present_value
from planner.cost.growth import growth_drawn, in_year, scenario_in_year
from planner.cost.modalities import shares_of
from planner.cost.options import OPTION_DRAWS, Candidate
from planner.cost.quantiles import NEVER, NEVER_PAID, FloatArray, cost_quantiles, quantiles
from planner.cost.scenario import Layout, Scenario
from planner.cost.yearly import Work, yearly_cost
from planner.loss_paths import LossPaths, LossPathsOf
from planner.outcome import Interval, chance_in_words

SPEND = "spend_once_or_yearly"
MODALITIES = "adapter_per_modality_or_joint"
_SAME = 1e-9
"""Costs and losses that differ by less are the same: rounding, not a saving."""


def spend_once_or_yearly(
    case: Case, candidate: Candidate, paths_of: LossPathsOf, budget_eur: float, *, typed: bool
) -> Comparison:
    """The same present value spent on one large fine-tuning now, or on one from scratch every year.

    Once: what the years leave beside their other lines is spent in the first, on the studies that are there; the model
    then stays. Yearly: every year spends its own rest on all studies that are there by then, at that year's prices, and
    the better of the old and the new model is used. No side goes beyond the horizon of its studies.

    Args:
        case: The plan.
        candidate: The plan's own option with its draws.
        paths_of: The law by number of studies.
        budget_eur: A year, VAT included.
        typed: Whether the budget was typed, else it is the P50 of the yearly cost.
    """
    question, scenario, catalog = case.question, case.scenario, case.question.catalog
    years = scenario.horizon_years
    draw_m = law_index(question, OPTION_DRAWS)
    growth = growth_drawn(question, scenario, OPTION_DRAWS)
    discount = [(1.0 + growth.discount_rate) ** -year for year in range(years)]
    paths = [paths_of(_studies(case, year)) for year in range(years)]
    grids = [path.examples_q for path in paths]
    works = [_tuning_work(scenario, year, question.calibration_examples) for year in range(years)]
    money = np.full(OPTION_DRAWS, budget_eur)
    totals, untuned = [], []
    for year in range(years):
        here = msgspec.structs.replace(scenario_in_year(scenario, year), retuning_share=1.0)
        placed = msgspec.structs.replace(candidate, drivers=in_year(candidate.drivers, growth, scenario, year))
        totals.append(total_along(placed, here, catalog, works[year], grids[year]))
        resting = placed.drivers.replaced("examples", np.zeros(OPTION_DRAWS))
        untuned.append(yearly_cost(resting, here, candidate.gpu, catalog, works[year]).total)

    # Once: the first year takes what the later ones leave.
    later = sum(
        (discount[year] * np.maximum(money - untuned[year], 0.0) for year in range(1, years)),
        start=np.zeros(OPTION_DRAWS),
    )
    reach = np.minimum(affordable_examples(totals[0], grids[0], money + later), paths[0].horizon_examples)
    once_loss = np.repeat(paths[0].loss_at(reach, draw_m)[None, :], years, axis=0)
    once_cost = _total_at(totals[0], grids[0], reach, untuned[0])
    once_cost = once_cost + sum(
        (discount[year] * untuned[year] for year in range(1, years)), start=np.zeros(OPTION_DRAWS)
    )

    yearly_loss, yearly_cost_pv = np.empty((years, OPTION_DRAWS)), np.zeros(OPTION_DRAWS)
    for year in range(years):
        reach = np.minimum(affordable_examples(totals[year], grids[year], money), paths[year].horizon_examples)
        yearly_loss[year] = paths[year].loss_at(reach, draw_m)
        yearly_cost_pv += discount[year] * _total_at(totals[year], grids[year], reach, untuned[year])
    yearly_loss = np.minimum.accumulate(yearly_loss, axis=0)

    target = scenario.target_loss
    source = "the typed budget" if typed else "the P50 of the yearly cost"
    first = _alternative(
        "once", "Spending once at the start", once_cost, once_loss, target,
        f"{years} years of {in_eur(budget_eur)} ({source}) in one fine-tuning now",
    )  # fmt: skip
    second = _alternative(
        "yearly", "Spending every year", yearly_cost_pv, yearly_loss, target,
        f"{in_eur(budget_eur)} ({source}) every year, in a fine-tuning from scratch on all studies by then",
    )  # fmt: skip
    return _compared(
        SPEND,
        "Is it better to spend once or every year?",
        first,
        second,
        once_cost,
        yearly_cost_pv,
        (once_loss[-1], yearly_loss[-1]),
        [
            "The model that is spent on once stays as it is; nothing else than more studies makes its answers worse.",
            _arrival(scenario, paths),
        ],
    )


def adapter_per_modality_or_joint(case: Case, measured: Mapping[str, LossPaths] | None = None) -> Comparison | None:
    """The cost of the target with one adapter for each modality against one joint adapter; None for one modality.

    Args:
        case: The plan; its law is that of the joint adapter.
        measured: The law of every modality, where each was calibrated on its own.
    """
    scenario, question = case.scenario, case.question
    if len(shares_of(scenario)) < 2 and not measured:
        return None
    draws = len(case.drivers.examples)
    joint = msgspec.structs.replace(scenario, layout=Layout.JOINT)
    each = msgspec.structs.replace(scenario, layout=Layout.PER_MODALITY)
    transfer = case.drivers.modality_transfer
    joint_drivers = case.drivers.replaced("examples", examples_drawn(question, joint, transfer, draws))
    if measured:
        each = msgspec.structs.replace(each, modalities=(), modality_count=len(measured))
        each_drivers = _measured_drivers(case, measured, draws)
        assumed = "Every modality was calibrated on its own; its draws are independent of the joint adapter's."
    else:
        each_drivers = case.drivers.replaced("examples", examples_drawn(question, each, transfer, draws))
        assumed = (
            "What a study of one modality teaches the others is "
            + ("drawn evenly from nothing to all" if scenario.modality_transfer is None else "typed")
            + "; a calibration for each modality would measure it."
        )
    costs, chances = [], []
    for here, drivers in ((joint, joint_drivers), (each, each_drivers)):
        growth = growth_drawn(question, here, draws)
        found = flows(drivers, growth, here, case.gpu, question.catalog, question.calibration_examples)
        reached = np.isfinite(drivers.examples)
        costs.append(np.where(reached, present_value(found, growth.discount_rate, here), np.inf))
        chances.append(float(reached.mean()))
    names = [modality.name for modality in scenario.modalities] or list(measured or ())
    named = f" ({', '.join(names)})" if names else ""
    first = Alternative(
        code="joint",
        label="One joint adapter",
        cost=cost_quantiles(costs[0]),
        loss_by_year=[],
        probability=chances[0],
        sentence="One adapter learns from all studies; a re-tuning touches all modalities.",
    )
    second = Alternative(
        code="per_modality",
        label=f"An adapter for each modality{named}",
        cost=cost_quantiles(costs[1]),
        loss_by_year=[],
        probability=chances[1],
        sentence="Each adapter learns from its own studies; a re-tuning touches one. They share one base in memory.",
    )
    return _compared(
        MODALITIES, "An adapter for each modality, or one joint model?", first, second, costs[0], costs[1], None,
        [assumed, "Answering and storage cost the same either way."],
    )  # fmt: skip


def _measured_drivers(case: Case, measured: Mapping[str, LossPaths], draws: int) -> Drivers:
    """Effort of adapters that were each calibrated: `per_modality` with the mean examples and full transfer is it."""
    columns = []
    for number, paths in enumerate(measured.values()):
        examples = paths.examples_to(case.scenario.target_loss)
        pick = np.random.default_rng(np.random.SeedSequence(case.question.seed, spawn_key=(100 + number,)))
        columns.append(examples[pick.integers(0, len(examples), draws)])
    mean = np.mean(columns, axis=0)
    return msgspec.structs.replace(case.drivers, examples=mean, modality_transfer=np.ones(draws))


def _studies(case: Case, year: int) -> float | None:
    """Different studies at the start of a year of use."""
    scenario = case.scenario
    here = scenario.unique_studies or case.question.calibration.header.dataset.training_examples
    return None if here is None else float(here) + year * (scenario.studies_arriving_per_year or 0.0)


def _tuning_work(scenario: Scenario, year: int, calibration_examples: float) -> Work:
    """All trials in the first year, one complete fine-tuning in every later one."""
    if year == 0:
        return Work(trials=scenario.trials, retunings=0.0, calibration_examples=calibration_examples, once=True)
    return Work(trials=1.0, retunings=0.0)


def _total_at(total_mq: FloatArray, examples_q: FloatArray, reach_m: FloatArray, untuned_m: FloatArray) -> FloatArray:
    """Cost at so many examples; what a year costs without a fine-tuning where there is none."""
    place = np.interp(reach_m, examples_q, np.arange(len(examples_q)))
    left = np.minimum(place.astype(int), len(examples_q) - 2)
    rows = np.arange(len(reach_m))
    share = place - left
    total = total_mq[rows, left] * (1.0 - share) + total_mq[rows, left + 1] * share
    return np.where(reach_m > 0, total, untuned_m)


def _alternative(
    code: str, label: str, cost_m: FloatArray, loss_hm: FloatArray, target: float, how: str
) -> Alternative:
    spans = [_interval(loss_m) for loss_m in loss_hm]
    chance = float((loss_hm[-1] <= target).mean())
    last = spans[-1]
    ends = f"ends at a loss of {last.p05:.2f} to {last.p95:.2f} nats (9 in 10)" if last else "buys no fine-tuning"
    return Alternative(
        code=code,
        label=label,
        cost=cost_quantiles(cost_m),
        loss_by_year=[span for span in spans if span is not None],
        probability=chance,
        sentence=f"{how}: {ends}.",
    )


def _interval(loss_m: FloatArray) -> Interval | None:
    """Of the draws that have a model at all; None where hardly any has."""
    there = np.isfinite(loss_m)
    if there.mean() < 0.5:
        return None
    low, middle, high = np.quantile(loss_m[there], [0.05, 0.5, 0.95])
    return Interval(p05=float(low), p50=float(middle), p95=float(high))


def _compared(
    code: str,
    question: str,
    first: Alternative,
    second: Alternative,
    first_cost: FloatArray,
    second_cost: FloatArray,
    losses: tuple[FloatArray, FloatArray] | None,
    assumptions: list[str],
) -> Comparison:
    both = np.isfinite(first_cost) & np.isfinite(second_cost)
    one, two = first_cost[both], second_cost[both]
    ratio = quantiles(two / one) if both.any() and (one > 0).all() else NEVER
    dearer, cheaper_by = (
        (cost_quantiles(np.maximum(two - one, 0.0)), cost_quantiles(np.maximum(one - two, 0.0)))
        if both.any()
        else (NEVER_PAID, NEVER_PAID)
    )
    with np.errstate(invalid="ignore"):
        cheaper = float((second_cost < first_cost * (1.0 - _SAME)).mean())
    loss_ratio, lower, nothing = None, None, ""
    if losses is not None:
        there = np.isfinite(losses[0]) & np.isfinite(losses[1])
        with np.errstate(invalid="ignore"):
            lower = float((losses[1] < losses[0] * (1.0 - _SAME)).mean())
        loss_ratio = _interval(losses[1][there] / losses[0][there]) if there.any() else None
        if not there.any():
            nothing = "The money buys no fine-tuning on one of the two ways, so they cannot be compared."
    elif not both.any():
        chances = f"{chance_in_words(first.probability)} the first, {chance_in_words(second.probability)} the second"
        nothing = f"No draw reaches the target both ways ({chances}), so their costs cannot be compared."
    return Comparison(
        code=code,
        question=question,
        first=first,
        second=second,
        cost_ratio=ratio,
        second_dearer_by=dearer,
        second_cheaper_by=cheaper_by,
        loss_ratio=loss_ratio,
        probability_second_cheaper=cheaper,
        probability_second_lower_loss=lower,
        assumptions=assumptions,
        sentence=nothing or _sentence(first, second, dearer, cheaper_by, cheaper, lower),
    )


def _sentence(
    first: Alternative, second: Alternative, dearer: CostQuantiles, cheaper_by: CostQuantiles, cheaper: float,
    lower: float | None,
) -> str:  # fmt: skip
    said = f"{second.label} costs less than {_small(first.label)} in {chance_in_words(cheaper)} of the draws"
    if dearer.p90 is not None and cheaper_by.p90 is not None:
        said += f" (at most {in_eur(cheaper_by.p90)} less and {in_eur(dearer.p90)} more, 9 in 10 each)"
    if lower is None:
        return f"{said}."
    return f"{said}. It ends at a lower loss in {chance_in_words(lower)} of the draws."


def _small(label: str) -> str:
    return label[:1].lower() + label[1:]


def _arrival(scenario: Scenario, paths: list[LossPaths]) -> str:
    if scenario.studies_arriving_per_year is None:
        return "No new studies arrive: a fine-tuning of a later year learns from the same ones."
    worth = (
        "the calibration measured what fewer studies cost"
        if paths[0].data_axis_measured
        else "that they teach as much as those of the calibration is assumed"
    )
    return f"{scenario.studies_arriving_per_year:,.0f} different studies arrive each year; {worth}."
