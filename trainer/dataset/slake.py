"""SLAKE as distributed: train.json, validate.json (or validation.json), test.json, imgs/<image>/source.jpg.

The official split is by image: `train` is learned, `validate` is held out, `test` is left alone. Questions stand there
in English and Chinese (`q_lang`), with about one question in each for the other.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from planner.errors import InputError, Mistake
from trainer.dataset.example import Dataset, Example, closed_by, prompt_form
from trainer.dataset.options import ALL, ReadOptions
from trainer.dataset.rows import Row, collected, entries
from trainer.dataset.split import Part, official_split
from trainer.dataset.text_file import read_json

NAME = "slake"
LAYOUT = "SLAKE (train.json, validate.json or validation.json, imgs/)"
_VALIDATION = ("validate.json", "validation.json")


def is_root(folder: Path) -> bool:
    """Whether this is the folder as distributed."""
    return (folder / "imgs").is_dir() and (folder / "train.json").is_file() and _validation(folder) is not None


def read(root: Path, options: ReadOptions) -> Dataset:
    """Read the folder.

    Raises:
        InputError: All entries that cannot be used, or no question in the language that was asked for.
    """
    validation = _validation(root)
    assert validation is not None
    placed: list[tuple[Part, Example]] = []
    others = 0
    files: tuple[tuple[Part, str], ...] = (("train", "train.json"), ("held_out", validation))
    for part, file in files:
        rows = entries(read_json(root / file), file)
        examples = collected(file, rows, partial(_example, root, options), remedy="Correct the entry, or take it out")
        others += len(rows) - len(examples)
        placed += [(part, example) for example in examples]
    if not placed:
        raise InputError(
            Mistake(
                file="train.json",
                field="q_lang",
                reason=f"no question is in the language {options.language!r}",
                remedy=f"Use --language en, zh or {ALL}",
            )
        )
    (training, held_out), leaks = official_split(placed, file="train.json")
    notes = ["The distributed splits are used: train to learn from, validation held out; test is left alone."]
    if others:
        notes.append(f"{others:,} questions in another language are left out (--language {ALL} reads them).")
    return Dataset(format=NAME, training=training, held_out=held_out, notes=(*notes, *leaks))


def _validation(folder: Path) -> str | None:
    return next((name for name in _VALIDATION if (folder / name).is_file()), None)


def _example(root: Path, options: ReadOptions, row: Row) -> Example | None:
    language = row.name("q_lang").lower()
    if options.language not in (ALL, language):
        return None
    name, answer = row.name("img_name"), row.text("answer")
    prompt = prompt_form(row.text("question"), language)
    return Example(
        image=row.image(root / "imgs", name, key="img_name"),
        prompt=prompt,
        answer=answer,
        case=name,
        file=row.file,
        row=row.number,
        closed=closed_by(row.optional("answer_type"), prompt, answer),
        language=language,
    )
