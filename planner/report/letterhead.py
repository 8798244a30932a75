"""Whose paper it is: the hospital's name and its logo, a PNG or SVG whose content is checked.

A logo is untrusted: it is known by its content and not by its name, its size is bounded before anything is decoded,
and what goes into the paper is written anew: a PNG without its metadata, an SVG of shapes and colours only, without
scripts, styles from elsewhere, links, images or text that would need a font.
"""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from msgspec import Struct

from planner.errors import InputError, Mistake, shown_name
from planner.reading import read_bytes

MAX_LOGO_BYTES = 512 * 1024
MAX_LOGO_PIXELS = 4_000 * 4_000
MAX_NAME_LETTERS = 80
_PRINTED_PX = 900
_MOST_ELEMENTS = 5_000
_MOST_DRAWN = 50_000
_MOST_DEPTH = 40
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_SHAPES = frozenset(
    [
        "svg", "g", "defs", "symbol", "use", "style", "path", "rect", "circle", "ellipse", "line", "polyline",
        "polygon", "linearGradient", "radialGradient", "stop", "clipPath", "mask",
    ]
)  # fmt: skip
_DROPPED = frozenset(["metadata", "title", "desc"])
_REMEDY = "Use a PNG, or an SVG of plain shapes (text turned into paths), of at most 512 kB"
_REACHES_OUT = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression\(|javascript:|data:|https?:|file:|\\", re.IGNORECASE)


class Logo(Struct, frozen=True, kw_only=True):
    """A checked logo; `kind` is `png` or `svg`, the size in pixels is that of a PNG."""

    data: bytes
    kind: str
    width_px: int = 0
    height_px: int = 0

    @property
    def drawing(self) -> bytes:
        """As SVG, the one form in which the compiler takes a picture from memory."""
        if self.kind == "svg":
            return self.data
        size = f'width="{self.width_px}" height="{self.height_px}"'
        picture = base64.b64encode(self.data).decode()
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
            f'<image {size} href="data:image/png;base64,{picture}"/></svg>'
        ).encode()


class Letterhead(Struct, frozen=True, kw_only=True):
    """What stands on top of a board paper; empty where nobody has said."""

    hospital: str = ""
    logo: Logo | None = None


def letterhead(hospital: str = "", logo: Logo | None = None) -> Letterhead:
    """A letterhead with the name as one line of visible letters.

    Raises:
        InputError: A name that is too long.
    """
    shown = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in hospital).split())
    if len(shown) > MAX_NAME_LETTERS:
        reason = f"the hospital's name has {len(shown)} letters, at most {MAX_NAME_LETTERS} fit"
        raise InputError(Mistake(file="letterhead", reason=reason, remedy="Shorten it"))
    return Letterhead(hospital=shown, logo=logo)


def checked_logo(data: bytes, *, file: str) -> Logo:
    """A logo that can be printed, from the bytes of a file.

    Args:
        data: The file.
        file: Its name for messages.

    Raises:
        InputError: Too large, neither PNG nor SVG, damaged, or an SVG that reaches out or holds more than shapes.
    """
    if len(data) > MAX_LOGO_BYTES:
        raise _mistake(file, f"{len(data):,} bytes, at most {MAX_LOGO_BYTES:,} are read")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        logo = _png(data, file)
    elif b"<svg" in data[:4096]:
        logo = Logo(data=_Svg(file).rewritten(data), kind="svg")
    else:
        raise _mistake(file, "expected a PNG or an SVG, this is neither")
    _draw(logo, file)
    return logo


def read_logo(path: Path) -> Logo:
    """A logo from a file; see `checked_logo`.

    Raises:
        InputError: It cannot be read, or is none.
    """
    return checked_logo(read_bytes(path, error=InputError, limit=MAX_LOGO_BYTES), file=shown_name(path))


def _draw(logo: Logo, file: str) -> None:
    """Try it, so that a paper never fails because of its logo."""
    import typst

    template = b'#set page(width: 9cm, height: 3cm)\n#image("logo.svg", width: 1cm)'
    files: Any = {"main.typ": template, "logo.svg": logo.drawing}
    try:
        typst.compile(files, format="svg", ignore_system_fonts=True)
    except (typst.TypstError, RuntimeError):
        raise _mistake(file, f"the {logo.kind.upper()} cannot be drawn") from None


