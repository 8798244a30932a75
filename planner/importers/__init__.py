"""Logs of other trainers: one module a kind of log, told apart by content, never by name.

A log says less than a calibration of ours. What it does not say can be given as `ImportFacts` and is otherwise
unknown, here and in everything that follows from it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from planner.catalog import Catalog, read_catalog
from planner.errors import Mistake, RecordError, shown_name
from planner.importers import step_loss_csv, trainer_state
from planner.importers.facts import ImportFacts, checked
from planner.importers.log import ForeignLog, calibration_of
from planner.reading import read_bytes
from planner.record import Calibration

__all__ = ["MAX_BYTES", "READERS", "ForeignLog", "ImportFacts", "import_log", "parse_log"]

MAX_BYTES = 8 * 1024 * 1024
READERS = {trainer_state.NAME: trainer_state, step_loss_csv.NAME: step_loss_csv}
"""Name of a kind of log to its module: `recognises(data)` and `parse(data, file=, facts=)`."""


def import_log(path: Path, facts: ImportFacts | None = None, *, catalog: Catalog | None = None) -> Calibration:
    """Read another trainer's log.

    Args:
        path: At most 8 MiB of text.
        facts: What the log does not say.
        catalog: For the names of GPUs and models; None: the one that ships with Plateau.

    Raises:
        InputError: The file or a fact is wrong; every mistake at once.
    """
    data = read_bytes(Path(path), error=RecordError, limit=MAX_BYTES)
    return parse_log(data, file=shown_name(path), facts=facts, catalog=catalog)


def parse_log(
    data: bytes, *, file: str, facts: ImportFacts | None = None, catalog: Catalog | None = None
) -> Calibration:
    """Read the content of another trainer's log; see `import_log`.

    Raises:
        InputError: The file or a fact is wrong.
    """
    known = catalog or read_catalog()
    given = checked(facts or ImportFacts(), known)
    for reader in READERS.values():
        if reader.recognises(data):
            log = reader.parse(data, file=file, facts=given)
            return calibration_of(log, given, known, digest=hashlib.sha256(data).hexdigest())
    raise RecordError(Mistake(file=file, reason=_what_it_is(data), remedy=_REMEDY))


_REMEDY = "Plateau imports trainer_state.json (Hugging Face) and CSV files with a column of steps and one of losses"


def _what_it_is(data: bytes) -> str:
    if not data.strip():
        return "the file is empty"
    if b'"calibration_id"' in data[:2000]:
        return "this is a calibration record already, it needs no import (`plateau fit` reads it)"
    if data.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")):
        return "this is an archive; archives are not opened"
    if data.startswith(b"\x80") or b"\0" in data[:4096]:
        return "this is not a text file"
    return "not a log that Plateau knows"
