"""A plan as the cost model makes it, with everything in it that a hospital can say."""

from __future__ import annotations

import datetime
from functools import cache

from planner.catalog import read_catalog
from planner.cost import Layout, Scenario, Tenure, cost_plan
from planner.cost.given import NEVER_COMPUTED, GivenCost, Modality, Risk, ServerQuote
from planner.cost.plan import Plan
from planner.curve import loss_curves
from planner.dashboard.planning import Planner
from planner.law import Law, fit_law, forecast, loss_to_quality
from tests.factories import example_calibration

DAY = datetime.date(2026, 11, 24)
EVERYTHING = Scenario(
    target_loss=1.6,
    gpu="L4",
    tenure=Tenure.BUY,
    quote=ServerQuote(
        supplier="A supplier with a long name",
        gpu="L4",
        gpus=2,
        price_eur=19_000.0,
        quoted_on=datetime.date(2026, 11, 1),
        valid_until=datetime.date(2027, 2, 1),
        installation_eur=800.0,
        warranty_years=3.0,
        watts_at_wall=600.0,
    ),
    budget_eur=60_000.0,
    horizon_years=10,
    fiscal_year_start_month=7,
    studies_per_day=120.0,
    egress_gib_per_year=50.0,
    support_eur_per_year=1_000.0,
    staff_hours_per_year=80.0,
    staff_eur_per_hour=62.0,
    storage_gib=500.0,
    studies_arriving_per_year=9_000.0,
    studies_growth_per_year=0.05,
    smaller_models_per_year=0.1,
    layout=Layout.PER_MODALITY,
    modalities=(
        Modality(name="Radiography", share=0.5),
        Modality(name="CT", share=0.3),
        Modality(name="MRI", share=0.2),
    ),
    costs=tuple(
        GivenCost(code=code, eur_per_year=1_000.0, eur_once=5_000.0, source="Department of radiology, quote 17")
        for code in NEVER_COMPUTED
    ),
    risks=tuple(
        Risk(
            name=f"Risk number {number} of the register",
            probability=0.1 * number,
            impact_eur=1_000.0 * number,
            mitigation="A mitigation that takes a whole sentence to say",
            source="board",
        )
        for number in range(1, 9)
    ),
)


@cache
def law() -> Law:
    return fit_law(loss_curves(example_calibration(illustration=False))[0])


def planner_of(scenario: Scenario) -> Planner:
    calibration = example_calibration(illustration=False)
    prediction = forecast(law(), scenario.target_loss, unique_examples=scenario.unique_studies)
    return Planner(law(), calibration, scenario, prediction, loss_to_quality(calibration, scenario.target_loss))


@cache
def full_plan() -> Plan:
    """Everything given, everything analysed."""
    planner = planner_of(EVERYTHING)
    return planner.whole(planner.with_options())


def quick_plan(scenario: Scenario) -> Plan:
    """The plan of a scenario on a fixed day, without options."""
    calibration = example_calibration(illustration=False)
    prediction = forecast(law(), scenario.target_loss, unique_examples=scenario.unique_studies)
    return cost_plan(
        prediction,
        calibration,
        scenario,
        read_catalog(),
        quality=loss_to_quality(calibration, scenario.target_loss),
        with_options=False,
        today=DAY,
    )
