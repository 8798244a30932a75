"""An untrusted SQLite file, read in memory: it is never opened on disk, written to, or allowed to run what it holds.

The file is checked, loaded into memory and queried under an authorizer that lets tables be read and nothing else; a
clock stops a query that a crafted file makes endless. Entries that still wait in the `-wal` file beside it count too.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from planner.errors import Mistake, RecordError
from planner.importers.table import MOST_ENTRIES, LogFile, too_many

MAGIC = b"SQLite format 3\0"
_LONGEST_VALUE = 16 * 1024 * 1024
_MOST_SECONDS = 10.0
_REMEDY = "Close the program that writes it, and copy the file again"
_READING = frozenset([sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ])
_WRITE_AHEAD, _ROLLBACK = b"\x02\x02", b"\x01\x01"
_JOURNAL_BYTES = slice(18, 20)


class Database:
    """Tables of an open log."""

    def __init__(self, connection: sqlite3.Connection, file: LogFile) -> None:
        self._connection = connection
        self._file = file

    def columns(self, table: str) -> tuple[str, ...]:
        """Columns of a real table; empty where there is none of this name."""
        with self._refusing():
            query = "SELECT type, sql FROM sqlite_schema WHERE name = ?"
            found = self._connection.execute(query, (table,)).fetchone()
            if not found or found[0] != "table" or not str(found[1]).upper().startswith("CREATE TABLE"):
                return ()
            columns = self._connection.execute(f'PRAGMA table_info("{table}")').fetchall()
        return tuple(column[1] for column in columns)

    def rows(self, table: str, columns: Sequence[str], order: Sequence[str]) -> list[tuple[Any, ...]]:
        """Values of some columns of a table that `columns` knows, in an order.

        Raises:
            RecordError: The file is damaged, or has more rows than are read.
        """
        names, by = (", ".join(f'"{name}"' for name in which) for which in (columns, order))
        query = f'SELECT {names} FROM "{table}" ORDER BY {by} LIMIT {MOST_ENTRIES + 1}'  # noqa: S608
        with self._refusing():
            found = self._connection.execute(query).fetchall()
        if len(found) > MOST_ENTRIES:
            raise too_many(self._file)
        return found

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Whatever SQLite says about a file becomes our sentence."""
        until = time.monotonic() + _MOST_SECONDS
        self._connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
        try:
            yield
        except sqlite3.Error as problem:
            raise _fail(self._file, f"the database cannot be read ({problem})", _REMEDY) from None
        except (UnicodeDecodeError, OverflowError, MemoryError):
            raise _fail(self._file, "the database has a value that cannot be read", _REMEDY) from None


@contextlib.contextmanager
def opened(file: LogFile) -> Iterator[Database]:
    """The database of a file.

    Raises:
        RecordError: It is none, or damaged.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        database = Database(connection, file)
        with database._refusing():
            connection.deserialize(_content(file))
            connection.text_factory = lambda value: value.decode("utf-8", "replace")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.set_authorizer(_only_reading)
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        yield database


def has_columns(file: LogFile, table: str, columns: Iterable[str]) -> bool:
    """Whether a file is a database with this table; False where it cannot be read."""
    if not file.data.startswith(MAGIC):
        return False
    try:
        with opened(file) as database:
            return set(columns) <= set(database.columns(table))
    except RecordError:
        return False


def _only_reading(action: int, first: str | None, *_: str | None) -> int:
    allowed = action in _READING or (action == sqlite3.SQLITE_PRAGMA and first == "table_info")
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _content(file: LogFile) -> bytes:
    """The database as one file that needs no other."""
    data = file.data if not file.write_ahead else _joined(file)
    if data[_JOURNAL_BYTES] == _WRITE_AHEAD:
        # In memory there is no file to write ahead to; the header says how the next writer works, not what is stored.
        data = data[: _JOURNAL_BYTES.start] + _ROLLBACK + data[_JOURNAL_BYTES.stop :]
    return data


def _joined(file: LogFile) -> bytes:
    """The database with what its `-wal` file holds: SQLite joins a copy of both, in a folder of our own."""
    with tempfile.TemporaryDirectory(prefix="plateau-") as folder:
        copy = Path(folder) / "log.db"
        copy.write_bytes(file.data)
        (Path(folder) / "log.db-wal").write_bytes(file.write_ahead)
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return copy.read_bytes()


def _fail(file: LogFile, reason: str, remedy: str) -> RecordError:
    return RecordError(Mistake(file=file.name, reason=reason, remedy=remedy))
