"""The app as AppTest runs it, with the factories' calibration open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.runtime.state import SCRIPT_RUN_WITHOUT_ERRORS_KEY
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from planner.record import write_packed
from planner.resources import app_file
from tests.factories import example_calibration

PAGES = {
    "Plan": "",
    "Calibration": "calibration",
    "Compare": "compare",
    "Assumptions": "assumptions",
    "Board paper": "board-paper",
}
OpenApp = Callable[..., AppTest]


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "calibration.jsonl"
    write_packed(path, example_calibration())
    return path


@pytest.fixture
def open_app(record: Path, monkeypatch: pytest.MonkeyPatch) -> OpenApp:
    """`open_app("Calibration", gpu="L4")`: the app on a page, reached through a link."""

    def opened(page: str = "Plan", **parameters: str) -> AppTest:
        monkeypatch.setenv("PLATEAU_RECORD", str(record))
        monkeypatch.setenv("PLATEAU_HOME", str(record.parent / "home"))
        app = AppTest.from_file(str(app_file()), default_timeout=60)
        app.query_params.update(parameters)
        app._page_hash = calc_hash(PAGES[page]) if PAGES[page] else ""
        app.run()
        assert app.session_state[SCRIPT_RUN_WITHOUT_ERRORS_KEY]
        return app

    return opened
