"""Assumptions: every input with value, unit, source, date and whether it was measured or typed; edited in place."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from planner.catalog import STALE_AFTER_DAYS
from planner.cost.plan import Assumption, Basis, Plan
from planner.dashboard.charts import draw, influence_chart
from planner.dashboard.details import details, follow_up
from planner.dashboard.frame import breakable, colours, escape, page
from planner.dashboard.given import given_figures
from planner.dashboard.inputs import NUMBERS, number_input, undo_and_reset
from planner.dashboard.session import Session
from planner.report.words import numbers, sentences

LEAST_CERTAIN_FIRST = (
    Basis.ASSUMPTION, Basis.DEFAULT, Basis.UNPROBED, Basis.EXTRAPOLATED, Basis.DATASHEET, Basis.CATALOG, Basis.TYPED,
    Basis.MEASURED,
)  # fmt: skip
OWN_FIELD = {
    "price": "price_eur_per_hour",
    "purchase": "server_quote_eur",
    "electricity": "electricity_eur_per_kwh",
    "growth_wage": "wage_growth_per_year",
    "growth_energy": "energy_growth_per_year",
    "growth_price": "price_growth_per_year",
    "growth_gpu": "gpu_price_growth_per_year",
    "growth_inflation": "inflation_per_year",
}
"""Field of the scenario that replaces a catalog figure, where it is not called like the figure."""
_BADGES = {
    Basis.ASSUMPTION: "orange",
    Basis.DEFAULT: "orange",
    Basis.UNPROBED: "orange",
    Basis.EXTRAPOLATED: "blue",
    Basis.DATASHEET: "blue",
    Basis.CATALOG: "blue",
    Basis.TYPED: "green",
    Basis.MEASURED: "green",
}


def _body(here: Session) -> None:
    say, plan = here.words.assumptions, here.plan()
    counts = {basis: sum(1 for row in plan.assumptions if row.basis is basis) for basis in Basis}
    said = ", ".join(
        f"{sentences.basis(basis.value, here.tag)} ({counts[basis]})"
        for basis in reversed(LEAST_CERTAIN_FIRST)
        if counts[basis]
    )
    st.title(say.title, anchor=False)
    st.markdown(say.counts.format(count=len(plan.assumptions), said=said))
    undo_and_reset(here)
    stale = stale_assumptions(plan, today=dt.datetime.now(tz=dt.UTC).date())
    if stale:
        oldest = numbers.short_date(min(row.as_of or "" for row in stale), here.tag)
        st.warning(say.stale.format(count=len(stale), days=STALE_AFTER_DAYS, oldest=oldest))
    _influences(here, plan)
    _explained(here)
    _rows(here, plan, old={row.code for row in stale})
    given_figures(here)
    follow_up(here)


def _influences(here: Session, plan: Plan) -> None:
    """The tornado."""
    say, tag = here.words.assumptions, here.tag
    st.subheader(escape(sentences.influence_title(plan, tag)), anchor=False)
    if not plan.influences:
        return
    draw(
        influence_chart(plan, colours(), here.words.charts, tag),
        key="influences",
        alt=sentences.influence_alt(plan, tag),
    )
    st.caption(say.influences_note)


def _explained(here: Session) -> None:
    """What explains the spread of the yearly cost, as shares of its variance."""
    say, tag, plan = here.words.assumptions, here.tag, details(here)
    if plan is None or not plan.sobol:
        return
    st.subheader(say.sobol_title, anchor=False)
    rows = []
    for item in plan.sobol:
        alone, total = sentences.explained(item, tag)
        rows.append(
            {
                say.input: escape(sentences.label(item.code, item.label, tag)),
                say.sobol_alone: alone,
                say.sobol_total: total,
            }
        )
    st.table(rows, border="horizontal", hide_index=True)
    st.caption(say.sobol_note)


def stale_assumptions(plan: Plan, *, today: dt.date) -> list[Assumption]:
    """Catalog figures whose date is more than 180 days before `today`."""
    limit = (today - dt.timedelta(days=STALE_AFTER_DAYS)).isoformat()
    return [
        row for row in plan.assumptions if row.basis is Basis.CATALOG and row.as_of is not None and row.as_of < limit
    ]


def _rows(here: Session, plan: Plan, *, old: set[str]) -> None:
    """One row an input, the least certain first; what can be typed has its field beside it."""
    say = here.words.assumptions
    for basis in LEAST_CERTAIN_FIRST:
        rows = [row for row in plan.assumptions if row.basis is basis]
        if rows:
            st.subheader(say.meanings[basis.value].format(count=len(rows)), anchor=False)
            with st.container(border=True, gap="small"):
                for row in rows:
                    _row(here, row, old=row.code in old)


def _row(here: Session, row: Assumption, *, old: bool) -> None:
    say, tag = here.words.assumptions, here.tag
    field = OWN_FIELD.get(row.code, row.code)
    value, source, own = st.columns([5, 7, 3], gap="medium", vertical_alignment="center")
    with value:
        shown = sentences.value_with_unit(row, tag)
        st.markdown(f"{escape(sentences.label(row.code, row.label, tag))}\\\n**{escape(breakable(shown))}**")
    with source:
        st.markdown(_origin(here, row, old=old))
    with own:
        if field in NUMBERS:
            number_input(here, field, label_visible=False)
        elif row.basis in (Basis.ASSUMPTION, Basis.CATALOG, Basis.DATASHEET):
            st.caption(say.in_catalog)


def _origin(here: Session, row: Assumption, *, old: bool) -> str:
    """Basis, how certain, source and date; a default or a typed value has said all with its badge."""
    say, tag = here.words.assumptions, here.tag
    badges = f":{_BADGES[row.basis]}-badge[{sentences.basis(row.basis.value, tag)}]"
    if row.stale or old:
        badges += f" :red-badge[{say.old}]"
    if row.basis in (Basis.DEFAULT, Basis.TYPED):
        return badges
    date = numbers.short_date(row.as_of, tag).replace(" ", "\u00a0") if row.as_of else ""
    source = [escape(breakable(sentences.said(row.source, tag))), date]
    said = escape(breakable(sentences.said(row.uncertainty, tag)))
    return f"{badges} {said} :gray[{' · '.join(part for part in source if part)}]"


show = page(_body)
