"""Checkpoints: complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainer.models import random_examples, random_features, random_model
from trainer import checkpoint
from trainer.checkpoint import Progress
from trainer.clock import TrainClock
from trainer.lora import reset_lora
from trainer.optimizer import MasterAdamW
from trainer.step import training_step


def test_a_restored_optimizer_takes_the_same_next_step(tmp_path: Path) -> None:
    model = random_model()
    features = random_features(model)
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-2)

    def step() -> float:
        return training_step(
            model, optimizer, random_examples(model), lambda rows: features[rows], micro_batch_size=2
        ).loss

    step()
    step()
    progress = Progress(step=2, suffix_tokens=48, train_seconds=1.5, wall_seconds=2.5)
    checkpoint.write(tmp_path, "run", progress, checkpoint.snapshot(optimizer))
    expected = [step(), step()]
    reset_lora(model.trainable_named(), 9)
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-2)
    found = checkpoint.read(tmp_path, "run")
    assert found is not None
    assert found[0] == progress
    checkpoint.restore(optimizer, found[1])
    assert [step(), step()] == expected


def test_only_the_newest_is_kept_and_forgetting_removes_all(tmp_path: Path) -> None:
    for step in (1, 2):
        checkpoint.write(tmp_path, "run", Progress(step=step), {"x": torch.ones(2)})
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    checkpoint.forget(tmp_path, "run")
    assert list(tmp_path.iterdir()) == []
    assert checkpoint.read(tmp_path, "run") is None


@pytest.mark.parametrize("fault", ["tensors", "marker", "gone"])
def test_a_damaged_checkpoint_counts_as_none_and_that_is_said(
    tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.write(tmp_path, "run", Progress(step=1), {"x": torch.ones(100)})
    tensors = next(tmp_path.glob("*.safetensors"))
    if fault == "tensors":
        tensors.write_bytes(tensors.read_bytes()[:-4] + b"\0\0\0\1")
    elif fault == "marker":
        (tmp_path / "run.json").write_text('{"file":')
    else:
        tensors.unlink()
    assert checkpoint.read(tmp_path, "run") is None
    assert "The checkpoint of run is damaged" in capsys.readouterr().err


def test_the_clock_counts_only_what_runs_inside_and_goes_on_from_where_it_was() -> None:
    now = [100.0]
    clock = TrainClock(5.0, now=lambda: now[0])
    now[0] += 50
    with clock.running():
        now[0] += 2
        assert clock.seconds == 7.0
    now[0] += 50
    with clock.running():
        now[0] += 1
    assert clock.seconds == 8.0
