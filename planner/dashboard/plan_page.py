"""Plan: the answer in words, then numbers, then charts; the inputs beside them."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Plan
from planner.dashboard.charts import CONFIG, curve_chart
from planner.dashboard.downloads import downloads
from planner.dashboard.frame import colours, escape, page
from planner.dashboard.inputs import decision_inputs, more_inputs, target_input, undo_and_reset
from planner.dashboard.options import options
from planner.dashboard.session import Session
from planner.outcome import VerdictName
from planner.report.words import sentences
from planner.report.words.numbers import chance, eur, eur_cents, examples, gib, hours, span

_INPUT_FOR = {
    "serving": "Give the studies answered a day",
    "staff": "Give staff hours and their cost under “Staff, own prices …”",
    "storage": "Give the storage under “Staff, own prices …”",
}


def _body(here: Session) -> None:
    plan = here.plan()
    answer, decisions = st.columns([13, 6], gap="large")
    with answer:
        _answer(plan)
        with st.container(border=True):
            target_input(here)
            _quality(plan)
        _numbers(plan)
        _curve(plan)
    with decisions:
        with st.container(border=True):
            st.subheader("What you decide", anchor=False)
            decision_inputs(here)
            with st.expander("Staff, own prices, VAT, storage …"):
                more_inputs(here)
            undo_and_reset(here)
        with st.container(border=True):
            st.subheader("For the board", anchor=False)
            downloads(here)
    _lines(plan)
    options(here)


def _answer(plan: Plan) -> None:
    """The answer in words; where it is no, why, what these data support at most, and what would settle it."""
    st.title(escape(sentences.headline(plan)), anchor=False)
    st.markdown(escape(sentences.answer(plan)))
    if plan.verdict.name is not VerdictName.REACHABLE:
        st.markdown(escape(plan.verdict.sentence))
        st.markdown(escape(f"{sentences.lowest_loss(plan)} {sentences.next_step(plan)}"))


def _quality(plan: Plan) -> None:
    """What the target means in answers, in the words of the plan."""
    if not plan.quality:
        st.caption("What this loss means in answers is not known: too few runs of this calibration answered cases.")
    st.caption("\\\n".join(escape(quality.sentence) for quality in plan.quality))


def _numbers(plan: Plan) -> None:
    """The key figures; every one that rests on reaching the target says so."""
    reached, budget = plan.if_reached, plan.scenario.budget_eur
    horizon = examples(plan.curve.horizon_examples)
    spent = reached.spent_if_missed_eur
    with st.grid(3, min_column_width=160):
        _figure("Cost a year, if reached", eur(reached.cost_per_year.p50), span(reached.cost_per_year, eur), "8 in 10")
        _figure("Chance to reach it", chance(plan.verdict.probability), f"within {horizon} {sentences.unit(plan)}")
        if plan.probability_within_budget is None:
            memory = plan.memory
            fits = "fits" if memory.fits else "does not fit"
            _figure("Memory", fits, f"{gib(memory.gib_p95)} of {gib(memory.usable_gib)}", "at P95")
        else:
            _figure("Chance within budget", chance(plan.probability_within_budget), f"of {eur(budget)} a year")
        _figure("GPU-hours a tuning", hours(reached.hours.p50), span(reached.hours, hours), plan.hours_basis.value)
        _figure("Spent if it is missed", "unknown" if spent is None else eur(spent), "at most (9 in 10)")
        _figure("Lines not costed", str(len(plan.not_costed)), "in none of these figures")
    if not plan.memory.fits:
        st.error(escape(plan.memory.sentence))


def _figure(label: str, value: str, note: str, beside: str | None = None) -> None:
    st.metric(label, value, delta=escape(note), delta_color="off", delta_arrow="off", delta_description=beside)


def _curve(plan: Plan) -> None:
    st.subheader(escape(sentences.curve_title(plan)), anchor=False)
    st.plotly_chart(
        curve_chart(plan, colours(), height=380),
        theme=None,
        config=CONFIG,
        key="curve",
        alt=sentences.curve_title(plan),
    )
    st.caption(escape(plan.asymptote.sentence))


def _lines(plan: Plan) -> None:
    left, right = st.columns([13, 6], gap="large")
    with left:
        st.subheader(escape(f"The budget scenario adds up to {eur_cents(plan.total_eur)} a year"), anchor=False)
        st.caption(escape(plan.budget_scenario))
        rows = [
            {"Line": escape(line.label), "How": escape(line.formula), "A year": eur_cents(line.amount_eur)}
            for line in plan.lines
        ]
        st.table(
            [*rows, {"Line": "**Total**", "How": "", "A year": f"**{eur_cents(plan.total_eur)}**"}],
            border="horizontal",
            hide_index=True,
        )
    with right:
        st.subheader(f"Not costed: {len(plan.not_costed)} lines", anchor=False)
        for remedy, labels in _by_remedy(plan).items():
            st.markdown(f"**{escape('; '.join(labels))}.** {escape(remedy)}.")


def _by_remedy(plan: Plan) -> dict[str, list[str]]:
    """Lines without a figure by what is to be done; a line that has an input here names the input."""
    found: dict[str, list[str]] = {}
    for line in plan.not_costed:
        found.setdefault(_INPUT_FOR.get(line.code, line.remedy.rstrip(".")), []).append(line.label)
    return found


show = page(_body)
