"""Cash by fiscal year on the page Plan: a chart whose bars add up, and the table behind it."""

from __future__ import annotations

import streamlit as st

from planner.cost.analyses import PlanYears
from planner.cost.plan import Plan
from planner.dashboard.charts import draw, years_chart
from planner.dashboard.frame import colours, escape
from planner.dashboard.session import Session
from planner.report.words import numbers, sentences


def years(here: Session, plan: Plan) -> None:
    """The years of a plan; where there are none, why."""
    say, tag, found = here.words.years, here.tag, plan.years
    if found is None or not found.years:
        st.caption(say.missing)
        return
    total = numbers.eur_cents(found.total_eur, tag)
    st.subheader(escape(say.title.format(total=total, years=len(found.years))), anchor=False)
    draw(
        years_chart(found, colours(), here.words.charts, tag, others=say.others),
        key="years",
        alt=_alt(here, found),
    )
    annuity = found.equivalent_annual_cost
    views = (say.views_missed if annuity.p10 is None else say.views).format(
        annuity=numbers.span(annuity, numbers.eur, tag),
        straight=numbers.eur(found.straight_line_eur, tag),
        money=say.moneys[found.money],
    )
    st.caption(escape(views))
    table = st.expander(say.table, on_change="rerun", key="years_table")
    if table.open:
        with table:
            _table(here, found)


def _table(here: Session, found: PlanYears) -> None:
    """Every line in every year, to the cent; below them what does not add up."""
    say, tag = here.words.years, here.tag
    names = [year.name for year in found.years]
    rows = [
        _row(here, sentences.label(line.code, line.label, tag), names, line.amounts_eur, line.total_eur)
        for line in found.lines
    ]
    cash = [year.cash_eur for year in found.years]
    last = _row(here, say.total, names, cash, found.total_eur)
    st.table([*rows, {key: f"**{cell}**" for key, cell in last.items()}], border="horizontal", hide_index=True)
    ranges = {say.range: [numbers.span(year.cash, numbers.eur, tag) for year in found.years]}
    if any(year.budget_eur is not None for year in found.years):
        ranges[say.budget] = [numbers.unknown_or(year.budget_eur, numbers.eur_cents, tag) for year in found.years]
        ranges[say.within] = [numbers.chance(year.probability_within_budget, tag) for year in found.years]
    ranges[say.expense] = [numbers.eur_cents(year.expense_eur, tag) for year in found.years]
    if any(year.income_eur for year in found.years):
        ranges[say.income] = [numbers.eur_cents(year.income_eur, tag) for year in found.years]
    if any(year.unique_studies is not None for year in found.years):
        ranges[say.studies] = [numbers.unknown_or(year.unique_studies, numbers.examples, tag) for year in found.years]
    if any(year.reachable_loss is not None for year in found.years):
        ranges[say.loss] = [
            numbers.loss(None if year.reachable_loss is None else year.reachable_loss.p50, tag) for year in found.years
        ]
    st.table(
        [{say.line: label, **dict(zip(names, map(escape, cells), strict=True))} for label, cells in ranges.items()],
        border="horizontal",
        hide_index=True,
    )
    st.caption(escape(sentences.said(found.data_axis_sentence, tag)))


def _row(here: Session, label: str, names: list[str], amounts: list[float], total: float) -> dict[str, str]:
    say, tag = here.words.years, here.tag
    cells = {name: escape(numbers.eur_cents(amount, tag)) for name, amount in zip(names, amounts, strict=True)}
    return {say.line: escape(label), **cells, say.all_years: escape(numbers.eur_cents(total, tag))}


def _alt(here: Session, found: PlanYears) -> str:
    say, tag = here.words.years, here.tag
    said = "; ".join(
        say.alt_year.format(year=year.name, amount=numbers.eur_cents(year.cash_eur, tag)) for year in found.years
    )
    return say.alt.format(years=said)
