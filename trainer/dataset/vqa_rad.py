"""VQA-RAD as distributed on OSF (89kps): `VQA_RAD Dataset Public.json` and the folder of images beside it.

Questions of the phrase types `test_freeform` and `test_para` are the official test set and are left alone. They are
asked about images of which other questions are learned, so the official split says nothing about new patients: the
held-out cases are chosen by hash among the others, whole images at a time; images that name the same MedPix case
(`image_case_url`) stay together. Some answers are numbers, and `answer_type` may end with a blank.
"""

from __future__ import annotations

from pathlib import Path

from planner.errors import InputError, Mistake
from trainer.dataset.example import Dataset, Example, closed_by, prompt_form
from trainer.dataset.groups import Groups
from trainer.dataset.options import ReadOptions
from trainer.dataset.rows import Row, collected, entries
from trainer.dataset.split import split_by_case
from trainer.dataset.text_file import read_json

NAME = "vqa-rad"
LAYOUT = "VQA-RAD (VQA_RAD Dataset Public.json, VQA_RAD Image Folder/)"
QUESTIONS = "VQA_RAD Dataset Public.json"
_FOLDERS = ("VQA_RAD Image Folder", "images")


def is_root(folder: Path) -> bool:
    """Whether this is the folder as distributed."""
    return (folder / QUESTIONS).is_file()


def read(root: Path, options: ReadOptions) -> Dataset:
    """Read the folder.

    Raises:
        InputError: All entries that cannot be used.
    """
    images = next((root / name for name in _FOLDERS if (root / name).is_dir()), None)
    if images is None:
        raise InputError(
            Mistake(
                file=QUESTIONS,
                reason=f"the folder {_FOLDERS[0]!r} is not beside it",
                remedy="Download and unpack the image folder too",
            )
        )
    cases = Groups()

    def make(row: Row) -> tuple[bool, Example]:
        name = row.name("image_name")
        cases.join(name, row.optional("image_case_url") or name)
        prompt, answer = prompt_form(row.text("question"), options.prompt_language), row.text("answer")
        example = Example(
            image=row.image(images, name, key="image_name"),
            prompt=prompt,
            answer=answer,
            case=name,
            file=QUESTIONS,
            row=row.number,
            closed=closed_by(row.optional("answer_type"), prompt, answer),
            language=options.prompt_language,
        )
        return row.optional("phrase_type").lower().startswith("test"), example

    rows = entries(read_json(root / QUESTIONS), QUESTIONS)
    found = collected(QUESTIONS, rows, make, remedy="Correct the entry, or take it out")
    learned = [cases.placed(example) for is_test, example in found if not is_test]
    if not learned:
        raise InputError(Mistake(file=QUESTIONS, reason="there is no training question", remedy="Download it again"))
    training, held_out = split_by_case(learned, options.held_out_fraction, file=QUESTIONS)
    return Dataset(
        format=NAME,
        training=training,
        held_out=held_out,
        notes=_notes(learned, [example for is_test, example in found if is_test]),
    )


def _notes(learned: list[Example], test: list[Example]) -> tuple[str, ...]:
    if not test:
        return ()
    images = {example.image for example in test}
    shared = len(images & {example.image for example in learned})
    return (
        f"The {len(test):,} official test questions are left alone. {shared:,} of their {len(images):,} images also "
        "have training questions, so that split leaks; the held-out images were chosen by hash, by case.",
    )
