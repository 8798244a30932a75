"""Logs of other trainers on the Calibration page: recognised, mapped, opened."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from planner.dashboard.session import Origin
from planner.importers import READERS
from planner.record import LossKind, pack
from planner.report.words import LANGUAGES, words
from tests.dashboard.conftest import OpenApp
from tests.factories import example_calibration
from tests.importers import logs
from tests.importers.test_formats import FIXTURES, NAMES

ONE_OF_EACH = {log: name for name, (_, log, _) in reversed(FIXTURES.items())}


def upload(app: AppTest, data: bytes, name: str = "a.log") -> AppTest:
    return app.file_uploader(key="upload").upload(name, data, "application/octet-stream").run()


def open_it(app: AppTest) -> AppTest:
    (button,) = [button for button in app.button if button.label == words("en").screen.upload.open]
    return button.click().run()


@pytest.mark.parametrize("log", READERS)
def test_every_kind_of_log_is_recognised_and_opened_as_it_is(open_app: OpenApp, log: str) -> None:
    name = ONE_OF_EACH[log]
    app = upload(open_app("Calibration"), FIXTURES[name][0], NAMES.get(name, "a.log"))
    kind = words("en").screen.upload.kinds[log]
    assert any(f"Recognised: {kind}" in element.value.replace("\\", "") for element in app.markdown)
    open_it(app)
    assert not app.exception
    assert not app.error
    opened = app.session_state["plateau"].calibration.calibration
    assert opened.header.imported.log == log
    assert opened.header.loss_kind is FIXTURES[name][2]


def test_what_a_file_is_goes_by_its_content_and_not_by_its_name(open_app: OpenApp) -> None:
    app = upload(open_app("Calibration"), pack(example_calibration()), "sent-by-mail.txt")
    assert app.session_state["plateau"].calibration.origin is Origin.UPLOAD
    app = upload(open_app("Calibration"), FIXTURES[ONE_OF_EACH["csv_table"]][0], "history.jsonl")
    assert any("Recognised" in element.value for element in app.markdown)
    assert not app.error


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_log_has_a_name_in_every_language(language: str) -> None:
    assert set(words(language).screen.upload.kinds) == set(READERS)


def test_the_run_and_the_column_that_are_chosen_are_those_that_are_opened(open_app: OpenApp) -> None:
    app = upload(open_app("Calibration"), logs.wandb_chart(("a", "b")))
    app.selectbox(key="fact_run").select("b").run()
    open_it(app)
    opened = app.session_state["plateau"].calibration.calibration
    assert opened.header.imported.rows == 99


def test_columns_of_any_name_can_be_mapped(open_app: OpenApp) -> None:
    table = "\n".join(["Schritt,Verlust", *(f"{step},{logs.loss(step)}" for step in logs.STEPS)])
    app = upload(open_app("Calibration"), table.encode())
    app.selectbox(key="fact_step_column_").select("Schritt").run()
    app.selectbox(key="fact_loss_column_").select("Verlust").run()
    app.selectbox(key="fact_loss_kind").select(LossKind.HELD_OUT.value).run()
    open_it(app)
    assert not app.error
    assert app.session_state["plateau"].calibration.calibration.header.loss_kind is LossKind.HELD_OUT


def test_a_log_that_asks_something_else_says_it_and_stays_to_be_answered(open_app: OpenApp) -> None:
    rows = "\n".join(["step,eval_ct_loss,eval_mr_loss", *(f"{i},{2 + 1 / i},{3 + 1 / i}" for i in range(1, 9))])
    app = open_it(upload(open_app("Calibration"), rows.encode()))
    assert "2 columns could be meant" in app.error[0].value
    app.selectbox(key="fact_loss_column_").select("eval_mr_loss").run()
    open_it(app)
    assert not app.error
