"""The inputs that the figures rest on, with how sure they are, where they come from, and of which day."""

from __future__ import annotations

from urllib.parse import urlsplit

from planner.cost.plan import Assumption, Basis, Plan
from planner.report.document.blocks import Block, Paragraph, Section, Table
from planner.report.words import numbers, sentences, words

MOST_ASSUMPTIONS = 30
MOST_LETTERS_OF_A_SOURCE = 80


def assumptions_section(plan: Plan, language: str) -> Section:
    """A table of the inputs; the attached plan holds all of them with their whole sources."""
    paper = words(language).paper
    shown = plan.assumptions[:MOST_ASSUMPTIONS]
    blocks: list[Block] = [
        Paragraph(text=paper.assumptions_lead),
        Table(
            caption=paper.assumptions_caption,
            header=paper.assumptions_columns,
            align=["left", "right", "left", "left", "left"],
            widths=[11, 7, 12, 0, 14],
            rows=[_assumption(item, plan, language) for item in shown],
        ),
    ]
    hidden = len(plan.assumptions) - len(shown)
    if hidden:
        blocks.append(Paragraph(text=paper.assumptions_more.format(count=hidden), style="small"))
    return Section(heading=paper.assumptions_heading, blocks=blocks)


def short_source(source: str) -> str:
    """The host of a web address; other sources as they are. The plan keeps the whole address."""
    try:
        address = urlsplit(source)
    except ValueError:
        return source
    return address.hostname or source if address.scheme in ("http", "https") else source


def _assumption(item: Assumption, plan: Plan, language: str) -> list[str]:
    paper = words(language).paper
    dated = f", {paper.as_of.format(date=numbers.short_date(item.as_of, language))}" if item.as_of else ""
    # The lead says of all defaults what would stand in each of their rows, and the risks hold the sentence on hours.
    own = item.basis is not Basis.DEFAULT
    how_sure = "" if item.uncertainty == plan.hours_sentence else item.uncertainty
    return [
        sentences.label(item.code, item.label, language),
        sentences.value_with_unit(item, language),
        sentences.said(how_sure, language) if own else "",
        sentences.basis(item.basis.value, language),
        f"{_cut(sentences.said(short_source(item.source), language))}{dated}" if own else "",
    ]


def _cut(text: str) -> str:
    """The text, ending in an ellipsis where it is too long for its place."""
    if len(text) <= MOST_LETTERS_OF_A_SOURCE:
        return text
    return f"{text[: MOST_LETTERS_OF_A_SOURCE - 1].rstrip()}…"
