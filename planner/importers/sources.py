"""From a path to the files of a log: one file, a database with its `-wal` file, or what a folder holds.

A folder is walked without following links, and only the first bytes of its files are looked at until they are known to
belong to the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from planner.errors import Mistake, RecordError, shown_name
from planner.importers import csv_table, mlflow_files
from planner.importers.database import MAGIC
from planner.importers.names import LOSS_ROLES, Role, role_of
from planner.importers.readers import HEAD_BYTES, READERS, WHAT_IS_READ, Reader, reader_of
from planner.importers.table import LogFile
from planner.reading import read_bytes

MAX_BYTES = 64 * 1024 * 1024
MOST_FILES = 20_000
_MOST_LISTED = 12
_NOT_LOGS = frozenset(["artifacts", "params", "tags", "traces", "models", ".trash"])
"""Folders of MLflow that hold no metrics: not looked into."""


def log_files(path: Path) -> list[LogFile]:
    """The files of the log at a path.

    Raises:
        RecordError: There is none, more than one, or more than is read.
    """
    if path.is_dir():
        return _in_folder(path)
    data = read_bytes(path, error=RecordError, limit=MAX_BYTES)
    beside = path.with_name(path.name + "-wal")
    waiting = data.startswith(MAGIC) and beside.is_file()
    return [
        LogFile(
            path=_place(path),
            data=data,
            write_ahead=read_bytes(beside, error=RecordError, limit=MAX_BYTES) if waiting else b"",
        )
    ]


def _place(path: Path) -> str:
    """The name of a file; of a metric of MLflow with the folders that belong to its name (`metrics/eval/loss`)."""
    parts = path.absolute().parts
    if "metrics" in parts[:-1]:
        return "/".join(parts[len(parts) - 1 - parts[::-1].index("metrics") :])
    return path.name


def _in_folder(folder: Path) -> list[LogFile]:
    found: dict[str, list[Path]] = {}
    meta: list[Path] = []
    for path in _walk(folder):
        if path.name == mlflow_files.META:
            meta.append(path)
            continue
        reader = _reader_of(path)
        if reader is not None and not (reader.name == csv_table.NAME and not _names_a_curve(path)):
            found.setdefault(reader.name, []).append(path)
    if len(found) == 1:
        ((name, paths),) = found.items()
        if READERS[name].folders:
            with_meta = [*paths, *(meta if name == mlflow_files.NAME else [])]
            return _read(folder, with_meta)
        if len(paths) == 1:
            return log_files(paths[0])
    places = [str(path.relative_to(folder)) for paths in found.values() for path in paths]
    if not places:
        raise RecordError(Mistake(file=shown_name(folder), reason="no log in this folder", remedy=WHAT_IS_READ))
    more = f" and {len(places) - _MOST_LISTED:,} more" if len(places) > _MOST_LISTED else ""
    reason = f"{len(places):,} logs in this folder: {', '.join(sorted(places)[:_MOST_LISTED])}{more}"
    raise RecordError(Mistake(file=shown_name(folder), reason=reason, remedy="Name the one that is meant"))


def _walk(folder: Path) -> Iterator[Path]:
    """Regular files below a folder, in order, without following links."""
    seen = 0
    for place, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _NOT_LOGS)
        for name in sorted(files):
            seen += 1
            if seen > MOST_FILES:
                reason = f"more than {MOST_FILES:,} files in this folder"
                raise RecordError(Mistake(file=shown_name(folder), reason=reason, remedy="Name the folder of one run"))
            path = Path(place) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _reader_of(path: Path) -> Reader | None:
    """By the first bytes; a database is told by its whole content."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if head.startswith(MAGIC) and path.stat().st_size <= MAX_BYTES:
                head += file.read()
    except OSError:
        return None
    return reader_of(head)


def _names_a_curve(path: Path) -> bool:
    """Whether a table's header names a step and a loss: beside it in a folder lie tables of anything."""
    with path.open("rb") as file:
        roles = {role_of(column) for column in csv_table.header_columns(file.read(HEAD_BYTES))}
    return bool(roles & {Role.STEPS, Role.EXAMPLES}) and bool(roles & set(LOSS_ROLES.values()))


def _read(folder: Path, paths: list[Path]) -> list[LogFile]:
    total = sum(path.stat().st_size for path in paths)
    if total > MAX_BYTES:
        reason = f"{total:,} bytes of logs in this folder, at most {MAX_BYTES:,} are read"
        raise RecordError(Mistake(file=shown_name(folder), reason=reason, remedy="Name the folder of one run"))
    base = folder.parent if folder.name == "metrics" else folder
    return [
        LogFile(path=path.relative_to(base).as_posix(), data=read_bytes(path, error=RecordError, limit=MAX_BYTES))
        for path in paths
    ]
