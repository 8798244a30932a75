"""Files that stay on this machine: the record's lock, its work folder, the salt of the dataset digest."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import InputError, Mistake, shown_name
from planner.record import write_atomically

if TYPE_CHECKING:
    from trainer.rating import Key

WORK = "work"


def work_folder(record: Path) -> Path:
    """`work/` in the record: tiny model, features, checkpoints. Part of no export.

    Raises:
        InputError: The folder holds something else.
    """
    known = {"calibration.json", "runs", WORK, ".lock", ".lock.pid", "samples.jsonl"}
    # A kill while one of them was replaced leaves its half-written twin; the next replacement takes its place.
    known |= {f".{name}.partial" for name in known}
    if record.exists() and not record.is_dir():
        raise InputError(Mistake(file=shown_name(record), reason="a file, not a folder", remedy="Name another --out"))
    if record.is_dir() and (others := [child for child in record.iterdir() if child.name not in known]):
        raise InputError(
            Mistake(
                file=shown_name(record),
                reason=f"the folder holds {len(others)} other files",
                remedy="Name a new or empty folder with --out",
            )
        )
    for folder in (record, record / WORK):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return record / WORK


@contextmanager
def only_writer(record: Path) -> Iterator[None]:
    """Hold the record's lock; the kernel releases it when the process dies, however it dies.

    Raises:
        InputError: Another process writes this record.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(record / ".lock", mode=0o600)
    holder = record / ".lock.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            who = f"process {int(holder.read_text())}"
        except (OSError, ValueError):
            who = "another process"
        raise InputError(
            Mistake(file=shown_name(record), reason=f"{who} is writing this record", remedy="Wait until it has ended")
        ) from None
    try:
        write_atomically(holder, str(os.getpid()).encode())
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def dataset_salt(work: Path) -> bytes:
    """The machine's own salt, copied into the record's work folder so that a resume elsewhere agrees."""
    here = work / "salt"
    if not here.exists():
        write_atomically(here, _machine_salt())
    return here.read_bytes()


def _machine_salt() -> bytes:
    from platformdirs import user_data_path

    file = user_data_path("plateau") / "dataset-salt"
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(file, secrets.token_bytes(16))
        return file.read_bytes()
    except OSError:
        return secrets.token_bytes(16)


def write_key(record: Path, key: Key) -> None:
    """Keep the key of a rating sheet, readable by its owner alone."""
    import msgspec

    folder = record / WORK / "ratings"
    for place in (record / WORK, folder):
        place.mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / f"{key.sheet}.json", msgspec.json.encode(key))


def read_key(record: Path, sheet: str, calibration_id: str) -> Key:
    """The key of a sheet of this record.

    Raises:
        InputError: There is none, or it belongs to another calibration.
    """
    import msgspec

    from trainer.rating import Key

    file = record / WORK / "ratings" / f"{sheet}.json"
    try:
        if not re.fullmatch(r"s[0-9a-f]{8}", sheet):
            raise FileNotFoundError
        key = msgspec.json.decode(file.read_bytes(), type=Key)
        if key.calibration_id != calibration_id:
            raise FileNotFoundError
    except (FileNotFoundError, msgspec.MsgspecError):
        raise InputError(
            Mistake(
                file=shown_name(record),
                field="sheet",
                reason="the record has no key of this sheet",
                remedy="Name the record that `calibrate rating-sheet` wrote it from",
            )
        ) from None
    return key
