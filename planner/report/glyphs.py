"""Which characters the shipped font can draw, so that any text prints: what it lacks becomes a visible box.

Without this, PDF/A would refuse a document with a character that no font has.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from functools import cache
from pathlib import Path

FONTS = Path(__file__).resolve().parent / "fonts"
REPLACEMENT = "□"
_LONGEST_WORD = 26
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD}}}(?=\S)")
_BREAK_HERE = "\u200b"
_UNIT = re.compile(r"(?<=\d) (?=%|GiB\b|nats\b|GPU-h|h\b)|(?<=€) (?=\d)|(?<=\d) (?=€)")


def printable(text: str, most_letters: int) -> str:
    """The text as the paper draws it.

    Control and direction characters and characters that the font lacks become `REPLACEMENT`, white space one space.
    Text beyond `most_letters` is cut, ending in an ellipsis; words too long for a line get places to break, and a
    number keeps its unit on its line.
    """
    shown = text if len(text) <= most_letters else text[: most_letters - 1] + "…"
    shown = " ".join(unicodedata.normalize("NFC", shown).split())
    drawable = coverage()
    shown = "".join(letter if ord(letter) in drawable else REPLACEMENT for letter in shown)
    shown = _LONG_WORD.sub(lambda found: found.group() + _BREAK_HERE, shown)
    return _UNIT.sub("\u00a0", shown)


@cache
def coverage() -> frozenset[int]:
    """Code points that every shipped face draws, without control and format characters."""
    faces = [_code_points(path.read_bytes()) for path in sorted(FONTS.glob("*.otf"))]
    everywhere = frozenset.intersection(*faces)
    return frozenset(point for point in everywhere if unicodedata.category(chr(point))[0] != "C")


def _code_points(font: bytes) -> frozenset[int]:
    """Code points of the Unicode character map (formats 4 and 12) of an OpenType font."""
    tables = struct.unpack_from(">H", font, 4)[0]
    directory = [struct.unpack_from(">4sLLL", font, 12 + 16 * index) for index in range(tables)]
    start = next(offset for tag, _, offset, _ in directory if tag == b"cmap")
    points: set[int] = set()
    for index in range(struct.unpack_from(">H", font, start + 2)[0]):
        at = start + struct.unpack_from(">HHL", font, start + 4 + 8 * index)[2]
        kind = struct.unpack_from(">H", font, at)[0]
        if kind == 4:
            segments = struct.unpack_from(">H", font, at + 6)[0] // 2
            ends = struct.unpack_from(f">{segments}H", font, at + 14)
            starts = struct.unpack_from(f">{segments}H", font, at + 16 + 2 * segments)
            for first, last in zip(starts, ends, strict=True):
                points.update(range(first, last + 1))
        elif kind == 12:
            groups = struct.unpack_from(">L", font, at + 12)[0]
            for group in range(groups):
                first, last, _ = struct.unpack_from(">LLL", font, at + 16 + 12 * group)
                points.update(range(first, last + 1))
    return frozenset(points - {0xFFFF})
