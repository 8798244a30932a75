"""What every reader returns: examples, split by case."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Example(Struct, frozen=True, kw_only=True):
    """One image-text pair.

    Attributes:
        image: Inside the dataset's root, checked.
        prompt: In PaliGemma's form (`answer en ...`, `caption en`).
        answer: The text to learn.
        case: Patient or case; examples of one case stay on one side of the split.
        file: Name of the file that holds the row, for messages about that row.
        row: 1-based line or entry in that file.
    """

    image: Path
    prompt: str
    answer: str
    case: str
    file: str
    row: int


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset, split by case.

    Attributes:
        format: `medpix` or `table`.
        training: Examples to learn from.
        held_out: Examples that are only evaluated; no case of theirs is in `training`.
        background_texts: Other prose of the training cases; the tiny model learns the language from it.
        notes: What the user should know, a sentence each.
    """

    format: str
    training: tuple[Example, ...]
    held_out: tuple[Example, ...]
    background_texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prompt_form(question: str) -> str:
    """PaliGemma's prompt for a question; without one, its prompt for a caption."""
    question = " ".join(question.split())
    if not question:
        return "caption en"
    if question.startswith(("answer ", "caption ", "describe ")):
        return question
    return f"answer en {question}"
