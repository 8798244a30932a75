"""Every kind of log that is read, and which of them some bytes are: by content, never by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from planner.errors import Mistake, RecordError
from planner.importers import (
    csv_table,
    database,
    mlflow_database,
    mlflow_files,
    tensorboard,
    trackio,
    trainer_state,
    wandb_csv,
    wandb_run,
)
from planner.importers.table import ForeignLog, LogFile

HEAD_BYTES = 65_536


class Reader(Struct, frozen=True):
    """One kind of log.

    Attributes:
        name: Its module, which a record keeps.
        title: In words, for a list of what is read.
        recognises: Whether some content is of this kind.
        read: From its files (one, or those of a folder) to tables.
        folders: Whether a log of this kind may be a folder of files.
    """

    name: str
    title: str
    recognises: Callable[[bytes], bool]
    read: Callable[[Sequence[LogFile]], ForeignLog]
    folders: bool = False


# In the order in which they are asked: a table with columns comes last, for nearly any text looks like one.
READERS: dict[str, Reader] = {
    module.NAME: Reader(
        module.NAME, module.TITLE, module.recognises, module.read, module in (tensorboard, mlflow_files)
    )
    for module in (trainer_state, tensorboard, mlflow_database, trackio, mlflow_files, wandb_run, wandb_csv, csv_table)
}
WHAT_IS_READ = "Plateau imports: " + "; ".join(reader.title for reader in READERS.values())


def reader_of(data: bytes) -> Reader | None:
    """The reader of some content; None where it is no log that Plateau knows."""
    return next((reader for reader in READERS.values() if reader.recognises(data)), None)


def read_log(files: Sequence[LogFile]) -> ForeignLog:
    """Read a log: one file of any kind, or the files of a folder of one kind.

    Raises:
        RecordError: It is no log that Plateau knows; the message says what it is and what is read.
    """
    reader = reader_of(files[0].data)
    if reader is not None:
        return reader.read(files)
    raise RecordError(Mistake(file=files[0].name, reason=_what_it_is(files[0]), remedy=WHAT_IS_READ))


def looks_like_a_log(start: bytes) -> bool:
    """Whether the first `HEAD_BYTES` of a file are those of another trainer's log."""
    return start.startswith(database.MAGIC) or reader_of(start) is not None


def _what_it_is(file: LogFile) -> str:
    data = file.data
    if not data.strip():
        return "the file is empty"
    if data.startswith(database.MAGIC):
        with database.opened(file):  # says it where the file is damaged
            return "this is a database, but its tables are not those of MLflow or Trackio"
    if b'"calibration_id"' in data[:2000]:
        return "this is a calibration record already, it needs no import (`plateau fit` reads it)"
    if data.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")):
        return "this is an archive; archives are not opened"
    if data.startswith(b"PAR1"):
        return "this is a Parquet file; export it as CSV"
    if data.startswith(b"\x80") or b"\0" in data[:4096]:
        return "this is not a text file"
    return "not a log that Plateau knows"
