"""What must hold for every scenario: order, sums, finite numbers, same seed same bytes.

`PLATEAU_EXAMPLES=10000 pytest --timeout 0 tests/cost/test_cost_properties.py`: a hundred times as many scenarios.
"""

from __future__ import annotations

import csv
import io
import math
import os
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog import Catalog, read_catalog
from planner.cost import Layout, Money, Scenario, ServingMode, Tenure, cost_plan
from planner.cost.given import GivenCost, Risk
from planner.cost.plan import CostQuantiles, Plan, encode_plan, parse_plan
from planner.record import Calibration
from planner.report.focus import focus_csv
from planner.report.sheet import board_csv
from tests.cost.conftest import TODAY, made_forecast
from tests.factories import example_calibration

CATALOG: Catalog = read_catalog()
OWN: Calibration = example_calibration(illustration=False)
EXAMPLES = int(os.environ.get("PLATEAU_EXAMPLES", "100"))


RISK = Risk(name="delay", probability=0.2, impact_eur=12_345.67, source="board")
GIVEN = GivenCost(code="labelling", eur_once=1_000.01, eur_per_year=99.99, source="radiology")


def amounts(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Any hospital: a priced GPU or the user's own price, with or without serving, staff and storage."""
    fields: dict[str, Any] = {
        "target_loss": draw(amounts(0.6, 3.0)),
        "gpu": draw(st.sampled_from([gpu.gpu for gpu in CATALOG.gpus])),
        "quantization": draw(st.sampled_from([row.quantization for row in CATALOG.quantizations])),
        "gpus": draw(st.sampled_from([1, 1, 2, 5, 8])),
        "tenure": draw(st.sampled_from(Tenure)),
        "budget_eur": draw(st.none() | amounts(1, 1e6)),
        "price_eur_per_hour": draw(amounts(0.01, 50)),
        "server_quote_eur": draw(amounts(100, 1e6)),
        "retunings_per_year": draw(amounts(0, 52)),
        "retuning_share": draw(amounts(0, 1)),
        "trials": draw(amounts(1, 20)),
        "studies_per_day": draw(st.none() | amounts(0.1, 5000)),
        "answer_tokens": draw(st.integers(1, 512)),
        "serving_mode": draw(st.sampled_from(ServingMode)),
        "staff_hours_per_year": draw(st.none() | amounts(1, 4000)),
        "staff_eur_per_hour": draw(st.none() | amounts(1, 200)),
        "vat_rate": draw(st.sampled_from([0.0, 0.19, 0.21, 1.0])),
        "vat_recoverable_share": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "lifetime_years": draw(amounts(0.5, 15)),
        "residual_share": draw(amounts(0, 1)),
        "discount_rate": draw(st.sampled_from([0.0, 1e-9, 0.035, 1.0])),
        "storage_gib": draw(st.none() | amounts(0.1, 1e6)),
        "egress_gib_per_year": draw(st.none() | amounts(0.1, 1e6)),
        "support_eur_per_year": draw(st.none() | amounts(1, 1e5)),
        "reverse_charge": draw(st.none() | st.booleans()),
        "horizon_years": draw(st.integers(1, 10)),
        "first_month": draw(st.sampled_from(["2027-01", "2027-09", "2028-02"])),
        "fiscal_year_start_month": draw(st.sampled_from([1, 4, 9])),
        "money": draw(st.sampled_from(Money)),
        "gpu_price_growth_per_year": draw(st.none() | amounts(-0.4, 0.5)),
        "inflation_per_year": draw(st.none() | amounts(-0.1, 0.3)),
        "prepaid": draw(st.booleans()),
        "carry_over": draw(st.booleans()),
        "studies_growth_per_year": draw(amounts(-0.5, 1.0)),
        "layout": draw(st.sampled_from(Layout)),
        "modality_count": draw(st.integers(1, 6)),
        "modality_transfer": draw(st.none() | amounts(0, 1)),
        "risks": draw(st.sampled_from([(), (RISK,)])),
        "costs": draw(st.sampled_from([(), (GIVEN,)])),
    }
    return Scenario(**fields)


def planned(scenario: Scenario, *, seed: int = 0) -> Plan:
    return cost_plan(
        made_forecast(scenario.target_loss),
        OWN,
        scenario,
        CATALOG,
        seed=seed,
        draws=300,
        with_options=False,
        today=TODAY,
    )


def never_less(dear: CostQuantiles, cheap: CostQuantiles) -> bool:
    pairs = ((dear.p10, cheap.p10), (dear.p50, cheap.p50), (dear.p90, cheap.p90))
    return all(
        (math.inf if more is None else more) >= (math.inf if less is None else less) * (1 - 1e-9)
        for more, less in pairs
    )


def dearer_or_same(dear: Plan, cheap: Plan) -> None:
    """In every range and sum of the plan; sums up to a cent for every line, which is rounded in both plans."""
    rounding_eur = 0.01 * len(dear.lines) + 1e-9
    assert never_less(dear.cost_per_year, cheap.cost_per_year)
    assert dear.total_eur >= cheap.total_eur - rounding_eur
    assert dear.years is not None and cheap.years is not None
    assert never_less(dear.years.cash, cheap.years.cash)
    assert never_less(dear.years.equivalent_annual_cost, cheap.years.equivalent_annual_cost)
    assert dear.years.total_eur >= cheap.years.total_eur - rounding_eur * (1 + dear.years.horizon_years)
    for there, here in zip(dear.years.years, cheap.years.years, strict=True):
        assert never_less(there.cash, here.cash)
        assert there.cash_eur >= here.cash_eur - 2 * rounding_eur


def total(amounts_eur: list[float]) -> Decimal:
    return sum((Decimal(repr(amount)) for amount in amounts_eur), start=Decimal(0))


def numbers(value: Any) -> list[float]:
    if isinstance(value, bool):
        return []
    if isinstance(value, float):
        return [value]
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return []


@settings(max_examples=EXAMPLES, deadline=None)
@given(scenarios(), st.floats(0.3, 0.999))
def test_a_lower_target_never_costs_less(scenario: Scenario, share: float) -> None:
    lower = msgspec.structs.replace(scenario, target_loss=scenario.target_loss * share)
    here, there = planned(scenario), planned(lower)
    dearer_or_same(there, here)
    if scenario.budget_eur is not None:
        assert there.probability_within_budget is not None
        assert here.probability_within_budget is not None
        assert there.probability_within_budget <= here.probability_within_budget


@settings(max_examples=EXAMPLES, deadline=None)
@given(scenarios(), st.floats(1.0, 30.0))
def test_the_same_gpu_at_a_higher_price_never_costs_less(scenario: Scenario, factor: float) -> None:
    assert scenario.price_eur_per_hour is not None
    assert scenario.server_quote_eur is not None
    dearer = msgspec.structs.replace(
        scenario,
        price_eur_per_hour=scenario.price_eur_per_hour * factor,
        server_quote_eur=scenario.server_quote_eur * factor,
    )
    here, there = planned(scenario), planned(dearer)
    dearer_or_same(there, here)


@pytest.mark.parametrize("field", ["retunings_per_year", "trials", "studies_per_day", "staff_hours_per_year"])
@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(scenario=scenarios(), more=st.floats(1.0, 10.0))
def test_more_work_never_costs_less(field: str, scenario: Scenario, more: float) -> None:
    value = getattr(scenario, field)
    if value is None:
        return
    here, there = planned(scenario), planned(msgspec.structs.replace(scenario, **{field: value * more}))
    dearer_or_same(there, here)


@settings(max_examples=EXAMPLES, deadline=None)
@given(scenarios())
def test_lines_add_up_and_no_number_is_nan_infinite_negative_or_minus_zero(scenario: Scenario) -> None:
    made = planned(scenario)
    assert total([line.amount_eur for line in made.lines]) == Decimal(repr(made.total_eur))
    assert made.years is not None
    for f, year in enumerate(made.years.years):
        assert total([line.amounts_eur[f] for line in made.years.lines]) == Decimal(repr(year.cash_eur))
        assert total([line.expenses_eur[f] for line in made.years.lines]) == Decimal(repr(year.expense_eur))
    assert total([year.cash_eur for year in made.years.years]) == Decimal(repr(made.years.total_eur))
    if scenario.first_month == "2027-01" and scenario.fiscal_year_start_month == 1:
        bought = scenario.tenure is Tenure.BUY or scenario.prepaid
        assert bought or made.years.years[0].cash_eur == made.total_eur
    written = msgspec.to_builtins(made)
    del written["scenario"]  # what was typed may be negative: falling prices
    for number in numbers(written):
        assert math.isfinite(number)
        assert number >= 0
        assert math.copysign(1.0, number) == 1.0
    for found in (made.cost_per_year, made.if_reached.cost_per_year):
        known = [value for value in (found.p10, found.p50, found.p90) if value is not None]
        assert known == sorted(known)
    if scenario.budget_eur is None:
        assert made.probability_within_budget is None


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(scenarios())
def test_json_and_csv_add_up_to_the_totals_of_the_plan(scenario: Scenario) -> None:
    made = planned(scenario)
    again = parse_plan(encode_plan(made), file="plan.json")
    assert again == made
    sheet = list(csv.DictReader(io.StringIO(board_csv(made).decode("utf-8-sig"), newline="")))
    lines = [Decimal(row["BilledCost"]) for row in sheet if row["x_Record"] == "line"]
    assert sum(lines, start=Decimal(0)) == Decimal(repr(made.total_eur))
    charges = list(csv.DictReader(io.StringIO(focus_csv(made).decode(), newline="")))
    assert made.years is not None
    assert sum((Decimal(row["BilledCost"]) for row in charges), start=Decimal(0)) == Decimal(repr(made.years.total_eur))
    assert sum((Decimal(row["EffectiveCost"]) for row in charges), start=Decimal(0)) == total(
        [year.expense_eur for year in made.years.years]
    )


@settings(max_examples=20, deadline=None)
@given(scenarios(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_bytes(scenario: Scenario, seed: int) -> None:
    assert encode_plan(planned(scenario, seed=seed)) == encode_plan(planned(scenario, seed=seed))
