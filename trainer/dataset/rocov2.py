"""ROCOv2 as distributed on Zenodo: <split>_captions.csv (`ID,Caption`) and <split>_images/<split>/<ID>.jpg.

Figures of one article are of one patient as a rule: where `license_information.csv` names the article (`PMCID`, or in
its link), the article is the case. `train` is learned, `valid` is held out, `test` is left alone.
"""

from __future__ import annotations

import re
from pathlib import Path

from planner.errors import InputError, Mistake
from trainer.dataset.example import Dataset, Example, prompt_form
from trainer.dataset.options import ReadOptions
from trainer.dataset.rows import Row, collected, require_columns
from trainer.dataset.split import Part, official_split
from trainer.dataset.text_file import csv_rows

NAME = "rocov2"
LAYOUT = "ROCOv2 (train_captions.csv, valid_captions.csv, train_images/)"
LICENCES = "license_information.csv"
_SPLITS: tuple[tuple[Part, str], ...] = (("train", "train"), ("held_out", "valid"))
_ARTICLE = re.compile(r"PMC\d+")
_SUFFIXES = (".jpg", ".png", ".jpeg", ".webp")


def is_root(folder: Path) -> bool:
    """Whether this is the folder as distributed, unpacked."""
    return all((folder / f"{split}_captions.csv").is_file() for _, split in _SPLITS)


def read(root: Path, options: ReadOptions) -> Dataset:
    """Read the folder.

    Raises:
        InputError: All rows that cannot be used.
    """
    articles = _articles(root)
    placed: list[tuple[Part, Example]] = []
    for part, split in _SPLITS:
        placed += [(part, example) for example in _split(root, split, articles, options)]
    (training, held_out), leaks = official_split(placed, file="train_captions.csv")
    notes = ["The distributed splits are used: train to learn from, valid held out; test is left alone."]
    if unknown := sum(not example.case.startswith("PMC") for _, example in placed):
        notes.append(f"The article of {unknown:,} images is not known; each counts as a case of its own.")
    return Dataset(format=NAME, training=training, held_out=held_out, notes=(*notes, *leaks))


def _split(root: Path, split: str, articles: dict[str, str], options: ReadOptions) -> list[Example]:
    file = f"{split}_captions.csv"
    places = (f"{split}_images/{split}", f"{split}_images", split, "images")
    folder = next((root / place for place in places if (root / place).is_dir()), None)
    if folder is None:
        raise InputError(
            Mistake(file=file, reason=f"the folder {places[0]!r} is not there", remedy=f"Unpack {split}_images.zip")
        )
    rows = list(csv_rows(root / file))
    require_columns(rows, ("ID", "Caption"), file=file, remedy="Download it again")
    prompt = prompt_form("", options.prompt_language)

    def make(row: Row) -> Example:
        name = row.name("ID")
        return Example(
            image=row.image(folder, name, key="ID", suffixes=_SUFFIXES),
            prompt=prompt,
            answer=row.text("Caption"),
            case=articles.get(name, name),
            file=file,
            row=row.number,
            language=options.prompt_language,
        )

    return collected(file, rows, make, remedy="Correct the row, or take it out")


def _articles(root: Path) -> dict[str, str]:
    """Article by image id."""
    found = {}
    if (root / LICENCES).is_file():
        for _, fields in csv_rows(root / LICENCES):
            stated = next((value for key, value in fields.items() if key.upper() == "PMCID" and value.strip()), "")
            if match := _ARTICLE.search(stated) or _ARTICLE.search(" ".join(fields.values())):
                found[fields.get("ID", "").strip()] = match[0]
    return found
