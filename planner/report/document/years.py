"""Cash by fiscal year: every line in every year, adding up in both directions, and the ranges apart."""

from __future__ import annotations

from planner.cost.plan import Plan
from planner.report.document.blocks import Block, Paragraph, Room, Section, Table
from planner.report.words import numbers, sentences, words


def years_section(plan: Plan, language: str, room: Room) -> list[Section]:
    """One section, or none where the plan has no years or no costs to spread over them."""
    years = plan.years
    if years is None or not years.years or not plan.lines:
        return []
    paper = words(language).paper
    shown = years.years[: room.years]
    whole = len(shown) == len(years.years)
    last = [paper.years_all] if whole else []
    rows = [
        [
            sentences.label(line.code, line.label, language),
            *(_cents(amount, language) for amount in line.amounts_eur[: len(shown)]),
            *([_cents(line.total_eur, language)] if whole else []),
        ]
        for line in years.lines
    ]
    total = [
        paper.years_total,
        *(_cents(year.cash_eur, language) for year in shown),
        *([_cents(years.total_eur, language)] if whole else []),
    ]
    blocks: list[Block] = [
        Paragraph(text=sentences.said(years.sentence, language)),
        Table(
            caption=paper.years_caption,
            header=[paper.years_line, *(year.name for year in shown), *last],
            align=["left", *["right"] * (len(shown) + len(last))],
            widths=[9, *[4] * (len(shown) + len(last))],
            rows=rows,
            total=total,
            whole=True,
        ),
        Paragraph(text=paper.years_ranges_lead),
        Table(
            caption=paper.years_ranges_caption,
            header=[paper.years_figure, *(year.name for year in shown), *last],
            align=["left", *["right"] * (len(shown) + len(last))],
            widths=[9, *[4] * (len(shown) + len(last))],
            rows=_ranges(plan, language, len(shown), whole=whole),
            whole=True,
        ),
        Paragraph(text=sentences.said(years.data_axis_sentence, language), style="small"),
    ]
    if not whole:
        more = paper.years_more.format(count=len(years.years) - len(shown))
        blocks.append(Paragraph(text=more, style="small"))
    return [Section(heading=paper.years_heading, blocks=blocks)]


def _cents(amount: float, language: str) -> str:
    """To the cent, without the sign of the currency, which the caption names."""
    return numbers.decimal(amount, 2, language)


def _ranges(plan: Plan, language: str, count: int, *, whole: bool) -> list[list[str]]:
    """What is said of every year and does not add up."""
    paper, years = words(language).paper, plan.years
    assert years is not None
    shown = years.years[:count]
    none = [""] if whole else []
    rows = [
        [
            paper.years_range,
            *(numbers.short_span(year.cash, language) for year in shown),
            *([numbers.short_span(years.cash, language)] if whole else []),
        ],
        [paper.years_expense, *(numbers.count(year.expense_eur, language) for year in shown), *none],
    ]
    if any(year.budget_eur is not None for year in shown):
        chances = [numbers.chance(year.probability_within_budget, language) for year in shown]
        all_years = [numbers.chance(years.probability_within_budget, language)] if whole else []
        rows.append([paper.years_within, *chances, *all_years])
    if any(year.income_eur for year in shown):
        rows.append([paper.years_income, *(numbers.count(year.income_eur, language) for year in shown), *none])
    if any(year.reachable_loss is not None for year in shown):
        losses = ["–" if y.reachable_loss is None else numbers.loss(y.reachable_loss.p50, language) for y in shown]
        rows.append([paper.years_loss, *losses, *none])
    return rows
