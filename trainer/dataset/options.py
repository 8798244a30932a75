"""What a reader may be told."""

from __future__ import annotations

from msgspec import Struct

ALL = "all"


class Columns(Struct, frozen=True, kw_only=True):
    """Names of a table's columns; without `case`, every image is a case of its own."""

    image: str = "image"
    prompt: str = "prompt"
    answer: str = "answer"
    case: str = "case"


class ReadOptions(Struct, frozen=True, kw_only=True):
    """Options of every reader.

    Attributes:
        held_out_fraction: Share of the cases that is held out where a dataset has no split of its own.
        columns: Of a table.
        language: Code of the language that prompts ask for; of SLAKE, whose questions stand there in two, also which
            of them are read. `all`: both of SLAKE, English elsewhere.
    """

    held_out_fraction: float = 0.1
    columns: Columns = Columns()
    language: str = "en"

    @property
    def prompt_language(self) -> str:
        """Code that stands in prompts."""
        return "en" if self.language == ALL else self.language
