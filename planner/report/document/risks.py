"""Risks, the largest first, and what would change the decision."""

from __future__ import annotations

from planner.cost.plan import Assumption, Plan
from planner.outcome import Finding, Severity
from planner.report.chart import influence_bars
from planner.report.document.blocks import BarsFigure, Block, Entries, Paragraph, Room, Section
from planner.report.words import numbers, sentences, words

MOST_INFLUENCES = 7
_WORST_FIRST = [Severity.BLOCKING, Severity.WARNING, Severity.NOTE]


def risks_section(plan: Plan, language: str, room: Room) -> Section:
    """The register, what the diagnosis holds against the curve, what is not known, and the tornado."""
    paper = words(language).paper
    items = [
        _missed(plan, language),
        *_register(plan, language, room.risks),
        *(
            (paper.severity[finding.severity.value], sentences.said(finding.sentence, language))
            for finding in _by_severity(plan)
        ),
        (
            paper.risk_hours.format(basis=sentences.basis(plan.hours_basis.value, language)),
            sentences.said(plan.hours_sentence, language),
        ),
        (paper.risk_memory, sentences.said(plan.memory.sentence, language)),
        *_dates(plan, language),
    ]
    if plan.not_costed:
        items.append((paper.risk_left_out, paper.risk_left_out_text.format(count=len(plan.not_costed))))
    if plan.calibrate_longer is not None:
        items.append((paper.risk_calibrate, sentences.said(plan.calibrate_longer.sentence, language)))
    blocks: list[Block] = [Entries(items=items), *_tornado(plan, language)]
    return Section(heading=paper.risks_heading, blocks=blocks)


def _missed(plan: Plan, language: str) -> tuple[str, str]:
    paper = words(language).paper
    chance = numbers.chance(1.0 - plan.if_reached.probability, language)
    text = paper.risk_missed_text.format(chance=chance, spent=sentences.spent(plan, language))
    return paper.risk_missed, text


def _register(plan: Plan, language: str, most: int) -> list[tuple[str, str]]:
    """The hospital's own risks, the largest expected amount first."""
    paper = words(language).paper
    largest = sorted(plan.risks, key=lambda risk: -risk.expected_eur)
    named = [
        (
            risk.name,
            paper.risk_named.format(
                chance=numbers.percent(risk.probability, language),
                impact=numbers.eur_cents(risk.impact_eur, language),
                expected=numbers.eur_cents(risk.expected_eur, language),
            )
            + (f" {risk.mitigation.rstrip('.')}." if risk.mitigation else ""),
        )
        for risk in largest[:most]
    ]
    hidden = len(largest) - len(named)
    return [*named, (paper.risk_more, paper.risk_more_text.format(count=hidden))] if hidden else named


def _dates(plan: Plan, language: str) -> list[tuple[str, str]]:
    """The input whose source is the oldest."""
    paper, oldest = words(language).paper, _oldest(plan)
    if oldest is None or oldest.as_of is None:
        return []
    label = sentences.label(oldest.code, oldest.label, language)
    return [(paper.risk_dates, paper.risk_dates_text.format(label=label, date=numbers.date(oldest.as_of, language)))]


def _tornado(plan: Plan, language: str) -> list[Block]:
    paper = words(language).paper
    influences = sentences.visible_influences(plan, language)[:MOST_INFLUENCES]
    if not influences:
        return [Paragraph(text=sentences.influence_title(plan, language), style="small")]
    return [
        BarsFigure(
            title=sentences.influence_title(plan, language),
            alt=sentences.influence_alt(plan, language),
            labels=[sentences.label(item.code, item.label, language) for item in influences],
            bars=influence_bars(influences, plan.cost_per_year.p50),
            low=[numbers.eur(min(item.cost_low_eur, item.cost_high_eur), language) for item in influences],
            high=[numbers.eur(max(item.cost_low_eur, item.cost_high_eur), language) for item in influences],
        ),
        Paragraph(text=paper.influence_lead, style="small"),
    ]


def _oldest(plan: Plan) -> Assumption | None:
    """ISO dates sort as text."""
    return min((item for item in plan.assumptions if item.as_of), key=lambda item: item.as_of or "", default=None)


def _by_severity(plan: Plan) -> list[Finding]:
    return sorted(plan.findings, key=lambda finding: _WORST_FIRST.index(finding.severity))
