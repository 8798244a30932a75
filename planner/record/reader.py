"""The reader of records, and the packed form (one JSONL file) for upload."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from planner.errors import InputError, Mistake, RecordError, shown_name
from planner.reading import decode_json, read_bytes
from planner.record.events import Calibration, Event, Run
from planner.record.header import SCHEMA_VERSION, CalibrationHeader
from planner.record.imported import import_notes
from planner.record.writer import DISK, FileLayer, RunLog, encode_event, with_crc, write_atomically

_CRC_TAIL = re.compile(rb',"crc32":"([0-9a-f]{8})"}$')


def read_calibration(path: Path, *, skip_bad_lines: bool = False) -> Calibration:
    """Read a record directory or a packed record (one JSONL file).

    A torn last line is left out and noted. A damaged line elsewhere is refused unless `skip_bad_lines`.

    Raises:
        RecordError: All that is wrong, with file and line.
    """
    if not path.is_dir():
        return parse_packed(read_bytes(path, error=RecordError), file=shown_name(path), skip_bad_lines=skip_bad_lines)
    header_path = path / "calibration.json"
    if not header_path.exists():
        raise RecordError(
            Mistake(
                file=shown_name(path),
                reason="no calibration.json in this directory",
                remedy="Name a record made by `calibrate run` or `plateau import`",
            )
        )
    header = _header(read_bytes(header_path, error=RecordError), file="calibration.json")
    runs, notes = [], list(import_notes(header))
    for file in sorted((path / "runs").glob(f"*{RunLog.suffix}")):
        lines = list(_lines(read_bytes(file, error=RecordError)))
        name = file.name.removesuffix(RunLog.suffix)
        events, found = _events(lines, file=f"runs/{file.name}", run=name, skip_bad_lines=skip_bad_lines)
        notes.extend(found)
        if events:
            runs.append(Run(id=name, events=tuple(events)))
    return Calibration(header=header, runs=tuple(runs), notes=tuple(notes))


def pack(calibration: Calibration) -> bytes:
    """The whole record as one JSONL file: the header, then the events of every run."""
    lines = [with_crc(msgspec.json.encode(calibration.header))]
    lines += [encode_event(event) for run in calibration.runs for event in run.events]
    return b"\n".join(lines) + b"\n"


def parse_packed(data: bytes, *, file: str, skip_bad_lines: bool = False) -> Calibration:
    """Read what `pack` wrote; an upload that was cut off keeps its whole lines.

    Raises:
        RecordError: With the line.
    """
    lines = list(_lines(data))
    if not lines or not lines[0][2]:
        raise RecordError(
            Mistake(
                file=file,
                row=1,
                reason="expected a packed calibration record, found none",
                remedy="Make one with `plateau export RECORD`",
            )
        )
    header = _header(_checked(lines[0][1], file=file, row=1), file=file, row=1)
    events, notes = _events(lines[1:], file=file, run=None, skip_bad_lines=skip_bad_lines)
    by_run: dict[str, list[Event]] = {}
    for event in events:
        by_run.setdefault(event.run, []).append(event)
    runs = tuple(Run(id=name, events=tuple(found)) for name, found in by_run.items())
    return Calibration(header=header, runs=runs, notes=(*import_notes(header), *notes))


def write_packed(path: Path, calibration: Calibration, disk: FileLayer = DISK) -> None:
    """Write `pack(calibration)` atomically."""
    write_atomically(path, pack(calibration), disk)


def _header(data: bytes, *, file: str, row: int | None = None) -> CalibrationHeader:
    class Version(Struct):
        schema_version: int

    version = decode_json(data, Version, file=file, row=row, error=RecordError).schema_version
    if version > SCHEMA_VERSION:
        raise RecordError(
            Mistake(
                file=file,
                field="schema_version",
                reason=f"written by a newer Plateau (schema {version}, this one reads up to {SCHEMA_VERSION})",
                remedy="Upgrade Plateau",
            )
        )
    return decode_json(data, CalibrationHeader, file=file, row=row, error=RecordError)


def _lines(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """(number, bytes, closed by a newline) of every line that is not empty."""
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        if line.strip():
            yield number, line.rstrip(b"\r\n"), line.endswith(b"\n")


def _events(
    lines: Iterable[tuple[int, bytes, bool]], *, file: str, run: str | None, skip_bad_lines: bool
) -> tuple[list[Event], list[str]]:
    events: list[Event] = []
    notes: list[str] = []
    mistakes: list[Mistake] = []
    for number, line, whole in lines:
        if not whole:
            notes.append(f"{file} line {number}: the last line was cut off ({len(line)} bytes); left out.")
            continue
        try:
            document = _checked(line, file=file, row=number)
            event: Event = decode_json(document, Event, file=file, row=number, error=RecordError)  # type: ignore[arg-type]
            if run not in (None, event.run):
                raise _of_another_run(event, run, file, number)
            events.append(event)
        except InputError as problem:
            if skip_bad_lines:
                notes.append(f"{file} line {number}: damaged; left out because --skip-bad-lines was given.")
            else:
                mistakes.extend(problem.mistakes)
    if mistakes:
        raise RecordError(mistakes)
    return events, notes


def _of_another_run(event: Event, run: str | None, file: str, row: int) -> RecordError:
    return RecordError(
        Mistake(
            file=file,
            row=row,
            field="run",
            reason=f"expected events of run {run!r}, got one of {event.run!r}",
            remedy="The file was renamed or copied over; put the right one back",
        )
    )


def _checked(line: bytes, *, file: str, row: int) -> bytes:
    """The document of a line whose CRC agrees.

    Raises:
        RecordError: When it does not.
    """
    tail = _CRC_TAIL.search(line)
    document = line[: tail.start()] + b"}" if tail else b""
    if not tail or zlib.crc32(document) != int(tail.group(1), 16):
        raise RecordError(
            Mistake(
                file=file,
                row=row,
                reason="the line is damaged (its checksum does not agree)",
                remedy=f"The {row - 1} lines before it are intact; --skip-bad-lines reads the record without this one",
            )
        )
    return document
