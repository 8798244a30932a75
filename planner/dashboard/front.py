"""What a lower loss costs: the front of cost and loss, in its own fragment."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Plan
from planner.dashboard.charts import draw, front_chart
from planner.dashboard.details import state
from planner.dashboard.frame import colours, escape
from planner.dashboard.session import Session, session
from planner.report.words import numbers, sentences

_HEIGHT_PX = 320


@st.fragment
def front() -> None:
    """The front; while a slider moves it keeps the last scenario and says so."""
    here = session()
    say, plan, waits = here.words.front, here.details, state(here)
    found = plan is not None and plan.front and not waits
    title = _finding(here, plan).rstrip(".") if plan is not None and found else say.title
    st.subheader(escape(title), anchor=False)
    if plan is None:
        st.caption(waits)
        return
    if not plan.front:
        st.caption(
            waits or (say.missing if here.job is None or here.job.whole.done() else here.words.frame.being_computed)
        )
        return
    st.caption(waits or say.title)
    draw(
        front_chart(plan, colours(), here.words.charts, here.tag, height=_HEIGHT_PX),
        key="front",
        alt=_alt(here, plan),
    )
    if plan.loss_for_budget is not None:
        st.markdown(escape(sentences.said(plan.loss_for_budget.sentence, here.tag)))


def _finding(here: Session, plan: Plan) -> str:
    """The lowest loss that is reached with nine in ten, with what it costs."""
    say, tag = here.words.front, here.tag
    confident = [point for point in plan.front if sentences.is_confident(point.probability)]
    if not confident:
        return say.none_reachable
    best = min(confident, key=lambda point: point.target_loss)
    return say.lowest_reachable.format(
        target=numbers.loss(best.target_loss, tag),
        cost=numbers.span(best.cost_per_year, numbers.eur, tag),
        gpu=best.option.gpu,
        quantization=best.option.quantization,
        tenure=sentences.tenure(best.option.tenure, tag),
    )


def _alt(here: Session, plan: Plan) -> str:
    say, tag = here.words.front, here.tag
    points = "; ".join(
        say.alt_point.format(
            target=numbers.loss(point.target_loss, tag),
            cost=numbers.span(point.cost_per_year, numbers.eur, tag),
            chance=numbers.chance(point.probability, tag),
        )
        for point in plan.front
    )
    return say.alt.format(points=points)
