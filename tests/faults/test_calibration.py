"""Whole calibrations in processes of their own: killed, stopped in every phase, on a full disk, two at once."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from planner.errors import InputError, PlannerError
from planner.record import Checkpoint, Disk, Eval, Interrupted, RunLog, read_calibration
from tests.trainer.conftest import Make
from trainer import checkpoint, feature_cache, loop, prepare, probe
from trainer.calibration import Outcome, calibrate, final_losses
from trainer.config import Settings
from trainer.private import only_writer, work_folder
from trainer.stopping import StopFlag, StoppedEarlyError

pytestmark = pytest.mark.faults
# A child that is forked has everything loaded already.
FORK = multiprocessing.get_context("fork")


def call(settings: Settings, before: Callable[[], None] = lambda: None) -> None:
    """In a child: as the command does it, with its exit code."""
    os.close(2)
    os.open(os.devnull, os.O_WRONLY)
    torch.set_num_threads(1)
    code = 1
    try:
        before()
        stop = StopFlag(settings.max_hours)
        with stop.signals():
            code = calibrate(settings, stop).exit_code
    except StoppedEarlyError as stopped:
        code = stopped.exit_code
    except (OSError, PlannerError):
        code = 2
    finally:
        os._exit(code)


def started(settings: Settings, before: Callable[[], None] = lambda: None):  # type: ignore[no-untyped-def]
    child = FORK.Process(target=call, args=(settings, before))
    child.start()
    return child


def resumed(make: Make, name: str, **options: object) -> Settings:
    settings = make(name, **options)
    there = (settings.out / "calibration.json").exists()
    return make(name, resume=there, **options)


def losses(record: Path) -> dict[str, float]:
    return {run.id: event.loss for run, event in final_losses(read_calibration(record))}


def acknowledging(file: Path) -> Callable[[], None]:
    """Every evaluation that `append` has returned from is named in a second file."""

    def install() -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        real = RunLog.append

        def append(self, event, *, durable=True):  # type: ignore[no-untyped-def]
            real(self, event, durable=durable)
            if isinstance(event, Eval):
                os.write(descriptor, f"{event.run} {event.step} {event.loss!r}\n".encode())

        RunLog.append = append  # type: ignore[method-assign]

    return install


def killed_until_it_is_done(make: Make, name: str, acknowledged: Path, kills: int, seed: int) -> tuple[Path, int]:
    """Kill -9 at random moments, go on each time; (record, kills)."""
    draw = random.Random(seed)
    out = make(name).out
    for kill in range(kills):
        child = started(resumed(make, name), acknowledging(acknowledged))
        child.join(draw.uniform(0.02, 0.9))
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        if not (out / "calibration.json").exists():
            continue
        record = read_calibration(out)
        assert len(record.notes) <= 1, "one torn tail at most"
        found = {(run.id, e.step, repr(e.loss)) for run in record.runs for e in run.of(Eval)}
        for line in acknowledged.read_text().splitlines() if acknowledged.exists() else []:
            run, step, loss = line.split()
            assert (run, int(step), loss) in found, f"kill {kill} lost an acknowledged evaluation"
        if child.exitcode == 0:
            return out, kill
    child = started(resumed(make, name))
    child.join()
    assert child.exitcode == 0
    return out, kills


def test_a_calibration_that_is_killed_again_and_again_ends_like_one_that_never_was(
    settings: Make, finished: Path, tmp_path: Path
) -> None:
    out, kills = killed_until_it_is_done(settings, "killed", tmp_path / "acknowledged", 8, seed=3)
    assert kills >= 2
    assert losses(out) == losses(finished)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(12))
def test_a_hundred_kills(settings: Make, finished: Path, tmp_path: Path, seed: int) -> None:
    out, _ = killed_until_it_is_done(settings, "killed", tmp_path / "acknowledged", 20, seed=100 + seed)
    assert losses(out) == losses(finished)


PHASES: dict[str, tuple[object, str]] = {
    "loading": (prepare, "load_model"),
    "image features": (feature_cache, "pixels"),
    "probes": (probe, "training_step"),
    "step": (loop, "training_step"),
    "evaluation": (loop, "evaluate"),
    "answers": (loop.answers, "generate"),
    "saving": (checkpoint, "write"),
}


def stopped_in(phase: str, number: signal.Signals, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real signal to this process at the n-th entry of a phase."""
    module, name = PHASES[phase]
    real = getattr(module, name)
    entries = iter(range(10**9))

    def signalled(*arguments, **options):  # type: ignore[no-untyped-def]
        if next(entries) == nth:
            os.kill(os.getpid(), number)
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, signalled)


def run_here(settings: Settings) -> Outcome | StoppedEarlyError:
    stop = StopFlag()
    try:
        with stop.signals():
            return calibrate(settings, stop)
    except StoppedEarlyError as stopped:
        return stopped


