"""Every page opens, the inputs change the plan, and bad input is one sentence."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from planner.cost.plan import encode_plan, parse_plan
from planner.dashboard.session import Origin
from planner.record import pack
from planner.report.pdf import render_pdf
from planner.report.sheet import board_csv
from planner.resources import app_file
from tests.dashboard.conftest import PAGES, OpenApp
from tests.factories import example_calibration, example_plan

MARK = "not PaliGemma-3B"
WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {{"torch", "transformers", "peft", "accelerate", "bitsandbytes"}}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Absent())
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({app!r}, default_timeout=120).run()
assert not app.exception, app.exception
assert app.metric, "no figure on the page"
"""


def labelled(widgets: Sequence[Any], label: str) -> Any:
    return next(widget for widget in widgets if widget.label == label)


def texts(app: AppTest) -> Iterator[str]:
    """Everything on the page that Streamlit reads as Markdown."""
    for kind in ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success"):
        for element in getattr(app, kind):
            yield element.value
    for metric in app.metric:
        yield metric.label
        yield metric.delta
    for table in app.table:
        yield from (str(cell) for cell in table.value.to_numpy().ravel())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_an_exception(open_app: OpenApp, page: str) -> None:
    app = open_app(page)
    assert not app.exception
    assert not app.error
    assert app.title


def test_several_gpus_are_asked_for_within_the_effective_batch_and_shown(open_app: OpenApp) -> None:
    app = open_app("Assumptions", gpus="2")
    assert not app.exception
    asked = app.number_input(key="input_gpus")
    assert (asked.value, asked.min, asked.max) == (2, 1, 8)
    assert any(text.startswith("GPUs that train together") and "**2 GPUs**" in text for text in texts(app))
    asked.set_value(4).run()
    assert app.session_state["plateau"].plan().scenario.gpus == 4
    assert app.query_params["gpus"] in ("4", ["4"])


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_that_a_small_model_is_an_illustration(open_app: OpenApp, page: str) -> None:
    assert example_calibration().header.illustration
    assert any(MARK in text.value for text in open_app(page).markdown)


@pytest.mark.parametrize("page", PAGES)
def test_no_text_holds_a_bare_dollar_that_would_start_a_formula(open_app: OpenApp, page: str) -> None:
    for text in texts(open_app(page)):
        assert not re.search(r"(?<!\\)\$", text), text


@pytest.mark.parametrize("page", PAGES)
def test_null_quantities_are_said_in_words(open_app: OpenApp, page: str) -> None:
    """A target far below the floor has no cost and no hours."""
    app = open_app(page)
    low = app.slider(key="input_target_loss").min if page == "Plan" else None
    if low is not None:
        app.slider(key="input_target_loss").set_value(low).run()
    assert not app.exception
    for text in texts(app):
        assert not re.search(r"\b(nan|inf|null)\b|\bNone\b(?!\.)", text), text


def test_a_moved_target_changes_cost_and_words(open_app: OpenApp) -> None:
    app = open_app(studies_per_day="none")  # answering costs much more than tuning a small model
    slider = app.slider(key="input_target_loss")
    before = (app.title[0].value, app.metric[0].value)
    slider.set_value(round((slider.value + slider.max) / 2, 2)).run()
    after = (app.title[0].value, app.metric[0].value)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_every_choice_reaches_the_plan(open_app: OpenApp) -> None:
    app = open_app()
    app.selectbox(key="input_gpu").set_value("H100-SXM")
    app.selectbox(key="input_quantization").set_value("nf4")
    app.number_input(key="input_retunings_per_year").set_value(4.0)
    app.number_input(key="input_studies_per_day").set_value(None)
    app.run()
    scenario = app.session_state["plateau"].plan().scenario
    assert (scenario.gpu, scenario.quantization) == ("H100-SXM", "nf4")
    assert scenario.retunings_per_year == 4
    assert scenario.studies_per_day is None


def test_undo_and_reset_go_back(open_app: OpenApp) -> None:
    app = open_app()
    opening = app.session_state["plateau"].scenario
    app.number_input(key="input_budget_eur").set_value(2000.0).run()
    app.selectbox(key="input_gpu").set_value("H100-SXM").run()
    next(button for button in app.button if button.label == "Undo").click().run()
    assert labelled(app.selectbox, "GPU").value == opening.gpu
    assert labelled(app.number_input, "Yearly budget, €").value == 2000.0
    next(button for button in app.button if button.label == "Reset").click().run()
    assert labelled(app.number_input, "Yearly budget, €").value == opening.budget_eur


