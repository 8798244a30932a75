"""MedPix 2.0 as distributed: Descriptions.json, Case_topic.json, images/, splitted_dataset/.

A case (`U_id`) is indivisible. The distributed `train` split is learned from, `dev` is the held-out set, `test` is left
alone. Keys of the dictionaries vary from entry to entry.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from planner.errors import InputError, Mistake
from trainer.dataset.example import Dataset, Example, prompt_form
from trainer.dataset.options import ReadOptions
from trainer.dataset.rows import Row, RowError, collected, entries
from trainer.dataset.split import Part, official_split, split_by_case
from trainer.dataset.text_file import jsonl_rows, read_json

NAME = "medpix"
LAYOUT = "MedPix 2.0 (Descriptions.json, images/)"
DESCRIPTIONS = "Descriptions.json"
CASES = "Case_topic.json"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def is_root(folder: Path) -> bool:
    """Whether this is the folder as distributed."""
    return (folder / DESCRIPTIONS).is_file()


def read(root: Path, options: ReadOptions) -> Dataset:
    """Read the folder.

    Raises:
        InputError: All entries that cannot be used.
    """
    prompt = prompt_form("", options.prompt_language)

    def make(row: Row) -> Example:
        description = row.fields.get("Description")
        caption = Row(
            file=DESCRIPTIONS,
            number=row.number,
            fields=description if isinstance(description, dict) else {},
            remedy="Write the caption, or take the entry out",
        )
        case, name = row.name("U_id"), row.name("image")
        suffixes = ("",) if name.lower().endswith(_SUFFIXES) else _SUFFIXES
        return Example(
            image=row.image(root / "images", name, key="image", suffixes=suffixes),
            prompt=prompt,
            answer=caption.text("Caption"),
            case=case,
            file=DESCRIPTIONS,
            row=row.number,
            language=options.prompt_language,
        )

    rows = entries(read_json(root / DESCRIPTIONS), DESCRIPTIONS)
    examples = collected(DESCRIPTIONS, rows, make, remedy="Correct the entry, or take it out")
    if not examples:
        raise InputError(Mistake(file=DESCRIPTIONS, reason="no image is described", remedy="Download it again"))
    parts = _distributed_parts(root)
    if parts is None:
        training, held_out = split_by_case(examples, options.held_out_fraction, file=DESCRIPTIONS)
        notes = ["The distributed splits are missing; the held-out cases were chosen by hash."]
    else:
        placed = [(parts.get(example.case, "test"), example) for example in examples]
        (training, held_out), notes = official_split(placed, file="uid_list.json")
        rest = sum(part == "test" for part, _ in placed)
        notes.insert(
            0, f"The distributed splits are used: train to learn from, dev held out; {rest:,} images are left alone."
        )
    return Dataset(
        format=NAME,
        training=training,
        held_out=held_out,
        background=_discussions(root, {example.case for example in training}),
        notes=tuple(notes),
    )


def _distributed_parts(root: Path) -> dict[str, Part] | None:
    """Part of every case; a case that stands in train and dev is held out."""
    folder = root / "splitted_dataset"
    if (folder / "uid_list.json").is_file():
        lists = read_json(folder / "uid_list.json")
        if isinstance(lists, dict) and isinstance(lists.get("train"), list) and isinstance(lists.get("dev"), list):
            return _parts([str(case) for case in lists["train"]], [str(case) for case in lists["dev"]])
    files = [folder / f"descriptions_{split}.jsonl" for split in ("train", "dev")]
    if not all(file.is_file() for file in files):
        return None
    train, dev = ([str(row.get("U_id")) for _, row in jsonl_rows(file)] for file in files)
    return _parts(train, dev)


def _parts(train: list[str], dev: list[str]) -> dict[str, Part]:
    found: dict[str, Part] = dict.fromkeys(train, "train")
    return found | dict.fromkeys(dev, "held_out")


def _discussions(root: Path, cases: set[str]) -> tuple[tuple[str, str], ...]:
    """Disease discussions of the training cases: prose of the field that is no caption."""
    if not (root / CASES).is_file():
        return ()
    texts = []
    for number, entry in entries(read_json(root / CASES), CASES):
        fields = entry if isinstance(entry, dict) else {}
        topic, case = fields.get("Topic"), fields.get("U_id")
        if not isinstance(case, str) or case not in cases or not isinstance(topic, dict):
            continue
        # Background only: a discussion that cannot be used is no reason to refuse the images.
        with suppress(RowError):
            texts.append((case, Row(file=CASES, number=number, fields=topic, remedy="").text("Disease Discussion")))
    return tuple(texts)
