"""`analysed`: a plan with what is asked of it beyond one year's cost.

Slower than `cost_plan` and apart from it, so that a slider stays quick; everything goes through the same draws and the
same yearly formula.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from planner.catalog import Catalog
from planner.cost.analyses import Comparison
from planner.cost.case import Case, case_of
from planner.cost.choice import name_of
from planner.cost.comparisons import adapter_per_modality_or_joint, spend_once_or_yearly
from planner.cost.inverse import Advice, calibrate_longer, front, loss_for_budget
from planner.cost.options import Candidate, Options, compared
from planner.cost.plan import Plan
from planner.cost.reselection import offers_of, reselection
from planner.cost.sensitivity import sobol_indices
from planner.loss_paths import LossPaths, LossPathsOf
from planner.outcome import Forecast
from planner.record import Calibration


def analysed(
    plan: Plan,
    forecast: Forecast,
    calibration: Calibration,
    catalog: Catalog,
    paths: LossPathsOf,
    *,
    advice: Advice | None = None,
    modality_paths: Mapping[str, LossPaths] | None = None,
    other_models: Mapping[str, tuple[Calibration, Forecast]] | None = None,
) -> Plan:
    """The plan with Sobol indices, front, comparisons, reselection, what its budget buys, and how long to calibrate.

    Args:
        plan: From `cost_plan`, with the same forecast, calibration and catalog.
        forecast: From `planner.law.forecast`.
        calibration: For the model and probes.
        catalog: For prices.
        paths: The law for a number of different studies (`planner.law.loss_paths`).
        advice: On a further run (`planner.law.next_run`); None: `calibrate_longer` stays null.
        modality_paths: The law of every modality by name, where each was calibrated on its own.
        other_models: Further calibrations by name, each with its forecast for the same target: other models, or the
            same at other bits, that a year may change to.

    Raises:
        CatalogError: The catalog no longer has the plan's GPU or quantization.
    """
    case = case_of(
        forecast,
        calibration,
        plan.scenario,
        catalog,
        seed=plan.seed,
        draws=plan.draws,
        day=datetime.date.fromisoformat(plan.created),
    )
    longer = None if advice is None else calibrate_longer(case, advice)
    if not case.hours_known:
        return msgspec.structs.replace(plan, calibrate_longer=longer)
    scenario = case.scenario
    found = compared(case.question, scenario, case.base)
    own = _own(case, found)
    law = paths(scenario.unique_studies)
    budget = scenario.budget_eur
    further = [
        offer
        for name, (other, prediction) in (other_models or {}).items()
        for offer in offers_of(case, name, other, prediction)
    ]
    return msgspec.structs.replace(
        plan,
        sobol=sobol_indices(case.question, case.drivers, case.typical, scenario, case.gpu),
        front=front(case.question, found, law),
        comparisons=_comparisons(plan, case, own, paths, modality_paths),
        reselection=reselection(case, own, found, further),
        loss_for_budget=None if budget is None else loss_for_budget(case.question, found, law, budget),
        calibrate_longer=longer,
    )


def _own(case: Case, found: Options) -> Candidate:
    """The plan's own option with its draws."""
    mine = (case.scenario.gpu, case.scenario.quantization, case.scenario.tenure.value)
    names = [name_of(candidate) for candidate in found.candidates]
    return next(
        candidate
        for candidate, name in zip(found.candidates, names, strict=True)
        if (name.gpu, name.quantization, name.tenure) == mine
    )


def _comparisons(
    plan: Plan, case: Case, own: Candidate, paths: LossPathsOf, modality_paths: Mapping[str, LossPaths] | None
) -> list[Comparison]:
    typed = case.scenario.budget_eur
    budget = plan.cost_per_year.p50 if typed is None else typed
    found = []
    if budget is not None and case.scenario.horizon_years > 1:
        found.append(spend_once_or_yearly(case, own, paths, budget, typed=typed is not None))
    modalities = adapter_per_modality_or_joint(case, modality_paths)
    return found if modalities is None else [*found, modalities]
