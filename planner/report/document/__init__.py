"""The board paper as words and tables: what is said, in which order, and not how it looks.

No arithmetic beyond formatting: every figure comes from the plan. `planner.report.pdf` and the dashboard draw this
value; `blocks` says what it is made of, and every other module here writes one part of it.
"""

from __future__ import annotations

from planner.cost.plan import Plan
from planner.report.document.assumptions import assumptions_section
from planner.report.document.blocks import (
    ROOMS,
    BarsFigure,
    Block,
    Callout,
    CurveFigure,
    Document,
    Entries,
    Paragraph,
    Room,
    Section,
    Signature,
    Table,
    Tile,
    Tiles,
)
from planner.report.document.closing import glossary_section, method_section
from planner.report.document.costs import costs_section
from planner.report.document.first_page import first_page
from planner.report.document.options import options_section
from planner.report.document.risks import risks_section
from planner.report.document.years import years_section
from planner.report.letterhead import Letterhead
from planner.report.words import numbers, sentences, words

__all__ = [
    "ROOMS",
    "BarsFigure",
    "Block",
    "Callout",
    "CurveFigure",
    "Document",
    "Entries",
    "Paragraph",
    "Room",
    "Section",
    "Signature",
    "Table",
    "Tile",
    "Tiles",
    "board_report",
]


def board_report(
    plan: Plan, language: str = "en", letterhead: Letterhead | None = None, room: Room = ROOMS[0]
) -> Document:
    """The paper for the board, in a language of `planner.report.words`.

    Args:
        plan: What it is about.
        language: Code of the language.
        letterhead: Whose paper it is.
        room: How many rows long tables may have.

    Raises:
        ValueError: A language that Plateau does not speak.
    """
    paper = words(language).paper
    head = letterhead or Letterhead()
    title = sentences.headline(plan, language)
    return Document(
        language=words(language).language,
        created=plan.created,
        overline=f"{paper.overline} · {numbers.date(plan.created, language)}",
        title=paper.illustration_title.format(title=title) if plan.illustration else title,
        subject=paper.subject,
        header=paper.header,
        footer=paper.footer.format(
            created=numbers.date(plan.created, language),
            calibration=plan.calibration.calibration_id,
            measured=numbers.date(plan.calibration.created, language),
            version=plan.plateau_version,
        ),
        page=paper.page,
        attachment=paper.attachment,
        version=plan.plateau_version,
        hospital=head.hospital,
        logo_alt="" if head.logo is None else paper.logo_alt.format(hospital=head.hospital or paper.hospital_unnamed),
        marks=sentences.marks(plan, language),
        sections=[
            first_page(plan, language),
            options_section(plan, language, room),
            costs_section(plan, language),
            *years_section(plan, language, room),
            risks_section(plan, language, room),
            assumptions_section(plan, language, room),
            method_section(plan, language),
            glossary_section(language),
        ],
    )
