"""Training goes wrong: not a number, no memory, no time, another clock. The real loop on a toy network."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import torch

from planner.record import NonFinite, OutOfMemory, Train, read_calibration
from tests.faults.toy import BATCH, Toy, at_calls
from trainer import loop, stopping
from trainer.loop import RunFailedError
from trainer.stopping import StopFlag, StoppedEarlyError

pytestmark = pytest.mark.faults
STEPS = 50


def not_a_number(real, model, optimizer, examples, features, **options):  # type: ignore[no-untyped-def]
    return real(model, optimizer, examples, lambda rows: features(rows) * math.nan, **options)


def no_memory(real, *_, **__):  # type: ignore[no-untyped-def]
    raise torch.OutOfMemoryError("planted")


@pytest.mark.parametrize("parity", [0, 1])
def test_not_a_number_at_any_step_moves_nothing_and_never_reaches_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parity: int
) -> None:
    """Every second step of fifty; with both parities, every step once."""
    toy = Toy(tmp_path)
    moved: list[bool] = []
    real = loop.training_step

    def watched(*arguments, **options):  # type: ignore[no-untyped-def]
        before = toy.adapters()
        step = len(moved)
        result = not_a_number(real, *arguments, **options) if step % 2 == parity else real(*arguments, **options)
        moved.append(any(not torch.equal(a, b) for a, b in zip(before, toy.adapters(), strict=True)))
        return result

    monkeypatch.setattr(loop, "training_step", watched)
    toy.run(STEPS)
    assert [step for step in range(STEPS) if moved[step]] == [s for s in range(STEPS) if s % 2 != parity]
    (run,) = read_calibration(tmp_path).runs
    assert [event.step for event in run.of(NonFinite)] == [s + 1 for s in range(STEPS) if s % 2 == parity]
    assert "nan" not in (tmp_path / "runs" / "run.jsonl").read_text().lower()
    assert sum(event.suffix_tokens for event in run.of(Train)) < STEPS * 8 * BATCH


@pytest.mark.parametrize("first", [0, 1, 7])
def test_three_bad_steps_in_a_row_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setattr(
        loop, "training_step", at_calls(loop.training_step, {first, first + 1, first + 2}, not_a_number)
    )
    toy = Toy(tmp_path)
    with pytest.raises(RunFailedError) as caught:
        toy.run(STEPS)
    assert caught.value.status == "diverged"
    (run,) = read_calibration(tmp_path).runs
    assert len(run.of(NonFinite)) == 3


def losses(record: Path) -> list[tuple[int, float]]:
    return [(event.step, event.loss) for event in read_calibration(record).runs[0].of(Train)]


def test_memory_that_runs_out_at_any_step_keeps_effective_batch_and_step_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of thirty steps; the losses are those of a run that had memory enough."""
    Toy(tmp_path / "straight").run(32)
    expected = losses(tmp_path / "straight")
    real = loop.training_step
    for n in range(30):
        monkeypatch.setattr(loop, "training_step", at_calls(real, {n}, no_memory))
        toy = Toy(tmp_path / str(n))
        assert toy.run(32 if n == 20 else n + 2).step == (32 if n == 20 else n + 2)
        assert toy.bench.memory.micro_batch_size == BATCH // 2
        (run,) = read_calibration(tmp_path / str(n)).runs
        (event,) = run.of(OutOfMemory)
        assert (event.step, event.micro_batch_size, event.next_micro_batch_size) == (n, BATCH, BATCH // 2)
        found = losses(tmp_path / str(n))
        assert [step for step, _ in found] == [step for step, _ in expected[: len(found)]]
        assert [loss for _, loss in found] == pytest.approx([loss for _, loss in expected[: len(found)]], rel=1e-3)


def test_when_halving_does_not_help_checkpointing_does_and_then_the_run_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "training_step", at_calls(loop.training_step, set(range(10)), no_memory))
    toy = Toy(tmp_path)
    with pytest.raises(RunFailedError) as caught:
        toy.run(STEPS)
    assert caught.value.status == "out_of_memory"
    (run,) = read_calibration(tmp_path).runs
    seen = [(e.micro_batch_size, e.next_micro_batch_size, e.checkpointing) for e in run.of(OutOfMemory)]
    assert seen == [(4, 2, False), (2, 1, False), (1, 1, True), (1, 0, True)]


def test_another_error_of_a_step_is_not_taken_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_, **__):  # type: ignore[no-untyped-def]
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(loop, "training_step", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        Toy(tmp_path).run(3)


def test_the_time_limit_stops_within_one_step_twenty_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of its own, on which every look takes a second; a step looks once."""
    draw = random.Random(11)
    for trial in range(20):
        now = [0.0]

        def clock(now: list[float] = now) -> float:
            now[0] += 1.0
            return now[0]

        monkeypatch.setattr(stopping.time, "monotonic", clock)
        limit = draw.uniform(3, 30)
        toy = Toy(tmp_path / str(trial), stop=StopFlag(max_hours=limit / 3600))
        monkeypatch.undo()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stopping, "time", type("Clock", (), {"monotonic": staticmethod(clock)}))
            with pytest.raises(StoppedEarlyError) as caught:
                toy.run(200)
        assert caught.value.reason == "time_limit"
        deadline = 1 + limit
        assert toy.saved, "a checkpoint is left"
        assert abs((1 + toy.saved[-1]) - deadline) <= 1.0, (trial, toy.saved, deadline)


def test_a_wall_clock_that_jumps_changes_no_training_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    real = time.time
    draw = random.Random(5)
    monkeypatch.setattr(time, "time", lambda: real() + draw.choice([-3600, 0, 3600]))
    toy = Toy(tmp_path)
    end = toy.run(20)
    seconds = [event.train_seconds for event in read_calibration(tmp_path).runs[0].of(Train)]
    assert seconds == sorted(seconds)
    assert 0 < end.train_seconds < 60
    assert end.train_seconds <= end.wall_seconds
