"""TensorBoard event files: one file, or the folder of a run or of many.

A file is a sequence of records: length (8 bytes) and its CRC, data and its CRC (CRC-32C, masked). Data is a protocol
buffer `Event`; scalars are read in both styles, `simple_value` (PyTorch, Hugging Face) and a tensor of one element
(TensorFlow 2). A last record that was cut off is left out and said; any other damage is refused.

Source: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, framework/summary.proto, tensor.proto.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import google_crc32c

from planner.errors import Mistake, RecordError
from planner.importers.messages import BYTES, DOUBLE, FLOAT, INT, DecodeError, message_class
from planner.importers.table import MOST_ENTRIES, ForeignLog, LogFile, RunTable, Sample, table_of, too_many

NAME = "tensorboard"
TITLE = "TensorBoard event file, or a folder of them"
_LENGTH = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_VERSION = b"brain.Event:"
_FIRST_RECORD = 1024
_FLOAT, _DOUBLE = 1, 2
"""Numbers of the types of a tensor."""
_REMEDY = "Copy the file again from where it was written"

_EVENT = message_class(
    {
        "Event": {"wall_time": (1, DOUBLE, False), "step": (2, INT, False), "summary": (5, "Summary", False)},
        "Summary": {"value": (1, "Value", True)},
        "Value": {"tag": (1, BYTES, False), "simple_value": (2, FLOAT, False), "tensor": (8, "Tensor", False)},
        "Tensor": {
            "dtype": (1, INT, False),
            "tensor_content": (4, BYTES, False),
            "float_val": (5, FLOAT, True),
            "double_val": (6, DOUBLE, True),
        },
    }
)


def recognises(data: bytes) -> bool:
    """Whether the content begins with the first record of an event file."""
    if len(data) < _LENGTH.size:
        return False
    length, crc = _LENGTH.unpack_from(data)
    return crc == _masked(data[:8]) and length <= _FIRST_RECORD and _VERSION in data[: _LENGTH.size + _FIRST_RECORD]


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read event files; those of one folder are one run, which may have been resumed.

    Raises:
        RecordError: A file is damaged other than at its end.
    """
    remarks: dict[str, float] = {}
    folders: dict[str, list[tuple[float, list[Sample]]]] = {}
    entries = 0
    for file in files:
        samples = list(itertools.islice(_samples(file, remarks), MOST_ENTRIES + 1))
        entries += len(samples)
        if entries > MOST_ENTRIES:
            raise too_many(file)
        begun = min((sample.seconds for sample in samples if sample.seconds is not None), default=math.inf)
        folder, samples = _own_run(PurePosixPath(file.path).parent, samples)
        folders.setdefault(folder, []).append((begun, samples))
    runs: list[RunTable] = []
    for folder, sessions in sorted(folders.items()):
        sessions.sort(key=lambda session: session[0])
        runs.append(table_of(folder if len(folders) > 1 else "", (s for _, samples in sessions for s in samples)))
    return ForeignLog(log=NAME, file=files[0].name, runs=tuple(runs), entry="row", remarks=remarks)


def _own_run(folder: PurePosixPath, samples: list[Sample]) -> tuple[str, list[Sample]]:
    """The folder that is the run, and its samples.

    PyTorch's `add_scalars("loss", {"eval": ...})` writes the tag `loss` into a folder `loss_eval` below the run.
    """
    tags = {sample.metric for sample in samples}
    if len(tags) == 1 and folder.name.startswith(tags.pop().replace("/", "_") + "_"):
        return str(folder.parent), [Sample(folder.name, s.step, s.seconds, s.value) for s in samples]
    return str(folder), samples


def _samples(file: LogFile, remarks: dict[str, float]) -> Iterator[Sample]:
    """Every scalar of one file, in its order."""
    for number, record in enumerate(_records(file, remarks), start=1):
        try:
            event = _EVENT.FromString(record)
        except DecodeError:
            raise _damaged(file, number, "is no TensorBoard event") from None
        seconds = event.wall_time if math.isfinite(event.wall_time) and event.wall_time > 0 else None
        for value in event.summary.value:
            scalar = _scalar(value)
            if scalar is not None:
                yield Sample(value.tag.decode("utf-8", "replace"), event.step, seconds, scalar)


def _scalar(value: Any) -> float | None:
    """The number of a summary value; None for an image, a histogram, a text."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    if tensor.dtype == _FLOAT and len(tensor.float_val) == 1:
        return float(tensor.float_val[0])
    if tensor.dtype == _DOUBLE and len(tensor.double_val) == 1:
        return float(tensor.double_val[0])
    form = {(_FLOAT, 4): "<f", (_DOUBLE, 8): "<d"}.get((tensor.dtype, len(tensor.tensor_content)))
    return float(struct.unpack(form, tensor.tensor_content)[0]) if form else None


def _records(file: LogFile, remarks: dict[str, float]) -> Iterator[bytes]:
    """The data of every whole record, checked against its CRC."""
    data = memoryview(file.data)
    at, number = 0, 0
    while at < len(data):
        number += 1
        left = len(data) - at
        if left < _LENGTH.size or not any(data[at:]):  # a file system may leave zeros where a write was lost
            break
        length, crc = _LENGTH.unpack_from(data, at)
        if crc != _masked(bytes(data[at : at + 8])):
            raise _damaged(file, number, f"(byte {at + 1:,}) has a length that does not match its checksum")
        begin = at + _LENGTH.size
        if length > left - _LENGTH.size - _CRC.size:
            break
        content = bytes(data[begin : begin + length])
        if _CRC.unpack_from(data, begin + length)[0] != _masked(content):
            raise _damaged(file, number, f"(byte {at + 1:,}) does not match its checksum")
        yield content
        at = begin + length + _CRC.size
    if at < len(data):
        remarks["torn_tail"] = remarks.get("torn_tail", 0) + len(data) - at


def _masked(content: bytes) -> int:
    crc = google_crc32c.value(content)
    return int(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _damaged(file: LogFile, number: int, reason: str) -> RecordError:
    return RecordError(Mistake(file=file.name, field=f"record {number:,}", reason=reason, remedy=_REMEDY))
