"""ROCO (version 1) as distributed: data/<split>/radiology/captions.txt, with images/ that `scripts/fetch.py` fills.

Files differ in name from split to split (`captions.txt`, `captions_tp_val_revised.txt`). A line is
`ROCO_00001<tab> caption`. The image of an id is `PMC<article>_<name>.jpg`, which dlinks or licences say. Figures of one
article are of one patient as a rule, so the article is the case; the official split is by image and does leak. Images
are fetched one by one from PMC and some are gone: captions without an image are left out, with a count.
"""

from __future__ import annotations

import re
from pathlib import Path

from planner.errors import InputError, Mistake
from trainer.dataset.example import Dataset, Example, prompt_form
from trainer.dataset.image_file import ImageRefusedError, image_inside
from trainer.dataset.options import ReadOptions
from trainer.dataset.rows import Row, collected
from trainer.dataset.split import Part, official_split
from trainer.dataset.text_file import read_text

NAME = "roco"
LAYOUT = "ROCO (data/train/radiology/captions.txt with images/)"
_SPLITS: tuple[tuple[Part, str], ...] = (("train", "train"), ("held_out", "validation"))
_IMAGE_NAME = re.compile(r"PMC\d+_\S+")
_PACKAGE = re.compile(r"(PMC\d+)\.tar\.gz")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def is_root(folder: Path) -> bool:
    """Whether this is the cloned repository, or its `data` folder."""
    return _data(folder) is not None


def read(root: Path, options: ReadOptions) -> Dataset:
    """Read the folder.

    Raises:
        InputError: All lines that cannot be used, or no image at all.
    """
    data = _data(root)
    assert data is not None
    placed: list[tuple[Part, Example]] = []
    lines = unknown = 0
    for part, split in _SPLITS:
        captions, examples = _split(data / split / "radiology", split, options)
        lines += captions
        unknown += sum(not example.case.startswith("PMC") for example in examples)
        placed += [(part, example) for example in examples]
    if not placed:
        raise InputError(
            Mistake(
                file="captions.txt",
                reason=f"{lines:,} captions, but none of their images is in images/",
                remedy="Run ROCO's scripts/fetch.py first",
            )
        )
    (training, held_out), leaks = official_split(placed, file="captions.txt")
    notes = ["The distributed splits are used: train to learn from, validation held out; test is left alone."]
    if missing := lines - len(placed):
        notes.append(f"{missing:,} of {lines:,} captions have no image file and are left out.")
    if unknown:
        notes.append(f"The article of {unknown:,} images is not known; each counts as a case of its own.")
    return Dataset(format=NAME, training=training, held_out=held_out, notes=(*notes, *leaks))


def _data(folder: Path) -> Path | None:
    for data in (folder, folder / "data"):
        if all(_captions(data / split / "radiology") for _, split in _SPLITS):
            return data
    return None


def _captions(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("captions*.txt"))), None)


def _split(folder: Path, split: str, options: ReadOptions) -> tuple[int, list[Example]]:
    """(captions, those with an image) of one split."""
    captions = _captions(folder)
    assert captions is not None
    file = f"{split}/radiology/{captions.name}"
    names = _image_names(folder)
    prompt = prompt_form("", options.prompt_language)

    def make(row: Row) -> Example | None:
        key, _, caption = (part.strip() for part in row.fields["line"].partition("\t"))
        if not key or not caption:
            raise row.error("caption", "expected an id, a tab and a caption")
        image = _image(folder / "images", key, names.get(key))
        if image is None:
            return None
        return Example(
            image=image,
            prompt=prompt,
            answer=" ".join(caption.split()),
            case=names[key].partition("_")[0] if key in names else key,
            file=file,
            row=row.number,
            language=options.prompt_language,
        )

    lines = enumerate(read_text(captions).split("\n"), start=1)
    rows = [(number, {"line": line}) for number, line in lines if line.strip()]
    return len(rows), collected(file, rows, make, remedy="Correct the line, or take it out")


def _image_names(folder: Path) -> dict[str, str]:
    """`PMC<article>_<name>.jpg` by id, from dlinks (id, download command, name) or licences (id, that very name)."""
    found = {}
    for file in (*sorted(folder.glob("licences*.txt")), *sorted(folder.glob("cc_*.csv"))):
        for line in read_text(file).splitlines():
            name, _, rest = line.partition(",")
            if match := _IMAGE_NAME.match(rest.rpartition(",")[0]):
                found[name.strip()] = match[0]
    for file in sorted(folder.glob("dlinks*.txt")):
        for line in read_text(file).splitlines():
            parts = line.split("\t")
            if len(parts) == 3 and (match := _PACKAGE.search(parts[1])):
                found[parts[0].strip()] = f"{match[1]}_{parts[2].strip()}"
    return found


def _image(folder: Path, name: str, file_name: str | None) -> Path | None:
    """The image under its name of the article or under its id; None when it was not fetched."""
    for candidate in (*([file_name] if file_name else []), *(name + suffix for suffix in _SUFFIXES)):
        try:
            return image_inside(folder, candidate)
        except ImageRefusedError:
            continue
    return None
