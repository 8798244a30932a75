"""Small datasets, and records that share one pretrained tiny model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from trainer.calibration import calibrate
from trainer.config import Settings
from trainer.sample import write_sample
from trainer.stopping import StopFlag

Make = Callable[..., Settings]


@pytest.fixture(scope="session", autouse=True)
def own_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The salt of this machine is not that of the tests; one thread, so that figures do not depend on the machine."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("home")))
    patch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    patch.undo()


@pytest.fixture(scope="session")
def medpix() -> Path:
    """The real MedPix 2.0, which is no part of the project: named by PLATEAU_MEDPIX, or beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "medpix-2.0"
    folder = Path(os.environ.get("PLATEAU_MEDPIX") or beside)
    if not (folder / "Descriptions.json").is_file():
        pytest.skip("MedPix 2.0 is not there (PLATEAU_MEDPIX names its folder)")
    return folder


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hospital")
    write_sample(folder, seed=5, studies=40, questions=1)
    return folder


@pytest.fixture(scope="session")
def finished(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete record, for reading only."""
    out = tmp_path_factory.mktemp("finished") / "record"
    outcome = calibrate(small(table, out), StopFlag())
    assert outcome.exit_code == 0
    return out


def small(table: Path, out: Path, **options: object) -> Settings:
    values: dict[str, object] = {
        "data": table,
        "out": out,
        "budgets": (32, 64, 128),
        "effective_batch_size": 8,
        "micro_batch_size": 4,
        "context_tokens": 32,
        "pretraining_steps": 12,
        "answers": 4,
    }
    return Settings(**{**values, **options})  # type: ignore[arg-type]


@pytest.fixture
def settings(table: Path, finished: Path, tmp_path: Path) -> Make:
    """Settings of a new record that already has the tiny model."""

    def make(name: str = "record", **options: object) -> Settings:
        out = tmp_path / name
        if not out.exists():
            (out / "work").mkdir(parents=True)
            shutil.copytree(finished / "work" / "tiny", out / "work" / "tiny")
        return small(table, out, **options)

    return make
