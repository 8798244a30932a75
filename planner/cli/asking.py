"""From what `plateau plan` was asked to the whole plan: record, law, open ends, cost, analyses."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from planner.cli.fits import curve_of
from planner.cli.opening import open_calibration

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.cost import Advice
    from planner.cost.plan import Plan
    from planner.cost.scenario import Scenario
    from planner.law import NextRun
    from planner.outcome import Forecast
    from planner.record import Calibration


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `plateau plan` was asked."""

    record: str
    values: dict[str, Any]
    file: str
    configuration: int
    seed: int
    modalities: tuple[tuple[str, str], ...]
    alternatives: tuple[tuple[str, str], ...]


def check_early(values: dict[str, Any], catalog: Catalog, file: str) -> None:
    """Say all that is wrong before the fit: an unknown name should not cost a wait.

    Raises:
        ScenarioError: Every wrong value, and every name that the catalog does not know.
    """
    from planner.cost.scenario_file import scenario_from
    from planner.errors import CatalogError, Mistake, ScenarioError

    filled = dict(values)
    if filled.get("budget_eur") is not None:
        filled.setdefault("target_loss", 1.0)
    filled.setdefault("gpu", catalog.gpus[0].gpu)
    mistakes: list[Mistake] = []
    try:
        scenario_from(filled, file=file)
    except ScenarioError as problem:
        mistakes.extend(problem.mistakes)
    quote = values.get("quote")
    quoted = quote.get("gpu") if isinstance(quote, dict) else getattr(quote, "gpu", None)
    for field, name, look_up in (
        ("gpu", values.get("gpu"), catalog.gpu),
        ("quantization", values.get("quantization"), catalog.quantization),
        ("grid", values.get("grid"), catalog.grid),
        ("quote.gpu", quoted, catalog.gpu),
    ):
        try:
            if isinstance(name, str):
                look_up(name)
        except CatalogError as problem:
            mistakes.extend(
                Mistake(file=file, field=field, reason=one.reason, remedy=one.remedy) for one in problem.mistakes
            )
    if mistakes:
        raise ScenarioError(mistakes)


def planned(asked: Asked, catalog: Catalog) -> tuple[Plan, bool]:
    """The whole plan, and whether the budget buys anything where it was asked what."""
    from planner.cost import analysed, cost_plan
    from planner.cost.completing import completed
    from planner.curve import of_configuration
    from planner.law import fit_law, forecast, loss_paths, loss_to_quality, next_run

    opened = open_calibration(asked.record)
    law = fit_law(curve_of(opened, asked.configuration), seed=asked.seed)
    calibration = of_configuration(opened, law.curve.configuration)
    studies = asked.values.get("unique_studies")
    paths = cache(lambda unique: loss_paths(law, unique))
    day = datetime.datetime.now(datetime.UTC).date()
    filled = completed(
        asked.values,
        lambda target: forecast(law, target, unique_examples=studies),
        calibration,
        catalog,
        paths,
        seed=asked.seed,
        day=day,
        file=asked.file,
    )
    scenario = filled.scenario
    answer = forecast(law, scenario.target_loss, unique_examples=scenario.unique_studies)
    made = cost_plan(
        answer,
        calibration,
        scenario,
        catalog,
        seed=asked.seed,
        quality=loss_to_quality(calibration, scenario.target_loss),
        today=day,
        paths=paths,
    )
    modalities = {
        name: loss_paths(fit_law(curve_of(open_calibration(record), 1), seed=asked.seed))
        for name, record in asked.modalities
    }
    whole = analysed(
        made,
        answer,
        calibration,
        catalog,
        paths,
        advice=_advice(next_run(law, scenario.target_loss, unique_examples=scenario.unique_studies)),
        modality_paths=modalities or None,
        other_models={name: _alternative(record, scenario, asked.seed) for name, record in asked.alternatives},
    )
    if filled.bought is not None:
        whole = msgspec.structs.replace(whole, loss_for_budget=filled.bought)
    return whole, filled.bought is None or filled.bought.confident_loss is not None


def _alternative(record: str, scenario: Scenario, seed: int) -> tuple[Calibration, Forecast]:
    """Another calibration with what its law says about the same target."""
    from planner.law import fit_law, forecast

    calibration = open_calibration(record)
    law = fit_law(curve_of(calibration, 1), seed=seed)
    return calibration, forecast(law, scenario.target_loss, unique_examples=scenario.unique_studies)


def _advice(found: NextRun) -> Advice:
    """The law's advice as plain numbers."""
    from planner.cost import Advice

    best = found.best
    return Advice(
        examples=None if best is None else best.budget_examples,
        replicates=None if best is None else best.replicates,
        chance_settled=None if best is None else best.chance_settled,
        examples_factor_now=found.examples_factor_now,
        examples_factor_after=None if best is None else best.examples_factor,
        sentence=found.sentence,
    )
