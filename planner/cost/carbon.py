"""Operational carbon of a year, beside its cost."""

from __future__ import annotations

from planner.cost.analyses import PlanCarbon
from planner.cost.drawing import Question
from planner.cost.drivers import Drivers
from planner.cost.figures import Basis
from planner.cost.price_rows import grid_row
from planner.cost.quantiles import quantiles
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import YearlyCost
from planner.outcome import Quantiles

GRAMS_PER_KG = 1000.0


def carbon_of_a_year(question: Question, scenario: Scenario, drivers: Drivers, cost: YearlyCost) -> PlanCarbon | None:
    """Electricity at the meter times the carbon intensity of the place; None where that place is not known.

    Raises:
        CatalogError: A typed place that the catalog does not know.
    """
    row = grid_row(scenario, question.catalog)
    if row is None:
        return None
    kg = cost.energy_kwh * row.g_co2e_per_kwh / GRAMS_PER_KG * drivers.carbon_factor
    mass = quantiles(kg)
    overhead = (
        scenario.power_usage_effectiveness
        if scenario.tenure is Tenure.BUY
        else question.catalog.parameter("cloud_power_usage_effectiveness").value
    )
    assumed = scenario.tenure is not Tenure.BUY and scenario.grid is None and row.country == scenario.country
    where = f"{row.name}, assumed to be where the rented GPU stands" if assumed else row.name
    return PlanCarbon(
        kg_co2e=mass,
        kwh=quantiles(cost.energy_kwh),
        g_co2e_per_kwh=row.g_co2e_per_kwh,
        place=row.name,
        basis=Basis.ASSUMPTION if assumed else Basis.TYPED if row in question.catalog.own else Basis.CATALOG,
        source=row.source,
        as_of=row.as_of,
        sentence=f"{_about(mass)}{row.g_co2e_per_kwh:.3g} g CO2e a kWh ({where}) x electricity at PUE {overhead:g}; "
        "making the hardware is not in it.",
    )


def _about(mass: Quantiles) -> str:
    if mass.p50 is None:
        return ""
    upto = "more" if mass.p90 is None else f"{mass.p90:,.3g}"
    return f"About {mass.p50:,.3g} kg CO2e a year (8 in 10: {mass.p10 or 0.0:,.3g} to {upto}): "
