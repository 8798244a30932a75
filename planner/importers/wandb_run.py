"""The file that Weights & Biases itself writes (`run-ID.wandb`): all that an offline run leaves.

Blocks of 32 KiB hold records as LevelDB's log does: CRC-32 of kind and data (4 bytes), length (2), kind (1), data; a
long message is split into first, middle and last. Messages are protocol buffers; only the history is read: metrics of a
step as JSON, beside `_step`, `_runtime` and `_timestamp`. A torn end is left out and said; other damage is refused.

Source: github.com/wandb/wandb, core/internal/leveldb/record.go, wandb/proto/wandb_internal.proto.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from planner.errors import Mistake, RecordError
from planner.importers.messages import BYTES, INT, DecodeError, message_class
from planner.importers.table import MOST_ENTRIES, ForeignLog, LogFile, Row, RunTable, too_many
from planner.reading import decode_json

NAME = "wandb_run"
TITLE = "run file of Weights & Biases (run-ID.wandb)"
_MAGIC = b":W&B\xe1\xbe\x00"
_BLOCK = 32 * 1024
_HEADER = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_STEP = "_step"
_REMEDY = "Copy the file again from where it was written"
_RECORD = message_class(
    {
        "Record": {"history": (2, "History", False)},
        "History": {"item": (1, "Item", True), "step": (2, "Step", False)},
        "Item": {"key": (1, BYTES, False), "nested_key": (2, BYTES, True), "value_json": (16, BYTES, False)},
        "Step": {"num": (1, INT, False)},
    }
)


def recognises(data: bytes) -> bool:
    """Whether the content begins as such a file does."""
    return data.startswith(_MAGIC)


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read one run.

    Raises:
        RecordError: The file is damaged other than at its end.
    """
    file = files[0]
    remarks: dict[str, float] = {}
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for number, message in enumerate(_messages(file, remarks), start=1):
        try:
            record = _RECORD.FromString(message)
        except DecodeError:
            raise _damaged(file, f"record {number:,} is no message of wandb") from None
        if record.HasField("history"):
            cells = _cells(record.history, file, len(rows) + 1)
            columns.update(dict.fromkeys(cells))
            rows.append(Row(len(rows) + 1, cells))
            if len(rows) > MOST_ENTRIES:
                raise too_many(file)
    run = RunTable(columns=tuple(columns), rows=tuple(rows))
    return ForeignLog(log=NAME, file=file.name, runs=(run,), entry="history row", log_calls=(_STEP,), remarks=remarks)


def _cells(history: Any, file: LogFile, row: int) -> dict[str, Any]:
    cells: dict[str, Any] = {_STEP: history.step.num} if history.HasField("step") else {}
    for item in history.item:
        name = (item.key or b".".join(item.nested_key)).decode("utf-8", "replace")
        # A history also keeps tables and images, as objects; only plain values can be a metric.
        if item.value_json[:1] not in (b"{", b"["):
            cells[name] = decode_json(
                item.value_json, object, file=file.name, row=row, error=RecordError, remedy=_REMEDY, non_finite=True
            )
    return cells


def _messages(file: LogFile, remarks: dict[str, float]) -> Iterator[bytes]:
    """Every whole message, its parts joined and checked against their CRC."""
    parts: list[bytes] = []
    whole = len(_MAGIC)
    for end, kind, content in _parts(file, remarks):
        if kind in (_FULL, _FIRST) and parts:
            raise _damaged(file, f"a message is cut off before byte {end:,}")
        if kind in (_MIDDLE, _LAST) and not parts:
            raise _damaged(file, f"a message without its beginning ends at byte {end:,}")
        parts.append(content)
        if kind in (_FULL, _LAST):
            yield b"".join(parts)
            parts, whole = [], end
    if parts:
        remarks["torn_tail"] = len(file.data) - whole


def _parts(file: LogFile, remarks: dict[str, float]) -> Iterator[tuple[int, int, bytes]]:
    """(end, kind, data) of every whole record."""
    data = memoryview(file.data)
    at = len(_MAGIC)
    while at < len(data):
        left_in_block = _BLOCK - at % _BLOCK
        if left_in_block < _HEADER.size:
            at += left_in_block
            continue
        if len(data) - at < _HEADER.size or not any(data[at:]):
            break
        crc, length, kind = _HEADER.unpack_from(data, at)
        begin = at + _HEADER.size
        if kind not in (_FULL, _FIRST, _MIDDLE, _LAST) or length > left_in_block - _HEADER.size:
            raise _damaged(file, f"the record at byte {at + 1:,} has an impossible length or kind")
        if begin + length > len(data):
            break
        content = bytes(data[begin : begin + length])
        if zlib.crc32(content, zlib.crc32(bytes([kind]))) != crc:
            raise _damaged(file, f"the record at byte {at + 1:,} does not match its checksum")
        at = begin + length
        yield at, kind, content
    if at < len(data):
        remarks["torn_tail"] = len(data) - at


def _damaged(file: LogFile, reason: str) -> RecordError:
    return RecordError(Mistake(file=file.name, reason=reason, remedy=_REMEDY))
