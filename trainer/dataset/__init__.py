"""Readers of image-text datasets, one file a format. `read_dataset` finds out which one it is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from planner.errors import InputError, Mistake, shown_name
from trainer.dataset import medpix, roco, rocov2, slake, table, vqa_rad
from trainer.dataset.example import Dataset, Example, prompt_form
from trainer.dataset.options import Columns, ReadOptions
from trainer.dataset.split import dataset_digest

__all__ = ["FORMATS", "Columns", "Dataset", "Example", "ReadOptions", "dataset_digest", "prompt_form", "read_dataset"]

# A layout is a module with NAME, LAYOUT (what lies in the folder), is_root(folder) and read(folder, options).
FORMATS: tuple[ModuleType, ...] = (medpix, vqa_rad, slake, roco, rocov2)


def read_dataset(path: Path, options: ReadOptions | None = None) -> Dataset:
    """Read a folder in a layout of `FORMATS` (it, or the only such folder in it), a table, or a folder with one table.

    Raises:
        InputError: Nothing readable there, or all rows that cannot be used.
    """
    options = options or ReadOptions()
    if path.is_file():
        return table.read(path, options)
    if not path.is_dir():
        raise InputError(
            Mistake(file=shown_name(path), reason="there is no such folder or file", remedy="Check --data")
        )
    found = _roots(path)
    if len(found) > 1:
        raise InputError(
            Mistake(
                file=shown_name(path),
                reason=f"{len(found)} datasets are in the folder ({', '.join(layout.NAME for layout, _ in found)})",
                remedy="Name one of them; --data can be given several times",
            )
        )
    if found:
        layout, root = found[0]
        dataset: Dataset = layout.read(root, options)
        return dataset
    tables = table.tables(path)
    if len(tables) == 1:
        return table.read(tables[0], options)
    there = f"{len(tables)} tables are in the folder" if any(path.iterdir()) else "the folder is empty"
    raise InputError(
        Mistake(
            file=shown_name(path),
            reason=f"no known layout; {there}. Known are "
            + "; ".join([*(layout.LAYOUT for layout in FORMATS), table.LAYOUT]),
            remedy="Give the folder as distributed, or name the CSV or JSONL file itself",
        )
    )


def _roots(path: Path) -> list[tuple[ModuleType, Path]]:
    """Datasets at this folder; where there is none, in the folders directly inside."""
    here = [(layout, path) for layout in FORMATS if layout.is_root(path)]
    if here:
        return here
    folders = sorted(child for child in path.iterdir() if child.is_dir())
    return [(layout, folder) for folder in folders for layout in FORMATS if layout.is_root(folder)]
