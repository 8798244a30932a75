"""Logs of other trainers: one module a kind of log, told apart by content, never by name.

    bytes -> reader_of -> ForeignLog (tables, one a run) -> choice -> points -> calibration

A log says less than a calibration of ours. What it does not say can be given as `ImportFacts` and is otherwise
unknown, here and in everything that follows from it. Which run and which columns are meant is asked where the log
leaves it open; `log_contents` lists them for a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from planner.catalog import Catalog, read_catalog
from planner.importers.calibration import LogImport, log_import
from planner.importers.contents import Column, LogContents, RunContents, log_contents
from planner.importers.facts import ImportFacts, checked
from planner.importers.names import Role
from planner.importers.readers import HEAD_BYTES, READERS, looks_like_a_log, read_log
from planner.importers.sources import MAX_BYTES, log_files
from planner.importers.table import LogFile
from planner.record import Calibration

__all__ = [
    "HEAD_BYTES",
    "MAX_BYTES",
    "READERS",
    "Column",
    "ImportFacts",
    "LogContents",
    "LogImport",
    "Role",
    "RunContents",
    "import_log",
    "log_contents",
    "looks_like_a_log",
    "parse_log",
    "read_import",
]


def import_log(path: Path, facts: ImportFacts | None = None, *, catalog: Catalog | None = None) -> Calibration:
    """The calibration of another trainer's log; see `read_import`.

    Raises:
        InputError: The log or a fact is wrong.
    """
    return read_import(path, facts, catalog=catalog).calibration


def read_import(path: Path, facts: ImportFacts | None = None, *, catalog: Catalog | None = None) -> LogImport:
    """Read another trainer's log, and say which run and columns were taken.

    Args:
        path: A file, or a folder where a log is one (TensorBoard, `mlruns`); at most 64 MiB.
        facts: What the log does not say, and which run and columns are meant.
        catalog: For the names of GPUs and models; None: the one that ships with Plateau.

    Raises:
        InputError: The log or a fact is wrong; every mistake at once.
    """
    known = catalog or read_catalog()
    given = checked(facts or ImportFacts(), known)
    return _import(log_files(Path(path)), given, known)


def parse_log(
    data: bytes, *, file: str, facts: ImportFacts | None = None, catalog: Catalog | None = None
) -> Calibration:
    """Read the content of another trainer's log; see `read_import`.

    Args:
        data: The whole file.
        file: Its name, for messages (and, for a metric file of MLflow, the name of its metric).
        facts: What the log does not say, and which run and columns are meant.
        catalog: For the names of GPUs and models; None: the one that ships with Plateau.

    Raises:
        InputError: The file or a fact is wrong.
    """
    known = catalog or read_catalog()
    given = checked(facts or ImportFacts(), known)
    return _import([LogFile(path=file, data=data)], given, known).calibration


def _import(files: Sequence[LogFile], facts: ImportFacts, catalog: Catalog) -> LogImport:
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.data + file.write_ahead).digest())
    return log_import(read_log(files), facts, catalog, digest=digest.hexdigest())
