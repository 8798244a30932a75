"""`calibrate` as a user runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from planner.record import Interrupted, read_calibration
from tests.trainer.conftest import Make
from trainer.cli import main

SMALL = [
    "--budgets", "32,64,128", "--effective-batch-size", "8", "--micro-batch-size", "4", "--context", "32",
    "--pretraining-steps", "12", "--generation", "4",
]  # fmt: skip


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainer.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    program = (
        "import sys, time; start = time.perf_counter()\n"
        "from trainer.cli import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'transformers', 'numpy', 'peft'} & set(sys.modules)\n"
        "sys.stderr.write(str(time.perf_counter() - start))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--max-hours" in done.stdout
    assert float(done.stderr) < 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--data", "x"],
        ["run", "--data", "x", "--out", "y", "--budgets", "12,a"],
        ["run", "--data", "x", "--out", "y", "--budgets", "0"],
        ["run", "--data", "x", "--out", "y", "--lora-targets", "vision"],
        ["run", "--data", "/nowhere/at/all", "--out", "y"],
        ["--data", "/nowhere/at/all", "--out", "y"],
        ["run", "--out", "y"],
        ["run", "--data", "x", "--out", "y", "--vary", "colour=red"],
        ["run", "--data", "x", "--out", "y", "--vary", "targets=vision"],
        ["run", "--data", "x", "--out", "y", "--vary", "context=long"],
        ["run", "--data", "x", "--out", "y", "--vary", "mask=full", "--vary", "mask=suffix"],
        ["run", "--data", "x", "--out", "y", "--subsets", "2"],
        ["run", "--data", "x", "--out", "y", "--subsets", "1/0"],
        ["run", "--data", "x", "--out", "y", "--seeds", "a"],
        ["nonsense"],
        ["fetch", "--model", "someone/else"],
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_page_of_calibrate_has_the_help_of_today_and_names_every_key_of_vary() -> None:
    from trainer.config import VARIED

    root = Path(__file__).resolve().parents[2]
    spec = importlib.util.spec_from_file_location("make_commands", root / "docs" / "make_commands.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    page = (root / "docs" / "calibrate.md").read_text("utf-8")
    assert generator.updated_calibrate(page) == page, "run python docs/make_commands.py"
    assert [key for key in VARIED if f"| `{key}` |" not in page] == []


def test_a_dry_run_says_what_it_would_do_and_loads_no_weights(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "record"
    done = run("--data", table, "--out", out, "--dry-run", "--json", *SMALL)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["images"] == 40
    assert figures["budgets"] == [32, 64, 128]
    assert figures["steps"] == 19
    assert figures["seconds_assumed_low"] < figures["seconds_assumed_high"]
    assert "assumed" in done.stderr
    assert not out.exists()


def test_a_dry_run_counts_configurations_replicates_and_subsets(table: Path, tmp_path: Path) -> None:
    def figures(command: str, *more: str) -> dict[str, Any]:
        arguments = [command, "--data", str(table), "--out", str(tmp_path / "r"), "--dry-run", "--json", *SMALL, *more]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout.splitlines()[-1])

    vary = ("--vary", "targets=all-linear,attention", "--vary", "context=32,64")
    assert figures("run")["steps"] == 19
    assert figures("run", *vary)["configurations"] == ["base", "attention", "c64"]
    assert figures("run", *vary)["steps"] == 3 * 19
    assert figures("sweep", *vary)["configurations"] == ["base", "c64", "attention", "attention-c64"]
    assert figures("sweep")["steps"] == 3 * 19
    assert figures("run", "--seeds", "0,3")["steps"] == 2 * 19
    assert figures("run", "--subsets", "1/4,1")["steps"] > 19
    for model in ("google/paligemma-3b-pt-224", "google/paligemma2-3b-pt-224"):
        assert figures("run", "--model", model)["memory_gib_assumed"] > 4


def test_a_signal_while_pytorch_is_loaded_is_a_stop_too(table: Path, tmp_path: Path) -> None:
    arguments = ["--data", table, "--out", tmp_path / "record", *SMALL]
    command = [sys.executable, "-m", "trainer.cli", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "Loading PyTorch" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 75, talk
    assert "nothing was measured yet" in talk


def test_a_dry_run_of_the_real_model_needs_no_weights(table: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from trainer.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    arguments = ["--data", str(table), "--out", str(tmp_path / "r"), "--dry-run"]
    arguments += ["--model", "google/paligemma-3b-pt-224", "--quantization", "nf4"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "GiB" in done.stdout


def test_a_dry_run_finds_images_that_cannot_be_used(table: Path, tmp_path: Path) -> None:
    (table / "bad.csv").write_text("image,answer\nimages/film000.png,a\nsamples.csv,b\n")
    try:
        result = CliRunner().invoke(main, ["--data", str(table / "bad.csv"), "--out", str(tmp_path / "r"), "--dry-run"])
    finally:
        (table / "bad.csv").unlink()
    assert result.exit_code == 2
    assert "bad.csv line 3, image: not a JPEG, PNG or WebP image" in result.output


def test_weights_that_are_not_there_are_exit_code_4(table: Path, tmp_path: Path) -> None:
    done = run("--data", table, "--out", tmp_path / "r", "--model", "google/paligemma-3b-pt-224", "--device", "cpu")
    assert done.returncode == 4
    assert "calibrate fetch" in done.stderr
    assert "Traceback" not in done.stderr


def test_fetch_without_a_connection_is_exit_code_4() -> None:
    command = [sys.executable, "-m", "trainer.cli", "fetch"]
    environment = os.environ | {"HTTPS_PROXY": "http://127.0.0.1:9", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)
    assert done.returncode == 4, done.stderr
    assert "could not be downloaded" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.training
@pytest.mark.parametrize(
    ("number", "code", "reason"), [(signal.SIGTERM, 75, "sigterm"), (signal.SIGINT, 130, "ctrl_c")]
)
def test_a_signal_leaves_a_record_that_goes_on(
    settings: Make, table: Path, number: signal.Signals, code: int, reason: str
) -> None:
    out = settings().out
    budgets = ["--budgets", "32,64,4096"]
    arguments = ["--data", table, "--out", out, *SMALL, *budgets]
    command = [sys.executable, "-m", "trainer.cli", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "runs" / "b0000064-s0.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    start = time.monotonic()
    process.send_signal(number)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == code, talk
    assert time.monotonic() - start < 30
    assert "Traceback" not in talk
    calibration = read_calibration(out)
    assert calibration.notes == ()
    assert {event.reason for run in calibration.runs for event in run.of(Interrupted)} == {reason}
    if number == signal.SIGTERM:
        done = run(
            "--data", table, "--out", out, *SMALL, "--max-hours", "0.000001", "--resume", "--budgets", "32,64,4096"
        )
        assert done.returncode == 75


@pytest.mark.training
def test_the_result_stands_last_on_stdout_and_the_talk_on_stderr(settings: Make, table: Path) -> None:
    done = run("--data", table, "--out", settings().out, *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "done"
    assert [budget["examples"] for budget in result["budgets"]] == [32, 64, 128]
    assert "held-out loss" in done.stderr
    assert str(table) not in done.stderr
