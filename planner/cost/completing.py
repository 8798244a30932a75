"""What a question leaves open is answered first: the loss that a budget buys, the GPU for a target at least cost."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from planner.catalog import Catalog
from planner.cost.analyses import Choice, LossForBudget, OptionName
from planner.cost.basis import planned_model
from planner.cost.case import asked
from planner.cost.choice import choose, name_of
from planner.cost.drawing import Question
from planner.cost.inverse import CONFIDENT, loss_for_budget
from planner.cost.options import Candidate, Options, compared
from planner.cost.scenario import Scenario, Tenure
from planner.cost.scenario_file import scenario_from
from planner.cost.yearly import first_year, yearly_cost
from planner.errors import Mistake, ScenarioError
from planner.loss_paths import LossPathsOf
from planner.outcome import Forecast
from planner.record import Calibration

OPEN = ("gpu", "quantization", "tenure")
_DECIMALS = 1000.0


class Completed(Struct, frozen=True, kw_only=True):
    """A scenario whose open ends are filled in.

    Attributes:
        bought: What the budget buys, where no target was given.
        choice: Between the options that were left open, where a target but no GPU was given.
    """

    scenario: Scenario
    bought: LossForBudget | None
    choice: Choice | None


def completed(
    values: Mapping[str, Any],
    forecast_of: Callable[[float], Forecast],
    calibration: Calibration,
    catalog: Catalog,
    paths: LossPathsOf,
    *,
    seed: int,
    day: datetime.date,
    file: str = "scenario",
) -> Completed:
    """Fill in the target that the budget buys and the GPU, bits and tenure that were not given.

    Without a target it is the loss that nine of ten draws reach within the budget, with the option that gets farthest;
    with a target and no GPU it is the option with the lowest P50.

    Args:
        values: Of a scenario by name, unchecked; `target_loss` may be missing where `budget_eur` is given.
        forecast_of: The law's answer for a target.
        calibration: For the model and probes.
        catalog: For prices.
        paths: The law by number of studies.
        seed: Of the draws.
        day: Of the plan.
        file: Name for the messages.

    Raises:
        CatalogError: Unknown GPU or quantization.
        ScenarioError: A value that is wrong, or an end that cannot be filled in.
    """
    given = {key: value for key, value in values.items() if value is not None}
    asks_loss = "target_loss" not in given and "budget_eur" in given
    quote = given.get("quote")
    if "gpu" not in given and quote is not None:
        given["gpu"] = quote["gpu"] if isinstance(quote, Mapping) else quote.gpu
    asks_gpu = "gpu" not in given
    filled = dict(given)
    if asks_gpu:
        filled["gpu"] = catalog.gpus[0].gpu
    if asks_loss:
        # Any loss that is easily reached: the question does not depend on it.
        filled["target_loss"] = float(np.quantile(paths(None).loss_mq[:, 0], 0.5))
    scenario = scenario_from(filled, file=file)
    if not asks_loss and not asks_gpu:
        return Completed(scenario=scenario, bought=None, choice=None)
    question, scenario, _, _ = asked(
        forecast_of(scenario.target_loss), calibration, scenario, catalog, seed=seed, day=day
    )
    found = _open_options(compared(question, scenario, planned_model(calibration, catalog)), given, scenario)
    if not any(candidate.feasible for candidate in found.candidates):
        raise ScenarioError(_nothing_feasible(file, found, asks_gpu=asks_gpu))
    if not asks_loss:
        choice = choose(found, None)
        name = choice.cheapest_p50 or choice.least_expected_regret or _cheapest_try(question, found)
        return Completed(scenario=_with(scenario, name), bought=None, choice=choice)
    assert scenario.budget_eur is not None
    law = paths(scenario.unique_studies)
    bought = loss_for_budget(question, found, law, scenario.budget_eur)
    # All draws of the law have the last word on what is confident: the options were compared on a part of them.
    sure = float(np.quantile(law.loss_mq[:, -1], CONFIDENT, method="higher"))
    loss = law.at_horizon.p50 if bought.confident_loss is None else max(bought.confident_loss, sure)
    target = math.ceil(loss * _DECIMALS) / _DECIMALS
    named = _with(scenario, bought.option or _cheapest_try(question, found))
    return Completed(scenario=msgspec.structs.replace(named, target_loss=target), bought=bought, choice=None)


def _open_options(found: Options, given: Mapping[str, Any], scenario: Scenario) -> Options:
    """Without the options that what was given rules out."""
    typed = {name: getattr(scenario, name) for name in OPEN if name in given}
    rows = [
        row
        for row, candidate in enumerate(found.candidates)
        if all(getattr(candidate.scenario, name) == value for name, value in typed.items())
    ]
    return Options(
        candidates=[found.candidates[row] for row in rows],
        unpriced=[],
        total_om=found.total_om[rows],
        tuning_hours_om=found.tuning_hours_om[rows],
    )


def _cheapest_try(question: Question, found: Options) -> OptionName:
    """Where nothing is reached: what costs least up to the horizon."""

    def cost_of_trying(candidate: Candidate) -> float:
        horizon = np.array([question.forecast.verdict.horizon_examples])
        typical = candidate.drivers.medians().replaced("examples", horizon)
        work = first_year(candidate.scenario, question.calibration_examples)
        return float(yearly_cost(typical, candidate.scenario, candidate.gpu, question.catalog, work).total[0])

    return name_of(min((c for c in found.candidates if c.feasible), key=cost_of_trying))


def _with(scenario: Scenario, name: OptionName) -> Scenario:
    return msgspec.structs.replace(scenario, gpu=name.gpu, quantization=name.quantization, tenure=Tenure(name.tenure))


def _nothing_feasible(file: str, found: Options, *, asks_gpu: bool) -> Mistake:
    field = "gpu" if asks_gpu else "budget_eur"
    if found.candidates and not any(candidate.hours_known for candidate in found.candidates):
        return Mistake(
            file=file,
            field=field,
            reason="hours and cost of every GPU are unknown, so none can be chosen: the log counts steps "
            "of unknown size",
            remedy="Import it again with --effective-batch-size N (examples of a step), or give --gpu NAME"
            + ("" if asks_gpu else " and --target-loss")
            + " for a plan of memory alone",
        )
    return Mistake(
        file=file,
        field=field,
        reason="no option has both the memory and a price, so none can be chosen",
        remedy="Give the GPU with its price (--gpu NAME --price-eur-per-hour EUR), or other bits (--quantization nf4)",
    )