def test_a_link_opens_its_plan_on_every_page(open_app: OpenApp) -> None:
    for page in PAGES:
        app = open_app(page, gpu="H100-SXM", studies_per_day="none")
        assert app.session_state["plateau"].scenario.gpu == "H100-SXM"
        assert not app.info
        assert app.query_params["gpu"] in ("H100-SXM", ["H100-SXM"])


def test_the_inputs_show_what_the_link_says(open_app: OpenApp) -> None:
    app = open_app(target_loss="1.7", studies_per_day="0.5", budget_eur="none", retunings_per_year="3")
    assert labelled(app.slider, "Target loss (lower is better)").value == 1.7
    assert labelled(app.number_input, "Studies answered a day").value == 0.5
    assert labelled(app.number_input, "Yearly budget, €").value is None
    assert labelled(app.number_input, "Re-tunings a year").value == 3
    assert not app.exception


def test_a_bad_link_value_is_named_and_the_page_still_opens(open_app: OpenApp) -> None:
    app = open_app(gpu="zz", target_loss="99", colour="blue")
    said = " ".join(notice.value for notice in app.info)
    assert "zz" in said
    assert "99" in said
    assert "colour" in said
    assert not app.exception
    assert app.metric


def test_an_uploaded_record_is_opened(open_app: OpenApp) -> None:
    app = open_app("Calibration")
    app.file_uploader(key="upload").upload("mine.jsonl", pack(example_calibration()), "application/x-ndjson").run()
    assert not app.error
    assert app.session_state["plateau"].calibration.origin is Origin.UPLOAD


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("broken.jsonl", b'{"schema_version": 1}\n'),
        ("empty.jsonl", b""),
        ("picture.jsonl", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ("trainer_state.json", b'{"log_history": "none"}'),
        ("log.csv", b"step;loss\n1;2,5\n2;nan\n"),
        ("../../etc/passwd.csv", b"root:x:0:0"),
    ],
)
def test_an_upload_that_cannot_be_read_is_one_clear_error(open_app: OpenApp, name: str, data: bytes) -> None:
    app = open_app("Calibration")
    before = app.session_state["plateau"].calibration
    app.file_uploader(key="upload").upload(name, data, "application/octet-stream").run()
    for button in app.button:
        if button.label == "Open this log":
            button.click().run()
    assert not app.exception
    assert len(app.error) == 1
    assert "Traceback" not in app.error[0].value
    assert "/tmp" not in app.error[0].value
    assert app.session_state["plateau"].calibration is before


def test_a_csv_log_is_opened_with_the_facts_it_lacks(open_app: OpenApp) -> None:
    rows = "step,loss\n" + "".join(f"{step},{1.2 + 8 * step**-0.4:.4f}\n" for step in range(50, 4001, 50))
    app = open_app("Calibration")
    app.file_uploader(key="upload").upload("log.csv", rows.encode(), "text/csv").run()
    next(button for button in app.button if button.label == "Open this log").click().run()
    assert not app.error
    assert not app.exception
    assert app.session_state["plateau"].calibration.calibration.header.configuration.model == "unknown"


def test_a_dropped_plan_and_a_dropped_board_paper_bring_their_scenario_back(open_app: OpenApp) -> None:
    plan = example_plan()
    for name, data in (("plan.json", encode_plan(plan)), ("board.pdf", render_pdf(plan))):
        app = open_app("Board paper")
        app.file_uploader(key="reopen").upload(name, data, "application/octet-stream").run()
        assert not app.error
        assert not app.exception
        assert app.session_state["plateau"].opened.scenario == plan.scenario


def test_the_downloads_hold_the_plan_on_screen(open_app: OpenApp) -> None:
    plan = open_app().session_state["plateau"].whole_plan()
    assert parse_plan(encode_plan(plan), file="plan.json") == plan
    attached = PdfReader(io.BytesIO(render_pdf(plan))).attachments["plan.json"][0]
    assert attached == encode_plan(plan)
    assert f"{plan.total_eur:.2f}" in board_csv(plan).decode("utf-8-sig").replace(",", "")


def test_without_a_calibration_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAU_RECORD", str(tmp_path / "missing"))
    app = AppTest.from_file(str(app_file()), default_timeout=60).run()
    assert not app.exception
    assert "No calibration" in app.title[0].value
    assert len(app.error) == 1
    assert str(tmp_path) not in app.error[0].value


def test_the_dashboard_runs_without_torch(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAU_RECORD", str(record))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH.format(app=str(app_file()))],
        capture_output=True,
        text=True,
        cwd=app_file().parent,
    )
    assert done.returncode == 0, done.stderr[-2000:]
