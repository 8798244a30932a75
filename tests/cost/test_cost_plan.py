"""A plan: infinite mass kept, lines that add up, everything labelled, nothing unknown called zero."""

from __future__ import annotations

import datetime
import json
import math
import time
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from planner.catalog import Catalog
from planner.cost import Scenario, ServingMode, Tenure, cost_plan
from planner.cost.given import GivenCost, Risk, ServerQuote
from planner.cost.plan import Basis, Plan, VatTreatment, encode_plan, parse_plan
from planner.errors import CatalogError, ScenarioError
from planner.outcome import VerdictName
from planner.record import Calibration, LossKind, XUnit
from tests.cost.conftest import TODAY, made_forecast

FULL: dict[str, Any] = {
    "target_loss": 1.45,
    "gpu": "L4",
    "budget_eur": 5000.0,
    "studies_per_day": 120.0,
    "staff_hours_per_year": 48.0,
    "staff_eur_per_hour": 62.0,
    "storage_gib": 300.0,
}


def plan(calibration: Calibration, catalog: Catalog, *, options: bool = False, **fields: Any) -> Plan:
    scenario = Scenario(**(FULL | fields))
    forecast = made_forecast(scenario.target_loss)
    return cost_plan(forecast, calibration, scenario, catalog, with_options=options, today=TODAY)


def replaced_header(calibration: Calibration, **fields: Any) -> Calibration:
    return msgspec.structs.replace(calibration, header=msgspec.structs.replace(calibration.header, **fields))


def test_quantiles_keep_the_infinite_mass_and_conditionals_stand_apart(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, target_loss=1.28)
    assert 0.5 < made.verdict.probability < 0.9
    assert made.cost_per_year.p50 is not None
    assert made.cost_per_year.p90 is None
    assert made.hours.p90 is None
    assert made.if_reached.cost_per_year.p90 is not None
    assert made.if_reached.probability == pytest.approx(made.verdict.probability, abs=0.02)
    assert made.if_reached.spent_if_missed_eur is not None
    assert made.if_reached.spent_if_missed_eur > 0


def test_an_unreachable_target_has_no_figure_but_says_what_is_spent(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, target_loss=0.7)
    assert made.verdict.name is VerdictName.UNREACHABLE
    assert (made.cost_per_year.p10, made.hours.p10, made.if_reached.hours.p50) == (None, None, None)
    assert made.probability_within_budget == 0.0
    assert made.if_reached.spent_if_missed_eur is not None
    assert "missed" in made.budget_scenario


@pytest.mark.parametrize("tenure", list(Tenure))
def test_lines_add_up_to_the_cent_and_agree_with_the_formula_of_the_draws(
    own: Calibration, catalog: Catalog, tenure: Tenure
) -> None:
    made = plan(own, catalog, tenure=tenure)
    total = sum((Decimal(repr(line.amount_eur)) for line in made.lines), start=Decimal(0))
    assert total == Decimal(repr(made.total_eur))
    assert made.cost_per_year.p10 is not None
    assert made.cost_per_year.p90 is not None
    assert made.cost_per_year.p10 * 0.98 < made.total_eur < made.cost_per_year.p90 * 1.02
    for line in made.lines:
        assert line.source
        assert line.formula
        if line.quantity is not None and line.unit_price_eur is not None:
            assert line.amount_eur == pytest.approx(line.quantity * line.unit_price_eur, abs=0.006)


def test_spot_hours_cost_more_than_their_list_price_because_some_are_lost(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, tenure=Tenure.SPOT, price_eur_per_hour=0.85, studies_per_day=None)
    line = next(line for line in made.lines if line.code == "tuning_rent")
    assert line.unit_price_eur == pytest.approx(0.85 / (1 - catalog.parameter("spot_loss").value))


def test_serving_and_staff_come_first_when_given(own: Calibration, catalog: Catalog) -> None:
    assert [line.code for line in plan(own, catalog).lines[:2]] == ["serving_rent", "staff"]


