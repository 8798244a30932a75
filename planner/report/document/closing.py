"""The end of the paper: the method on half a page, the words explained, and lines to sign on."""

from __future__ import annotations

from planner.cost.plan import Plan
from planner.report.document.blocks import Entries, Paragraph, Section, Signature
from planner.report.words import numbers, sentences, words


def method_section(plan: Plan, language: str) -> Section:
    """How the figures come about, and what makes this plan repeatable."""
    paper, measured = words(language).paper, plan.calibration
    facts = paper.method_facts.format(
        points=measured.points,
        draws=numbers.decimal(plan.draws, 0, language),
        seed=plan.seed,
        model=sentences.known(measured.model, language),
        device=sentences.said(sentences.known(measured.device, language), language),
    )
    law = sentences.said(plan.curve.sentence, language)
    return Section(
        heading=paper.method_heading,
        blocks=[Entries(items=paper.method), Paragraph(text=f"{facts} {law}", style="small")],
    )


def glossary_section(language: str) -> Section:
    """Words of the paper, and signatures."""
    paper = words(language).paper
    return Section(
        heading=paper.glossary_heading,
        blocks=[Entries(items=paper.glossary, columns=3), Signature(labels=paper.signature)],
        whole=True,
    )
