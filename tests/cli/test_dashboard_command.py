"""`plateau dashboard`: the packaged app with the packaged settings, whatever lies around."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from planner.cli.dashboard import settings_flags
from planner.resources import app_file, settings_file
from tests.cli.conftest import Plateau


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def instead(program: str, command: list[str], environment: dict[str, str]) -> None:
        seen.update(command=command, environment=environment)

    monkeypatch.setattr(os, "execve", instead)
    return seen


def test_it_starts_the_packaged_app_with_the_record(plateau: Plateau, started: dict[str, Any], record: Path) -> None:
    done = plateau("dashboard", record, "--port", "8765", "--json")
    assert done.code == 0
    assert done.result == {"address": "http://127.0.0.1:8765", "record": str(record)}
    assert str(app_file()) in started["command"]
    assert "--server.port=8765" in started["command"]
    assert started["environment"]["PLATEAU_RECORD"] == str(record.resolve())


def test_every_setting_of_server_client_and_browser_is_a_flag_and_other_settings_do_not_leak_in(
    plateau: Plateau, started: dict[str, Any], record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    plateau("dashboard", record)
    assert not [name for name in started["environment"] if name.startswith("STREAMLIT_")]
    flags = settings_flags()
    assert set(flags) <= set(started["command"])
    assert "--server.address=127.0.0.1" in flags
    assert "--browser.gatherUsageStats=false" in flags
    settings = tomllib.loads(settings_file().read_text("utf-8"))
    named = {flag.partition("=")[0] for flag in flags}
    for section in ("server", "client", "browser"):
        assert {f"--{section}.{key}" for key, value in settings[section].items() if value != []} <= named


def test_a_saved_calibration_is_opened_from_a_private_file(
    plateau: Plateau, started: dict[str, Any], tmp_path: Path
) -> None:
    from tests.importers.logs import tensorboard_csv

    (tmp_path / "loss.csv").write_bytes(tensorboard_csv())
    name = plateau("import", tmp_path / "loss.csv", "--json").result["record"]
    assert plateau("dashboard", name).code == 0
    place = Path(started["environment"]["PLATEAU_RECORD"])
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_record_that_cannot_be_read_is_said_before_anything_starts(plateau: Plateau, started: dict[str, Any]) -> None:
    done = plateau("dashboard", "absent")
    assert done.code == 2
    assert started == {}
