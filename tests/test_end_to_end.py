"""The whole road on the tiny model, as a user walks it: calibrate, fit, plan, board paper, through real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planner.cost.plan import parse_plan
from planner.report.pdf import read_plan_from_pdf

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OUTCOMES = (0, 3)  # 3: no trustworthy answer, which is an answer

pytestmark = pytest.mark.training


def walk(*command: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    name, *arguments = map(str, command)
    return subprocess.run(
        [str(BIN / name), *arguments], cwd=home, env=environment, capture_output=True, text=True, timeout=280
    )


def test_images_become_a_board_paper(tmp_path: Path) -> None:
    record, plan, paper = tmp_path / "record", tmp_path / "plan.json", tmp_path / "board.pdf"
    calibrated = walk(
        "calibrate", "run", "--data", ROOT / "data" / "sample", "--model", "tiny", "--out", record,
        "--budgets", "16,32,64,128,256,512", "--pretraining-steps", "60", "--generation", "4", "--json",
        home=tmp_path,
    )  # fmt: skip
    assert calibrated.returncode == 0, calibrated.stderr
    json.loads(calibrated.stdout.strip().splitlines()[-1])

    fitted = walk("plateau", "fit", record, "--json", home=tmp_path)
    assert fitted.returncode in OUTCOMES, fitted.stderr
    asymptote = json.loads(fitted.stdout)["asymptote"]
    assert (asymptote["status"] == "IDENTIFIED") == (fitted.returncode == 0)

    planned = walk(
        "plateau", "plan", record, "--target-loss", "2.0", "--gpu", "L4", "--quantization", "bf16", "--out", plan,
        home=tmp_path,
    )  # fmt: skip
    assert planned.returncode in OUTCOMES, planned.stderr
    written = parse_plan(plan.read_bytes(), file=plan.name)
    assert written.illustration
    assert "illustration, not PaliGemma-3B" in planned.stdout + planned.stderr

    reported = walk("plateau", "report", plan, "-o", paper, home=tmp_path)
    assert reported.returncode == 0, reported.stderr
    assert read_plan_from_pdf(paper.read_bytes()) == written
