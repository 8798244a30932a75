"""The append-only writer.

Why append-only: in 100 kills a rewritten JSON file was unreadable every time, an appended and flushed one never. A torn
last line is cut before the next append (it would swallow that event too) and its bytes are kept in `<name>.torn`.
"""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from planner.errors import Mistake, RecordError, shown_name
from planner.record.events import Calibration, Event
from planner.record.header import CalibrationHeader


class FileLayer(Protocol):
    """The four operations through which a record reaches the disk; a test replaces them to plant faults."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data` to an open file."""

    def fsync(self, descriptor: int) -> None:
        """Force a file's contents to the disk."""

    def replace(self, source: Path, target: Path) -> None:
        """Rename atomically."""

    def fsync_directory(self, path: Path) -> None:
        """Force a directory's entries to the disk."""


class Disk:
    """The real operations."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data`; the kernel may take a part at a time."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def fsync(self, descriptor: int) -> None:
        """See `FileLayer`."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """See `FileLayer`."""
        os.replace(source, target)

    def fsync_directory(self, path: Path) -> None:
        """See `FileLayer`."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


DISK = Disk()


def write_atomically(path: Path, data: bytes, disk: FileLayer = DISK) -> None:
    """Replace a file as a whole: the old content or the new one, never a mixture, also after power loss.

    The content is fsynced before the rename (else the name could point to nothing), the directory after it.
    """
    temporary = path.with_name(f".{path.name}.partial")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        disk.write(descriptor, data)
        disk.fsync(descriptor)
    finally:
        os.close(descriptor)
    disk.replace(temporary, path)
    disk.fsync_directory(path.parent)


def with_crc(document: bytes) -> bytes:
    """A JSON object with its CRC-32 as the last key."""
    return document[:-1] + b',"crc32":"%08x"}' % zlib.crc32(document)


def encode_event(event: Event) -> bytes:
    """One line of a run, without the newline: canonical JSON closed by its CRC-32."""
    return with_crc(msgspec.json.encode(event))


class RunLog:
    """Append-only log of one run. Use as a context manager; one writer at a time is the caller's duty."""

    suffix: ClassVar[str] = ".jsonl"

    def __init__(self, record: Path, run: str, disk: FileLayer = DISK) -> None:
        self.path = record / "runs" / f"{run}{self.suffix}"
        self.disk = disk
        new = not self.path.exists()
        if not new:
            _cut_torn_tail(self.path, disk)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if new:
            disk.fsync_directory(self.path.parent)

    def append(self, event: Event, *, durable: bool = True) -> None:
        """Write one event; when this returns and `durable` is set, the event survives a power loss.

        Raises:
            OSError: The disk is full or gone. What was acknowledged before is intact.
        """
        before = os.fstat(self._descriptor).st_size
        try:
            self.disk.write(self._descriptor, encode_event(event) + b"\n")
        except OSError:
            # A full disk takes a part of the line; the next event must not be appended to it.
            os.ftruncate(self._descriptor, before)
            raise
        if durable:
            self.disk.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cut_torn_tail(path: Path, disk: FileLayer) -> None:
    data = path.read_bytes()
    if not data or data.endswith(b"\n"):
        return
    whole = data.rfind(b"\n") + 1
    write_atomically(path.with_name(path.name + ".torn"), data[whole:], disk)
    with path.open("r+b") as file:
        file.truncate(whole)
        disk.fsync(file.fileno())


def create_record(path: Path, header: CalibrationHeader, disk: FileLayer = DISK) -> None:
    """Make a record directory (0700, files 0600) with its `calibration.json`.

    Raises:
        RecordError: There is one already: nothing already measured is overwritten.
    """
    _refuse_existing(path)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (path / "runs").mkdir(mode=0o700, exist_ok=True)
    write_header(path, header, disk)


def _refuse_existing(path: Path) -> None:
    if (path / "calibration.json").exists():
        raise RecordError(
            Mistake(
                file=shown_name(path),
                reason="there is a calibration here already",
                remedy="Use --resume to go on with it, or name another directory",
            )
        )


def save_record(path: Path, calibration: Calibration, disk: FileLayer = DISK) -> None:
    """Write a whole calibration as a new record directory: all of it under its name, or nothing.

    It is written beside its place and moved there by one rename; what an earlier attempt left is swept away first.

    Raises:
        RecordError: There is something of this name already.
        OSError: The disk is full or gone.
    """
    _refuse_existing(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RecordError(
            Mistake(
                file=shown_name(path), reason="there is something of this name already", remedy="Name a new directory"
            )
        )
    partial = path.with_name(f".{path.name}.partial")
    if partial.is_dir():
        shutil.rmtree(partial)
    create_record(partial, calibration.header, disk)
    for run in calibration.runs:
        with RunLog(partial, run.id, disk) as log:
            for event in run.events[:-1]:
                log.append(event, durable=False)
            for event in run.events[-1:]:
                log.append(event)
    disk.replace(partial, path)
    disk.fsync_directory(path.parent)


def write_header(path: Path, header: CalibrationHeader, disk: FileLayer = DISK) -> None:
    """Replace `calibration.json` atomically."""
    document = msgspec.json.format(msgspec.json.encode(header), indent=2)
    write_atomically(path / "calibration.json", document + b"\n", disk)
