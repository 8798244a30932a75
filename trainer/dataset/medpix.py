"""MedPix 2.0 as distributed: Descriptions.json, Case_topic.json, images/, splitted_dataset/.

A case (`U_id`) is indivisible. The distributed `train` split is learned from, `dev` is the held-out set, `test` is left
alone. Keys of the dictionaries vary from entry to entry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planner.errors import InputError, Mistake
from trainer.dataset.example import Dataset, Example
from trainer.dataset.image_file import ImageRefusedError, image_inside
from trainer.dataset.split import split_by_case
from trainer.dataset.text_file import jsonl_rows, raise_all, read_json

DESCRIPTIONS = "Descriptions.json"
CASES = "Case_topic.json"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def find_root(path: Path) -> Path | None:
    """The folder with `Descriptions.json`: `path` itself or its only such child."""
    for folder in (path, *sorted(child for child in path.iterdir() if child.is_dir())):
        if (folder / DESCRIPTIONS).is_file():
            return folder
    return None


def read_medpix(root: Path, *, held_out_fraction: float) -> Dataset:
    """Read the folder.

    Args:
        root: With `Descriptions.json`.
        held_out_fraction: Share of the cases, used only where the distributed splits are missing.

    Raises:
        InputError: All rows that cannot be used.
    """
    entries = _list(read_json(root / DESCRIPTIONS), DESCRIPTIONS)
    mistakes: list[Mistake] = []
    examples: list[Example] = []
    for row, entry in enumerate(entries, start=1):
        try:
            examples.append(_example(root, row, entry))
        except _RowError as problem:
            mistakes.append(problem.mistake)
    raise_all(mistakes)
    if not examples:
        raise InputError(Mistake(file=DESCRIPTIONS, reason="no image is described", remedy="Download it again"))
    splits = _distributed_splits(root)
    if splits is None:
        training, held_out = split_by_case(examples, held_out_fraction, file=DESCRIPTIONS)
        notes = ["The distributed splits are missing; the held-out cases were chosen by hash."]
    else:
        learn, hold = splits
        training = tuple(example for example in examples if example.case in learn)
        held_out = tuple(example for example in examples if example.case in hold)
        rest = len(examples) - len(training) - len(held_out)
        notes = [f"The distributed splits are used: train to learn from, dev held out; {rest} images are left alone."]
    if not training or not held_out:
        raise InputError(
            Mistake(file="uid_list.json", reason="train or dev has no image", remedy="Download the dataset again")
        )
    return Dataset(
        format="medpix",
        training=training,
        held_out=held_out,
        background_texts=_discussions(root, {example.case for example in training}),
        notes=tuple(notes),
    )


class _RowError(Exception):
    def __init__(self, row: int, field: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.mistake = Mistake(file=DESCRIPTIONS, row=row, field=field, reason=reason, remedy=remedy)


def _example(root: Path, row: int, entry: Any) -> Example:
    remedy = "Correct the entry, or take it out"
    fields = entry if isinstance(entry, dict) else {}
    case, name = fields.get("U_id"), fields.get("image")
    if not isinstance(case, str) or not case.strip():
        raise _RowError(row, "U_id", "the entry names no case", remedy)
    if not isinstance(name, str) or not name.strip():
        raise _RowError(row, "image", "the entry names no image", remedy)
    description = fields.get("Description")
    caption = description.get("Caption") if isinstance(description, dict) else None
    if not isinstance(caption, str) or not caption.strip():
        raise _RowError(row, "Caption", "the caption is empty", "Write the caption, or take the entry out")
    try:
        image = _image(root, name)
    except ImageRefusedError as problem:
        raise _RowError(row, "image", problem.reason, problem.remedy) from None
    return Example(
        image=image, prompt="caption en", answer=" ".join(caption.split()), case=case, file=DESCRIPTIONS, row=row
    )


def _image(root: Path, name: str) -> Path:
    """Names stand there without their suffix."""
    if name.lower().endswith(_SUFFIXES):
        return image_inside(root / "images", name)
    for suffix in _SUFFIXES[1:]:
        try:
            return image_inside(root / "images", name + suffix)
        except ImageRefusedError:
            continue
    return image_inside(root / "images", name + _SUFFIXES[0])


def _list(document: Any, file: str) -> list[Any]:
    if not isinstance(document, list):
        raise InputError(Mistake(file=file, reason="expected a list of entries", remedy="Download the dataset again"))
    return document


def _distributed_splits(root: Path) -> tuple[set[str], set[str]] | None:
    folder = root / "splitted_dataset"
    if (folder / "uid_list.json").is_file():
        lists = read_json(folder / "uid_list.json")
        if isinstance(lists, dict) and isinstance(lists.get("train"), list) and isinstance(lists.get("dev"), list):
            learn, hold = {str(case) for case in lists["train"]}, {str(case) for case in lists["dev"]}
            return learn - hold, hold
    files = [folder / f"descriptions_{split}.jsonl" for split in ("train", "dev")]
    if not all(file.is_file() for file in files):
        return None
    learn, hold = ({str(row.get("U_id")) for _, row in jsonl_rows(file)} for file in files)
    return learn - hold, hold


def _discussions(root: Path, cases: set[str]) -> tuple[str, ...]:
    """Disease discussions of the training cases: prose of the field that is no caption."""
    if not (root / CASES).is_file():
        return ()
    texts = []
    for entry in _list(read_json(root / CASES), CASES):
        fields = entry if isinstance(entry, dict) else {}
        topic = fields.get("Topic")
        text = topic.get("Disease Discussion") if isinstance(topic, dict) else None
        if fields.get("U_id") in cases and isinstance(text, str) and text.strip():
            texts.append(" ".join(text.split()))
    return tuple(texts)
