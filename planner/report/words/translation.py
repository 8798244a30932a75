"""Sentences of a plan in the reader's language.

The law, the cost model and the importers write their findings in English, with the figures inside. A language names
those sentences by their English template, in a message catalog as translators know them (`plan.po` beside its words);
here the figures are taken out of the sentence, written as the reader's locale writes them, and put into the translated
template. What no template fits is shown as it was written: in English, and never lost.
"""

from __future__ import annotations

import re
import string
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from babel.messages.pofile import read_po
from msgspec import Struct

from planner.report.words import numbers
from planner.report.words.language import locale_of, words

_NUMBER = re.compile(r"(?P<sign>[+\-−]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))?(?P<percent>%?)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EXPONENT = re.compile(r"\d(?:\.\d+)?e\+\d{1,2}")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=\S)")
_LONGEST_PLAIN = 4
_PARTS = {
    "n": r"[+\-−]?\d[\d,]*(?:\.\d+)?(?:e[+\-]?\d+)?%?",
    "p": r"(?:over |under )?[\d.,]+ %",
    "": r"(?:(?!\. \S).)+?",
}
"""What a part of a template may be: a number, a chance, or a text without the end of a sentence in it."""
_REST = r".+"
"""A text that ends a template may hold several sentences, where the template says how it begins."""


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
    if not text.strip():
        return text
    found = _whole(text, language) or _figure(text, language) or _joined(text, language) or text
    return numbers.with_euro_sign(found, language)


def untranslated(text: str, language: str) -> list[str]:
    """Parts of a text, in its sentences and in what stands in their templates, that a language has no template for.

    Names (of a GPU, a provider, a model, a risk of the hospital) have none and are among them.
    """
    if not text.strip() or _figure(text, language) is not None:
        return []
    found = _match(text, language)
    if found is not None:
        return [left for part in found[1].values() for left in untranslated(part, language)]
    joint, parts = _parts(text)
    if len(parts) < 2:
        return [text]
    left: list[str] = []
    while parts:
        count = _longest_known(parts, joint, language)
        piece = joint.join(parts[:count])
        left += [piece] if piece == text else untranslated(piece, language)
        parts = parts[count:]
    return left


def _whole(text: str, language: str) -> str | None:
    """The text by the one template that fits all of it."""
    found = _match(text, language)
    if found is None:
        return None
    template, parts = found
    return template.format(**{name: translated(value, language) for name, value in parts.items()})


def _match(text: str, language: str) -> tuple[str, dict[str, str]] | None:
    """The translated template that fits all of a text, and what stands in its places."""
    for template in _templates(language).get(_first(text), ()) + _templates(language).get("", ()):
        found = template.pattern.fullmatch(text)
        if found is not None:
            return template.translated, found.groupdict()
    return None


def _joined(text: str, language: str) -> str | None:
    """The text part by part, the longest run of parts that one template knows first."""
    joint, parts = _parts(text)
    if len(parts) < 2:
        return None
    said = []
    while parts:
        count = _longest_known(parts, joint, language)
        piece = joint.join(parts[:count])
        said.append(piece if piece == text else translated(piece, language))
        parts = parts[count:]
    return joint.join(said)


def _longest_known(parts: list[str], joint: str, language: str) -> int:
    """How many parts the longest run at the beginning has that one template knows; 1 where none does."""
    return next((n for n in range(len(parts), 1, -1) if _match(joint.join(parts[:n]), language)), 1)


def _parts(text: str) -> tuple[str, list[str]]:
    """What joins them, and sentences; where there is only one, its clauses; where there is only one, what it lists."""
    stripped = text.strip()
    sentences = _BETWEEN_SENTENCES.split(stripped)
    if len(sentences) > 1:
        return " ", sentences
    clauses = stripped.split("; ")
    return ("; ", clauses) if len(clauses) > 1 else (", ", stripped.split(", "))


def _figure(text: str, language: str) -> str | None:
    """A number or a date as the locale writes it, None where the text is neither."""
    return numbers.short_date(text, language) if _DATE.fullmatch(text) else _number(text, language)


def _number(text: str, language: str) -> str | None:
    """A number as the locale writes it, None where the text is none."""
    if _EXPONENT.fullmatch(text):
        text = f"{float(text):,.10g}"
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    symbols = locale_of(language).number_symbols
    symbols = symbols.get("latn", symbols)
    whole = found["whole"].replace(",", "")
    # Years and small counts are written as they were: only what was grouped, or is long, is grouped.
    shown = f"{int(whole):,}" if "," in found["whole"] or len(whole) > _LONGEST_PLAIN else whole
    shown = shown.replace(",", symbols["group"].replace("\u202f", " ").replace("\u00a0", " "))
    part = f"{symbols['decimal']}{found['part']}" if found["part"] else ""
    return f"{found['sign']}{shown}{part}{' %' if found['percent'] else ''}"


@cache
def catalog(code: str) -> dict[str, str]:
    """English template to the one that is shown, for the code of a language."""
    with (Path(__file__).resolve().parent / code / "plan.po").open("rb") as file:
        messages = read_po(file, locale=code, abort_invalid=True)
    return {str(message.id): str(message.string) for message in messages if message.id and message.string}


@cache
def _templates(language: str) -> dict[str, tuple[_Template, ...]]:
    """Compiled templates by the first word of the English one; the wordiest first, so that no short one shadows it."""
    found: dict[str, list[tuple[int, _Template]]] = {}
    for english, other in catalog(words(language).language).items():
        pieces = list(string.Formatter().parse(english))
        pattern = "".join(
            re.escape(literal) + ("" if name is None else f"(?P<{name}>{_part(english, name, kind or '')})")
            for literal, name, kind, _ in pieces
        )
        letters = sum(len(literal) for literal, *_ in pieces)
        first = pieces[0][0]
        key = _first(first) if " " in first or (len(pieces) == 1 and pieces[0][1] is None) else ""
        found.setdefault(key, []).append((letters, _Template(re.compile(pattern, re.DOTALL), other)))
    return {
        key: tuple(template for _, template in sorted(group, key=lambda pair: -pair[0])) for key, group in found.items()
    }


def _part(template: str, name: str, kind: str) -> str:
    is_rest = not kind and template.endswith(f"{{{name}}}") and not template.startswith("{")
    return _REST if is_rest else _PARTS[kind]


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
