"""import, export, and what can stand for RECORD."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from planner import store
from planner.record import parse_packed, read_calibration, save_record
from tests.cli.conftest import Plateau
from tests.factories import example_calibration
from tests.importers.logs import encoded, tensorboard_csv, trainer_state, write_mlflow_run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "loss.csv"
    path.write_bytes(tensorboard_csv())
    return path


def test_an_imported_log_says_what_it_does_not_know_and_how_to_say_it(plateau: Plateau, log: Path) -> None:
    done = plateau("import", log, "--out", "record")
    assert done.code == 0
    assert done.out.startswith("100 points imported from 100 rows.")
    for option in ("--loss-kind", "--effective-batch-size", "--model", "--gpu"):
        assert f"unknown (say it with {option})" in done.out or option in done.out
    assert "Next: plateau fit record" in done.out
    assert read_calibration(Path("record")).header.loss_kind == "unknown"


def test_facts_given_as_options_are_in_the_record(plateau: Plateau, log: Path) -> None:
    done = plateau(
        "import", log, "--out", "r.jsonl", "--loss-kind", "training", "--effective-batch-size", "4", "--gpu", "l4",
        "--model", "google/paligemma-3b-pt-224", "--quantization", "nf4", "--context", "256", "--schedule", "constant",
        "--training-examples", "1653", "--json",
    )  # fmt: skip
    assert done.code == 0
    header = parse_packed(Path("r.jsonl").read_bytes(), file="r.jsonl").header
    configuration = header.configuration
    assert (configuration.effective_batch_size, configuration.context_length_tokens) == (4, 256)
    assert (configuration.quantization, configuration.schedule, header.hardware.gpu) == ("nf4", "constant", "L4")
    assert header.dataset.training_examples == 1653
    assert done.result["x_unit"] == "examples"
    assert done.result["record"] == "r.jsonl"


def test_without_a_place_a_record_is_saved_and_found_by_its_id(plateau: Plateau, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(encoded(trainer_state()))
    name = plateau("import", tmp_path / "state.json", "--json").result["record"]
    assert plateau("fit", name, "--json").result["points"] == 10
    assert [entry.name for entry in store.saved()] == [name]
    for path in (tmp_path / "home", *(tmp_path / "home").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_log_with_a_nan_is_imported_with_a_note(plateau: Plateau, tmp_path: Path) -> None:
    lines = tensorboard_csv().decode().splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ",NaN"
    (tmp_path / "loss.csv").write_text("\n".join(lines))
    done = plateau("import", tmp_path / "loss.csv", "--out", "record")
    assert done.code == 0
    assert "Losses that are NaN or infinite: 1; kept as such and not fitted." in done.out


def test_of_a_folder_with_several_runs_the_named_one_is_imported(plateau: Plateau, tmp_path: Path) -> None:
    for name in ("rank 8", "rank 16"):
        write_mlflow_run(tmp_path / "mlruns" / "0" / name.replace(" ", "-"), name=name)
    asked = plateau("import", tmp_path / "mlruns", "--out", "record")
    assert asked.code == 2
    assert "2 runs have a loss: 'rank 16', 'rank 8'. Say which with --run" in asked.err
    done = plateau("import", tmp_path / "mlruns", "--run", "rank 8", "--out", "record", "--json")
    assert done.code == 0
    assert (done.result["log"], done.result["run"], done.result["points"]) == ("mlflow_files", "rank 8", 10)
    assert (done.result["loss_column"], done.result["training_seconds"]) == ("eval_loss", "wall_clock")
    assert "rank 8" not in Path("record/calibration.json").read_text()


def test_a_column_of_any_name_is_imported_when_it_is_named(plateau: Plateau, tmp_path: Path) -> None:
    rows = "\n".join(f"{10 * i};{1 + 1 / i};{20 * i}" for i in range(1, 30))
    (tmp_path / "t.csv").write_text(f"Schritt;Verlust;Zeit\n{rows}\n")
    done = plateau(
        "import", tmp_path / "t.csv", "--step-column", "Schritt", "--loss-column", "Verlust", "--time-column", "Zeit",
        "--out", "record",
    )  # fmt: skip
    assert done.code == 0
    for words in ("column Verlust", "column Schritt", "0.16 hours (wall clock); column Zeit"):
        assert words in done.out


def test_a_wrong_log_or_fact_is_said_and_nothing_is_written(plateau: Plateau, log: Path, tmp_path: Path) -> None:
    comma = tmp_path / "comma.csv"
    comma.write_text("step;loss\n1;2,5\n")
    for arguments, words in (
        ([comma], "comma.csv line 2, loss: '2,5' has a decimal comma"),
        ([log, "--gpu", "RTX"], "'RTX' is not known"),
        ([tmp_path / "absent.csv"], "absent.csv: no such file"),
        ([tmp_path], "2 logs in this folder: comma.csv, loss.csv. Name the one that is meant"),
        ([log, "--effective-batch-size", "-1"], "expected a whole number of 1 or more"),
    ):
        done = plateau("import", *arguments, "--out", "record")
        assert done.code == 2
        assert words in done.err
        assert not Path("record").exists()


def test_an_import_never_overwrites_a_record(plateau: Plateau, log: Path) -> None:
    assert plateau("import", log, "--out", "record").code == 0
    before = {path: path.read_bytes() for path in Path("record").rglob("*") if path.is_file()}
    done = plateau("import", log, "--out", "record")
    assert done.code == 2
    assert "there is a calibration here already" in done.err
    assert before == {path: path.read_bytes() for path in Path("record").rglob("*") if path.is_file()}


def test_an_exported_record_is_the_record(plateau: Plateau) -> None:
    save_record(Path("record"), example_calibration())
    done = plateau("export", "record", "-o", "packed.jsonl", "--json")
    assert done.code == 0
    assert done.result["bytes"] == Path("packed.jsonl").stat().st_size
    assert read_calibration(Path("packed.jsonl")) == read_calibration(Path("record"))


def test_a_damaged_record_is_refused_with_its_line_or_read_without_it(plateau: Plateau) -> None:
    save_record(Path("record"), example_calibration())
    file = sorted(Path("record/runs").iterdir())[0]
    file.write_bytes(file.read_bytes().replace(b'"loss":', b'"Loss":', 1))
    refused = plateau("fit", "record")
    assert refused.code == 2
    assert f"runs/{file.name} line" in refused.err
    assert "--skip-bad-lines" in refused.err
    kept = plateau("fit", "record", "--skip-bad-lines")
    assert kept.code in (0, 3)
    assert "left out because --skip-bad-lines was given" in kept.out


def test_a_log_given_as_a_record_is_pointed_to_import(plateau: Plateau, log: Path) -> None:
    done = plateau("fit", log)
    assert done.code == 2
    assert "a log of another trainer, not a calibration record. Run `plateau import` on it first" in done.err


def test_an_empty_folder_is_no_record(plateau: Plateau) -> None:
    Path("empty").mkdir()
    done = plateau("fit", "empty")
    assert done.code == 2
    assert "no calibration.json in this directory" in done.err
