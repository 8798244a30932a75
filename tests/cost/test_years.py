"""The plan by fiscal year: cells that add up, part-years, commitments, servers, budgets, and what studies allow."""

from __future__ import annotations

import datetime
import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from planner.catalog import Catalog
from planner.cost import Scenario, Tenure, cost_plan
from planner.cost.analyses import PlanYears
from planner.cost.calendar import first_day, fiscal_years, month_shares
from planner.cost.case import case_of
from planner.cost.flows import cash_by_fiscal_year, flows
from planner.cost.given import GivenCost, Risk
from planner.cost.growth import growth_expected
from planner.cost.plan import Plan
from planner.cost.scenario import Money
from planner.cost.year_table import year_lines
from planner.loss_paths import LossPaths
from planner.record import Calibration
from tests.cost.conftest import TODAY, made_forecast

FULL: dict[str, Any] = {
    "target_loss": 1.45,
    "gpu": "L4",
    "studies_per_day": 120.0,
    "staff_hours_per_year": 48.0,
    "staff_eur_per_hour": 62.0,
    "storage_gib": 300.0,
    "first_month": "2027-01",
    "horizon_years": 3,
}
FLAT: dict[str, Any] = {
    name: 0.0
    for name in (
        "wage_growth_per_year",
        "energy_growth_per_year",
        "price_growth_per_year",
        "gpu_price_growth_per_year",
        "inflation_per_year",
    )
}


def plan(calibration: Calibration, catalog: Catalog, paths: Any = None, **fields: Any) -> Plan:
    scenario = Scenario(**(FULL | fields))
    forecast = made_forecast(scenario.target_loss)
    return cost_plan(forecast, calibration, scenario, catalog, with_options=False, today=TODAY, paths=paths)


def years(calibration: Calibration, catalog: Catalog, paths: Any = None, **fields: Any) -> PlanYears:
    found = plan(calibration, catalog, paths, **fields).years
    assert found is not None
    return found


def total(amounts: list[float]) -> Decimal:
    return sum((Decimal(repr(amount)) for amount in amounts), start=Decimal(0))


def test_a_year_of_use_that_starts_in_autumn_falls_into_two_fiscal_years() -> None:
    spans = fiscal_years(datetime.date(2027, 9, 1), 1, 2)
    assert [(span.name, span.months) for span in spans] == [("2027", 4), ("2028", 12), ("2029", 8)]
    assert [str(span.end) for span in spans] == ["2027-12-31", "2028-12-31", "2029-08-31"]
    assert fiscal_years(datetime.date(2027, 1, 1), 4, 1)[0].name == "2026/27"


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("fiscal", [1, 4, 7, 12])
@pytest.mark.parametrize("horizon", [1, 5, 10])
def test_all_months_of_use_fall_into_fiscal_years_once(month: int, fiscal: int, horizon: int) -> None:
    spans = fiscal_years(datetime.date(2027, month, 1), fiscal, horizon)
    assert sum(span.months for span in spans) == 12 * horizon
    assert all(1 <= span.months <= 12 for span in spans)
    assert all(b.start == a.end + datetime.timedelta(days=1) for a, b in itertools.pairwise(spans))
    assert all(span.start.month == fiscal for span in spans[1:])
    np.testing.assert_allclose(month_shares(spans, horizon).sum(axis=0), 1.0)


def test_use_starts_in_the_month_after_the_plan_unless_typed() -> None:
    assert first_day(None, datetime.date(2026, 12, 31)) == datetime.date(2027, 1, 1)
    assert first_day("2028-05", TODAY) == datetime.date(2028, 5, 1)


@pytest.mark.parametrize("tenure", list(Tenure))
@pytest.mark.parametrize("prepaid", [False, True])
@pytest.mark.parametrize("first_month", ["2027-01", "2027-10"])
def test_cells_add_up_to_the_cent_in_both_directions(
    own: Calibration, catalog: Catalog, tenure: Tenure, prepaid: bool, first_month: str
) -> None:
    found = years(own, catalog, tenure=tenure, prepaid=prepaid, first_month=first_month, lifetime_years=2.0)
    for f, year in enumerate(found.years):
        assert total([line.amounts_eur[f] for line in found.lines]) == Decimal(repr(year.cash_eur))
        assert total([line.expenses_eur[f] for line in found.lines]) == Decimal(repr(year.expense_eur))
    for line in found.lines:
        assert total(line.amounts_eur) == Decimal(repr(line.total_eur))
        assert bool(line.quantities) == (line.unit is not None)
    assert total([year.cash_eur for year in found.years]) == Decimal(repr(found.total_eur))
    assert total([line.total_eur for line in found.lines]) == Decimal(repr(found.total_eur))


