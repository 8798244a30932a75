"""The writer: modes, atomic files, and a fault at every single operation."""

from __future__ import annotations

import contextlib
import errno
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.errors import RecordError
from planner.record import (
    Calibration,
    Disk,
    Eval,
    FileLayer,
    RunLog,
    create_record,
    read_calibration,
    save_record,
    write_atomically,
)

FAULTS = ("write", "half_write", "fsync", "replace", "fsync_directory")


class FailingDisk(Disk):
    """The real disk until its n-th operation of a kind, which fails; from then on everything does."""

    def __init__(self, operation: str, nth: int) -> None:
        self.operation, self.left, self.broken = operation, nth, False

    def _count(self, operation: str) -> bool:
        if self.broken:
            raise OSError(errno.EIO, "the disk is gone")
        if operation == self.operation.removeprefix("half_"):
            self.left -= 1
            if self.left == 0:
                self.broken = True
        return self.broken

    def write(self, descriptor: int, data: bytes) -> None:
        if self._count("write"):
            if self.operation == "half_write":
                super().write(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        if self._count("fsync"):
            raise OSError(errno.EIO, "Input/output error")
        super().fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        if self._count("replace"):
            raise OSError(errno.EIO, "Input/output error")
        super().replace(source, target)

    def fsync_directory(self, path: Path) -> None:
        if self._count("fsync_directory"):
            raise OSError(errno.EIO, "Input/output error")
        super().fsync_directory(path)


def modes(path: Path) -> Iterator[tuple[Path, int]]:
    for child in (path, *path.rglob("*")):
        yield child, stat.S_IMODE(child.stat().st_mode)


def test_directories_are_private_and_so_are_files(record: Path) -> None:
    for path, mode in modes(record):
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_torn_line_is_kept_in_a_private_file(record: Path, calibration: Calibration) -> None:
    file = record / "runs" / f"{calibration.runs[0].id}.jsonl"
    file.write_bytes(file.read_bytes() + b"{")
    RunLog(record, calibration.runs[0].id).close()
    assert stat.S_IMODE(file.with_name(file.name + ".torn").stat().st_mode) == 0o600


def acknowledged(path: Path, calibration: Calibration, disk: FileLayer) -> list[Eval]:
    """Make a record, append to a run, stop at the first fault; what came back from `append` is acknowledged."""
    done: list[Eval] = []
    with contextlib.suppress(OSError):
        create_record(path, calibration.header, disk)
        with RunLog(path, "run", disk) as log:
            for step in range(4):
                event = Eval(run="run", step=step, examples=float(step), loss=1.0, annealed=False)
                log.append(event)
                done.append(event)
    return done


@pytest.mark.parametrize("operation", FAULTS)
def test_a_fault_at_any_operation_loses_nothing_acknowledged(
    tmp_path: Path, calibration: Calibration, operation: str
) -> None:
    for nth in range(1, 20):
        path = tmp_path / f"{operation}-{nth}"
        disk = FailingDisk(operation, nth)
        done = acknowledged(path, calibration, disk)
        if (path / "calibration.json").exists():
            assert read_calibration(path).header == calibration.header
            with RunLog(path, "run") as log:
                log.append(Eval(run="run", step=99, examples=99.0, loss=1.0, annealed=False))
            events = read_calibration(path).runs[0].events
            assert list(events[: len(done)]) == done
            assert events[-1].step == 99
        else:
            assert not done
        if not disk.broken:
            assert nth > 1
            return
    raise AssertionError("the writer never came to its end")


def test_an_event_after_a_failed_one_has_a_line_of_its_own(record: Path) -> None:
    class Half(Disk):
        def write(self, descriptor: int, data: bytes) -> None:
            if b'"step":7' in data:
                super().write(descriptor, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            super().write(descriptor, data)

    events = [Eval(run="new", step=step, examples=1.0, loss=1.0, annealed=False) for step in (6, 7, 8)]
    with RunLog(record, "new", Half()) as log:
        log.append(events[0])
        with pytest.raises(OSError, match="No space"):
            log.append(events[1])
        log.append(events[2])
    found = next(run for run in read_calibration(record).runs if run.id == "new")
    assert found.events == (events[0], events[2])


@pytest.mark.parametrize("operation", FAULTS)
def test_a_record_is_saved_as_a_whole_or_not_at_all(tmp_path: Path, calibration: Calibration, operation: str) -> None:
    for nth in range(1, 400):
        path = tmp_path / f"{operation}-{nth}"
        disk = FailingDisk(operation, nth)
        with contextlib.suppress(OSError):
            save_record(path, calibration, disk)
        if path.exists():
            assert read_calibration(path) == calibration
        else:
            save_record(path, calibration)
            assert read_calibration(path) == calibration
        if not disk.broken:
            assert nth > 1
            return
    raise AssertionError("the writer never came to its end")


@pytest.mark.parametrize("operation", FAULTS)
def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, operation: str) -> None:
    path = tmp_path / "plan.json"
    write_atomically(path, b"old")
    disk = FailingDisk(operation, 1)
    with pytest.raises(OSError):
        write_atomically(path, b"new and longer", disk)
    assert path.read_bytes() == (b"new and longer" if operation == "fsync_directory" else b"old")


def test_the_content_reaches_the_disk_before_the_name_does(tmp_path: Path) -> None:
    order: list[str] = []

    class Watching(Disk):
        def fsync(self, descriptor: int) -> None:
            order.append("fsync")
            super().fsync(descriptor)

        def replace(self, source: Path, target: Path) -> None:
            order.append("replace")
            super().replace(source, target)

        def fsync_directory(self, path: Path) -> None:
            order.append("fsync_directory")
            super().fsync_directory(path)

    write_atomically(tmp_path / "plan.json", b"x", Watching())
    assert order == ["fsync", "replace", "fsync_directory"]


def test_what_is_measured_is_never_overwritten(record: Path, calibration: Calibration, tmp_path: Path) -> None:
    for write in (lambda: create_record(record, calibration.header), lambda: save_record(record, calibration)):
        with pytest.raises(RecordError, match="there is a calibration here already"):
            write()
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "letter.txt").write_text("mine")
    with pytest.raises(RecordError, match="something of this name already"):
        save_record(occupied, calibration)
    assert (occupied / "letter.txt").read_text() == "mine"
