"""Readers of image-text datasets, one file a format. `read_dataset` finds out which one it is."""

from __future__ import annotations

from pathlib import Path

from planner.errors import InputError, Mistake, shown_name
from trainer.dataset.example import Dataset, Example, prompt_form
from trainer.dataset.medpix import find_root, read_medpix
from trainer.dataset.split import dataset_digest
from trainer.dataset.table import Columns, read_table

__all__ = ["Columns", "Dataset", "Example", "dataset_digest", "prompt_form", "read_dataset"]

_TABLES = (".csv", ".jsonl")


def read_dataset(path: Path, *, held_out_fraction: float = 0.1, columns: Columns | None = None) -> Dataset:
    """Read a MedPix 2.0 folder, a table, or a folder with exactly one table.

    Raises:
        InputError: Nothing readable there, or all rows that cannot be used.
    """
    name = shown_name(path)
    columns = columns or Columns()
    if path.is_file():
        if path.suffix.lower() not in _TABLES:
            raise InputError(Mistake(file=name, reason="neither CSV nor JSONL", remedy="Give a folder, or such a file"))
        return read_table(path, columns=columns, held_out_fraction=held_out_fraction)
    if not path.is_dir():
        raise InputError(Mistake(file=name, reason="there is no such folder or file", remedy="Check --data"))
    if root := find_root(path):
        return read_medpix(root, held_out_fraction=held_out_fraction)
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in _TABLES and file.is_file())
    if len(tables) == 1:
        return read_table(tables[0], columns=columns, held_out_fraction=held_out_fraction)
    found = "the folder is empty" if not any(path.iterdir()) else f"{len(tables)} tables are in the folder"
    raise InputError(
        Mistake(
            file=name,
            reason=f"expected MedPix 2.0 (Descriptions.json) or one table of image,prompt,answer,case; {found}",
            remedy="Name the CSV or JSONL file itself, or the folder as distributed",
        )
    )
