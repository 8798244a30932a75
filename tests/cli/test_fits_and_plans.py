"""fit, compare, plan, explain, report, prices: results on stdout, JSON last, exit codes that mean what they say."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from planner.cost.plan import Basis, encode_plan, parse_plan
from planner.outcome import VerdictName
from planner.record import Calibration, Configuration, Hardware, Run, Started, write_packed
from planner.report.pdf import read_plan_from_pdf
from tests.cli.conftest import TARGET, Plateau
from tests.factories import every_verdict, example_calibration, example_plan, illustration_plan
from tests.importers.logs import tensorboard_csv

MEDM = Path(__file__).resolve().parents[3] / "shared" / "curves" / "medm" / "run__max256__2809-072523.csv"


def test_fit_says_the_asymptote_first_and_marks_the_illustration(plateau: Plateau, record: Path) -> None:
    done = plateau("fit", record)
    assert done.out.startswith("The asymptote ")
    assert "[illustration, not PaliGemma-3B]" in done.out
    assert "nats" in done.out.split("\n\n")[0]


def test_fit_ends_with_0_when_identified_and_3_when_not(plateau: Plateau, record: Path, tmp_path: Path) -> None:
    identified = plateau("fit", record, "--json")
    assert (identified.result["asymptote"]["status"] == "IDENTIFIED") == (identified.code == 0)
    whole = example_calibration()
    runs = [run for run in whole.runs if not run.finished or run.finished.examples <= 256]
    few = msgspec.structs.replace(whole, runs=tuple(runs))
    write_packed(tmp_path / "few.jsonl", few)
    short = plateau("fit", tmp_path / "few.jsonl", "--json")
    assert short.code == 3
    assert short.result["asymptote"]["status"] == "NOT_IDENTIFIED"


def test_fit_with_a_target_gives_a_verdict_and_its_exit_code(plateau: Plateau, record: Path) -> None:
    reached = plateau("fit", record, "--target-loss", TARGET, "--json")
    assert reached.code == 0
    assert reached.result["verdict"]["name"] == "REACHABLE"
    missed = plateau("fit", record, "--target-loss", "0.2", "--json")
    assert missed.code == 3
    assert missed.result["verdict"]["name"] != "REACHABLE"
    assert missed.result["verdict"]["probability"] < 0.5
    assert plateau("fit", record, "--target-loss", "-1").code == 2


def test_json_is_the_last_line_of_stdout_and_the_talk_is_on_stderr(plateau: Plateau, record: Path) -> None:
    done = plateau("fit", record, "--json")
    assert len(done.out.splitlines()) == 1
    assert "asymptote" in done.err
    json.loads(done.out, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))


def test_a_record_without_a_finished_evaluation_has_no_curve(plateau: Plateau, tmp_path: Path) -> None:
    header = example_calibration().header
    write_packed(tmp_path / "begun.jsonl", Calibration(header=header, runs=(Run(id="b64", events=()),)))
    done = plateau("fit", tmp_path / "begun.jsonl")
    assert done.code == 2
    assert "no finished evaluation yet" in done.err or "has a finished evaluation yet" in done.err


def test_a_configuration_that_is_not_there_is_said(plateau: Plateau, record: Path) -> None:
    done = plateau("fit", record, "--configuration", "2")
    assert done.code == 2
    assert "This record has 1 configurations" in done.err


@pytest.mark.parametrize("probed", [True, False])
def test_a_plan_of_the_second_configuration_takes_its_steps_and_its_memory(
    plateau: Plateau, tmp_path: Path, *, probed: bool
) -> None:
    whole = example_calibration(illustration=False)
    larger = msgspec.structs.replace(whole.header.configuration, image_size_px=448, image_tokens=1024, lora_rank=64)
    again = [_in_configuration(run, f"large-{run.id}", larger) for run in whole.runs if run.finished]
    hardware = Hardware(device="cuda", gpu="NVIDIA L4") if probed else whole.header.hardware
    header = msgspec.structs.replace(whole.header, hardware=hardware)
    write_packed(tmp_path / "two.jsonl", Calibration(header=header, runs=(*whole.runs, *again)))
    plans = []
    for number in ("1", "2"):
        done = plateau(
            "plan", tmp_path / "two.jsonl", "--configuration", number, "--target-loss", "1.9", "--gpu", "L4",
            "--quantization", "bf16", "--studies-a-day", "40", "--out", tmp_path / f"{number}.json",
        )  # fmt: skip
        assert done.code in (0, 3), done.err
        plans.append(parse_plan((tmp_path / f"{number}.json").read_bytes(), file="plan.json"))
    first, second = plans
    if probed:
        assert (first.hours_basis, second.hours_basis) == (Basis.MEASURED, Basis.UNPROBED)
    else:
        assert second.hours.p50 is not None and first.hours.p50 is not None
        assert second.hours.p50 > 2 * first.hours.p50
        assert second.memory.micro_batch_size < first.memory.micro_batch_size, "images of four times the tokens"


def _in_configuration(run: Run, name: str, configuration: Configuration) -> Run:
    events = tuple(msgspec.structs.replace(event, run=name) for event in run.events)
    started, *rest = events
    assert isinstance(started, Started)
    return Run(id=name, events=(msgspec.structs.replace(started, configuration=configuration), *rest))


def test_compare_sets_configurations_side_by_side(plateau: Plateau, record: Path, tmp_path: Path) -> None:
    whole = example_calibration(seed=3)
    configuration = msgspec.structs.replace(whole.header.configuration, lora_rank=64)
    header = msgspec.structs.replace(whole.header, configuration=configuration)
    write_packed(tmp_path / "other.jsonl", msgspec.structs.replace(whole, header=header))
    done = plateau("compare", record, tmp_path / "other.jsonl")
    assert done.code in (0, 3)
    assert "lora_rank: " in done.out
    assert "against 64" in done.out
    assert "illustration" in done.out
    alone = plateau("compare", record)
    assert alone.code == 2
    assert "Name a second record" in alone.err


def test_a_plan_is_written_and_shown_and_reaches_its_target(plateau: Plateau, record: Path) -> None:
    done = plateau(
        "plan", record, "--target-loss", TARGET, "--gpu", "l4", "--quantization", "bf16", "--budget", "5000",
        "--studies-a-day", "40", "--staff-hours", "80", "--staff-eur-per-hour", "60", "--save", "board",
    )  # fmt: skip
    assert done.code == 0, done.err
    plan = parse_plan(Path("plan.json").read_bytes(), file="plan.json")
    assert plan.verdict.name is VerdictName.REACHABLE
    assert plan.scenario.studies_per_day == 40
    assert plan.probability_within_budget is not None
    assert "[illustration, not PaliGemma-3B" in done.out
    assert "Budget scenario" in done.out
    assert plateau("explain", "board", "total").code == 0


def test_an_unreachable_target_is_planned_all_the_same_with_3(plateau: Plateau, record: Path) -> None:
    done = plateau("plan", record, "--target-loss", "0.2", "--gpu", "L4", "--out", "deep/plan.json", "--json")
    assert done.code == 3
    plan = parse_plan(Path("deep/plan.json").read_bytes(), file="plan.json")
    assert plan.examples.p90 is None
    assert done.result["examples"]["p90"] is None
    assert done.result["verdict"]["sentence"]


def test_the_same_question_gives_the_same_bytes(plateau: Plateau, record: Path) -> None:
    for name in ("a.json", "b.json"):
        plateau("plan", record, "--target-loss", TARGET, "--gpu", "L4", "--seed", "3", "--out", name)
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_a_scenario_file_counts_and_options_win_over_it(plateau: Plateau, record: Path) -> None:
    Path("scenario.toml").write_text(f'target_loss = {TARGET}\ngpu = "L4"\ntrials = 5.0\nvat_rate = 0.19\n')
    done = plateau("plan", record, "--scenario", "scenario.toml", "--trials", "2", "--json")
    assert done.code == 0, done.err
    assert (done.result["scenario"]["trials"], done.result["scenario"]["vat_rate"]) == (2, 0.19)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "plateau plan, --target-loss: is missing. Give --target-loss"),
        (["--target-loss", "2", "--gpu", "L5"], "'L5' is not known. Did you mean L"),
        (["--target-loss", "2", "--gpu", "L4", "--quantization", "q4"], "'q4' is not known"),
        (
            ["--target-loss", "2", "--gpu", "L4", "--price-eur-per-hour", "-3"],
            "--price-eur-per-hour: expected a number above 0",
        ),
        (["--target-loss", "-2", "--gpu", "L4"], "--target-loss: expected a number above 0, got -2"),
        (["--target-loss", "2", "--gpu", "L4", "--vat-rate", "21"], "--vat-rate: expected a number of at most 1"),
        (["--target-loss", "2", "--gpu", "L4", "--country", "nl"], "--country: expected three capital letters"),
        (["--scenario", "absent.toml"], "absent.toml: no such file"),
    ],
)
def test_a_wrong_scenario_is_said_by_its_option_and_writes_nothing(
    plateau: Plateau, record: Path, arguments: list[str], words: str
) -> None:
    done = plateau("plan", record, *arguments)
    assert done.code == 2
    assert words in done.err
    assert not Path("plan.json").exists()


def test_all_mistakes_of_a_scenario_are_said_at_once_names_of_the_catalog_too(plateau: Plateau, record: Path) -> None:
    Path("scenario.toml").write_text(
        'target_loss = -1\ngpu = "L5"\nquantisation = "nf4"\nquantization = "nf5"\ngrid = "XXX"\nvat_rate = 21\n'
        '[[costs]]\ncode = "vat"\neur_once = 1\nsource = "x"\n'
        '[quote]\nsupplier = "x"\ngpu = "L9"\nprice_eur = 1\nquoted_on = 2026-10-02\nvalid_until = 2026-10-01\n'
        "watts_at_wall = 1\n"
    )
    done = plateau("plan", record, "--scenario", "scenario.toml")
    assert done.code == 2
    for field in ("target_loss", "gpu", "quantisation", "quantization", "grid", "vat_rate", "costs", "quote.gpu",
                  "quote.valid_until"):  # fmt: skip
        assert f"scenario.toml, {field}: " in done.err, field


def test_every_figure_of_a_plan_can_be_explained(plateau: Plateau, plan_file: Path) -> None:
    listed = plateau("explain", plan_file, "--json").result["figures"]
    plan = example_plan()
    assert {line.code for line in plan.lines} <= {one["code"] for one in listed}
    for one in listed:
        done = plateau("explain", plan_file, one["code"], "--json")
        assert done.code == 0
        assert done.result["formula"]
        assert done.result["source"]


def test_a_line_is_explained_with_formula_source_and_date(plateau: Plateau, plan_file: Path) -> None:
    line = next(line for line in example_plan().lines if line.as_of)
    done = plateau("explain", plan_file, line.code.upper().replace("_", "-"))
    assert line.formula[:20] in done.out
    assert line.as_of in done.out


def test_a_figure_that_is_not_there_is_said_with_the_nearest(plateau: Plateau, plan_file: Path) -> None:
    done = plateau("explain", plan_file, "cost_per_yeer")
    assert done.code == 2
    assert "Did you mean cost_per_year?" in done.err


def test_a_board_paper_is_written_and_opens_as_the_plan_it_was(plateau: Plateau, plan_file: Path) -> None:
    done = plateau("report", plan_file, "-o", "board.pdf", "--csv", "board.csv")
    assert done.code == 0, done.err
    assert read_plan_from_pdf(Path("board.pdf").read_bytes()) == example_plan()
    assert Path("board.csv").read_bytes()
    assert plateau("explain", "board.pdf", "total").code == 0
    assert plateau("report", plan_file, "--csv", "only.csv").code == 0
    assert plateau("report", plan_file, "--language", "xx").code == 2


def test_an_illustration_is_marked_wherever_its_figures_are_shown(plateau: Plateau) -> None:
    Path("plan.json").write_bytes(encode_plan(illustration_plan()))
    for arguments in (["explain", "plan.json", "total"], ["report", "plan.json", "-o", "b.pdf"]):
        assert "illustration" in plateau(*arguments).out


@pytest.mark.parametrize("name", list(VerdictName))
def test_a_plan_with_every_verdict_can_be_explained(plateau: Plateau, name: VerdictName) -> None:
    Path("plan.json").write_bytes(encode_plan(every_verdict()[name]))
    done = plateau("explain", "plan.json")
    assert done.code == 0
    assert name.value in done.out


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"%PDF-1.7 not really", b'{"schema_version": 99}'])
def test_what_is_no_plan_is_said_in_a_sentence(plateau: Plateau, data: bytes) -> None:
    Path("plan.json").write_bytes(data)
    done = plateau("explain", "plan.json")
    assert done.code == 2
    assert done.err.startswith("plateau: plan.json")


def test_prices_come_with_provider_and_date(plateau: Plateau) -> None:
    everything = plateau("prices", "--json")
    assert all(row["source"] and row["as_of"] for row in everything.result["prices"])
    one = plateau("prices", "l4", "--tenure", "spot", "--json")
    assert {(row["gpu"], row["tenure"]) for row in one.result["prices"]} == {("L4", "spot")}
    assert "Sources, without VAT" in plateau("prices", "L4").out
    assert plateau("prices", "L5").code == 2


@pytest.mark.parametrize("name", ["RTX 4090", "rtx4090", "NVIDIA GeForce RTX 4090", "4090"])
def test_a_gpu_is_found_by_every_usual_spelling(plateau: Plateau, record: Path, name: str) -> None:
    assert plateau("prices", name, "--json").result["prices"]
    assert plateau("plan", record, "--target-loss", TARGET, "--gpu", name).code == 0
    assert parse_plan(Path("plan.json").read_bytes(), file="plan.json").scenario.gpu == "RTX-4090"


def test_a_gpu_name_that_fits_several_cards_lists_them(plateau: Plateau, record: Path) -> None:
    done = plateau("plan", record, "--target-loss", TARGET, "--gpu", "H100")
    assert done.code == 2
    assert "Did you mean H100-PCIe or H100-SXM or H100-NVL-94GB?" in " ".join(done.err.split())


BESIDE = pytest.mark.skipif(not MEDM.exists(), reason="the log behind the research notes lies beside the checkout")


@pytest.mark.parametrize("source", ["log", pytest.param("medm", marks=BESIDE)])
def test_a_log_that_says_too_little_gets_neither_floor_nor_cost(plateau: Plateau, tmp_path: Path, source: str) -> None:
    log = MEDM
    if source == "log":
        log = tmp_path / "loss.csv"
        log.write_bytes(tensorboard_csv())
    plateau("import", log, "--out", "record")
    fitted = plateau("fit", "record", "--target-loss", "3.5")
    assert fitted.code == 3
    assert "not stated: what blocks below forbids it" in fitted.out
    for mark in ("kind of loss unknown", "examples unknown", "model unknown"):
        assert mark in fitted.out
    planned = plateau("plan", "record", "--target-loss", "3.5", "--gpu", "L4", "--budget", "5000")
    assert planned.code == 3
    assert "Hours are unknown" in planned.out
    # What `fit` refuses to state, no other command states.
    assert "Reaching a loss of" not in planned.out and "chance to stay within" not in planned.out
    assert "not stated" in plateau("explain", "plan.json", "verdict").out
    assert "model was trained: hours and memory are those of" in " ".join(planned.out.split())
    plan = parse_plan(Path("plan.json").read_bytes(), file="plan.json")
    assert plan.verdict.name is VerdictName.UNDECIDED
    assert plan.hours.p10 is plan.hours.p90 is None
    assert plan.asymptote.status == "NOT_IDENTIFIED"
    assert plan.probability_within_budget is None
    without_gpu = plateau("plan", "record", "--target-loss", "3.5")
    assert without_gpu.code == 2
    assert "--gpu" in without_gpu.err and "--effective-batch-size" in without_gpu.err


def test_fit_draws_the_curve_on_request(plateau: Plateau, record: Path, tmp_path: Path) -> None:
    plateau("fit", record, "--plot", tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").read_text(encoding="utf-8").startswith("<svg ")
    nowhere = plateau("fit", record, "--plot", tmp_path / "no folder" / "curve.svg")
    assert nowhere.code == 2
    assert "--plot" in nowhere.err
