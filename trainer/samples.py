"""Texts of generated answers, kept only where `--keep-samples` or `--rating-sheet` asks for them.

They lie in `samples.jsonl` beside the record's files, readable by their owner alone. No export, plan or paper reads it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from planner.errors import InputError, Mistake
from trainer.answer_quality import Answer
from trainer.dataset import Example

FILE = "samples.jsonl"


class Sample(Struct, frozen=True, kw_only=True):
    """One answer with what it was asked about.

    Attributes:
        run: Id of the run in the record.
        examples: Budget of the run.
        item: Index of the example in the held-out set: the same in every run of a record.
        image: Where the image lies on this machine.
        reference: The whole answer of the dataset, also where the context cuts it.
    """

    run: str
    examples: int
    item: int
    image: str
    question: str
    reference: str
    text: str
    ended: bool


def keep(record: Path, run: str, examples: int, answers: Sequence[Answer], held_out: Sequence[Example]) -> None:
    """Append the answers of a run; `held_out` are the examples that `Answer.item` counts."""
    descriptor = os.open(record / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        os.fchmod(descriptor, 0o600)
        for answer in answers:
            asked = held_out[answer.item]
            sample = Sample(
                run=run,
                examples=examples,
                item=answer.item,
                image=str(asked.image),
                question=asked.prompt,
                reference=asked.answer,
                text=answer.text,
                ended=answer.ended,
            )
            file.write(msgspec.json.encode(sample) + b"\n")


def read_samples(record: Path) -> list[Sample]:
    """The answers of a record, by item and budget; of an answer that was written twice, after a resume, the newest.

    Raises:
        InputError: None were kept, or a line is damaged. A last line that was cut off is left out.
    """
    path = record / FILE
    if not path.is_file():
        raise InputError(
            Mistake(file=FILE, reason="this record has no kept answers", remedy="Run it anew with --keep-samples")
        )
    newest: dict[tuple[str, int], Sample] = {}
    for row, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            continue
        try:
            sample = msgspec.json.decode(line, type=Sample)
        except msgspec.MsgspecError:
            raise InputError(
                Mistake(
                    file=FILE,
                    row=row,
                    reason="not a kept answer of this version",
                    remedy="Take the line out, or run the calibration anew with --keep-samples",
                )
            ) from None
        newest[sample.run, sample.item] = sample
    return sorted(newest.values(), key=lambda sample: (sample.item, sample.examples, sample.run))
