"""Cash of all years of use as arrays: what is paid at the start, over each year, for whole terms, and for servers.

Legend: _h years of use, _f fiscal years, _m draws. All amounts in euro with the VAT that is not recovered. Draws that
miss the target carry zeros here; whoever takes quantiles puts them back at infinity.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec
from planner.cost.calendar import MONTHS, FiscalSpan, month_shares, span_of_month
from planner.cost.drivers import Drivers
from planner.cost.growth import Growth, in_year, scenario_in_year
from planner.cost.price_rows import COMMITMENT_YEARS
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import Work, YearlyCost, residual_share, vat_share, yearly_cost

FloatArray = NDArray[np.float64]

RENT_CODES = ("serving_rent", "tuning_rent", "calibration_rent", "idle_commitment")


class Year(Struct, frozen=True, kw_only=True):
    """One year of use: its scenario, drivers, work and what follows."""

    scenario: Scenario
    drivers: Drivers
    work: Work
    cost: YearlyCost


class Server(Struct, frozen=True, kw_only=True):
    """Servers bought in a month of use, counted from 0.

    Attributes:
        gross_m: Price of all of them with VAT.
        net_m: Without; their value falls from it in a straight line.
        sold_month: At the end of their life, or None where that lies beyond the horizon.
    """

    month: int
    gross_m: FloatArray
    net_m: FloatArray
    sold_month: int | None


class Flows(Struct, frozen=True, kw_only=True):
    """Everything that is paid over the horizon.

    Attributes:
        start_m: In the first month: trials, the calibration, one-off lines.
        running_hm: Over each year of use, evenly.
        prepaid_hm: For commitments, at the start of the year in which their term begins.
        value_left_m: Of servers at the end of the horizon.
    """

    years: list[Year]
    start_m: FloatArray
    running_hm: FloatArray
    prepaid_hm: FloatArray
    servers: list[Server]
    value_left_m: FloatArray

    @property
    def horizon_years(self) -> int:
        """Years of use."""
        return len(self.years)


def works(scenario: Scenario, calibration_examples: float) -> list[Work]:
    """The work of every year of use: trials and the calibration in the first, re-tunings in all."""
    warranty = scenario.quote.warranty_years if scenario.quote is not None else 0.0
    life = scenario.lifetime_years
    return [
        Work(
            trials=scenario.trials if year == 0 else 0.0,
            retunings=scenario.retunings_per_year,
            calibration_examples=calibration_examples if year == 0 else 0.0,
            once=year == 0,
            warranty_share=min(max(warranty - year % life, 0.0), 1.0),
        )
        for year in range(scenario.horizon_years)
    ]


def flows(
    drivers: Drivers, growth: Growth, scenario: Scenario, gpu: GpuSpec, catalog: Catalog, calibration_examples: float
) -> Flows:
    """Cash of all years of use.

    Args:
        drivers: Of the first year.
        growth: Of prices.
        scenario: What the hospital decides.
        gpu: The GPU.
        catalog: For factors.
        calibration_examples: That the calibration itself processed.
    """

    def costed(work_h: list[Work]) -> list[Year]:
        found = []
        for year, work in enumerate(work_h):
            here, prices = scenario_in_year(scenario, year), in_year(drivers, growth, scenario, year)
            cost = yearly_cost(prices, here, gpu, catalog, work)
            found.append(Year(scenario=here, drivers=prices, work=work, cost=cost))
        return found

    work_h = works(scenario, calibration_examples)
    years = costed(work_h)
    if scenario.tenure is Tenure.BUY:
        # As many servers as the busiest year needs, bought at the start.
        needed = np.max([year.cost.servers for year in years], axis=0)
        years = costed([_with_servers(work, needed) for work in work_h])
    start = _paid_at_start(years[0])
    prepaid = _prepaid(years)
    servers = _servers(years, growth, scenario)
    running = np.stack([_finite(_running(year)) for year in years])
    running[0] -= start
    return Flows(
        years=years,
        start_m=start,
        running_hm=np.maximum(running, 0.0),
        prepaid_hm=prepaid,
        servers=servers,
        value_left_m=_value_left(servers, scenario, len(years)),
    )


def cash_by_fiscal_year(found: Flows, spans: list[FiscalSpan]) -> FloatArray:
    """Paid in every fiscal year, shape (f, m)."""
    shares = month_shares(spans, found.horizon_years)
    cash = shares @ found.running_hm
    cash[0] += found.start_m
    for year, amount in enumerate(found.prepaid_hm):
        cash[span_of_month(spans, year * MONTHS)] += amount
    for server in found.servers:
        cash[span_of_month(spans, server.month)] += server.gross_m
    return np.asarray(cash)


def present_value(found: Flows, rate: float, scenario: Scenario) -> FloatArray:
    """Of all cash, less what servers bring at the end of their life or are worth at the end, shape (m,).

    Yearly amounts count at the end of their year, so that equal ones are their own equivalent annual cost.
    """
    value = np.array(found.start_m)
    for year, amount in enumerate(found.running_hm):
        value = value + amount / (1.0 + rate) ** (year + 1)
    for year, amount in enumerate(found.prepaid_hm):
        value = value + amount / (1.0 + rate) ** year
    for server in found.servers:
        value = value + server.gross_m / (1.0 + rate) ** (server.month / MONTHS)
        if server.sold_month is not None:
            sale = server.net_m * residual_share(scenario, scenario.lifetime_years)
            value = value - sale / (1.0 + rate) ** (server.sold_month / MONTHS)
    return np.asarray(value - found.value_left_m / (1.0 + rate) ** found.horizon_years)


def is_prepaid(scenario: Scenario) -> bool:
    """Whether rent is paid for whole terms at their start."""
    return scenario.prepaid and scenario.tenure in COMMITMENT_YEARS


def _with_servers(work: Work, servers: FloatArray) -> Work:
    return Work(**({field: getattr(work, field) for field in work.__struct_fields__} | {"servers": servers}))


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, 0.0)


def _running(year: Year) -> FloatArray:
    """All of a year but servers and prepaid rent."""
    left_out = ("equipment",) if year.scenario.tenure is Tenure.BUY else RENT_CODES if is_prepaid(year.scenario) else ()
    held = [code for code in year.cost.parts if code not in left_out]
    return year.cost.gross(*held)


def _paid_at_start(first: Year) -> FloatArray:
    """Trials and the calibration where hours are paid as they are used, and one-off lines."""
    paid = np.zeros_like(first.cost.hours)
    if first.scenario.tenure is not Tenure.BUY and first.scenario.tenure not in COMMITMENT_YEARS:
        paid = paid + _finite(first.cost.gross("tuning_rent")) * first.cost.trials_share
        paid = paid + _finite(first.cost.gross("calibration_rent"))
    for given in first.scenario.costs:
        share = given.eur_once / (given.eur_once + given.eur_per_year)
        paid = paid + first.cost.gross(given.code) * share
    return np.asarray(paid)


def _prepaid(years: list[Year]) -> FloatArray:
    """Rent of whole terms at their start; a term that outlasts the horizon is due whole, its rest as its last year."""
    rent = np.stack([_finite(year.cost.gross(*RENT_CODES)) for year in years])
    paid = np.zeros_like(rent)
    scenario = years[0].scenario
    if is_prepaid(scenario):
        term = COMMITMENT_YEARS[scenario.tenure]
        for start in range(0, len(years), term):
            within = rent[start : start + term]
            paid[start] = within.sum(axis=0) + (term - len(within)) * within[-1]
    return paid


def _servers(years: list[Year], growth: Growth, scenario: Scenario) -> list[Server]:
    """Bought at the start and again whenever their life ends within the horizon."""
    if scenario.tenure is not Tenure.BUY:
        return []
    drivers, count = years[0].drivers, _finite(years[0].cost.servers)
    life_months = max(round(scenario.lifetime_years * MONTHS), 1)
    horizon_months = len(years) * MONTHS
    found = []
    for month in range(0, horizon_months, life_months):
        net = count * drivers.equipment_eur * growth.gpu ** (month / MONTHS)
        sold = month + life_months
        found.append(
            Server(
                month=month,
                gross_m=net * (1.0 + vat_share(scenario)),
                net_m=net,
                sold_month=sold if sold <= horizon_months else None,
            )
        )
    return found


def _value_left(servers: list[Server], scenario: Scenario, horizon_years: int) -> FloatArray:
    left = [
        server.net_m * residual_share(scenario, horizon_years - server.month / MONTHS)
        for server in servers
        if server.sold_month is None
    ]
    return np.asarray(sum(left, start=np.zeros(1)))
