from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from planner.cli import main
from planner.cost.plan import encode_plan
from planner.record import write_packed
from tests.factories import example_calibration, example_plan

TARGET = "2.0"
"""A loss that the example calibration of the factories reaches."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """The JSON that stands last on stdout."""
        return json.loads(self.out.strip().splitlines()[-1])


Plateau = Callable[..., Done]


@pytest.fixture
def plateau(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Plateau:
    """Run a command in this process, in an empty folder, with a library of its own."""
    monkeypatch.setenv("PLATEAU_HOME", str(tmp_path / "home"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> Done:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "record.jsonl"
    write_packed(path, example_calibration())
    return path


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(example_plan()))
    return path
