"""The inputs that the figures rest on, with how sure they are, where they come from, and of which day."""

from __future__ import annotations

from urllib.parse import urlsplit

from planner.cost.plan import Assumption, Basis, Plan
from planner.report.document.blocks import Block, Entries, Paragraph, Room, Section, Table
from planner.report.words import numbers, sentences, words

MOST_LETTERS_OF_A_SOURCE = 110
_SAID_IN_A_LINE = (Basis.TYPED, Basis.DEFAULT)


def assumptions_section(plan: Plan, language: str, room: Room) -> Section:
    """A table of what was measured, looked up or judged; what was typed or is a default needs a line each kind."""
    paper = words(language).paper
    found = [item for item in plan.assumptions if item.basis not in _SAID_IN_A_LINE]
    shown = found[: room.assumptions]
    blocks: list[Block] = [
        Paragraph(text=paper.assumptions_lead),
        Table(
            caption=paper.assumptions_caption,
            header=paper.assumptions_columns,
            align=["left", "left", "left", "left"],
            widths=[10, 8, 13, 21],
            rows=[_assumption(item, plan, language) for item in shown],
        ),
    ]
    in_lines = [_in_a_line(basis, plan, language) for basis in _SAID_IN_A_LINE]
    if any(in_lines):
        blocks.append(Entries(items=[line for line in in_lines if line is not None]))
    hidden = len(found) - len(shown)
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
    stale = f" ({paper.stale})" if item.stale else ""
    # The risks hold the sentence on hours in full.
    how_sure = "" if item.uncertainty == plan.hours_sentence else sentences.said(item.uncertainty, language)
    basis = sentences.basis(item.basis.value, language)
    return [
        sentences.label(item.code, item.label, language),
        sentences.value_with_unit(item, language),
        f"{basis}; {how_sure}" if how_sure else basis,
        f"{_cut(sentences.said(short_source(item.source), language))}{dated}{stale}",
    ]


def _in_a_line(basis: Basis, plan: Plan, language: str) -> tuple[str, str] | None:
    """All inputs of one kind in a row: what they are and their value."""
    listed = "; ".join(
        f"{sentences.label(item.code, item.label, language)}: {sentences.value_with_unit(item, language)}"
        for item in plan.assumptions
        if item.basis is basis
    )
    return (words(language).paper.assumptions_lines[basis.value], f"{listed}.") if listed else None


def _cut(text: str) -> str:
    """The text, ending in an ellipsis after a whole word where it is too long for its place."""
    if len(text) <= MOST_LETTERS_OF_A_SOURCE:
        return text
    kept = text[:MOST_LETTERS_OF_A_SOURCE]
    return f"{(kept.rpartition(' ')[0] or kept).rstrip(' ,;:(')}…"
