"""The words of one language as one value: a translation that lacks a word does not load."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from msgspec import Struct

LANGUAGES = {"en": "English"}
"""Code to own name; every code is a module beside this one with its `WORDS`."""


class Words(Struct, frozen=True, kw_only=True):
    """All words of one language. `{}` and `{name}` are filled by `sentences` and `document`.

    Attributes:
        locale: Babel's name of the locale that writes numbers and dates.
        language: BCP 47 code for the PDF.
    """

    locale: str
    language: str
    not_reached: str
    unknown: str
    under: str
    over: str
    or_more: str
    to: str


@cache
def words(language: str = "en") -> Words:
    """The words of a language.

    Raises:
        ValueError: A language that Plateau does not speak.
    """
    if language not in LANGUAGES:
        raise ValueError(f"expected one of the languages {', '.join(LANGUAGES)}, got {language!r}")
    found: Words = import_module(f"planner.report.words.{language}").WORDS
    return found
