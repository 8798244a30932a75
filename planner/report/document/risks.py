"""Risks, the largest first, and what would change the decision."""

from __future__ import annotations

import math

from planner.cost.analyses import PlanRisk
from planner.cost.plan import Assumption, Plan
from planner.cost.scenario import Layout
from planner.outcome import Severity
from planner.report.chart import influence_bars
from planner.report.document.blocks import BarsFigure, Block, Entries, Paragraph, Room, Section
from planner.report.words import numbers, sentences, words

MOST_INFLUENCES = 7


def risks_section(plan: Plan, language: str, room: Room) -> Section:
    """The register, what the diagnosis holds against the curve, what is not known, and the tornado."""
    paper = words(language).paper
    items = [
        *_findings(plan, Severity.BLOCKING, language),
        *_priced(plan, language, room.risks),
        *_findings(plan, Severity.WARNING, language),
        *_left_out(plan, language),
        (
            paper.risk_hours.format(basis=sentences.basis(plan.hours_basis.value, language)),
            sentences.said(plan.hours_sentence, language),
        ),
        (paper.risk_memory, sentences.said(plan.memory.sentence, language)),
        *_dates(plan, language),
        *_findings(plan, Severity.NOTE, language),
    ]
    blocks: list[Block] = [
        Entries(items=items),
        Paragraph(text=paper.change_heading, style="heading"),
        Entries(items=_changes(plan, language)),
        *_tornado(plan, language),
    ]
    return Section(heading=paper.risks_heading, blocks=blocks)


def _findings(plan: Plan, severity: Severity, language: str) -> list[tuple[str, str]]:
    title = words(language).paper.severity[severity.value]
    return [
        (title, sentences.said(finding.sentence, language)) for finding in plan.findings if finding.severity is severity
    ]


def _priced(plan: Plan, language: str, most: int) -> list[tuple[str, str]]:
    """The target missed and the hospital's own risks, the largest expected amount first."""
    paper, spent = words(language).paper, plan.if_reached.spent_if_missed_eur
    missed = math.inf if spent is None else (1.0 - plan.if_reached.probability) * spent
    register = sorted(plan.risks, key=lambda risk: -risk.expected_eur)
    items = [(risk.expected_eur, _named(risk, language)) for risk in register[:most]]
    priced = sorted([(missed, _missed(plan, language)), *items], key=lambda item: -item[0])
    hidden = len(register) - len(items)
    more = [(paper.risk_more, paper.risk_more_text.format(count=hidden))] if hidden else []
    return [*(entry for _, entry in priced), *more]


def _missed(plan: Plan, language: str) -> tuple[str, str]:
    paper = words(language).paper
    missed = numbers.chance(1.0 - plan.if_reached.probability, language)
    chance = sentences.chance(plan, language) if sentences.is_blocked(plan) else missed
    text = paper.risk_missed_text.format(chance=chance, spent=sentences.spent(plan, language))
    return paper.risk_missed, text


def _named(risk: PlanRisk, language: str) -> tuple[str, str]:
    text = words(language).paper.risk_named.format(
        chance=numbers.percent(risk.probability, language),
        impact=numbers.eur_cents(risk.impact_eur, language),
        expected=numbers.eur_cents(risk.expected_eur, language),
    )
    return risk.name, f"{text} {risk.mitigation.rstrip('.')}." if risk.mitigation else text


def _left_out(plan: Plan, language: str) -> list[tuple[str, str]]:
    paper = words(language).paper
    if not plan.not_costed:
        return []
    return [(paper.risk_left_out, paper.risk_left_out_text.format(count=len(plan.not_costed)))]


def _changes(plan: Plan, language: str) -> list[tuple[str, str]]:
    """Another target, another budget, a further run: with which figures the board would decide otherwise."""
    paper, lowest, cost = words(language).paper, plan.curve.loss_at_horizon, sentences.cost_if_reached(plan)
    items = []
    if plan.scenario.layout is Layout.JOINT and not sentences.is_blocked(plan):
        text = paper.change_target_text.format(
            high=numbers.loss(lowest.p95, language), low=numbers.loss(lowest.p05, language)
        )
        items.append((paper.change_target, text))
    half, most = numbers.eur(cost.p50, language), numbers.eur(cost.p90, language)
    if cost.p90 is not None and half != most:
        text = paper.change_budget_text.format(p50=half, p90=most)
        items.append((paper.change_budget, text))
    if plan.calibrate_longer is not None:
        items.append((paper.change_run, sentences.said(plan.calibrate_longer.sentence, language)))
    return items


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
