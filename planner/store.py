"""Saved calibrations and plans: one SQLite file in the user's own data directory.

A plan or a record on disk is the truth; this is the library of those that were not given a place. It holds what they
hold: numbers and enumerations. The directory is `PLATEAU_HOME`, else the platform's place for user data, 0700; the file
is 0600.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from planner.cost.plan import Plan, encode_plan, parse_plan
from planner.errors import InputError, Mistake, RecordError
from planner.reading import MAX_FILE_BYTES, decode_json
from planner.record import Calibration, pack, parse_packed

HOME_VARIABLE = "PLATEAU_HOME"
SCHEMA_VERSION = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_BUSY_MS = 5000


class Kind(StrEnum):
    """What is saved."""

    CALIBRATION = "calibration"
    PLAN = "plan"


class Saved(Struct, frozen=True, kw_only=True):
    """One entry of the library; `saved` is a UTC timestamp."""

    kind: Kind
    name: str
    saved: str


def home() -> Path:
    """The directory of the library."""
    given = os.environ.get(HOME_VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("plateau")


def save_calibration(name: str, calibration: Calibration) -> None:
    """Keep a calibration; the same name replaces it.

    Raises:
        InputError: A name that cannot be used, or a library that cannot be written.
    """
    # The packed lines as they are (their checksums go by bytes), in one JSON array that SQLite itself can check.
    _save(Kind.CALIBRATION, name, json.dumps(pack(calibration).decode("utf-8").splitlines()))


def load_calibration(name: str) -> Calibration | None:
    """A saved calibration, None when there is none of this name.

    Raises:
        InputError: It is damaged.
    """
    body = _load(Kind.CALIBRATION, name)
    if body is None:
        return None
    lines = decode_json(body, list[str], file=name, error=RecordError, limit=MAX_FILE_BYTES)
    return parse_packed("".join(line + "\n" for line in lines).encode("utf-8"), file=name)


def save_plan(name: str, plan: Plan) -> None:
    """Keep a plan; the same name replaces it.

    Raises:
        InputError: A name that cannot be used, or a library that cannot be written.
    """
    _save(Kind.PLAN, name, encode_plan(plan).decode("utf-8"))


def load_plan(name: str) -> Plan | None:
    """A saved plan, None when there is none of this name.

    Raises:
        InputError: It is damaged.
    """
    body = _load(Kind.PLAN, name)
    return None if body is None else parse_plan(body.encode("utf-8"), file=name)


def delete_plan(name: str) -> None:
    """Forget a saved plan; nothing happens where there is none of this name.

    Raises:
        InputError: The library cannot be written.
    """
    if not _file().exists():
        return
    with _open() as library:
        library.execute("DELETE FROM saved WHERE kind = ? AND name = ?", (Kind.PLAN.value, name))


def saved() -> tuple[Saved, ...]:
    """All entries, the newest first."""
    if not _file().exists():
        return ()
    with _open() as library:
        rows = library.execute("SELECT kind, name, saved FROM saved ORDER BY saved DESC, name").fetchall()
    return tuple(Saved(kind=Kind(kind), name=name, saved=when) for kind, name, when in rows)


def _file() -> Path:
    return home() / "library.sqlite3"


def _save(kind: Kind, name: str, body: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            Mistake(
                file="name",
                reason=f"{name[:20]!r} cannot be a name",
                remedy="Use small letters, digits, dots and hyphens, at most 64",
            )
        )
    with _open() as library:
        library.execute(
            "INSERT INTO saved (kind, name, saved, body) VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?) "
            "ON CONFLICT (kind, name) DO UPDATE SET saved = excluded.saved, body = excluded.body",
            (kind.value, name, body),
        )


def _load(kind: Kind, name: str) -> str | None:
    if not _file().exists() or not _NAME.fullmatch(name):
        return None
    with _open() as library:
        row = library.execute("SELECT body FROM saved WHERE kind = ? AND name = ?", (kind.value, name)).fetchone()
    return None if row is None else str(row[0])


@contextlib.contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    """The library, made when it is not there; one transaction, committed when the block ends well."""
    file = _file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the mode of the database, so the mode comes first.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        library = sqlite3.connect(file, timeout=_BUSY_MS / 1000)
    except (OSError, sqlite3.Error):
        raise _unusable("it cannot be opened") from None
    try:
        with library:
            _prepare(library)
            yield library
    except sqlite3.Error as problem:
        raise _unusable(str(problem)) from None
    finally:
        library.close()


def _prepare(library: sqlite3.Connection) -> None:
    version = library.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise _unusable(f"written by a newer Plateau (schema {version}, this one reads up to {SCHEMA_VERSION})")
    if version == SCHEMA_VERSION:
        return
    library.execute("PRAGMA journal_mode = WAL")
    library.execute(
        "CREATE TABLE IF NOT EXISTS saved ("
        "kind TEXT NOT NULL, name TEXT NOT NULL, saved TEXT NOT NULL, body TEXT NOT NULL CHECK (json_valid(body)), "
        "PRIMARY KEY (kind, name)) STRICT"
    )
    library.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _unusable(reason: str) -> InputError:
    return InputError(
        Mistake(
            file="library.sqlite3",
            reason=f"the library of saved calibrations cannot be used ({reason})",
            remedy=f"Set {HOME_VARIABLE} to a directory of your own on a local disk, or name a place with --out",
        )
    )
