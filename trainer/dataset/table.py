"""A plain table: `image,prompt,answer[,case]` as CSV or JSONL, images beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from planner.errors import InputError, Mistake, shown_name
from trainer.dataset.example import Dataset, Example, prompt_form
from trainer.dataset.image_file import ImageRefusedError, image_inside
from trainer.dataset.split import split_by_case
from trainer.dataset.text_file import csv_rows, jsonl_rows, raise_all


class Columns(Struct, frozen=True, kw_only=True):
    """Names of the columns; without `case`, every image is a case of its own."""

    image: str = "image"
    prompt: str = "prompt"
    answer: str = "answer"
    case: str = "case"


def read_table(path: Path, *, columns: Columns, held_out_fraction: float) -> Dataset:
    """Read a CSV or JSONL file; image names are relative to its folder.

    Raises:
        InputError: All rows that cannot be used.
    """
    name = shown_name(path)
    rows: Iterator[tuple[int, dict[str, Any]]] = csv_rows(path) if path.suffix.lower() == ".csv" else jsonl_rows(path)
    mistakes: list[Mistake] = []
    examples: list[Example] = []
    cases_named = False
    for row, fields in rows:
        if row_mistakes := list(_missing(fields, columns, name, row)):
            mistakes.extend(row_mistakes)
            if len(row_mistakes) > 1 or columns.image not in fields:
                break  # the header is wrong: every row would say the same
            continue
        try:
            image = image_inside(path.parent, str(fields[columns.image]).strip())
        except ImageRefusedError as problem:
            mistakes.append(
                Mistake(file=name, row=row, field=columns.image, reason=problem.reason, remedy=problem.remedy)
            )
            continue
        case = str(fields.get(columns.case) or "").strip()
        cases_named = cases_named or bool(case)
        examples.append(
            Example(
                image=image,
                prompt=prompt_form(str(fields.get(columns.prompt) or "")),
                answer=" ".join(str(fields[columns.answer]).split()),
                case=case or f"image {fields[columns.image]}",
                file=name,
                row=row,
            )
        )
    raise_all(mistakes)
    if not examples:
        raise InputError(Mistake(file=name, reason="there is no row in it", remedy="Write one row an image and answer"))
    training, held_out = split_by_case(examples, held_out_fraction, file=name)
    notes = (
        ()
        if cases_named
        else (
            f"No column {columns.case!r}: every image counts as a case of its own. If patients have several images, "
            "name the patient there, or the held-out loss looks better than it is.",
        )
    )
    return Dataset(format="table", training=training, held_out=held_out, notes=notes)


def _missing(fields: dict[str, Any], columns: Columns, file: str, row: int) -> Iterator[Mistake]:
    for field in (columns.image, columns.answer):
        if field not in fields:
            yield Mistake(
                file=file,
                row=row,
                field=field,
                reason="there is no such column",
                remedy="Name the columns image,prompt,answer,case, or give --image-column and --answer-column",
            )
        elif not str(fields[field] if fields[field] is not None else "").strip():
            remedy = "Write it, or take the row out"
            yield Mistake(file=file, row=row, field=field, reason="the field is empty", remedy=remedy)
