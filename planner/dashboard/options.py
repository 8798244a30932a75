"""The same plan on every GPU x quantization: a table in its own fragment."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner.cost.plan import Option, Plan
from planner.cost.scenario import Scenario
from planner.dashboard.details import ask_button, is_turned_away, state
from planner.dashboard.frame import escape
from planner.dashboard.session import Session, session
from planner.report.words import numbers, sentences

_ROW_PX = 35
_HEIGHT_PX = 480
_NAME_PX, _FIGURE_PX = 165, 110


@st.fragment
def options() -> None:
    """The table; while a slider moves it keeps the last scenario and says so."""
    here = session()
    say, plan, waits = here.words.options, here.details, state(here)
    feasible = [] if plan is None else [option for option in plan.options if option.reason is None]
    title = say.title if plan is None or waits else _finding(here, plan, feasible).rstrip(".")
    st.subheader(escape(title), anchor=False)
    ask_button(here, "options")
    if plan is None:
        st.caption(waits)
        if not is_turned_away(here):
            st.skeleton(height=_HEIGHT_PX)
        return
    st.caption(waits or say.conditional)
    only = st.toggle(say.only_feasible, value=True, key="only_feasible", on_change="rerun")
    shown = feasible if only and feasible else plan.options
    rows = here.memo("options", (plan.created, plan.scenario, here.tag, only), lambda: _rows(here, shown, plan))
    st.dataframe(
        rows,
        hide_index=True,
        placeholder=say.not_reached,
        height=min(_ROW_PX * (len(rows) + 1) + 3, _HEIGHT_PX),
        column_config={
            say.gpu: st.column_config.TextColumn(width=_NAME_PX),
            say.feasible: st.column_config.TextColumn(width="small"),
            say.cost: st.column_config.NumberColumn(width=_FIGURE_PX, format="localized", help=say.cost_help),
            say.hours: st.column_config.NumberColumn(width=_FIGURE_PX, format="localized", help=say.hours_help),
            say.memory: st.column_config.NumberColumn(format="localized", help=say.memory_help),
            say.within_budget: st.column_config.ProgressColumn(
                width=_FIGURE_PX, format="percent", min_value=0, max_value=1
            ),
        },
        alt=say.alt,
    )


def _rows(here: Session, shown: list[Option], plan: Plan) -> pd.DataFrame:
    """The cheapest first, what is not feasible last."""
    ranked = sorted(shown, key=lambda option: (option.reason is not None, option.cost_per_year.p50 or float("inf")))
    return pd.DataFrame([_row(here, option, plan.scenario) for option in ranked])


def _finding(here: Session, plan: Plan, feasible: list[Option]) -> str:
    """What the table shows, in a sentence."""
    say, tag = here.words.options, here.tag
    costed = [option for option in feasible if option.cost_per_year.p50 is not None]
    if not feasible:
        return say.none_feasible
    count = {"feasible": len(feasible), "all": len(plan.options)}
    if not costed:
        return say.none_costed.format(**count)
    best = min(costed, key=lambda option: option.cost_per_year.p50 or 0.0)
    return say.cheapest.format(
        **count,
        gpu=best.gpu,
        quantization=best.quantization,
        tenure=sentences.tenure(best.tenure, tag),
        cost=numbers.span(best.cost_per_year, numbers.eur, tag),
    )


def _row(here: Session, option: Option, scenario: Scenario) -> dict[str, object]:
    say, tag = here.words.options, here.tag
    chosen = (option.gpu, option.quantization, option.tenure) == (
        scenario.gpu,
        scenario.quantization,
        scenario.tenure.value,
    )
    return {
        say.gpu: say.chosen.format(gpu=option.gpu) if chosen else option.gpu,
        say.quantization: option.quantization,
        say.tenure: sentences.tenure(option.tenure, tag),
        say.feasible: sentences.said(option.reason, tag) if option.reason else say.yes,
        say.cost: _rounded(option.cost_per_year.p50),
        say.eight_in_ten: numbers.span(option.cost_per_year, numbers.eur, tag),
        say.hours: _rounded(option.hours.p50),
        say.hours_are: sentences.basis(option.hours_basis.value, tag),
        say.memory: _rounded(option.memory_gib_p95),
        say.within_budget: _whole_percent(option.probability_within_budget),
        say.price_of: numbers.short_date(option.as_of, tag) if option.as_of else "–",
    }


def _rounded(value: float | None) -> float | None:
    """Two significant digits, as ranges are shown."""
    return None if value is None else numbers.two_significant(value)


def _whole_percent(share: float | None) -> float | None:
    """Thousands of draws do not tell tenths of a percent."""
    return None if share is None else round(share, 2)
