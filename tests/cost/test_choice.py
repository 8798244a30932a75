"""Which option, when to buy, what carbon, what moves the cost: each against a count by hand."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from planner.catalog import Catalog, Price
from planner.cost import Scenario, Tenure, cost_plan
from planner.cost.analyses import OptionName
from planner.cost.basis import planned_model
from planner.cost.case import asked
from planner.cost.choice import choose
from planner.cost.figures import Basis
from planner.cost.given import Risk, ServerQuote
from planner.cost.options import Options, compared
from planner.cost.plan import Plan
from planner.errors import CatalogError
from planner.outcome import Severity
from planner.record import Calibration
from tests.cost.conftest import TODAY, made_forecast

BASE: dict[str, Any] = {"target_loss": 1.45, "gpu": "L4", "studies_per_day": 120.0}


def plan(calibration: Calibration, catalog: Catalog, *, options: bool = False, **fields: Any) -> Plan:
    scenario = Scenario(**(BASE | fields))
    forecast = made_forecast(scenario.target_loss)
    return cost_plan(forecast, calibration, scenario, catalog, with_options=options, today=TODAY)


@pytest.fixture(scope="module")
def tabled(own: Calibration, catalog: Catalog) -> Plan:
    return plan(own, catalog, options=True)


@pytest.fixture(scope="module")
def found(own: Calibration, catalog: Catalog) -> Options:
    question, scenario, _, _ = asked(
        made_forecast(1.45), own, Scenario(**BASE), catalog, seed=0, day=TODAY
    )  # fmt: skip
    return compared(question, scenario, planned_model(own, catalog))


def test_every_tenure_with_a_price_is_an_option(tabled: Plan, catalog: Catalog) -> None:
    for gpu in catalog.gpus:
        priced = {row.tenure for row in catalog.prices if row.gpu == gpu.gpu}
        priced |= {"buy"} if any(row.gpu == gpu.gpu for row in catalog.purchases) else set()
        shown = {row.tenure for row in tabled.options if row.gpu == gpu.gpu}
        assert shown == (priced or {"on_demand"}), gpu.gpu


def test_the_cheapest_option_is_the_minimum_of_the_table(tabled: Plan) -> None:
    assert tabled.choice is not None
    feasible = [row for row in tabled.options if row.reason is None]
    for name, at in ((tabled.choice.cheapest_p50, "p50"), (tabled.choice.cheapest_p90, "p90")):
        assert name is not None
        costs = {(o.gpu, o.quantization, o.tenure): getattr(o.cost_per_year, at) for o in feasible}
        best = min(cost for cost in costs.values() if cost is not None)
        assert costs[name.gpu, name.quantization, name.tenure] == pytest.approx(best, rel=0.02)
    assert tabled.choice.options == len(feasible)


def test_regret_is_what_an_option_costs_above_the_best_of_each_draw(tabled: Plan, found: Options) -> None:
    choice = choose(found, OptionName(gpu="L4", quantization="bf16", tenure="on_demand"))
    assert choice == tabled.choice
    feasible = np.array([candidate.feasible for candidate in found.candidates])
    total = found.total_om[feasible]
    total = total[:, np.isfinite(total).all(axis=0)]
    regret = total - total.min(axis=0)
    assert choice.expected_regret_eur == pytest.approx(regret.mean(axis=1).min())
    assert choice.largest_regret_eur == pytest.approx(regret.max(axis=1).min())
    assert choice.chosen_expected_regret_eur is not None and choice.expected_regret_eur is not None
    assert choice.chosen_expected_regret_eur >= choice.expected_regret_eur


def test_where_nothing_is_reached_nothing_is_chosen(own: Calibration, catalog: Catalog) -> None:
    choice = plan(own, catalog, options=True, target_loss=0.7).choice
    assert choice is not None
    assert choice.cheapest_p50 is choice.least_expected_regret is choice.expected_regret_eur is None
    assert "No draw reaches" in choice.sentence


def test_buying_and_renting_cost_the_same_at_the_break_even(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {
        "price_eur_per_hour": 1.0, "server_quote_eur": 10_000.0, "lifetime_years": 5.0, "discount_rate": 0.0,
        "residual_share": 0.0, "maintenance_share_per_year": 0.0, "electricity_eur_per_kwh": 1e-9, "vat_rate": 0.0,
    }  # fmt: skip
    found = plan(own, catalog, **fields).break_even
    assert found is not None
    assert found.gpu_hours_per_year.p50 == pytest.approx(2_000.0)
    assert found.utilisation.p50 == pytest.approx(2_000 / 8_760)
    assert found.probability_buy_cheaper == 0.0
    never = plan(own, catalog, **(fields | {"price_eur_per_hour": 0.2})).break_even
    assert never is not None and never.gpu_hours_per_year.p10 is None
    assert "never cheaper" in never.sentence


def test_a_gpu_that_cannot_be_bought_has_no_break_even(own: Calibration, catalog: Catalog) -> None:
    assert plan(own, catalog, gpu="A10G").break_even is None


def test_carbon_is_electricity_times_the_intensity_of_its_place(own: Calibration, catalog: Catalog) -> None:
    here = plan(own, catalog, tenure=Tenure.BUY, server_quote_eur=9_000.0).carbon
    assert here is not None and here.kwh.p50 is not None and here.kg_co2e.p50 is not None
    assert here.place == "Netherlands"
    assert here.kg_co2e.p50 == pytest.approx(here.kwh.p50 * here.g_co2e_per_kwh / 1000, rel=0.02)
    assert here.kg_co2e.p90 is not None and here.kg_co2e.p90 > 1.2 * here.kg_co2e.p50
    rented = plan(own, catalog).carbon
    assert rented is not None and rented.basis is Basis.ASSUMPTION
    paris = plan(own, catalog, grid="gcp:europe-west9").carbon
    assert paris is not None and paris.place == "Paris" and paris.basis is Basis.CATALOG
    region = plan(own, catalog, provider="GCP", region="europe-west4").carbon
    assert region is not None and region.place == "Eemshaven"
    with pytest.raises(CatalogError, match="'NDL' is not known"):
        plan(own, catalog, grid="NDL")


def test_an_expired_quote_is_named_and_a_valid_one_is_not(own: Calibration, catalog: Catalog) -> None:
    quote = ServerQuote(
        supplier="Example BV", gpu="L4", price_eur=9_000.0, quoted_on=datetime.date(2026, 1, 5),
        valid_until=datetime.date(2026, 3, 1), watts_at_wall=400.0,
    )  # fmt: skip
    old = plan(own, catalog, tenure=Tenure.BUY, quote=quote)
    finding = next(finding for finding in old.findings if finding.code == "quote_expired")
    assert finding.severity is Severity.WARNING
    assert "Example BV was valid until 2026-03-01 and has expired" in finding.sentence
    assert any("EXPIRED" in row.uncertainty for row in old.assumptions)
    fresh = msgspec.structs.replace(quote, valid_until=datetime.date(2026, 12, 1))
    valid = plan(own, catalog, tenure=Tenure.BUY, quote=fresh)
    assert "quote_expired" not in {finding.code for finding in valid.findings}


def test_a_contract_price_is_fixed_while_it_runs_and_named_once_it_has_expired(
    own: Calibration, catalog: Catalog
) -> None:
    row = Price(
        gpu="L4", tenure="on_demand", provider="Rent BV", price_per_gpu_hour=0.7, currency="EUR",
        source="contract 12", as_of="2026-01-05", valid_until="2026-12-31",
    )  # fmt: skip
    late = msgspec.structs.replace(row, valid_until="2026-03-01")
    with_contract, with_late = (dataclasses.replace(catalog, prices=(one,)) for one in (row, late))
    running = plan(own, with_contract)
    assert "price_expired" not in {finding.code for finding in running.findings}
    assert "rent_eur_per_hour" not in {bar.code for bar in running.influences}
    old = plan(own, with_late)
    finding = next(finding for finding in old.findings if finding.code == "price_expired")
    assert finding.severity is Severity.WARNING
    assert "Rent BV was valid until 2026-03-01 and has expired" in finding.sentence
    assert "rent_eur_per_hour" in {bar.code for bar in old.influences}


def test_old_sources_are_marked_stale(own: Calibration, catalog: Catalog) -> None:
    rows = {row.code: row for row in plan(own, catalog).assumptions}
    assert rows["usd_per_eur"].stale
    assert not rows["gpu_rate"].stale
    assert not any(row.stale for row in rows.values() if row.as_of is None)


def test_the_register_is_sorted_by_what_is_to_be_expected(own: Calibration, catalog: Catalog) -> None:
    risks = (
        Risk(name="small", probability=0.5, impact_eur=100.0, source="x"),
        Risk(name="large", probability=0.1, impact_eur=9_000.0, mitigation="a second supplier", source="x"),
    )
    made = plan(own, catalog, risks=risks)
    assert [risk.name for risk in made.risks] == ["large", "small"]
    lines = {line.code: line.amount_eur for line in made.lines}
    assert all(lines[risk.code] == risk.expected_eur for risk in made.risks)
    assert "a second supplier" in made.risks[0].sentence
