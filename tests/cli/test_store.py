"""The library of saved calibrations and plans."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from planner import store
from planner.errors import InputError
from tests.factories import every_verdict, example_calibration, example_plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PLATEAU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_what_is_saved_comes_back_as_it_was() -> None:
    calibration, plan = example_calibration(), example_plan()
    store.save_calibration("here", calibration)
    store.save_plan("here", plan)
    assert store.load_calibration("here") == calibration
    assert store.load_plan("here") == plan
    assert {(entry.kind, entry.name) for entry in store.saved()} == {("calibration", "here"), ("plan", "here")}


def test_the_same_name_is_replaced() -> None:
    for plan in every_verdict().values():
        store.save_plan("board", plan)
    assert len(store.saved()) == 1
    assert store.load_plan("board") == plan


def test_what_is_not_there_is_none_and_makes_no_file(home: Path) -> None:
    assert store.load_plan("absent") is None
    assert store.load_calibration("../../etc/passwd") is None
    assert store.saved() == ()
    assert not home.exists()


@pytest.mark.parametrize("name", ["", "Ä", "a b", "../a", "a" * 65, ".hidden", "A"])
def test_a_name_is_plain(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a name"):
        store.save_plan(name, example_plan())


def test_the_library_is_private(home: Path) -> None:
    store.save_plan("board", example_plan())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_a_damaged_or_newer_library_is_said_in_a_sentence(home: Path) -> None:
    home.mkdir()
    file = home / "library.sqlite3"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(InputError, match="cannot be used"):
        store.saved()
    file.unlink()
    store.save_plan("board", example_plan())
    with sqlite3.connect(file) as library:
        library.execute("PRAGMA user_version = 9")
    with pytest.raises(InputError, match="written by a newer Plateau"):
        store.load_plan("board")


def test_the_database_itself_refuses_what_is_not_json(home: Path) -> None:
    store.save_plan("board", example_plan())
    with sqlite3.connect(home / "library.sqlite3") as library, pytest.raises(sqlite3.IntegrityError):
        library.execute("UPDATE saved SET body = 'not json'")


def test_a_home_that_cannot_be_made_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PLATEAU_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(InputError, match="PLATEAU_HOME"):
        store.save_plan("board", example_plan())


def test_four_processes_save_at_once_and_nothing_is_lost(home: Path) -> None:
    program = (
        "import sys; from planner import store; from tests.factories import example_plan\n"
        "plan = example_plan()\n"
        "for i in range(25): store.save_plan(f'{sys.argv[1]}-{i}', plan)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, f"w{i}"], cwd=ROOT, env=os.environ, stderr=subprocess.PIPE)
        for i in range(4)
    ]
    for writer in writers:
        _, problem = writer.communicate(timeout=60)
        assert writer.returncode == 0, problem
    assert len(store.saved()) == 100