def test_a_first_fiscal_year_that_is_a_year_of_use_has_the_lines_of_the_ledger(
    own: Calibration, catalog: Catalog
) -> None:
    made = plan(own, catalog)
    assert made.years is not None
    assert made.years.years[0].cash_eur == made.total_eur
    cells = {line.code: line.amounts_eur[0] for line in made.years.lines}
    assert cells == {line.code: line.amount_eur for line in made.lines if line.amount_eur}


def test_trials_and_calibration_are_paid_at_the_start_and_only_once(own: Calibration, catalog: Catalog) -> None:
    found = years(own, catalog, retunings_per_year=0.0, first_month="2027-10")
    cells = {line.code: line.amounts_eur for line in found.lines}
    assert cells["tuning_rent"][0] > 0
    assert cells["tuning_rent"][1:] == [0.0, 0.0, 0.0]
    assert cells["calibration_rent"][1:] == [0.0, 0.0, 0.0]
    assert cells["staff"][0] == pytest.approx(48 * 62 / 4, abs=0.01)


def test_a_prepaid_commitment_is_paid_whole_and_its_rest_is_carried_over(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = FLAT | {
        "tenure": Tenure.COMMITMENT_3_YEARS, "prepaid": True, "price_eur_per_hour": 1.0, "vat_rate": 0.0,
        "staff_hours_per_year": None, "storage_gib": None, "first_month": "2027-07", "horizon_years": 4,
    }  # fmt: skip
    found = years(own, catalog, **fields)
    paid = [26_280.0, 0.0, 0.0, 26_280.0, 0.0]
    assert [year.cash_eur for year in found.years] == pytest.approx(paid, abs=0.05)
    rest = [21_900.0, 13_140.0, 4_380.0, 21_900.0, 17_520.0]
    assert [year.prepaid_eur for year in found.years] == pytest.approx(rest, abs=0.05)
    spread = [4_380.0, 8_760.0, 8_760.0, 8_760.0, 4_380.0]
    assert [year.expense_eur for year in found.years] == pytest.approx(spread, abs=0.02)  # rounded line by line
    monthly = years(own, catalog, **(fields | {"prepaid": False}))
    cash = [year.cash_eur for year in monthly.years]
    assert cash == pytest.approx(spread, abs=0.02)


def test_a_running_commitment_keeps_its_price_while_rent_on_demand_follows_the_market(
    own: Calibration, catalog: Catalog
) -> None:
    growth = FLAT | {"gpu_price_growth_per_year": -0.2, "price_eur_per_hour": 1.0, "vat_rate": 0.0}
    growth |= {"staff_hours_per_year": None, "storage_gib": None, "serving_mode": "always_on", "trials": 1.0}
    growth |= {"retunings_per_year": 0.0, "horizon_years": 4}

    def cash(tenure: Tenure) -> list[float]:
        made = years(own, catalog, tenure=tenure, **growth)
        return next(line.amounts_eur for line in made.lines if line.code == "serving_rent")

    assert cash(Tenure.ON_DEMAND)[1:] == pytest.approx([8760 * 0.8, 8760 * 0.64, 8760 * 0.512])
    assert cash(Tenure.COMMITMENT_3_YEARS) == pytest.approx([8760, 8760, 8760, 8760 * 0.512])


def test_a_bought_server_is_paid_once_written_off_in_a_line_and_sold_at_its_end(
    own: Calibration, catalog: Catalog
) -> None:
    found = years(
        own, catalog, tenure=Tenure.BUY, server_quote_eur=10_000.0, residual_share=0.1, lifetime_years=2.0,
        vat_rate=0.0, maintenance_share_per_year=0.0, horizon_years=3, staff_hours_per_year=None, storage_gib=None,
        electricity_eur_per_kwh=1e-9, **FLAT,
    )  # fmt: skip
    assert [year.cash_eur for year in found.years] == [10_000.0, 0.0, 10_000.0]
    assert [year.expense_eur for year in found.years] == [4_500.0, 4_500.0, 4_500.0]
    assert [year.book_value_eur for year in found.years] == [5_500.0, 0.0, 5_500.0]
    assert [year.income_eur for year in found.years] == [0.0, 1_000.0, 0.0]
    assert found.income_eur == 1_000.0
    assert found.straight_line_eur == 4_500.0


@pytest.mark.parametrize(
    "fields",
    [
        {"tenure": Tenure.ON_DEMAND, "studies_growth_per_year": 0.2, "storage_gib": 300.0, "egress_gib_per_year": 40.0},
        {"tenure": Tenure.SPOT, "money": Money.REAL, "first_month": "2027-09", "fiscal_year_start_month": 4},
        {"tenure": Tenure.COMMITMENT_3_YEARS, "prepaid": True, "price_eur_per_hour": 0.7, "horizon_years": 5},
        {"tenure": Tenure.BUY, "lifetime_years": 2.0, "horizon_years": 5, "support_eur_per_year": 700.0, "gpus": 2},
        {"tenure": Tenure.BUY, "vat_recoverable_share": 0.5, "studies_per_day": 200_000.0},
    ],
)
def test_the_lines_of_every_fiscal_year_are_the_cash_of_the_formula_of_the_draws(
    own: Calibration, catalog: Catalog, fields: dict[str, Any]
) -> None:
    given = GivenCost(code="labelling", eur_once=5_000.0, eur_per_year=800.0, source="radiology")
    scenario = Scenario(**(FULL | {"costs": (given,)} | fields))
    case = case_of(made_forecast(1.45), own, scenario, catalog, seed=0, draws=200, day=TODAY)
    growth = growth_expected(case.scenario, catalog)
    found = flows(case.typical, growth, case.scenario, case.gpu, catalog, case.question.calibration_examples)
    start = first_day(case.scenario.first_month, TODAY)
    spans = fiscal_years(start, case.scenario.fiscal_year_start_month, case.scenario.horizon_years)
    cash = cash_by_fiscal_year(found, spans)[:, 0]
    lines = year_lines(found, spans, case.scenario, case.gpu, catalog, "")
    assert [float(total([line.amounts_eur[f] for line in lines])) for f in range(len(spans))] == pytest.approx(
        list(cash), abs=0.02 * len(lines)
    )


def test_risks_grow_with_prices_in_every_view(own: Calibration, catalog: Catalog) -> None:
    risk = Risk(name="delay", probability=1.0, impact_eur=1_000.0, source="board")
    made = years(own, catalog, risks=(risk,), **(FLAT | {"price_growth_per_year": 0.1}))
    line = next(line for line in made.lines if line.code == "risk_1")
    assert line.amounts_eur == [1_000.0, 1_100.0, 1_210.0]
    assert made.total_eur == pytest.approx(made.cash.p50, rel=0.01)


def test_quantities_of_a_line_are_what_its_years_use(own: Calibration, catalog: Catalog) -> None:
    found = years(own, catalog, first_month="2027-10", **FLAT)
    lines = {line.code: line for line in found.lines}
    assert lines["staff"].unit == "hours"
    assert lines["staff"].quantities == pytest.approx([12.0, 48.0, 48.0, 36.0])
    hours = sum(sum(line.quantities) for line in found.lines if line.unit == "GPU-hours")
    assert hours == pytest.approx(sum(year.gpu_hours for year in found.years))


def test_equal_years_are_their_own_equivalent_annual_cost(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = FLAT | {
        "trials": 1.0, "retunings_per_year": 0.0, "retuning_share": 0.0, "price_eur_per_hour": 1.0,
        "serving_mode": "always_on", "target_loss": 2.9,
    }  # fmt: skip
    found = years(own, catalog, **fields)
    assert found.equivalent_annual_cost.p50 == pytest.approx(found.years[1].cash_eur, rel=0.01)
    bought = plan(own, catalog, **(fields | {"tenure": Tenure.BUY, "server_quote_eur": 9_000.0, "horizon_years": 5}))
    assert bought.years is not None and bought.cost_per_year.p50 is not None
    assert bought.years.equivalent_annual_cost.p50 == pytest.approx(bought.cost_per_year.p50, rel=0.01)


def test_nominal_and_real_years_differ_by_inflation(own: Calibration, catalog: Catalog) -> None:
    growth = FLAT | {"wage_growth_per_year": 0.1, "inflation_per_year": 0.04}

    def staff(money: Money) -> list[float]:
        found = years(own, catalog, money=money, **growth)
        return next(line.amounts_eur for line in found.lines if line.code == "staff")

    assert staff(Money.NOMINAL) == pytest.approx([2976.0, 2976.0 * 1.1, 2976.0 * 1.21], abs=0.01)
    assert staff(Money.REAL)[2] == pytest.approx(2976.0 * (1.1 / 1.04) ** 2, abs=0.01)


def test_what_a_year_leaves_of_its_budget_helps_the_next_only_where_it_may(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = FLAT | {
        "tenure": Tenure.COMMITMENT_1_YEAR, "prepaid": True, "price_eur_per_hour": 1.0, "first_month": "2027-07",
        "horizon_years": 2, "vat_rate": 0.0, "staff_hours_per_year": None, "storage_gib": None, "target_loss": 1.7,
    }  # fmt: skip
    lapsing = years(own, catalog, budget_eur=9_000.0, **fields)
    assert [year.budget_eur for year in lapsing.years] == [4_500.0, 9_000.0, 4_500.0]
    assert [year.probability_within_budget for year in lapsing.years] == [0.0, 1.0, 1.0]
    kept = years(own, catalog, budget_eur=20_000.0, carry_over=True, **fields)
    left = [year.budget_eur for year in kept.years[:2]]
    assert left == pytest.approx([10_000.0, 10_000.0 - 8_760.0 + 20_000.0], abs=0.03)  # rounded line by line
    assert kept.years[2].budget_eur == pytest.approx(10_000 - 8_760 + 20_000 - 8_760 + 10_000, abs=0.05)
    assert kept.probability_within_budget == 1.0
    assert lapsing.probability_within_budget == 0.0


def test_an_unreachable_target_has_no_range_of_cash_and_no_chance_within_a_budget(
    own: Calibration, catalog: Catalog
) -> None:
    found = years(own, catalog, target_loss=0.7, budget_eur=1e6)
    assert found.cash.p10 is found.equivalent_annual_cost.p10 is None
    assert {year.cash.p10 for year in found.years} == {None}
    assert found.probability_within_budget == 0.0
    assert found.total_eur > 0


def paths_of(studies: float | None) -> LossPaths:
    """More studies reach a lower loss."""
    horizon = 4.0 * (studies or 1_800.0)
    grid = np.geomspace(64.0, horizon, 30)
    loss = 9.0 * grid**-0.42 + 1.1
    return LossPaths(
        examples_q=grid,
        loss_mq=np.tile(loss, (100, 1)),
        horizon_examples=horizon,
        limited_by="studies",
        unique_studies=studies,
        data_axis_measured=False,
    )


def test_arriving_studies_lower_the_reachable_loss_and_say_that_this_is_assumed(
    own: Calibration, catalog: Catalog
) -> None:
    found = years(own, catalog, paths_of, studies_arriving_per_year=1_200.0)
    assert [year.unique_studies for year in found.years] == [3_000.0, 4_200.0, 5_400.0]
    lowest = [year.reachable_loss.p50 for year in found.years if year.reachable_loss is not None]
    assert len(lowest) == 3
    assert lowest == sorted(lowest, reverse=True) and lowest[0] > lowest[-1]
    assert found.data_axis == "assumption"
    assert "assumption" in found.data_axis_sentence
    still = years(own, catalog, paths_of)
    assert {year.reachable_loss.p50 for year in still.years if year.reachable_loss is not None} == {
        still.years[0].reachable_loss.p50 if still.years[0].reachable_loss else None
    }
    assert "No new studies" in still.data_axis_sentence
