"""The same plan on every GPU x quantization: a table in its own fragment, drawn once the inputs have come to rest."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Option, Plan
from planner.cost.scenario import Scenario
from planner.dashboard.frame import escape
from planner.dashboard.session import Session, session, write_address
from planner.report.words.numbers import eur, span, two_significant
from planner.report.words.sentences import tenure

REST_SECONDS = 0.4
_ROW_PX = 35
_HEIGHT_PX = 480


def options(here: Session) -> None:
    """The table; while a slider moves it keeps the last scenario, greyed by its caption, and follows when it rests."""
    st.subheader("The same plan on other GPUs", anchor=False)
    behind = here.tabulated != here.scenario
    here.inputs_at_rest = False
    st.fragment(_table, run_every=REST_SECONDS if behind else None)()


def _table() -> None:
    here = session()
    if here.tabulated != here.scenario and here.inputs_at_rest:
        here.tabulated = here.scenario
        here.options_plan = here.plan(with_options=True)
        write_address()
        st.rerun()
    here.inputs_at_rest = True
    if here.options_plan is None or here.scenario is None:
        st.caption("Being computed …")
        return
    plan = here.options_plan
    behind = here.tabulated != here.scenario
    feasible = [option for option in plan.options if option.fits and option.reason is None]
    st.caption(
        "Being computed for the new inputs …"
        if behind
        else escape(f"{_finding(plan, feasible)} Hours and cost as if the target is reached; the cheapest first.")
    )
    rows = sorted(plan.options, key=lambda option: (option not in feasible, option.cost_per_year.p50 or float("inf")))
    st.dataframe(
        [_row(option, here.scenario) for option in rows],
        hide_index=True,
        placeholder="not reached",
        height=min(_ROW_PX * (len(rows) + 1) + 3, _HEIGHT_PX),
        column_config={
            "€ a year": st.column_config.NumberColumn(format="localized", help="Median of all draws"),
            "GPU-hours": st.column_config.NumberColumn(format="localized", help="Of one fine-tuning, median"),
            "Memory, GiB": st.column_config.NumberColumn(format="%.1f", help="Peak in training, P95"),
            "Within budget": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
        alt="Table of GPU, quantization and tenure with feasibility, memory, hours and yearly cost",
    )


def _finding(plan: Plan, feasible: list[Option]) -> str:
    """What the table shows, in a sentence."""
    costed = [option for option in feasible if option.cost_per_year.p50 is not None]
    if not feasible:
        return "None of these GPUs has the memory."
    if not costed:
        return (
            f"{len(feasible)} of {len(plan.options)} are feasible; none has a median cost, the target is mostly missed."
        )
    best = min(costed, key=lambda option: option.cost_per_year.p50 or 0.0)
    return (
        f"{len(feasible)} of {len(plan.options)} are feasible; the cheapest is {best.gpu} in {best.quantization}, "
        f"{tenure(best.tenure)}: {span(best.cost_per_year, eur)} a year, 8 in 10."
    )


def _row(option: Option, scenario: Scenario) -> dict[str, object]:
    chosen = (option.gpu, option.quantization, option.tenure) == (
        scenario.gpu,
        scenario.quantization,
        scenario.tenure.value,
    )
    return {
        "GPU": f"{option.gpu} ◂ chosen" if chosen else option.gpu,
        "Quantization": option.quantization,
        "Rent or buy": tenure(option.tenure),
        "Feasible": option.reason or "yes",
        "€ a year": _rounded(option.cost_per_year.p50),
        "8 in 10": span(option.cost_per_year, eur),
        "GPU-hours": _rounded(option.hours.p50),
        "Hours are": option.hours_basis.value,
        "Memory, GiB": option.memory_gib_p95,
        "Within budget": option.probability_within_budget,
        "Price of": option.as_of or "–",
    }


def _rounded(value: float | None) -> float | None:
    """Two significant digits, as ranges are shown."""
    return None if value is None else two_significant(value)
