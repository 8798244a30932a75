"""How prices grow over the years of a plan, nominal or real, as draws."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog
from planner.cost.drawing import Question
from planner.cost.drivers import Drivers
from planner.cost.price_rows import COMMITMENT_YEARS
from planner.cost.scenario import Money, Scenario

FloatArray = NDArray[np.float64]

TYPED = {
    "wage": "wage_growth_per_year",
    "energy": "energy_growth_per_year",
    "price": "price_growth_per_year",
    "gpu": "gpu_price_growth_per_year",
    "inflation": "inflation_per_year",
}
"""Row of `data/indices.csv` to the key of a scenario that replaces it."""
_GROWTH_STREAM = 9


class Growth(Struct, frozen=True, kw_only=True):
    """Factor by which a year multiplies a price, shape (m,) each, in the money of the scenario.

    Attributes:
        discount_rate: In the same money.
    """

    wage: FloatArray
    energy: FloatArray
    price: FloatArray
    gpu: FloatArray
    discount_rate: float


def growth_per_year(scenario: Scenario, catalog: Catalog, name: str) -> float:
    """Nominal growth of a kind of price: typed, or the dated row."""
    typed: float | None = getattr(scenario, TYPED[name])
    return catalog.index(name).growth_per_year if typed is None else typed


def growth_drawn(question: Question, scenario: Scenario, draws: int) -> Growth:
    """Growth of every kind of price. A typed one is not drawn; a drift that is drawn stays for all years."""
    normal = question.stream(_GROWTH_STREAM).standard_normal((4, draws))
    return _growth(scenario, question.catalog, normal)


def growth_expected(scenario: Scenario, catalog: Catalog) -> Growth:
    """The same for the budget scenario, shape (1,)."""
    return _growth(scenario, catalog, np.zeros((4, 1)))


def _growth(scenario: Scenario, catalog: Catalog, normal: FloatArray) -> Growth:
    inflation = growth_per_year(scenario, catalog, "inflation")
    deflator = 1.0 + inflation if scenario.money is Money.REAL else 1.0

    def factor(name: str, row: FloatArray) -> FloatArray:
        growth = growth_per_year(scenario, catalog, name)
        typed = getattr(scenario, TYPED[name]) is not None
        spread = 0.0 if typed else catalog.index(name).annual_sd
        return np.asarray((1.0 + growth) * np.exp(spread * row) / deflator)

    rate = scenario.discount_rate
    return Growth(
        wage=factor("wage", normal[0]),
        energy=factor("energy", normal[1]),
        price=factor("price", normal[2]),
        gpu=factor("gpu", normal[3]),
        discount_rate=rate if scenario.money is Money.REAL else (1.0 + rate) * (1.0 + inflation) - 1.0,
    )


def in_year(drivers: Drivers, growth: Growth, scenario: Scenario, year: int) -> Drivers:
    """The drivers of a year of use, counted from 0; a running commitment keeps the price of its start."""
    if year == 0:
        return drivers
    term = COMMITMENT_YEARS.get(scenario.tenure, 1)
    return msgspec.structs.replace(
        drivers,
        rent_eur_per_hour=drivers.rent_eur_per_hour * growth.gpu ** (year - year % term),
        electricity_eur_per_kwh=drivers.electricity_eur_per_kwh * growth.energy**year,
        staff_eur_per_hour=drivers.staff_eur_per_hour * growth.wage**year,
        price_level=drivers.price_level * growth.price**year,
        risks_eur=drivers.risks_eur * growth.price**year,
    )


def scenario_in_year(scenario: Scenario, year: int) -> Scenario:
    """The scenario of a year of use: the studies to answer grow."""
    if scenario.studies_per_day is None or year == 0:
        return scenario
    studies = scenario.studies_per_day * (1.0 + scenario.studies_growth_per_year) ** year
    return msgspec.structs.replace(scenario, studies_per_day=studies)
