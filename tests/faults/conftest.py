"""Fixtures of the trainer: a drawn dataset, and records that share one pretrained small model."""

from tests.trainer.conftest import finished, own_machine, settings, table

__all__ = ["finished", "own_machine", "settings", "table"]
