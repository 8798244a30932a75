"""`plateau plan` with open ends, own prices and quotes: what a budget buys, which GPU, and every figure explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.cost.plan import Plan, parse_plan
from planner.outcome import VerdictName
from planner.record import write_packed
from tests.cli.conftest import TARGET, Plateau
from tests.factories import example_calibration

QUOTE = """
supplier = "Example BV"
gpu = "L4"
price_eur = 9000
quoted_on = 2026-10-01
valid_until = 2026-10-31
warranty_years = 3
watts_at_wall = 420
"""
PRICES = (
    "gpu,tenure,provider,price_per_gpu_hour,currency,source,as_of,valid_until\n"
    "L4,on_demand,Framework contract,0.70,EUR,contract 12,2026-05-01,2028-05-01\n"
)


def made() -> Plan:
    return parse_plan(Path("plan.json").read_bytes(), file="plan.json")


def test_a_budget_without_a_target_is_asked_what_loss_it_buys(plateau: Plateau, record: Path) -> None:
    done = plateau("plan", record, "--budget", "5000", "--studies-a-day", "40", "--json")
    assert done.code == 0, done.err
    plan = made()
    bought = plan.loss_for_budget
    assert bought is not None and bought.option is not None and bought.confident_loss is not None
    assert plan.verdict.name is VerdictName.REACHABLE
    assert bought.confident_loss <= plan.scenario.target_loss < bought.confident_loss + 0.05
    assert (plan.scenario.gpu, plan.scenario.tenure.value) == (bought.option.gpu, bought.option.tenure)
    assert plan.probability_within_budget is not None and plan.probability_within_budget > 0.85
    assert "5,000 EUR a year buy a loss of about" in done.err
    assert done.result["loss_for_budget"]["loss"]["p50"] == bought.loss.p50 if bought.loss else False


def test_a_budget_that_buys_nothing_is_planned_all_the_same_with_3(plateau: Plateau, record: Path) -> None:
    done = plateau("plan", record, "--budget", "100", "--staff-hours", "40")
    assert done.code == 3
    plan = made()
    assert plan.loss_for_budget is not None and plan.loss_for_budget.loss is None
    assert "buy no fine-tuning" in done.out
    assert plan.probability_within_budget == 0.0


def test_several_gpus_are_asked_for_shown_and_explained(plateau: Plateau, record: Path) -> None:
    done = plateau("plan", record, "--target-loss", TARGET, "--gpu", "A10G", "--gpus", "2", "--quantization", "nf4")
    assert done.code == 0, done.err
    assert "the same on the clock" in done.out and "hours, 2 GPUs" in done.out
    plan = made()
    assert plan.elapsed_hours is not None and plan.elapsed_hours.p50 is not None and plan.hours.p50 is not None
    assert plan.elapsed_hours.p50 == pytest.approx(plan.hours.p50 / 2)
    assert "2 GPUs that train together" in " ".join(plateau("explain", "plan.json", "elapsed_hours").out.split())
    too_many = plateau("plan", record, "--target-loss", TARGET, "--gpu", "A10G", "--gpus", "64")
    assert too_many.code == 2
    assert "--gpus: an effective batch of 8 examples cannot be shared by 64 GPUs" in too_many.err


def test_a_budget_is_asked_on_the_gpu_that_was_named(plateau: Plateau, record: Path) -> None:
    assert plateau("plan", record, "--budget", "5000", "--gpu", "l40s", "--tenure", "on_demand").code == 0
    plan = made()
    assert plan.loss_for_budget is not None and plan.loss_for_budget.option is not None
    option = plan.loss_for_budget.option
    assert (option.gpu, option.tenure) == ("L40S", "on_demand")


def test_a_target_without_a_gpu_takes_the_option_that_costs_least(plateau: Plateau, record: Path) -> None:
    assert plateau("plan", record, "--target-loss", TARGET, "--studies-a-day", "40").code == 0
    plan = made()
    feasible = [row.cost_per_year.p50 for row in plan.options if row.reason is None and row.cost_per_year.p50]
    mine = next(
        row.cost_per_year.p50
        for row in plan.options
        if (row.gpu, row.quantization, row.tenure)
        == (plan.scenario.gpu, plan.scenario.quantization, plan.scenario.tenure.value)
    )
    assert mine is not None and mine <= 1.1 * min(feasible)
    assert plateau("plan", record, "--target-loss", "0.2").code == 3
    assert made().scenario.gpu


def test_the_whole_plan_is_written(plateau: Plateau, record: Path) -> None:
    done = plateau(
        "plan", record, "--target-loss", TARGET, "--gpu", "L4", "--studies-a-day", "40", "--budget", "4000",
        "--unique-studies", "3000", "--studies-arriving", "2000", "--modalities", "2", "--horizon-years", "3",
    )  # fmt: skip
    assert done.code == 0, done.err
    plan = made()
    assert plan.years is not None and len(plan.years.years) >= 3
    assert all(year.reachable_loss is not None for year in plan.years.years)
    assert {one.code for one in plan.comparisons} == {"spend_once_or_yearly", "adapter_per_modality_or_joint"}
    assert plan.front and plan.sobol and plan.choice and plan.reselection and plan.break_even and plan.carbon
    assert plan.calibrate_longer is not None and plan.calibrate_longer.sentence
    for head in ("Cash by fiscal year", "What else was asked"):
        assert head in done.out


def test_prices_of_your_own_and_a_quote_are_files(plateau: Plateau, record: Path) -> None:
    Path("own.csv").write_text(PRICES)
    Path("quote.toml").write_text(QUOTE)
    arguments = ("plan", record, "--target-loss", TARGET, "--gpu", "L4", "--prices", "own.csv", "--quote", "quote.toml")
    assert plateau(*arguments, "--studies-a-day", "40").code == 0
    line = next(line for line in made().lines if line.code == "serving_rent")
    assert (line.unit_price_eur, line.source) == (0.70, "Own price list: contract 12")
    done = plateau(*arguments, "--tenure", "buy")
    assert done.code == 0, done.err
    assert "Quote of Example BV" in next(line for line in made().lines if line.code == "equipment").source
    assert "has expired" in done.out


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("--prices", PRICES.replace("0.70", "-1"), "own line 2, price_per_gpu_hour: expected a number that is not"),
        ("--prices", "a,b\n1,2\n", "own line 1: its columns a, b are those of no price file"),
        ("--quote", QUOTE.replace("9000", "-1").replace("watts", "wats"), "own, price_eur: expected a number above 0"),
        ("--quote", QUOTE.replace("2026-10-31", '"soon"'), "own, valid_until: expected a date"),
    ],
)
def test_a_wrong_file_of_your_own_is_said_with_its_place(
    plateau: Plateau, record: Path, name: str, text: str, words: str
) -> None:
    Path("own").write_text(text)
    done = plateau("plan", record, "--target-loss", TARGET, "--gpu", "L4", name, "own")
    assert done.code == 2
    assert words in done.err
    assert not Path("plan.json").exists()


def test_modalities_that_were_each_calibrated_are_compared_by_their_own_curves(plateau: Plateau, record: Path) -> None:
    for name, seed in (("ct", 5), ("mr", 6)):
        write_packed(Path(f"{name}.jsonl"), example_calibration(seed=seed))
    done = plateau(
        "plan", record, "--target-loss", TARGET, "--gpu", "L4",
        "--modality", "CT", "ct.jsonl", "--modality", "MR", "mr.jsonl",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = next(one for one in made().comparisons if one.code == "adapter_per_modality_or_joint")
    assert "CT, MR" in found.second.label
    assert "calibrated on its own" in found.assumptions[0]


def test_every_figure_of_a_whole_plan_is_explained_with_formula_and_source(plateau: Plateau, record: Path) -> None:
    plateau("plan", record, "--target-loss", TARGET, "--gpu", "L4", "--studies-a-day", "40", "--staff-hours", "8",
            "--budget", "4000", "--storage-gib", "100", "--egress-gib", "10", "--support-eur", "50")  # fmt: skip
    listed = plateau("explain", "plan.json", "--json").result["figures"]
    codes = [one["code"] for one in listed]
    assert len(set(codes)) == len(codes)
    plan = made()
    assert plan.years is not None
    assert {line.code for line in plan.lines} | {row.code for row in plan.assumptions} <= set(codes)
    assert {f"year_{year.name}" for year in plan.years.years} <= set(codes)
    assert {
        "cost_per_year", "cost_if_reached", "spent_if_missed", "years_total", "equivalent_annual_cost", "straight_line",
        "carbon_per_year", "choice", "break_even", "loss_for_budget", "calibrate_longer", "spend_once_or_yearly",
    } <= set(codes)  # fmt: skip
    for one in listed:
        assert one["formula"] and one["source"], one["code"]
    dated = [line for line in plan.lines if line.as_of]
    assert dated
    for line in dated:
        done = plateau("explain", "plan.json", line.code, "--json")
        assert done.result["as_of"] == line.as_of
        assert done.result["inputs"], line.code
    assert plateau("explain", "plan.json", "cost_per_year.p50").code == 0


def test_the_charges_of_a_plan_are_written_for_a_finance_system(plateau: Plateau, record: Path) -> None:
    plateau("plan", record, "--target-loss", TARGET, "--gpu", "L4", "--studies-a-day", "40")
    done = plateau("report", "plan.json", "--focus", "focus.csv")
    assert done.code == 0, done.err
    assert Path("focus.csv").read_text().startswith("BilledCost,BillingAccountId")
    assert not Path("board.pdf").exists()
