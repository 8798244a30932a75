"""The hospital's name and logo: what is printed is checked and written anew."""

from __future__ import annotations

import io
import re
import struct
import time
import zlib

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from planner.errors import InputError
from planner.report.letterhead import MAX_LOGO_BYTES, Letterhead, Logo, checked_logo, letterhead
from planner.report.pdf import render_pdf
from tests.factories import example_plan

SVG = 'xmlns="http://www.w3.org/2000/svg"'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
GOOD_SVG = f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
 "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg {SVG} {XLINK} xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" viewBox="0 0 120 40">
<title>Secret author</title><metadata><who>Secret author</who></metadata>
<style>.a {{ fill: #005EB8 }}</style>
<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient>
<rect id="r" width="9" height="9"/></defs>
<g inkscape:label="Secret layer"><rect class="a" width="120" height="40"/><use xlink:href="#r"/>
<path d="M20 10h8v8h8v8h-8v8h-8v-8h-8v-8h8z" fill="url(#g)"/></g></svg>""".encode()
BAD_SVG = {
    "a script": f"<svg {SVG}><script>alert(1)</script></svg>",
    "a handler": f'<svg {SVG}><rect onclick="alert(1)" width="1" height="1"/></svg>',
    "a picture from elsewhere": f'<svg {SVG}><image href="http://example.com/a.png"/></svg>',
    "a picture inside": f'<svg {SVG}><image href="data:image/png;base64,AAAA"/></svg>',
    "foreign content": f"<svg {SVG}><foreignObject><b/></foreignObject></svg>",
    "a link": f'<svg {SVG}><a href="http://example.com"><rect/></a></svg>',
    "a use from elsewhere": f'<svg {SVG} {XLINK}><use xlink:href="file:///etc/passwd#a"/></svg>',
    "an import in a style": f"<svg {SVG}><style>@import url(http://example.com/a.css);</style></svg>",
    "an escaped import": f"<svg {SVG}><style>@im\\70ort 'x';</style></svg>",
    "a fill from elsewhere": f'<svg {SVG}><rect fill="url(http://example.com/#a)"/></svg>',
    "a style attribute from elsewhere": f"<svg {SVG}><rect style=\"fill: url('//example.com/a')\"/></svg>",
    "text that needs a font": f"<svg {SVG}><text>Hospital</text></svg>",
    "an animation": f'<svg {SVG}><rect><animate attributeName="x"/></rect></svg>',
    "entities": f'<!DOCTYPE svg [<!ENTITY a "aa">]><svg {SVG}><path d="&a;"/></svg>',
    "a stylesheet": f'<?xml-stylesheet href="http://example.com/a.css"?><svg {SVG}/>',
    "an element that uses itself": f'<svg {SVG} {XLINK}><g id="a"><use xlink:href="#a"/></g></svg>',
    "a doubling chain": f"<svg {SVG} {XLINK}>"
    + '<g id="d0"><rect/></g>'
    + "".join(f'<g id="d{n}"><use xlink:href="#d{n - 1}"/><use xlink:href="#d{n - 1}"/></g>' for n in range(1, 30))
    + "</svg>",
    "no end": f"<svg {SVG}><rect>",
    "another root": "<html><svg/></html>",
}


def png(width: int = 120, height: int = 40, **options: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), "#005EB8").save(written, format="PNG", **options)
    return written.getvalue()


def claimed_png(width: int, height: int) -> bytes:
    """A small file that claims to be a large picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("logo", [GOOD_SVG, png(), png(3000, 40)], ids=["svg", "png", "wide png"])
def test_a_paper_carries_name_and_logo_and_is_the_same_twice(logo: bytes) -> None:
    head = letterhead("Ziekenhuis Ünïcode", checked_logo(logo, file="logo"))
    printed = render_pdf(example_plan(), "nl", head)
    assert printed == render_pdf(example_plan(), "nl", head)
    reader = pypdf.PdfReader(io.BytesIO(printed))
    assert "Ziekenhuis Ünïcode" in reader.pages[0].extract_text()
    assert b"Secret" not in printed


def test_a_logo_has_a_text_for_those_who_do_not_see_it() -> None:
    from tests.report.test_pdf import alternative_texts

    head = letterhead("St. Example", checked_logo(GOOD_SVG, file="logo.svg"))
    structure = pypdf.PdfReader(io.BytesIO(render_pdf(example_plan(), "en", head))).trailer["/Root"]["/StructTreeRoot"]
    assert "Logo of St. Example" in alternative_texts(structure)


def test_what_an_editor_left_in_a_drawing_does_not_reach_the_paper() -> None:
    assert b"Secret" not in checked_logo(GOOD_SVG, file="a.svg").data
    info = png(pnginfo=None, exif=Image.Exif())
    assert b"eXIf" not in checked_logo(info, file="a.png").data


@pytest.mark.parametrize("kind", BAD_SVG)
def test_a_drawing_with_more_than_shapes_is_refused_in_one_sentence(kind: str) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        checked_logo(BAD_SVG[kind].encode(), file="logo.svg")
    assert str(caught.value).startswith("logo.svg")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\xff\xd8\xff\xe0 JFIF",
        png()[:60],
        claimed_png(30_000, 30_000),
        claimed_png(4_001, 4_001),
        b"\x89PNG\r\n\x1a\n" + bytes(MAX_LOGO_BYTES),
        b"<svg" + b" " * MAX_LOGO_BYTES,
    ],
    ids=["empty", "gif", "jpeg", "cut", "bomb", "large", "heavy png", "heavy svg"],
)
def test_what_is_no_logo_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(InputError):
        checked_logo(data, file="logo")


@given(data=st.binary(max_size=400))
def test_no_bytes_are_more_than_refused(data: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"<svg", GOOD_SVG[:200]):
        try:
            assert isinstance(checked_logo(start + data, file="logo"), Logo)
        except InputError:
            continue


def test_a_name_is_one_line_of_visible_letters() -> None:
    assert letterhead("A\nB\x00 \u202eC").hospital == "A B C"
    assert letterhead() == Letterhead()
    with pytest.raises(InputError, match="letters"):
        letterhead("x" * 81)


def test_a_name_is_drawn_as_text() -> None:
    for text in ('#image("/etc/passwd")', "*bold* $x$ [link](http://example.com)"):
        printed = render_pdf(example_plan(), "en", letterhead(text))
        page = pypdf.PdfReader(io.BytesIO(printed)).pages[0].extract_text()
        assert re.sub(r"\s", "", text) in re.sub(r"[\s\u200b]", "", page)
