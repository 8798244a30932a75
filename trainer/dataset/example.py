"""What every reader returns: examples, split by case."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

# A question that is answered by one of these is a closed one, where the dataset itself does not say.
_CLOSED_ANSWERS = frozenset(
    [
        "yes",
        "no",
        "true",
        "false",
        "ja",
        "nein",
        "nee",
        "oui",
        "non",
        "si",
        "sì",
        "sí",
        "sim",
        "não",
        "是",
        "否",
        "不是",
    ]
)


class Example(Struct, frozen=True, kw_only=True):
    """One image-text pair.

    Attributes:
        image: Inside the dataset's root, checked.
        prompt: In PaliGemma's form (`answer en ...`, `caption en`).
        answer: The text to learn.
        case: Patient or case; examples of one case stay on one side of the split.
        file: Name of the file that holds the row, for messages about that row.
        row: 1-based line or entry in that file.
        closed: Whether the question has a fixed choice of answers; None for a caption.
        language: Code of the language that the prompt asks for.
    """

    image: Path
    prompt: str
    answer: str
    case: str
    file: str
    row: int
    closed: bool | None = None
    language: str = "en"


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset, split by case.

    Attributes:
        format: Name of the layout, see `trainer.dataset.FORMATS`; of several folders, the names in a row.
        training: Examples to learn from.
        held_out: Examples that are only evaluated; no case of theirs is in `training`.
        background: (case, text) of other prose of the training cases; the tiny model learns the language from it.
        notes: What the user should know, a sentence each.
    """

    format: str
    training: tuple[Example, ...]
    held_out: tuple[Example, ...]
    background: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def background_texts(self) -> tuple[str, ...]:
        """The texts of `background`."""
        return tuple(text for _, text in self.background)


def prompt_form(question: str, language: str = "en") -> str:
    """PaliGemma's prompt for a question; without one, its prompt for a caption."""
    question = " ".join(question.split())
    if not question:
        return f"caption {language}"
    if question.startswith(("answer ", "caption ", "describe ")):
        return question
    return f"answer {language} {question}"


def is_closed(prompt: str, answer: str) -> bool | None:
    """Whether an answer is one of yes and no; None where the prompt asks for a caption."""
    if prompt.startswith(("caption ", "describe ")):
        return None
    return answer.strip(" .!").casefold() in _CLOSED_ANSWERS


def closed_by(answer_type: str, prompt: str, answer: str) -> bool | None:
    """The same where the dataset says it (`CLOSED`, `OPEN`; VQA-RAD's may end with a blank)."""
    kind = answer_type.strip().upper()
    return kind == "CLOSED" if kind in ("CLOSED", "OPEN") else is_closed(prompt, answer)
