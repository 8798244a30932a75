"""A plain table: `image,prompt,answer[,case]` as CSV or JSONL, images beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planner.errors import InputError, Mistake, shown_name
from trainer.dataset.example import Dataset, Example, is_closed, prompt_form
from trainer.dataset.options import ReadOptions
from trainer.dataset.rows import Row, collected, require_columns
from trainer.dataset.split import split_by_case
from trainer.dataset.text_file import csv_rows, jsonl_rows

NAME = "table"
LAYOUT = "one table of image,prompt,answer,case (CSV or JSONL)"
_SUFFIXES = (".csv", ".jsonl")


def tables(folder: Path) -> list[Path]:
    """CSV and JSONL files in a folder."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())


def read(path: Path, options: ReadOptions) -> Dataset:
    """Read a CSV or JSONL file; image names are relative to its folder.

    Raises:
        InputError: All rows that cannot be used.
    """
    name = shown_name(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(Mistake(file=name, reason="neither CSV nor JSONL", remedy="Give a folder, or such a file"))
    columns = options.columns
    rows: list[tuple[int, dict[str, Any]]] = list(csv_rows(path) if path.suffix.lower() == ".csv" else jsonl_rows(path))
    require_columns(
        rows,
        (columns.image, columns.answer),
        file=name,
        remedy="Name the columns image,prompt,answer,case, or give --image-column and --answer-column",
    )

    def make(row: Row) -> Example:
        image, answer = row.name(columns.image), row.text(columns.answer)
        prompt = prompt_form(row.optional(columns.prompt), options.prompt_language)
        return Example(
            image=row.image(path.parent, image, key=columns.image),
            prompt=prompt,
            answer=answer,
            case=row.optional(columns.case) or f"image {image}",
            file=name,
            row=row.number,
            closed=is_closed(prompt, answer),
            language=options.prompt_language,
        )

    examples = collected(name, rows, make, remedy="Write it, or take the row out")
    training, held_out = split_by_case(examples, options.held_out_fraction, file=name)
    notes = (
        ()
        if any(fields.get(columns.case) for _, fields in rows)
        else (
            f"No column {columns.case!r}: every image counts as a case of its own. If patients have several images, "
            "name the patient there, or the held-out loss looks better than it is.",
        )
    )
    return Dataset(format=NAME, training=training, held_out=held_out, notes=notes)
