"""The board paper as PDF: tagged (PDF/UA-1), archivable (PDF/A-3a), with the plan attached; and back from it.

The same plan gives the same bytes: the time stamp is the plan's date, the fonts are the shipped ones, and nothing of
the machine is written. Text of users reaches the template as data and is only ever drawn as text.
"""

from __future__ import annotations

import datetime
import io
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from planner.cost.plan import Plan, encode_plan, parse_plan
from planner.errors import Mistake, PlanError
from planner.record import write_atomically
from planner.report.document import ROOMS, Document, board_report
from planner.report.glyphs import FONTS, printable
from planner.report.letterhead import Letterhead

ATTACHMENT = "plan.json"
MOST_PAGES = 6
MAX_PDF_BYTES = 32 * 1024 * 1024
_TEMPLATE = Path(__file__).resolve().parent / "board.typ"
_STANDARDS: list[Any] = ["ua-1", "a-3a"]
_PREVIEW_PPI = 110.0
_LITTLE_MORE_THAN_ONE = 1.3
"""Of the fullest page: what the last two hold fits on one where it is set closer."""
_MOST_LETTERS = 1_000
_MOST_LETTERS_IN_A_CELL = 140


def render_pdf(plan: Plan, language: str = "en", letterhead: Letterhead | None = None) -> bytes:
    """The board paper of a plan, with the plan attached (PDF relationship "Source").

    Args:
        plan: What it is about.
        language: Code of the language.
        letterhead: The hospital's name and logo.

    Raises:
        PlanError: The plan has no date, so that no time stamp can be written.
        ValueError: A language that Plateau does not speak.
    """
    return _fitted(plan, language, letterhead).printed


def render_pages(plan: Plan, language: str = "en", letterhead: Letterhead | None = None) -> list[bytes]:
    """The pages of the board paper as pictures (PNG), for a preview.

    Raises:
        PlanError: The plan has no date.
        ValueError: A language that Plateau does not speak.
    """
    paper = _fitted(plan, language, letterhead)
    pages = _compiled(paper.document, plan, letterhead, tight=paper.tight, format="png", ppi=_PREVIEW_PPI)
    return [bytes(page) for page in pages] if isinstance(pages, list) else [bytes(pages)]


class _Paper(Struct, frozen=True):
    """A printed paper, what it says, and whether it is set closer than usual."""

    printed: bytes
    document: Document
    tight: bool


def _fitted(plan: Plan, language: str, letterhead: Letterhead | None) -> _Paper:
    """The paper with as many rows as fit into `MOST_PAGES`; the attached plan holds the others.

    A last page that would be nearly empty is saved where closer lines can save it.
    """
    stamp, rooms = _midnight(plan.created), list(ROOMS)

    def printed(document: Document, *, tight: bool) -> tuple[_Paper, list[int]]:
        options = {"format": "pdf", "pdf_standards": _STANDARDS, "timestamp": stamp}
        data = bytes(_compiled(document, plan, letterhead, tight=tight, **options))
        return _Paper(data, document, tight), _drawn_on(data)

    while True:
        document = board_report(plan, language, letterhead, rooms[0])
        paper, drawn = printed(document, tight=False)
        too_many = len(drawn) - MOST_PAGES
        if too_many <= 0 or len(rooms) == 1:
            break
        # A smaller room saves about a page: what is two pages over skips one.
        rooms = rooms[min(too_many, len(rooms) - 1) :]
    if sum(drawn[-2:]) > _LITTLE_MORE_THAN_ONE * max(drawn):
        return paper
    closer, drawn_closer = printed(document, tight=True)
    return closer if len(drawn_closer) < len(drawn) else paper


def _drawn_on(data: bytes) -> list[int]:
    """How much is drawn on every page, in bytes of drawing commands."""
    import pypdf

    contents = [page.get_contents() for page in pypdf.PdfReader(io.BytesIO(data)).pages]
    return [0 if content is None else len(content.get_data()) for content in contents]


def _compiled(document: Document, plan: Plan, letterhead: Letterhead | None, *, tight: bool, **options: Any) -> Any:
    import typst

    files = {"main.typ": _TEMPLATE.read_bytes()}
    inputs = {"document": msgspec.json.encode(_drawable(document)).decode(), "plan": encode_plan(plan).decode()}
    if tight:
        inputs["tight"] = "yes"
    if letterhead is not None and letterhead.logo is not None:
        inputs["logo"] = "logo.svg"
        files[inputs["logo"]] = letterhead.logo.drawing
    main: Any = files
    return typst.compile(main, font_paths=_fonts(), sys_inputs=inputs, **options)


def write_pdf(plan: Plan, path: Path, language: str = "en", letterhead: Letterhead | None = None) -> None:
    """Write the board paper of a plan; the file appears whole or not at all."""
    write_atomically(path, render_pdf(plan, language, letterhead))


def read_plan_from_pdf(data: bytes, *, file: str = "board.pdf") -> Plan:
    """The plan that a board paper carries.

    Args:
        data: The bytes of the PDF.
        file: Its name for messages.

    Raises:
        PlanError: Not a PDF, damaged, without a plan, or with one that cannot be read.
    """
    import pypdf
    from pypdf.errors import PyPdfError

    def fail(reason: str) -> PlanError:
        remedy = "Use a board paper as `plateau report` wrote it, or the plan's JSON"
        return PlanError(Mistake(file=file, reason=reason, remedy=remedy))

    if len(data) > MAX_PDF_BYTES:
        raise fail(f"{len(data):,} bytes, at most {MAX_PDF_BYTES:,} are read")
    if not data.lstrip()[:5].startswith(b"%PDF-"):
        raise fail("expected a PDF, this is not one")
    try:
        attached = pypdf.PdfReader(io.BytesIO(data)).attachments.get(ATTACHMENT)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as problem:
        raise fail(f"the PDF is damaged ({type(problem).__name__})") from None
    if not attached:
        raise fail(f"no {ATTACHMENT} is attached to it")
    return parse_plan(attached[0], file=f"{file}, {ATTACHMENT}")


@cache
def _fonts() -> Any:
    """The shipped faces and no others: neither the machine's nor those that the compiler brings."""
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


def _drawable(document: Document) -> Any:
    """The document as plain data in which every string can be drawn by the shipped font."""

    def clean(value: Any, most: int) -> Any:
        if isinstance(value, str):
            return printable(value, most)
        if isinstance(value, dict):
            cell = value.get("type") in ("table", "bars", "tiles")
            return {
                key: clean(part, _MOST_LETTERS_IN_A_CELL if cell and key != "alt" else most)
                for key, part in value.items()
            }
        return [clean(part, most) for part in value] if isinstance(value, list | tuple) else value

    return clean(msgspec.to_builtins(document), _MOST_LETTERS)


def _midnight(created: str) -> datetime.datetime:
    try:
        day = datetime.date.fromisoformat(created)
    except ValueError:
        reason = f"expected a date such as 2026-11-24, got {created[:20]!r}"
        remedy = "Write the plan again with `plateau plan`"
        raise PlanError(Mistake(file="plan", field="created", reason=reason, remedy=remedy)) from None
    return datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
