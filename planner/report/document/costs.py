"""What a year costs: lines that add up to the cent, the range that does not add up, and what has no figure."""

from __future__ import annotations

from planner.cost.plan import CostQuantiles, LedgerLine, Plan
from planner.outcome import Quantiles
from planner.report.document.blocks import MOST_ROWS_TOGETHER, Block, Entries, Paragraph, Section, Table
from planner.report.words import numbers, sentences, words


def costs_section(plan: Plan, language: str) -> Section:
    """The budget scenario line by line, and the quantiles of the total beside it."""
    paper = words(language).paper
    scenario = sentences.said(plan.budget_scenario.rstrip("."), language)
    blocks: list[Block] = []
    if not plan.lines:
        blocks.append(Paragraph(text=f"{scenario}. {sentences.total(plan, language)}"))
    else:
        blocks += [
            Paragraph(text=paper.cost_lead.format(scenario=scenario)),
            Table(
                caption=paper.cost_caption,
                header=paper.cost_columns,
                align=["left", "left", "left", "right"],
                widths=[5.2, 8.4, 2.4, 0],
                rows=[_line(line, plan, language) for line in plan.lines],
                total=[paper.cost_total, "", "", numbers.eur_cents(plan.total_eur, language)],
                whole=len(plan.lines) <= MOST_ROWS_TOGETHER,
            ),
        ]
    if sentences.are_hours_known(plan):
        blocks += _totals(plan, language)
    if plan.not_costed:
        blocks += [
            Paragraph(text=paper.left_out_heading, style="heading"),
            Paragraph(text=paper.left_out_lead.format(count=len(plan.not_costed))),
            Entries(items=_left_out(plan, language)),
        ]
    return Section(heading=paper.cost_heading, blocks=blocks)


def _totals(plan: Plan, language: str) -> list[Block]:
    """The quantiles of the yearly total, apart from the lines."""
    paper = words(language).paper
    blocks: list[Block] = [
        Paragraph(text=paper.totals_lead.format(draws=numbers.decimal(plan.draws, 0, language))),
        Table(
            caption=paper.totals_caption,
            header=paper.totals_columns,
            align=["left", "right", "right", "right"],
            widths=[6, 3, 3, 3],
            rows=[
                [paper.totals_all, *_three(plan.cost_per_year, numbers.eur, language)],
                [paper.totals_reached, *_three(sentences.cost_if_reached(plan), numbers.eur, language)],
                [paper.totals_hours, *_three(plan.hours_per_year, numbers.hours, language)],
                *_carbon(plan, language),
            ],
            whole=True,
        ),
    ]
    missing = sentences.why_missing(plan.cost_per_year, language)
    if missing:
        blocks.append(Paragraph(text=f"{paper.totals_all}: {missing}.", style="small"))
    return blocks


def _line(line: LedgerLine, plan: Plan, language: str) -> list[str]:
    return [
        sentences.label(line.code, line.label, language),
        sentences.formula(line, plan, language),
        sentences.basis(line.basis.value, language),
        numbers.eur_cents(line.amount_eur, language),
    ]


def _carbon(plan: Plan, language: str) -> list[list[str]]:
    """Carbon beside cost, where it is known."""
    if plan.carbon is None:
        return []
    return [[words(language).paper.totals_carbon, *_three(plan.carbon.kg_co2e, numbers.count, language)]]


def _left_out(plan: Plan, language: str) -> list[tuple[str, str]]:
    """What is not costed; lines with the same remedy stand together behind it."""
    labels: dict[str, list[str]] = {}
    for line in plan.not_costed:
        remedy = sentences.said(line.remedy.rstrip("."), language)
        labels.setdefault(remedy, []).append(sentences.label(line.code, line.label, language))
    return [
        (together[0], f"{remedy}.") if len(together) == 1 else (remedy, f"{'; '.join(together)}.")
        for remedy, together in labels.items()
    ]


def _three(quantiles: Quantiles | CostQuantiles, show: numbers.Formatter, language: str) -> list[str]:
    return [show(value, language) for value in (quantiles.p10, quantiles.p50, quantiles.p90)]
