"""What is asked of a plan beyond one year: front, budget, comparisons, reselection, Sobol, how long to calibrate."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import msgspec
import numpy as np
import pytest

from planner.catalog import Catalog
from planner.cost import Advice, Layout, Scenario, Tenure, analysed, cost_plan
from planner.cost.affordable import affordable_examples
from planner.cost.analyses import Reselection
from planner.cost.comparisons import MODALITIES, SPEND
from planner.cost.given import Modality
from planner.cost.plan import Plan, encode_plan
from planner.cost.planning import DRAWS
from planner.loss_paths import LossPaths
from planner.record import Calibration, XUnit
from tests.cost.conftest import TODAY, made_forecast

BASE: dict[str, Any] = {
    "target_loss": 1.45,
    "gpu": "L4",
    "studies_per_day": 120.0,
    "staff_hours_per_year": 20.0,
    "horizon_years": 3,
}


def paths_of(studies: float | None) -> LossPaths:
    """The law of `made_forecast`: 9 t^(-b) + c with the same draws; four passes over the studies are the horizon."""
    random = np.random.default_rng(5)
    exponent, floor = random.normal(0.42, 0.02, 1500), random.normal(1.1, 0.08, 1500)
    horizon = 4.0 * (studies or 10_000.0)
    grid = np.geomspace(64.0, horizon, 60)
    return LossPaths(
        examples_q=grid,
        loss_mq=9.0 * grid ** -exponent[:, None] + floor[:, None],
        horizon_examples=horizon,
        limited_by="studies",
        unique_studies=studies,
        data_axis_measured=False,
    )


ADVICE = Advice(
    examples=8_192.0,
    replicates=2,
    chance_settled=0.85,
    examples_factor_now=3.0,
    examples_factor_after=1.4,
    sentence="2 runs of about 8,200 examples would probably settle the verdict (85 % chance); nothing cheaper would.",
)


def plan(calibration: Calibration, catalog: Catalog, *, advice: Advice | None = ADVICE, **fields: Any) -> Plan:
    scenario = Scenario(**(BASE | fields))
    forecast = made_forecast(scenario.target_loss)
    made = cost_plan(forecast, calibration, scenario, catalog, with_options=False, today=TODAY, paths=paths_of)
    return analysed(made, forecast, calibration, catalog, paths_of, advice=advice)


@pytest.fixture(scope="module")
def rich(own: Calibration, catalog: Catalog) -> Plan:
    return plan(own, catalog, budget_eur=3_000.0, modality_count=3, studies_arriving_per_year=10_000.0)


def test_the_same_question_gives_the_same_bytes(rich: Plan, own: Calibration, catalog: Catalog) -> None:
    again = plan(own, catalog, budget_eur=3_000.0, modality_count=3, studies_arriving_per_year=10_000.0)
    assert encode_plan(again) == encode_plan(rich)


def test_a_lower_loss_on_the_front_never_costs_less(rich: Plan) -> None:
    assert len(rich.front) >= 8
    targets = [point.target_loss for point in rich.front]
    assert targets == sorted(targets)
    for at in ("p10", "p50", "p90"):
        costs = [getattr(point.cost_per_year, at) for point in rich.front]
        infinite = [np.inf if cost is None else cost for cost in costs]
        assert all(high >= low * (1 - 1e-3) for high, low in itertools.pairwise(infinite)), at
    chances = [point.probability for point in rich.front]
    assert chances == sorted(chances)


def test_the_loss_of_a_budget_is_reached_within_it(rich: Plan, own: Calibration, catalog: Catalog) -> None:
    bought = rich.loss_for_budget
    assert bought is not None and bought.option is not None and bought.confident_loss is not None
    assert bought.loss is not None and bought.loss.p50 < bought.confident_loss
    there = plan(
        own,
        catalog,
        target_loss=bought.confident_loss * 1.0001,
        gpu=bought.option.gpu,
        quantization=bought.option.quantization,
        tenure=Tenure(bought.option.tenure),
        budget_eur=3_000.0,
    )
    assert there.probability_within_budget is not None
    assert there.probability_within_budget >= 0.88


def test_more_money_never_buys_a_higher_loss_and_too_little_buys_none(own: Calibration, catalog: Catalog) -> None:
    found = []
    for budget in (500.0, 910.0, 950.0, 3_000.0, 1e6):
        bought = plan(own, catalog, budget_eur=budget, staff_eur_per_hour=45.0, horizon_years=1).loss_for_budget
        assert bought is not None
        found.append(bought)
    assert found[0].loss is None and "buy no fine-tuning" in found[0].sentence
    losses = [bought.confident_loss or np.inf for bought in found]
    assert losses == sorted(losses, reverse=True)
    assert [bought.probability_affordable for bought in found] == sorted(b.probability_affordable for b in found)
    assert found[-1].limited_by == "studies"
    assert "limits it, not the budget" in found[-1].sentence


def test_affordable_examples_are_read_between_the_points_of_the_grid() -> None:
    grid = np.array([10.0, 20.0, 40.0])
    total = np.array([[100.0, 110.0, 130.0], [100.0, 110.0, 130.0], [100.0, 110.0, 130.0], [100.0, 100.0, 100.0]])
    found = affordable_examples(total, grid, np.array([99.0, 105.0, 500.0, 100.0]))
    np.testing.assert_allclose(found, [0.0, 15.0, 40.0, 40.0])


def test_both_named_comparisons_are_there_with_their_intervals(rich: Plan) -> None:
    spend, modalities = rich.comparisons
    assert (spend.code, modalities.code) == (SPEND, MODALITIES)
    for one in (spend, modalities):
        assert one.cost_ratio.p10 is not None and one.cost_ratio.p90 is not None
        assert one.cost_ratio.p10 <= one.cost_ratio.p90
        assert one.assumptions and one.sentence
    assert len(spend.first.loss_by_year) == len(spend.second.loss_by_year) == 3
    assert spend.loss_ratio is not None and spend.loss_ratio.p05 <= spend.loss_ratio.p95


def test_spending_every_year_learns_from_arriving_studies_and_spending_once_does_not(
    rich: Plan, own: Calibration, catalog: Catalog
) -> None:
    spend = rich.comparisons[0]
    once = [span.p50 for span in spend.first.loss_by_year]
    yearly = [span.p50 for span in spend.second.loss_by_year]
    assert once[0] == once[-1]
    assert yearly == sorted(yearly, reverse=True) and yearly[-1] < yearly[0]
    assert spend.probability_second_lower_loss is not None and spend.probability_second_lower_loss > 0.8
    still = plan(own, catalog, budget_eur=3_000.0).comparisons[0]
    assert still.probability_second_lower_loss == 0.0
    assert "No new studies arrive" in still.assumptions[1]


def test_money_that_is_tight_is_better_spent_at_once(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {
        "budget_eur": 30.0, "studies_per_day": None, "staff_hours_per_year": None, "price_eur_per_hour": 20.0,
        "vat_rate": 0.0, "trials": 1.0, "gpu_price_growth_per_year": 0.0, "unique_studies": 1e6,
    }  # fmt: skip
    spend = plan(own, catalog, **fields).comparisons[0]
    assert spend.first.loss_by_year[-1].p50 < spend.second.loss_by_year[-1].p50
    assert spend.probability_second_lower_loss is not None and spend.probability_second_lower_loss < 0.2


def test_without_transfer_adapters_cost_what_the_joint_one_does_and_with_it_as_many_times_as_there_are(
    own: Calibration, catalog: Catalog
) -> None:
    fields: dict[str, Any] = {
        "studies_per_day": None, "staff_hours_per_year": None, "retunings_per_year": 0.0, "modality_count": 4,
        "horizon_years": 1, "target_loss": 1.9, "price_eur_per_hour": 5.0,
    }  # fmt: skip
    apart = plan(own, catalog, modality_transfer=0.0, **fields).comparisons[-1]
    assert apart.cost_ratio.p50 == pytest.approx(1.0, rel=1e-6)
    shared = plan(own, catalog, modality_transfer=1.0, **fields)
    tuning = next(line.amount_eur for line in shared.lines if line.code == "tuning_rent")
    calibration = next(line.amount_eur for line in shared.lines if line.code == "calibration_rent")
    ratio = shared.comparisons[-1].cost_ratio.p50
    assert ratio == pytest.approx((4 * tuning + calibration) / (tuning + calibration), rel=0.05)
    assert shared.comparisons[-1].probability_second_cheaper == 0.0


def test_a_retuning_touches_one_of_several_adapters_but_all_of_a_joint_one(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {"modality_count": 4, "modality_transfer": 0.0, "trials": 1.0, "target_loss": 1.9}

    def tuned(layout: Layout, retunings: float) -> float:
        made = plan(own, catalog, layout=layout, retunings_per_year=retunings, **fields)
        return next(line.quantity or 0.0 for line in made.lines if line.code == "tuning_rent")

    joint = tuned(Layout.JOINT, 0.0)
    assert tuned(Layout.PER_MODALITY, 0.0) == pytest.approx(joint)
    assert tuned(Layout.JOINT, 4.0) == pytest.approx(5 * joint)
    assert tuned(Layout.PER_MODALITY, 4.0) == pytest.approx(2 * joint)


def test_modalities_that_were_each_calibrated_need_no_assumption(own: Calibration, catalog: Catalog) -> None:
    forecast = made_forecast(1.9)
    scenario = Scenario(**(BASE | {"target_loss": 1.9, "modalities": (Modality(name="CT", share=0.5),
                                                                       Modality(name="MR", share=0.5))}))  # fmt: skip
    made = cost_plan(forecast, own, scenario, catalog, with_options=False, today=TODAY, paths=paths_of)
    measured = {"CT": paths_of(None), "MR": paths_of(None)}
    found = analysed(made, forecast, own, catalog, paths_of, modality_paths=measured).comparisons[-1]
    assert found.code == MODALITIES
    assert "CT, MR" in found.second.label
    assert "calibrated on its own" in found.assumptions[0]
    assert found.cost_ratio.p50 is not None and found.cost_ratio.p50 > 1.0


def test_one_modality_and_one_year_leave_nothing_to_compare(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, horizon_years=1)
    assert made.comparisons == []
    assert made.reselection is None


def test_choosing_anew_never_costs_more_than_staying(rich: Plan) -> None:
    found = rich.reselection
    assert found is not None
    assert len(found.years) == 3
    assert found.total_eur <= found.stay_total_eur * (1 + 1e-9)
    assert not found.years[0].changed
    assert {year.model_share for year in found.years} == {1.0}
    assert "stay as large as they are" in found.sentence


def test_smaller_models_are_taken_where_they_save_more_than_a_change_costs(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {"studies_per_day": 3_000.0, "staff_hours_per_year": None, "target_loss": 1.9}
    found = plan(own, catalog, smaller_models_per_year=0.5, **fields).reselection
    assert found is not None
    assert found.years[-1].model_share < 0.6
    assert any(year.changed for year in found.years)
    assert found.ratio.p50 is not None and found.ratio.p50 < 1.0
    assert found.total_eur < found.stay_total_eur
    assert "50 % smaller" in found.sentence


def test_another_calibration_is_taken_where_its_law_and_bits_cost_less(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {"studies_per_day": None, "staff_hours_per_year": None, "target_loss": 1.3}
    scenario = Scenario(**(BASE | fields))
    forecast = made_forecast(1.3)
    made = cost_plan(forecast, own, scenario, catalog, with_options=False, today=TODAY, paths=paths_of)
    configuration = msgspec.structs.replace(own.header.configuration, quantization="nf4")
    other = msgspec.structs.replace(own, header=msgspec.structs.replace(own.header, configuration=configuration))

    def with_floor(floor: float) -> Reselection:
        others = {"PaliGemma 2": (other, made_forecast(1.3, floor=floor))}
        found = analysed(made, forecast, own, catalog, paths_of, other_models=others).reselection
        assert found is not None
        return found

    easy, hard = with_floor(0.3), with_floor(1.29)
    chosen = {year.option for year in easy.years}
    assert {(option.model, option.quantization) for option in chosen} == {("PaliGemma 2", "nf4")}
    assert "PaliGemma 2 (another calibration) on" in easy.sentence
    assert {year.option.model for year in hard.years} == {None}
    assert easy.total_eur < hard.total_eur


def test_sobol_shares_are_shares_and_the_largest_is_that_of_the_tornado(rich: Plan) -> None:
    assert len(rich.sobol) >= 3
    totals = [row.total for row in rich.sobol]
    assert totals == sorted(totals, reverse=True)
    assert all(row.total >= row.first_order for row in rich.sobol)
    assert 0.8 < sum(row.first_order for row in rich.sobol) < 1.2
    assert rich.sobol[0].code == rich.influences[0].code
    assert "modality_transfer" not in {row.code for row in rich.sobol}


def test_a_further_run_is_costed_and_narrows_the_cost(own: Calibration, catalog: Catalog) -> None:
    fields: dict[str, Any] = {"studies_per_day": None, "staff_hours_per_year": None, "target_loss": 1.35}
    longer = plan(own, catalog, **fields).calibrate_longer
    assert longer is not None and longer.needed
    assert longer.gpu_hours is not None and longer.gpu_hours.p50 is not None
    assert longer.cost_eur is not None and longer.cost_eur.p50 is not None and longer.cost_eur.p50 > 0
    assert longer.cost_factor_now is not None and longer.cost_factor_after is not None
    assert longer.cost_factor_after < longer.cost_factor_now
    assert "GPU-hours" in longer.sentence
    none = msgspec.structs.replace(ADVICE, examples=None, replicates=None, sentence="No further run is needed.")
    settled = plan(own, catalog, advice=none).calibrate_longer
    assert settled is not None and not settled.needed and settled.sentence == "No further run is needed."


def test_a_log_of_unknown_steps_is_not_analysed_in_money(own: Calibration, catalog: Catalog) -> None:
    steps = msgspec.structs.replace(own, header=msgspec.structs.replace(own.header, x_unit=XUnit.STEPS))
    made = plan(steps, catalog, budget_eur=3_000.0)
    assert made.front == [] and made.sobol == [] and made.comparisons == []
    assert made.loss_for_budget is None and made.reselection is None
    assert made.calibrate_longer is not None and made.calibrate_longer.cost_eur is None
    assert made.years is not None and made.years.probability_within_budget is None


def test_an_unreachable_target_has_a_front_but_no_comparison_of_its_cost(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, target_loss=0.7, modality_count=2)
    assert made.front
    modalities = made.comparisons[-1]
    assert modalities.first.probability == modalities.second.probability == 0.0
    assert modalities.cost_ratio.p50 is None
    assert modalities.first.cost.p10 is None


def test_money_that_buys_nothing_is_not_compared_to_the_cent(own: Calibration, catalog: Catalog) -> None:
    made = plan(own, catalog, budget_eur=1.0, modality_count=2, target_loss=0.7)
    spend, modalities = made.comparisons
    assert spend.sentence.startswith("The money buys no fine-tuning")
    assert spend.probability_second_cheaper == 0.0
    assert modalities.sentence.startswith("No draw reaches the target both ways")


def test_paths_are_asked_once_for_each_number_of_studies(own: Calibration, catalog: Catalog) -> None:
    asked: list[float | None] = []

    @functools.cache
    def counted(studies: float | None) -> LossPaths:
        asked.append(studies)
        return paths_of(studies)

    forecast = made_forecast(1.45)
    scenario = Scenario(**(BASE | {"unique_studies": 10_000.0, "studies_arriving_per_year": 1_000.0}))
    made = cost_plan(forecast, own, scenario, catalog, with_options=False, today=TODAY, paths=counted)
    analysed(made, forecast, own, catalog, counted)
    assert len(asked) == len(set(asked)) <= 8
    assert made.draws == DRAWS
