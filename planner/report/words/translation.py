"""Sentences of a plan in the reader's language.

The law, the cost model and the importers write their findings in English, with the figures inside. A language names
those sentences by their English template (`Words.plan`); here the figures are taken out of the sentence, written as the
reader's locale writes them, and put into the translated template. What no template fits is shown as it was written: in
English, and never lost.
"""

from __future__ import annotations

import re
import string
from functools import cache, lru_cache
from itertools import pairwise

from msgspec import Struct

from planner.report.words.language import locale_of, words

_NUMBER = re.compile(r"(?P<sign>[+\-−]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))?")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=\S)")
_BETWEEN_CLAUSES = re.compile(r"(?<=;)\s+")
_LONGEST_GROUPED = 4


class _Template(Struct, frozen=True):
    """A compiled pair of templates."""

    pattern: re.Pattern[str]
    translated: str


@lru_cache(maxsize=8192)
def translated(text: str, language: str = "en") -> str:
    """A sentence of a plan, or several, in a language; figures as its locale writes them.

    Raises:
        ValueError: A language that Plateau does not speak.
    """
    if not text.strip() or not words(language).plan:
        return text
    return _whole(text, language) or _joined(text, language) or _number(text, language) or text


def is_translated(text: str, language: str) -> bool:
    """Whether every part of a text has a template in a language; figures and names need none."""
    if _whole(text, language) is not None or _number(text, language) is not None:
        return True
    parts = _parts(text)
    return len(parts) > 1 and _covered(parts, language)


def _covered(parts: list[str], language: str) -> bool:
    return not parts or any(
        _whole(" ".join(parts[:count]), language) is not None and _covered(parts[count:], language)
        for count in range(len(parts), 0, -1)
    )


def _whole(text: str, language: str) -> str | None:
    """The text by the one template that fits all of it."""
    for template in _templates(language).get(_first(text), ()) + _templates(language).get("", ()):
        found = template.pattern.fullmatch(text)
        if found is not None:
            figures = {name: translated(value, language) for name, value in found.groupdict().items()}
            return template.translated.format(**figures)
    return None


def _joined(text: str, language: str) -> str | None:
    """The text sentence by sentence, the longest run of sentences that one template knows first."""
    parts = _parts(text)
    if len(parts) < 2:
        return None
    said = []
    while parts:
        for count in range(len(parts), 0, -1):
            known = _whole(" ".join(parts[:count]), language)
            if known is not None or count == 1:
                said.append(known or parts[0])
                parts = parts[count:]
                break
    return " ".join(said)


def _parts(text: str) -> list[str]:
    """Sentences; where there is only one, its clauses."""
    sentences = _BETWEEN_SENTENCES.split(text.strip())
    return sentences if len(sentences) > 1 else _BETWEEN_CLAUSES.split(text.strip())


def _number(text: str, language: str) -> str | None:
    """A number as the locale writes it, None where the text is none."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    symbols = locale_of(language).number_symbols.get("latn", locale_of(language).number_symbols)
    whole = found["whole"].replace(",", "")
    # Years and small counts are written as they were: only what was grouped stays grouped.
    shown = f"{int(whole):,}" if "," in found["whole"] or len(whole) > _LONGEST_GROUPED else whole
    shown = shown.replace(",", symbols["group"].replace("\u202f", " ").replace("\u00a0", " "))
    return found["sign"] + shown + (f"{symbols['decimal']}{found['part']}" if found["part"] else "")


@cache
def _templates(language: str) -> dict[str, tuple[_Template, ...]]:
    """Compiled templates by the first word of the English one; the wordiest first, so that no short one shadows it."""
    found: dict[str, list[tuple[int, _Template]]] = {}
    for english, other in words(language).plan.items():
        pieces = list(string.Formatter().parse(english))
        pattern = "".join(
            re.escape(literal) + ("" if name is None else f"(?P<{name}>.+?)") for literal, name, _, _ in pieces
        )
        letters = sum(len(literal) for literal, *_ in pieces)
        first = pieces[0][0]
        key = _first(first) if " " in first or (len(pieces) == 1 and pieces[0][1] is None) else ""
        found.setdefault(key, []).append((letters, _Template(re.compile(pattern, re.DOTALL), other)))
    return {
        key: tuple(template for _, template in sorted(group, key=lambda pair: -pair[0])) for key, group in found.items()
    }


def _first(text: str) -> str:
    return text.split(" ", 1)[0]


def fields(template: str) -> list[str]:
    """Names of the figures of a template, in order of the alphabet.

    Raises:
        ValueError: Two figures stand side by side, so that nothing tells where the first ends.
    """
    pieces = list(string.Formatter().parse(template))
    for (_, name, _, _), (literal, *_) in pairwise(pieces):
        if name is not None and not literal:
            raise ValueError(f"nothing stands between two figures of {template!r}")
    return sorted({name for _, name, _, _ in pieces if name is not None})
