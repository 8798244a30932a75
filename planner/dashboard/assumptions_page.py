"""Assumptions: every input with value, unit, source, date, and whether it was measured, typed or a default."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from planner.catalog import STALE_AFTER_DAYS
from planner.cost.plan import Assumption, Basis, Plan
from planner.dashboard.charts import CONFIG, influence_chart
from planner.dashboard.frame import breakable, colours, escape, page
from planner.dashboard.session import Session
from planner.report.words.numbers import eur

BASIS = {
    Basis.MEASURED: ("measured", "in the calibration"),
    Basis.EXTRAPOLATED: ("extrapolated", "measured on another GPU, carried over by its rates"),
    Basis.UNPROBED: ("unprobed", "from FLOPs and the utilisation others have measured"),
    Basis.CATALOG: ("catalog", "a dated public price or figure"),
    Basis.DATASHEET: ("datasheet", "typed from a manufacturer's datasheet"),
    Basis.TYPED: ("typed", "by you"),
    Basis.DEFAULT: ("default", "nobody has given another value"),
    Basis.ASSUMPTION: ("assumption", "a judgement, not a measurement"),
}
_LEAST_CERTAIN_FIRST = (
    Basis.ASSUMPTION, Basis.DEFAULT, Basis.UNPROBED, Basis.EXTRAPOLATED, Basis.DATASHEET, Basis.CATALOG, Basis.TYPED,
    Basis.MEASURED,
)  # fmt: skip


def _body(here: Session) -> None:
    plan = here.plan()
    counts = {basis: sum(1 for row in plan.assumptions if row.basis is basis) for basis in Basis}
    said = ", ".join(f"{counts[basis]} {BASIS[basis][0]}" for basis in reversed(_LEAST_CERTAIN_FIRST) if counts[basis])
    st.title("What this plan rests on")
    st.markdown(f"{len(plan.assumptions)} inputs: {said}. Change what you can on the page **Plan**.")
    stale = stale_assumptions(plan, today=dt.datetime.now(tz=dt.UTC).date())
    if stale:
        oldest = min(row.as_of or "" for row in stale)
        st.warning(
            f"{len(stale)} of these figures are older than {STALE_AFTER_DAYS} days (the oldest is of {oldest}). "
            "Check them against today's price list before the board decides; they are marked **old** below."
        )
    if plan.influences:
        st.subheader("What moves the yearly cost most")
        st.plotly_chart(
            influence_chart(plan, colours()),
            theme=None,
            config=CONFIG,
            key="influences",
            alt="Bars of yearly cost with each input at its low and high value. "
            + " ".join(f"{bar.label}: {eur(bar.cost_low_eur)} to {eur(bar.cost_high_eur)}." for bar in plan.influences),
        )
    old = {row.code for row in stale}
    for basis in _LEAST_CERTAIN_FIRST:
        rows = [row for row in plan.assumptions if row.basis is basis]
        if rows:
            name, meaning = BASIS[basis]
            st.subheader(f"{name.capitalize()}: {meaning}")
            st.table([_row(row, old=row.code in old) for row in rows], border="horizontal", hide_index=True)


def stale_assumptions(plan: Plan, *, today: dt.date) -> list[Assumption]:
    """Catalog figures whose date is more than 180 days before `today`."""
    limit = (today - dt.timedelta(days=STALE_AFTER_DAYS)).isoformat()
    return [
        row for row in plan.assumptions if row.basis is Basis.CATALOG and row.as_of is not None and row.as_of < limit
    ]


def _row(row: Assumption, *, old: bool) -> dict[str, str]:
    """Three columns, so that the table fits a phone without scrolling."""
    date = (row.as_of or "").replace("-", "\u2011")  # a date does not break across lines
    source = " · ".join(part for part in (escape(breakable(row.source)), date, "**old**" if old else "") if part)
    return {
        "Input": f"{escape(row.label)}\\\n**{escape(breakable(f'{row.value} {row.unit}'.strip()))}**",
        "How certain": escape(breakable(row.uncertainty)) or "–",
        "Source and date": source or "–",
    }


show = page(_body)