def _png(data: bytes, file: str) -> Logo:
    """The picture written anew: bounded, without metadata, no larger than it is printed."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.width * picture.height > MAX_LOGO_PIXELS:
                reason = f"{picture.width:,} x {picture.height:,} pixels, at most {MAX_LOGO_PIXELS:,} are decoded"
                raise _mistake(file, reason)
            if getattr(picture, "n_frames", 1) > 1:
                raise _mistake(file, "an animation; a paper stands still")
            plain = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise _mistake(file, f"the PNG is damaged ({type(problem).__name__})") from None
    plain.thumbnail((_PRINTED_PX, _PRINTED_PX))
    written = io.BytesIO()
    plain.save(written, format="PNG")
    return Logo(data=written.getvalue(), kind="png", width_px=plain.width, height_px=plain.height)


class _Svg:
    """Reads an SVG event by event and keeps what is known to be harmless; anything that is not is an error."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._builder = ElementTree.TreeBuilder()
        self._depth = self._elements = self._skipping = 0
        self._style: list[str] | None = None

    def rewritten(self, data: bytes) -> bytes:
        """The same drawing as plain shapes.

        Raises:
            InputError: See `checked_logo`.
        """
        parser = expat.ParserCreate("utf-8", "}")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = lambda *_: self._refuse("an entity declaration")
        parser.ProcessingInstructionHandler = lambda *_: self._refuse("a processing instruction")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(data, True)
        except expat.ExpatError as problem:
            raise _mistake(self._file, f"the SVG is damaged (line {problem.lineno})") from None
        root: ElementTree.Element | None = self._builder.close()
        if root is None or root.tag != f"{_SVG}svg":
            self._refuse("another root than svg")
        self._count(root)
        ElementTree.register_namespace("", _SVG.strip("{}"))
        return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=False))

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_own_part: int) -> None:
        # The plain one of SVG 1.1 stands in most exports and is never fetched.
        if has_own_part:
            self._refuse("a document type of its own")

    def _count(self, root: ElementTree.Element) -> None:
        """Bound what is drawn: elements that use each other multiply (the "billion laughs" of SVG)."""
        by_id = {f"#{element.get('id')}": element for element in root.iter() if element.get("id")}
        known: dict[int, int] = {}

        def drawn(element: ElementTree.Element, open_: frozenset[int]) -> int:
            key = id(element)
            if key in open_:
                self._refuse("an element that uses itself")
            if key not in known:
                inner = open_ | {key}
                used = by_id.get(element.get("href", ""))
                parts = [*element, *([] if used is None else [used])]
                known[key] = 1 + sum(drawn(part, inner) for part in parts)
                if known[key] > _MOST_DRAWN:
                    self._refuse("more elements than a logo needs")
            return known[key]

        drawn(root, frozenset())

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MOST_DEPTH or self._elements > _MOST_ELEMENTS:
            self._refuse("more elements than a logo needs")
        namespace, _, local = name.rpartition("}")
        ours = f"{{{namespace}}}" == _SVG
        if self._skipping or not ours or local in _DROPPED:
            # Editors' own elements and descriptions say nothing about the drawing.
            self._skipping += 1
            return
        if local not in _SHAPES:
            self._refuse(f"the element {local[:30]}")
        kept = {}
        for attribute, value in attributes.items():
            own, _, plain = attribute.rpartition("}")
            key = f"{{{own}}}{plain}" if own else plain
            if plain.lower().startswith("on"):
                self._refuse(f"the script {plain[:30]}")
            if key in _HREF:
                if not value.strip().startswith("#"):
                    self._refuse("a link to somewhere else")
                kept["href"] = value.strip()
            elif not own:
                if _REACHES_OUT.search(value):
                    self._refuse(f"a reference to somewhere else in {plain[:30]}")
                kept[plain] = value
        self._style = [] if local == "style" else None
        self._builder.start(f"{_SVG}{local}", kept)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._skipping:
            self._skipping -= 1
            return
        if self._style is not None:
            style, self._style = "".join(self._style), None
            if _REACHES_OUT.search(style):
                self._refuse("a style from somewhere else")
            self._builder.data(style)
        self._builder.end(f"{_SVG}{name.rpartition('}')[2]}")

    def _text(self, text: str) -> None:
        if self._style is not None and not self._skipping:
            self._style.append(text)

    def _refuse(self, what: str) -> NoReturn:
        raise _mistake(self._file, f"the SVG holds {what}")


def _mistake(file: str, reason: str) -> InputError:
    return InputError(Mistake(file=file, field="logo", reason=reason, remedy=_REMEDY))
