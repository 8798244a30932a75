"""The architecture holds: import directions, a small planner, no connection."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent

PLANNER_WITHOUT_SCREEN = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("a connection was opened")

socket.socket.connect = refuse
socket.create_connection = refuse
import planner, planner.catalog, planner.cli, planner.cost, planner.curve, planner.importers, planner.law
import planner.record, planner.report
loaded = sorted(name for name in ("torch", "transformers", "peft", "streamlit", "plotly") if name in sys.modules)
assert not loaded, loaded
"""


def test_import_directions_are_those_of_the_design() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_importing_the_planner_loads_no_torch_and_no_streamlit_and_opens_no_connection() -> None:
    done = subprocess.run([sys.executable, "-c", PLANNER_WITHOUT_SCREEN], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["plateau", "calibrate"])
def test_help_loads_nothing_heavy(command: str) -> None:
    module = {"plateau": "planner.cli", "calibrate": "trainer.cli"}[command]
    program = (
        f"import sys; from {module} import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = [n for n in ('torch', 'transformers', 'streamlit', 'scipy', 'pandas', 'typst') if n in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_no_adapter_is_ever_uploaded() -> None:
    sources = [path for package in ("planner", "trainer") for path in (ROOT / package).rglob("*.py")]
    assert sources
    assert not [path for path in sources if "push_to_hub" in path.read_text("utf-8")]


def test_no_pickle_is_read() -> None:
    sources = [path for package in ("planner", "trainer") for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in sources if "pickle.load" in path.read_text("utf-8")]