def test_always_on_serving_costs_all_hours_of_a_year(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, serving_mode=ServingMode.ALWAYS_ON, price_eur_per_hour=1.0)
    line = next(line for line in made.lines if line.code == "serving_rent")
    assert line.amount_eur == 8760.0


def test_more_studies_than_one_gpu_answers_keep_several_always_on(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {"serving_mode": ServingMode.ALWAYS_ON, "studies_per_day": 300_000.0}
    made = plan(own, catalog, **fields)
    line = made.lines[0]
    assert line.code == "serving_rent" and line.quantity is not None
    batch = plan(own, catalog, **(fields | {"serving_mode": ServingMode.BATCH})).lines[0].quantity
    assert batch is not None and batch > 8760
    assert line.quantity == pytest.approx(8760 * math.ceil(batch / 8760 - 1e-3))
    assert line.formula.startswith(f"{line.quantity / 8760:.0f} GPUs always on")


def test_gpus_that_train_together_share_the_batch_and_are_all_paid(own: Calibration, catalog: Catalog) -> None:
    one, four = plan(own, catalog), plan(own, catalog, gpus=4)
    assert (one.memory.micro_batch_size, four.memory.micro_batch_size) == (8, 2)
    assert "micro-batch 2 on each of 4" in four.memory.sentence
    hours, elapsed = four.hours.p50, four.elapsed_hours
    assert hours is not None and one.hours.p50 is not None and elapsed is not None and elapsed.p50 is not None
    # They wait for each other and their batches are smaller: more GPU-hours in all, fewer hours on the clock.
    assert hours > one.hours.p50 > elapsed.p50 == pytest.approx(hours / 4)
    committed = plan(own, catalog, gpus=4, tenure=Tenure.COMMITMENT_1_YEAR, price_eur_per_hour=0.5)
    assert sum(line.quantity or 0.0 for line in committed.lines if line.unit == "GPU-hours") == pytest.approx(4 * 8760)
    quote = ServerQuote(
        supplier="Example BV", gpu="l4", gpus=2, price_eur=9_000.0, quoted_on=datetime.date(2026, 10, 1),
        valid_until=datetime.date(2026, 12, 31), watts_at_wall=400.0,
    )  # fmt: skip
    bought = plan(own, catalog, gpus=4, tenure=Tenure.BUY, quote=quote)
    assert next(line for line in bought.lines if line.code == "equipment").formula.startswith("2 x 9,000.00 EUR")
    with pytest.raises(ScenarioError, match="an effective batch of 8 examples cannot be shared by 9 GPUs"):
        plan(own, catalog, gpus=9)


def test_a_quote_for_another_gpu_is_not_used_and_that_is_said(own: Calibration, catalog: Catalog) -> None:
    quote = ServerQuote(
        supplier="Example BV", gpu="RTX 4090", price_eur=9_000.0, quoted_on=datetime.date(2026, 10, 1),
        valid_until=datetime.date(2026, 12, 31), watts_at_wall=400.0,
    )  # fmt: skip
    made = plan(own, catalog, tenure=Tenure.BUY, quote=quote)
    assert "quote_other_gpu" in {finding.code for finding in made.findings}
    assert next(line for line in made.lines if line.code == "equipment").basis is Basis.CATALOG


def test_what_is_not_given_is_not_costed_and_never_zero(own: Calibration, catalog: Catalog) -> None:
    bare = plan(own, catalog, studies_per_day=None, staff_hours_per_year=None, storage_gib=None)
    codes = {line.code for line in bare.not_costed}
    assert {"serving", "staff", "storage", "deidentification", "labelling", "clinical_validation"} <= codes
    assert {"compliance", "pacs_integration", "downtime", "decommissioning"} <= codes
    assert not {"serving_rent", "staff", "storage"} & {line.code for line in bare.lines}
    assert {line.code for line in plan(own, catalog).not_costed}.isdisjoint({"serving", "staff", "storage"})


def test_buying_spreads_the_price_over_its_life_and_pays_for_power(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, tenure=Tenure.BUY, server_quote_eur=10_000.0, discount_rate=0.0, residual_share=0.0)
    lines = {line.code: line for line in made.lines}
    assert lines["equipment"].amount_eur == pytest.approx(2000.0)
    assert lines["equipment"].basis is Basis.TYPED
    assert lines["maintenance"].amount_eur == pytest.approx(1000.0)
    assert lines["energy"].amount_eur > 0
    assert "Eurostat" in lines["energy"].source
    assert lines["energy"].as_of is not None


def test_interest_and_residual_value_move_the_equivalent_annual_cost_as_they_should(
    own: Calibration, catalog: Catalog
) -> None:
    def equipment(**fields: Any) -> float:
        made = plan(own, catalog, tenure=Tenure.BUY, server_quote_eur=10_000.0, lifetime_years=5.0, **fields)
        return next(line.amount_eur for line in made.lines if line.code == "equipment")

    assert equipment(discount_rate=0.035, residual_share=0.1) == pytest.approx(2028.34, abs=0.01)
    assert equipment(discount_rate=0.0, residual_share=0.1) == pytest.approx(1800.0)


VAT = ("vat", "vat_reverse_charge")


def vat_of(made: Plan) -> dict[str, float]:
    return {line.code: line.amount_eur for line in made.lines if line.code in VAT}


def test_vat_is_a_line_of_its_own_on_all_that_is_bought(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog)
    bought = sum(line.amount_eur for line in made.lines if line.code not in (*VAT, "staff"))
    assert sum(vat_of(made).values()) == pytest.approx(0.21 * bought, abs=0.03)
    assert set(vat_of(plan(own, catalog, vat_rate=0.0)).values()) == {0.0}
    unreachable = plan(own, catalog, vat_rate=0.0, target_loss=0.7)
    assert unreachable.cost_per_year.p50 is None


def test_every_line_carries_its_own_vat_and_the_vat_lines_are_their_sum(own: Calibration, catalog: Catalog) -> None:
    for tenure in Tenure:
        made = plan(own, catalog, tenure=tenure, support_eur_per_year=100.0)
        carried = sum((Decimal(repr(line.vat_eur)) for line in made.lines), start=Decimal(0))
        assert carried == sum((Decimal(repr(amount)) for amount in vat_of(made).values()), start=Decimal(0))
        assert next(line for line in made.lines if line.code == "staff").vat_eur == 0.0


def test_vat_on_a_server_is_that_of_its_whole_price_not_of_what_it_loses(own: Calibration, catalog: Catalog) -> None:
    made = plan(
        own, catalog, tenure=Tenure.BUY, server_quote_eur=10_000.0, discount_rate=0.0, residual_share=0.5,
        lifetime_years=5.0,
    )  # fmt: skip
    line = next(line for line in made.lines if line.code == "equipment")
    assert line.amount_eur == pytest.approx(1_000.0)
    assert line.vat_eur == pytest.approx(0.21 * 2_000.0)
    assert made.cost_per_year.p50 is not None
    assert made.total_eur == pytest.approx(made.cost_per_year.p50, rel=0.02)


def test_rent_from_abroad_is_reverse_charged_and_from_home_is_not(own: Calibration, catalog: Catalog) -> None:
    def treatment(**fields: Any) -> VatTreatment:
        made = plan(own, catalog, **fields)
        return next(line.vat for line in made.lines if line.code == "serving_rent")

    assert treatment(provider="GCP") is VatTreatment.REVERSE_CHARGE
    assert treatment(provider="GCP", country="IRL") is VatTreatment.STANDARD
    assert treatment(provider="AWS") is VatTreatment.STANDARD
    assert treatment(price_eur_per_hour=1.0) is VatTreatment.STANDARD
    assert treatment(price_eur_per_hour=1.0, reverse_charge=True) is VatTreatment.REVERSE_CHARGE
    foreign = plan(own, catalog, price_eur_per_hour=1.0, reverse_charge=True)
    home = plan(own, catalog, price_eur_per_hour=1.0, reverse_charge=False)
    assert foreign.total_eur == home.total_eur


def test_a_commitment_is_paid_for_every_hour_of_the_year(own: Calibration, catalog: Catalog) -> None:
    made = plan(
        own, catalog, tenure=Tenure.COMMITMENT_1_YEAR, price_eur_per_hour=0.5, staff_hours_per_year=None,
        storage_gib=None, vat_rate=0.0,
    )  # fmt: skip
    assert made.total_eur == pytest.approx(8760 * 0.5, abs=0.03)
    idle = next(line for line in made.lines if line.code == "idle_commitment")
    assert idle.quantity is not None and 0 < idle.quantity < 8760
    on_demand = plan(own, catalog, price_eur_per_hour=0.5)
    assert "idle_commitment" not in {line.code for line in on_demand.lines}


def test_a_quote_is_costed_with_its_warranty_watts_and_support(own: Calibration, catalog: Catalog) -> None:
    quote = ServerQuote(
        supplier="Example BV", gpu="L4", price_eur=9_000.0, installation_eur=1_000.0,
        quoted_on=datetime.date(2026, 10, 1), valid_until=datetime.date(2026, 12, 31),
        warranty_years=3.0, watts_at_wall=400.0,
    )  # fmt: skip
    fields: dict[str, Any] = {"tenure": Tenure.BUY, "discount_rate": 0.0, "residual_share": 0.0, "lifetime_years": 5.0}
    made = plan(own, catalog, quote=quote, **fields)
    lines = {line.code: line for line in made.lines}
    assert lines["equipment"].amount_eur == pytest.approx(10_000 / 5)
    assert lines["equipment"].source == "Quote of Example BV for a server with L4, valid until 2026-12-31"
    assert lines["equipment"].as_of == "2026-10-01"
    assert lines["maintenance"].amount_eur == pytest.approx(1_000 * 2 / 5)
    hotter = plan(own, catalog, quote=msgspec.structs.replace(quote, watts_at_wall=800.0), **fields)
    energy = next(line for line in hotter.lines if line.code == "energy")
    assert energy.amount_eur == pytest.approx(2 * lines["energy"].amount_eur, abs=0.02)
    contract = plan(own, catalog, quote=msgspec.structs.replace(quote, support_eur_per_year=321.0), **fields)
    assert next(line for line in contract.lines if line.code == "maintenance").amount_eur == 321.0


def test_given_lines_and_risks_are_costed_and_no_longer_missing(own: Calibration, catalog: Catalog) -> None:
    made = plan(
        own,
        catalog,
        costs=(
            GivenCost(code="clinical_validation", eur_once=20_000.0, eur_per_year=500.0, source="our trial office"),
            GivenCost(code="labelling", eur_once=3_000.0, vat=False, source="radiology"),
        ),
        risks=(Risk(name="PACS vendor delays", probability=0.2, impact_eur=10_000.0, source="project board"),),
        egress_gib_per_year=1_000.0,
        support_eur_per_year=250.0,
    )
    lines = {line.code: line for line in made.lines}
    assert lines["clinical_validation"].amount_eur == 20_500.0
    assert lines["clinical_validation"].vat_eur == 4_305.0
    assert (lines["labelling"].amount_eur, lines["labelling"].vat_eur) == (3_000.0, 0.0)
    assert (lines["risk_1"].amount_eur, lines["risk_1"].label) == (2_000.0, "Risk: PACS vendor delays")
    assert lines["egress"].amount_eur > 0
    missing = {line.code for line in made.not_costed}
    assert missing.isdisjoint({"clinical_validation", "labelling", "risks", "egress", "support"})
    assert {"deidentification", "downtime"} <= missing
    assert {"risks", "egress", "support"} <= {line.code for line in plan(own, catalog).not_costed}


def test_a_risk_widens_the_range_by_its_impact(own: Calibration, catalog: Catalog) -> None:
    certain = plan(own, catalog)
    risk = Risk(name="x", probability=0.3, impact_eur=1e6, source="y")
    risky = plan(own, catalog, risks=(risk,))
    assert risky.cost_per_year.p10 == certain.cost_per_year.p10 or (
        risky.cost_per_year.p10 is not None
        and certain.cost_per_year.p10 is not None
        and risky.cost_per_year.p10 == pytest.approx(certain.cost_per_year.p10, rel=0.05)
    )
    assert risky.cost_per_year.p90 is not None and risky.cost_per_year.p90 > 1e6


def test_a_cpu_calibration_is_never_transferred_to_a_gpu(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog)
    assert made.hours_basis is Basis.UNPROBED
    assert "CPU" in made.hours_sentence


def test_an_illustration_is_marked_and_costs_no_calibration(illustration: Calibration, catalog: Catalog) -> None:
    made = plan(illustration, catalog)
    assert "illustration, not PaliGemma-3B" in made.marks
    assert "calibration_rent" not in {line.code for line in made.lines}
    assert "calibration" in {line.code for line in made.not_costed}
    model = next(row for row in made.assumptions if row.code == "model")
    assert model.value == "google/paligemma-3b-pt-224"
    assert model.basis is Basis.ASSUMPTION


def test_training_loss_and_unknown_steps_are_marked(own: Calibration, catalog: Catalog) -> None:
    log = replaced_header(own, loss_kind=LossKind.TRAINING, x_unit=XUnit.STEPS)
    made = plan(log, catalog)
    assert {"training loss only", "x counts steps, examples unknown"} <= set(made.marks)


def test_a_log_of_steps_of_unknown_size_has_unknown_hours_not_infinite_ones(own: Calibration, catalog: Catalog) -> None:
    made = plan(replaced_header(own, x_unit=XUnit.STEPS), catalog)
    assert made.probability_within_budget is None
    assert made.cost_per_year.p50 is None
    assert made.if_reached.spent_if_missed_eur is None
    assert "unknown" in made.hours_sentence
    assert "unknown" in made.if_reached.sentence
    assert parse_plan(encode_plan(made), file="plan.json") == made


def test_old_gpus_say_that_they_have_no_bf16(own: Calibration, catalog: Catalog) -> None:
    assert "no bf16" in plan(own, catalog, gpu="T4", quantization="nf4").hours_sentence
    assert "no bf16" not in plan(own, catalog).hours_sentence


def test_memory_decides_by_p95(own: Calibration, catalog: Catalog) -> None:
    small, large = plan(own, catalog, gpu="T4", quantization="fp32"), plan(own, catalog, gpu="H100-SXM")
    assert not small.memory.fits
    assert small.memory.gib_p95 > small.memory.usable_gib
    assert large.memory.fits
    assert large.memory.gib_p50 <= large.memory.gib_p95 <= large.memory.usable_gib


def test_every_assumption_has_a_basis_and_catalog_ones_a_date(own: Calibration, catalog: Catalog) -> None:
    for tenure in (Tenure.ON_DEMAND, Tenure.BUY):
        for row in plan(own, catalog, tenure=tenure).assumptions:
            assert row.source
            if row.basis in (Basis.CATALOG, Basis.DATASHEET):
                assert row.as_of, row.code


def test_typed_prices_replace_the_catalog(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, price_eur_per_hour=0.9)
    line = next(line for line in made.lines if line.code == "serving_rent")
    assert line.basis is Basis.TYPED
    assert line.unit_price_eur == pytest.approx(0.9)


def test_options_cover_every_gpu_and_quantization_and_repeat_the_plan_for_the_chosen_one(
    own: Calibration, catalog: Catalog
) -> None:
    made = plan(own, catalog, options=True)
    found = {(row.gpu, row.quantization) for row in made.options}
    assert found == {(gpu.gpu, row.quantization) for gpu in catalog.gpus for row in catalog.quantizations}
    chosen = [row for row in made.options if (row.gpu, row.quantization, row.tenure) == ("L4", "bf16", "on_demand")]
    assert [row.cost_per_year for row in chosen] == [made.cost_per_year]
    for row in made.options:
        assert (row.reason is None) == (row.fits and row.cost_per_year.p10 is not None), row
        assert row.source


def test_options_carry_the_date_of_their_price(own: Calibration, catalog: Catalog) -> None:
    for row in plan(own, catalog, options=True).options:
        tenure = None if row.tenure == "buy" else row.tenure
        dates = {price.as_of for price in catalog.prices if (price.gpu, price.tenure) == (row.gpu, tenure)}
        dates |= {price.as_of for price in catalog.purchases if price.gpu == row.gpu and tenure is None}
        assert row.as_of in dates or (row.as_of is None and not dates), row
    typed = plan(own, catalog, options=True, price_eur_per_hour=0.9).options
    assert {row.as_of for row in typed if (row.gpu, row.tenure) == ("L4", "on_demand")} == {None}


def test_a_typed_price_is_for_its_own_gpu_only(own: Calibration, catalog: Catalog) -> None:
    listed = {(row.gpu, row.quantization, row.tenure): row for row in plan(own, catalog, options=True).options}
    typed = {
        (row.gpu, row.quantization, row.tenure): row
        for row in plan(own, catalog, options=True, price_eur_per_hour=90.0).options
    }
    assert typed["L40S", "bf16", "on_demand"] == listed["L40S", "bf16", "on_demand"]
    assert typed["L4", "bf16", "on_demand"] != listed["L4", "bf16", "on_demand"]


def test_influences_are_sorted_and_move_around_the_budget_scenario(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog)
    spans = [abs(bar.cost_high_eur - bar.cost_low_eur) for bar in made.influences]
    assert spans == sorted(spans, reverse=True)
    assert len(spans) >= 2
    for bar in made.influences:
        low, high = sorted((bar.cost_low_eur, bar.cost_high_eur))
        assert low - 1 <= made.total_eur <= high + 1


def test_unknown_names_get_the_nearest_and_the_list(own: Calibration, catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="Did you mean L40S"):
        plan(own, catalog, gpu="L40-SX")
    with pytest.raises(CatalogError, match="nf4"):
        plan(own, catalog, quantization="nf3")


def test_no_price_for_a_tenure_names_what_there_is(own: Calibration, catalog: Catalog) -> None:
    with pytest.raises(ScenarioError, match=r"no dated price for A10 spot.*on_demand at Azure") as caught:
        plan(own, catalog, gpu="A10", tenure=Tenure.SPOT)
    assert "--price-eur-per-hour" in str(caught.value)


@pytest.mark.parametrize(
    "fields", [{"price_eur_per_hour": -1.0}, {"trials": 0.0}, {"vat_rate": math.nan}, {"target_loss": -1.0}]
)
def test_a_scenario_built_in_code_is_checked(own: Calibration, catalog: Catalog, fields: dict[str, float]) -> None:
    scenario = Scenario(**(FULL | fields))
    with pytest.raises(ScenarioError, match=next(iter(fields))):
        cost_plan(made_forecast(1.45), own, scenario, catalog, today=TODAY)


def test_a_written_plan_is_read_back_and_has_no_number_that_json_does_not_know(
    own: Calibration, catalog: Catalog
) -> None:
    made = plan(own, catalog, target_loss=1.2, options=True)
    data = encode_plan(made)
    assert parse_plan(data, file="plan.json") == made

    def refuse(text: str) -> float:
        raise AssertionError(text)

    json.loads(data, parse_constant=refuse)


def test_all_options_take_a_moment(own: Calibration, catalog: Catalog) -> None:
    plan(own, catalog, options=True)
    start = time.process_time()
    plan(own, catalog, options=True)
    assert time.process_time() - start < 0.6


def test_more_draws_than_the_law_has_and_fewer_agree(own: Calibration, catalog: Catalog) -> None:
    scenario = Scenario(**FULL)
    forecast = made_forecast(1.45)
    few, many = (
        cost_plan(forecast, own, scenario, catalog, draws=draws, with_options=False, today=TODAY)
        for draws in (1000, 6000)
    )
    assert few.examples.p50 is not None
    assert many.examples.p50 is not None
    assert few.examples.p50 == pytest.approx(many.examples.p50, rel=0.05)
    assert np.isfinite(few.total_eur)
