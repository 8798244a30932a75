"""Sample answers that a calibration kept because it was asked to: texts, private, read from beside the record only."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from planner.dashboard.work import RECORD_VARIABLE

FILE = "samples.jsonl"
MAX_BYTES = 4 * 1024 * 1024
_MOST = 2_000


class Sample(Struct, frozen=True, kw_only=True):
    """A generated answer beside what the radiologist wrote; fields of newer trainers are left out.

    Attributes:
        examples: Processed by the model before it answered.
        ended: Whether the answer came to its end by itself.
    """

    examples: float
    text: str
    reference: str
    ended: bool = True
    prompt: str = ""


def kept_samples() -> list[Sample]:
    """Samples of the record that the dashboard was started with; empty where it is no directory or kept none."""
    folder = Path(os.environ.get(RECORD_VARIABLE, ""))
    file = folder / FILE
    try:
        if not os.environ.get(RECORD_VARIABLE) or not file.is_file() or file.stat().st_size > MAX_BYTES:
            return []
        lines = file.read_bytes().splitlines()[:_MOST]
    except OSError:
        return []
    samples = []
    for line in lines:
        try:
            samples.append(msgspec.json.decode(line, type=Sample))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return samples