def check_a_stop(make: Make, finished: Path, phase: str, number: signal.Signals, nth: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopped_in(phase, number, nth, patch)
        start = time.monotonic()
        first = run_here(make(phase))
        assert time.monotonic() - start < 30
    assert first.exit_code == (75 if number == signal.SIGTERM else 130)
    out = make(phase).out
    if isinstance(first, Outcome):
        reasons = {event.reason for run in first.calibration.runs for event in run.of(Interrupted)}
        assert reasons == {"sigterm" if number == signal.SIGTERM else "ctrl_c"}
        assert first.calibration.notes == ()
    second = run_here(resumed(make, phase))
    assert second.exit_code == 0
    assert losses(out) == losses(finished)


@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_in_any_phase_ends_in_time_and_loses_nothing(settings: Make, finished: Path, phase: str) -> None:
    check_a_stop(settings, finished, phase, signal.SIGTERM, nth=1 if phase == "saving" else 0)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("nth", range(20))
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_at_twenty_moments_of_every_phase(settings: Make, finished: Path, phase: str, nth: int) -> None:
    entries = {"loading": 1, "answers": 3, "saving": 6, "evaluation": 4, "step": 19, "probes": 21, "image features": 40}
    check_a_stop(settings, finished, phase, signal.SIGTERM if nth % 2 else signal.SIGINT, nth % entries[phase])


def limited(limit: int) -> Callable[[], None]:
    """The kernel cuts every file at this size, as a full disk does."""

    def install() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return install


def check_a_full_disk(make: Make, finished: Path, limit: int) -> int:
    name = f"limit{limit}"
    child = started(make(name), limited(limit))
    child.join()
    assert child.exitcode in (0, 2, 75), child.exitcode
    out = make(name).out
    if (out / "calibration.json").exists():
        record = read_calibration(out)
        assert record.notes == ()
        assert not [path for path in out.rglob("*.partial") if path.name.startswith(".calibration")]
    child2 = started(resumed(make, name))
    child2.join()
    assert child2.exitcode == 0
    assert losses(out) == losses(finished)
    return child.exitcode


def test_a_full_disk_keeps_every_whole_line_and_goes_on_when_there_is_room(settings: Make, finished: Path) -> None:
    """Limits between the smallest file and the largest: header, run logs, features, checkpoints."""
    codes = [check_a_full_disk(settings, finished, limit) for limit in (1_000, 4_000, 60_000, 300_000)]
    assert 75 in codes
    assert 2 in codes


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_fifty_sizes_of_a_full_disk(settings: Make, finished: Path) -> None:
    for limit in [int(800 * 1.16**n) for n in range(50)]:
        check_a_full_disk(settings, finished, limit)


def check_a_fault(make: Make, finished: Path, operation: str, nth: int) -> bool:
    """Fail the n-th write, fsync or rename; whether there were so many."""
    count = iter(range(1, 10**9))
    broken = False
    real = getattr(Disk, operation)

    def faulty(self, *arguments):  # type: ignore[no-untyped-def]
        nonlocal broken
        if next(count) == nth:
            broken = True
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, *arguments)

    name = f"{operation}{nth}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Disk, operation, faulty)
        with contextlib.suppress(OSError, StoppedEarlyError):
            assert calibrate(make(name), StopFlag()).exit_code in (0, 75)
    out = make(name).out
    if (out / "calibration.json").exists():
        assert read_calibration(out).notes == ()
    assert calibrate(resumed(make, name), StopFlag()).exit_code == 0
    assert losses(out) == losses(finished)
    shutil.rmtree(out)
    return broken


@pytest.mark.parametrize(("operation", "nth"), [("write", 6), ("write", 25), ("fsync", 9), ("replace", 7)])
def test_a_fault_of_the_disk_loses_nothing_acknowledged(
    settings: Make, finished: Path, operation: str, nth: int
) -> None:
    assert check_a_fault(settings, finished, operation, nth)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("operation", ["write", "fsync", "replace", "fsync_directory"])
def test_a_fault_at_every_single_operation(settings: Make, finished: Path, operation: str) -> None:
    nth = 1
    while check_a_fault(settings, finished, operation, nth):
        nth += 1
    assert nth > 5


def hold(record: Path, results, seconds: float) -> None:  # type: ignore[no-untyped-def]
    start = time.monotonic()
    try:
        with only_writer(record):
            results.put(("writer", os.getpid(), 0.0))
            time.sleep(seconds)
    except InputError as refusal:
        results.put(("refused", str(refusal), time.monotonic() - start))
    results.close()
    results.join_thread()
    os._exit(0)


def test_of_twenty_writers_at_once_one_writes_and_the_others_are_told_at_once(tmp_path: Path) -> None:
    record = tmp_path / "record"
    work_folder(record)
    results = FORK.Queue()
    children = [FORK.Process(target=hold, args=(record, results, 3.0)) for _ in range(20)]
    for child in children:
        child.start()
    found = [results.get(timeout=30) for _ in children]
    writers = [pid for kind, pid, _ in found if kind == "writer"]
    assert len(writers) == 1
    refusals = [(text, seconds) for kind, text, seconds in found if kind == "refused"]
    assert len(refusals) == 19
    assert all(seconds < 1 for _, seconds in refusals)
    assert sum(f"process {writers[0]} is writing" in text for text, _ in refusals) >= 15
    for child in children:
        child.join()


def test_a_killed_writer_leaves_no_lock_behind(tmp_path: Path) -> None:
    record = tmp_path / "record"
    work_folder(record)
    for _ in range(5):
        results = FORK.Queue()
        child = FORK.Process(target=hold, args=(record, results, 60.0))
        child.start()
        assert results.get(timeout=30)[0] == "writer"
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        with only_writer(record):
            pass


@pytest.mark.parametrize("name", ["calibration.json", ".lock.pid"])
def test_a_kill_while_a_file_was_replaced_does_not_lock_the_record_out(tmp_path: Path, name: str) -> None:
    work_folder(tmp_path)
    (tmp_path / f".{name}.partial").write_bytes(b"half")
    assert work_folder(tmp_path).is_dir()


def test_a_resume_starts_at_the_newest_checkpoint_and_says_where(settings: Make) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopped_in("step", signal.SIGTERM, 9, patch)
        first = run_here(settings("again"))
    assert isinstance(first, Outcome)
    saved = [event for run in first.calibration.runs for event in run.of(Checkpoint)][-1]
    second = run_here(settings("again", resume=True))
    assert isinstance(second, Outcome)
    run = next(run for run in second.calibration.runs if run.id == saved.run)
    assert run.started is not None
    assert run.started.resumed_examples == saved.examples > 0
