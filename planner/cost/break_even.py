"""How busy a bought GPU must be to cost no more than a rented one."""

from __future__ import annotations

import msgspec
import numpy as np

from planner.catalog import GpuSpec
from planner.cost.analyses import BreakEven
from planner.cost.drawing import Question, prices_drawn
from planner.cost.drivers import Drivers
from planner.cost.price_rows import COMMITMENT_YEARS, has_price
from planner.cost.quantiles import FloatArray, quantiles
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import HOURS_PER_YEAR, SECONDS_PER_HOUR, Work, mean_warranty_share, yearly_cost
from planner.outcome import chance_in_words

_COMPARED = ("equipment", "maintenance", "energy", "serving_rent", "tuning_rent", "calibration_rent")


def break_even(question: Question, scenario: Scenario, gpu: GpuSpec, planned_hours: float) -> BreakEven | None:
    """Hours a year above which buying is cheaper; None where the GPU cannot be both bought and rented.

    Both sides are the yearly formula itself: one server that is idle, and what an hour adds to it and to the rent. A
    commitment is paid for whole years, so hours are held against renting on demand.

    Args:
        question: Catalog and seed.
        scenario: What the hospital decides.
        gpu: The GPU.
        planned_hours: GPU-hours a year of the budget scenario.
    """
    hourly = scenario.tenure is not Tenure.BUY and scenario.tenure not in COMMITMENT_YEARS
    tenure = scenario.tenure if hourly else Tenure.ON_DEMAND
    draws = len(question.forecast.examples_m)
    sides = {}
    for side in (Tenure.BUY, tenure):
        typed = {} if side is scenario.tenure else {"price_eur_per_hour": None}
        here = msgspec.structs.replace(scenario, tenure=side, studies_per_day=None, **typed)
        if not has_price(gpu, here, question.catalog):
            return None
        prices = prices_drawn(question, here, gpu, draws)
        sides[side] = (here, prices)
    idle = _cost(question, *sides[Tenure.BUY], gpu, hours=0.0)
    busy = _cost(question, *sides[Tenure.BUY], gpu, hours=HOURS_PER_YEAR)
    rented = _cost(question, *sides[tenure], gpu, hours=HOURS_PER_YEAR) / HOURS_PER_YEAR
    saved_an_hour = rented - (busy - idle) / HOURS_PER_YEAR
    with np.errstate(divide="ignore"):
        hours = np.where(saved_an_hour > 0, idle / np.where(saved_an_hour > 0, saved_an_hour, 1.0), np.inf)
    hours = np.where(hours <= HOURS_PER_YEAR, hours, np.inf)
    found = quantiles(hours)
    chance = float((hours <= planned_hours).mean())
    return BreakEven(
        gpu=gpu.gpu,
        tenure=tenure.value,
        gpu_hours_per_year=found,
        utilisation=quantiles(hours / HOURS_PER_YEAR),
        planned_gpu_hours=planned_hours,
        probability_buy_cheaper=chance,
        sentence=_sentence(found.p50, planned_hours, tenure, gpu),
    )


def _cost(question: Question, scenario: Scenario, prices: Drivers, gpu: GpuSpec, *, hours: float) -> FloatArray:
    """A year of so many GPU-hours of one GPU, with VAT: the hours stand in as those of one calibration."""
    overhead = 1.0 + sum(question.catalog.parameter(name).value for name in ("loading_share", "evaluation_share"))
    nothing = np.zeros_like(prices.eur_per_usd)
    timed = msgspec.structs.replace(
        prices,
        examples=nothing,
        answering_s_per_study=nothing,
        once_per_image_s=nothing,
        training_s_per_example=nothing + SECONDS_PER_HOUR / overhead,
    )
    work = Work(
        trials=0.0,
        retunings=0.0,
        calibration_examples=hours,
        in_use=False,
        warranty_share=mean_warranty_share(scenario),
        servers=nothing + 1.0,
    )
    cost = yearly_cost(timed, scenario, gpu, question.catalog, work)
    return cost.gross(*_COMPARED)


def _sentence(hours: float | None, planned_hours: float, tenure: Tenure, gpu: GpuSpec) -> str:
    against = f"renting {gpu.gpu} {tenure.value.replace('_', ' ')}"
    if hours is None:
        return f"Buying a server with {gpu.gpu} is in most draws never cheaper than {against}, however busy it is."
    return (
        f"Buying a server with {gpu.gpu} is cheaper than {against} above about {hours:,.0f} GPU-hours a year "
        f"({chance_in_words(hours / HOURS_PER_YEAR)} busy); this plan needs {planned_hours:,.0f}."
    )
