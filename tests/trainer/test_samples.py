"""Texts of answers: kept only where asked for, private, and in nothing that leaves the record."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

import planner.cli
from planner.record import Answers, read_calibration
from tests.trainer.conftest import Make
from trainer.cli import main
from trainer.samples import FILE, read_samples

pytestmark = pytest.mark.training

SMALL = [
    "--budgets", "32,64,128", "--effective-batch-size", "8", "--micro-batch-size", "4", "--context", "32",
    "--pretraining-steps", "12", "--generation", "6",
]  # fmt: skip


def call(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_texts_are_kept_for_the_sheet_and_reach_no_export_plan_or_paper(
    settings: Make, table: Path, tmp_path: Path
) -> None:
    out = settings().out
    sheet = tmp_path / "sheet.html"
    told = call("run", "--data", table, "--out", out, *SMALL, "--rating-sheet", sheet)
    samples = read_samples(out)
    assert stat.S_IMODE((out / FILE).stat().st_mode) == 0o600
    assert {sample.run for sample in samples} == {run.id for run in read_calibration(out).runs if run.of(Answers)}
    assert len(samples) == 18
    assert {Path(sample.image).parent for sample in samples} == {table / "images"}
    assert sheet.read_text("utf-8").count("<section") == 6
    # Everything that a hospital may hand on, made from this record.
    runner = CliRunner()
    for arguments in (
        ["export", str(out), "-o", str(tmp_path / "export.jsonl")],
        ["plan", str(out), "--target-loss", "3", "--gpu", "L4", "--quantization", "bf16", "--out",
         str(tmp_path / "plan.json")],
        ["report", str(tmp_path / "plan.json"), "-o", str(tmp_path / "board.pdf")],
    ):  # fmt: skip
        result = runner.invoke(planner.cli.main, arguments)
        assert result.exit_code in (0, 3), result.output
        told += result.output
    told += (tmp_path / "export.jsonl").read_text() + (tmp_path / "plan.json").read_text()
    paper = PdfReader(tmp_path / "board.pdf")
    told += " ".join(page.extract_text() for page in paper.pages)
    told += " ".join(data.decode() for files in paper.attachments.values() for data in files)
    told += "".join(path.read_text() for path in (out / "calibration.json", *(out / "runs").iterdir()))
    texts = {text for sample in samples for text in (sample.reference, sample.question, sample.text, sample.image)}
    found = {text for text in texts if len(text) > 12 and _plain(text) in _plain(told)}
    assert {text for text in texts if len(text) > 12}
    assert found == set()


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_without_being_asked_no_text_is_kept(finished: Path) -> None:
    assert not (finished / FILE).exists()
    result = CliRunner().invoke(main, ["rating-sheet", str(finished), "sheet.csv"])
    assert result.exit_code == 2
    assert "no kept answers. Run it anew with --keep-samples" in result.output


def test_the_place_of_a_sheet_is_checked_before_anything_is_trained(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "record"
    for name in ("sheet.pdf", "record/sheet.csv"):
        arguments = ["run", "--data", table, "--out", out, "--rating-sheet", tmp_path / name]
        result = CliRunner().invoke(main, list(map(str, arguments)))
        assert result.exit_code == 2
        assert not out.exists()


def test_answers_of_every_budget_are_judged_on_the_same_questions(finished: Path) -> None:
    events = [event for run in read_calibration(finished).runs for event in run.of(Answers)]
    assert len(events) == 3
    for event in events:
        assert event.answers == 4
        assert event.exact_match is None
        assert event.closed_answers == 0
        assert event.rouge_l is not None
        assert event.rouge_l <= event.token_f1 + 1e-12
        parts = (event.loop_rate, event.no_end_rate, event.empty_rate)
        assert max(part or 0.0 for part in parts) <= event.degenerate_rate <= sum(part or 0.0 for part in parts)
