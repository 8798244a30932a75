from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from planner.record import Calibration, save_record
from tests.factories import example_calibration


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """Its runs in the order of their files, in which a record directory is read."""
    made = example_calibration()
    return msgspec.structs.replace(made, runs=tuple(sorted(made.runs, key=lambda run: run.id)))


@pytest.fixture
def record(tmp_path: Path, calibration: Calibration) -> Path:
    path = tmp_path / "record"
    save_record(path, calibration)
    return path
