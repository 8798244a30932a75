"""The charges of a plan as a FOCUS 1.2 dataset: its rules, and sums that are those of the plan to the cent.

The rules are those of focus-validator 2.2.1 (FOCUS 1.2.0.1), which needs a newer Python than Plateau; its run on four
plans is recorded in docs/plan.md.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from planner.catalog import read_catalog
from planner.cost import Scenario, Tenure, cost_plan
from planner.cost.given import GivenCost, Risk
from planner.cost.plan import Plan
from planner.report.focus import COLUMNS, focus_csv
from planner.report.sheet import COLUMNS as SHEET_COLUMNS
from planner.report.sheet import board_csv
from tests.cost.conftest import TODAY, made_forecast
from tests.factories import example_calibration, example_plan

MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName",
    "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip
RECOMMENDED = {
    "ChargeFrequency", "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice",
    "InvoiceId", "ListUnitPrice", "PricingCategory", "RegionId", "RegionName", "ServiceSubcategory",
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "rented": {},
    "spot at a named provider": {"tenure": Tenure.SPOT, "provider": "GCP", "region": "europe-west4"},
    "bought": {"tenure": Tenure.BUY, "server_quote_eur": 9_000.0, "lifetime_years": 2.0},
    "prepaid": {"tenure": Tenure.COMMITMENT_3_YEARS, "prepaid": True},
}


def made(**fields: Any) -> Plan:
    scenario = Scenario(
        target_loss=1.45,
        gpu="L4",
        studies_per_day=120.0,
        staff_hours_per_year=40.0,
        storage_gib=100.0,
        egress_gib_per_year=20.0,
        support_eur_per_year=10.0,
        first_month="2027-09",
        horizon_years=3,
        risks=(Risk(name="=1+1", probability=0.1, impact_eur=1_000.0, source="x"),),
        costs=(GivenCost(code="labelling", eur_once=3_000.0, eur_per_year=20.0, source="radiology"),),
        **fields,
    )
    calibration = example_calibration(illustration=False)
    return cost_plan(
        made_forecast(1.45), calibration, scenario, read_catalog(), draws=300, with_options=False, today=TODAY
    )


def rows(plan: Plan) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(focus_csv(plan).decode(), newline="")))


@pytest.fixture(scope="module", params=CASES)
def plan(request: pytest.FixtureRequest) -> Plan:
    return made(**CASES[request.param])


def test_columns_are_those_of_the_specification_or_start_with_x(plan: Plan) -> None:
    assert set(COLUMNS) >= MANDATORY
    assert {column for column in COLUMNS if not column.startswith("x_")} <= MANDATORY | RECOMMENDED
    others = {"ServiceSubcategory"}
    assert {c for c in SHEET_COLUMNS if not c.startswith("x_")} <= MANDATORY | RECOMMENDED | others


def test_billed_and_effective_costs_are_cash_and_expense_of_the_plan_to_the_cent(plan: Plan) -> None:
    assert plan.years is not None
    found = rows(plan)
    for year in plan.years.years:
        own = [row for row in found if row["x_FiscalYear"] == year.name]
        assert sum((Decimal(row["BilledCost"]) for row in own), Decimal(0)) == Decimal(repr(year.cash_eur))
        assert sum((Decimal(row["EffectiveCost"]) for row in own), Decimal(0)) == Decimal(repr(year.expense_eur))
    total = sum((Decimal(row["BilledCost"]) for row in found), Decimal(0))
    assert total == Decimal(repr(plan.years.total_eur))


def test_every_charge_keeps_the_rules_of_its_category(plan: Plan) -> None:
    for row in rows(plan):
        assert row["ChargeCategory"] in ("Usage", "Purchase", "Tax")
        assert all(row[column] for column in MANDATORY - {"ChargeClass", "PricingQuantity", "PricingUnit"})
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["ChargePeriodEnd"].endswith("T00:00:00Z")
        taxed = row["ChargeCategory"] == "Tax"
        assert (row["PricingQuantity"] == "") == taxed
        assert (row["ContractedUnitPrice"] == "") == taxed
        assert (row["ConsumedQuantity"] != "") == (row["ChargeCategory"] == "Usage")
        assert row["ChargeFrequency"] != "Usage-Based" or row["ChargeCategory"] == "Usage"
        if row["ChargeCategory"] == "Purchase":
            assert Decimal(row["EffectiveCost"]) == 0
        if not taxed:
            product = Decimal(row["ContractedUnitPrice"]) * Decimal(row["PricingQuantity"])
            assert float(product) == pytest.approx(float(row["ContractedCost"]), abs=1e-6)


def test_no_text_of_the_hospital_is_run_as_a_formula(plan: Plan) -> None:
    assert any(row["ChargeDescription"] == "Risk: =1+1" for row in rows(plan))
    assert not any(cell.startswith(("=", "+", "@")) for row in rows(plan) for cell in row.values())


def test_what_is_bought_ahead_is_a_purchase_when_paid_and_usage_when_used() -> None:
    found = rows(made(**CASES["bought"]))
    server = [row for row in found if row["x_LineCode"] == "purchase"]
    assert {row["ChargeCategory"] for row in server} == {"Purchase", "Usage"}
    paid = sum(Decimal(row["BilledCost"]) for row in server)
    used = sum(Decimal(row["EffectiveCost"]) for row in server)
    assert paid > used > 0
    rented = rows(made(**CASES["spot at a named provider"]))
    rent = [row for row in rented if row["x_LineCode"] == "tuning_rent"]
    assert {(row["ProviderName"], row["RegionId"], row["PricingCategory"]) for row in rent} == {
        ("GCP", "europe-west4", "Dynamic")
    }


def test_the_sheet_has_the_lines_of_the_first_year_in_the_same_columns(plan: Plan) -> None:
    table = list(csv.DictReader(io.StringIO(board_csv(plan).decode("utf-8-sig"), newline="")))
    lines = [row for row in table if row["x_Record"] == "line"]
    assert sum((Decimal(row["BilledCost"]) for row in lines), Decimal(0)) == Decimal(repr(plan.total_eur))
    assert {row["ChargeCategory"] for row in lines} == {"Usage", "Tax"}
    assert all(row["ServiceCategory"] and row["ChargePeriodStart"] for row in lines)
    years = [row for row in table if row["x_Record"] == "fiscal_year"]
    assert plan.years is not None
    assert [float(row["BilledCost"]) for row in years] == [year.cash_eur for year in plan.years.years]


def test_a_plan_of_an_older_schema_has_no_years_and_no_charges() -> None:
    assert rows(example_plan(years=None)) == []
