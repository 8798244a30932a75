"""Fixtures of the trainer: a drawn dataset, and records that share one pretrained small model."""

import pytest

from tests.trainer.conftest import finished, own_machine, settings, table
from trainer import runs


@pytest.fixture(autouse=True)
def every_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of seconds save as often as runs of hours do."""
    monkeypatch.setattr(runs, "SECONDS_WORTH_SAVING", 0.0)


__all__ = ["finished", "own_machine", "settings", "table"]
