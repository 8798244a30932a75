"""Plan: the answer in words, then numbers, then charts; the inputs beside them."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Option, Plan
from planner.dashboard import say
from planner.dashboard.charts import CONFIG, curve_chart, short_count
from planner.dashboard.downloads import downloads
from planner.dashboard.frame import colours, escape, page
from planner.dashboard.inputs import TENURES, decision_inputs, more_inputs, target_input, undo_and_reset
from planner.dashboard.session import Session, session
from planner.outcome import AsymptoteStatus, Severity, VerdictName


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
            downloads(plan)
    _lines(plan)
    _options()


def _answer(plan: Plan) -> None:
    st.title(escape(say.headline(plan)), anchor=False)
    for sentence in say.answer(plan):
        st.markdown(escape(sentence))
    blocking = [finding for finding in plan.findings if finding.severity is Severity.BLOCKING]
    for finding in blocking:
        st.error(escape(finding.sentence))


def _quality(plan: Plan) -> None:
    """What the target means in answers, in the words of the plan."""
    if not plan.quality:
        st.caption("What this loss means in answers is not known: the calibration has no answers at two budgets or more.")
    for quality in plan.quality:
        st.caption(escape(quality.sentence))


def _numbers(plan: Plan) -> None:
    reached = plan.if_reached
    with st.grid(4, min_column_width=150):
        st.metric(
            "Cost a year, if reached",
            say.euro(reached.cost_per_year.p50),
            delta=escape(say.span(reached.cost_per_year, say.euro)),
            delta_color="off", delta_arrow="off", delta_description="8 in 10",
        )  # fmt: skip
        st.metric(
            "Chance to reach it",
            say.percent(plan.verdict.probability),
            delta=f"up to {short_count(float(f'{plan.curve.horizon_examples:.2g}'))} examples",
            delta_color="off", delta_arrow="off",
        )  # fmt: skip
        st.metric(
            "GPU-hours a tuning",
            say.hours(reached.hours.p50),
            delta=escape(say.span(reached.hours, say.hours)),
            delta_color="off", delta_arrow="off", delta_description=plan.hours_basis.value,
        )  # fmt: skip
        if plan.probability_within_budget is None:
            memory = plan.memory
            st.metric(
                "Memory",
                "fits" if memory.fits else "does not fit",
                delta=f"{memory.gib_p95:.1f} of {memory.usable_gib:.1f} GiB",
                delta_color="off", delta_arrow="off",
            )  # fmt: skip
        else:
            st.metric(
                "Chance within budget",
                say.percent(plan.probability_within_budget),
                delta=escape(f"of {say.euro(plan.scenario.budget_eur)} a year"),
                delta_color="off", delta_arrow="off",
            )  # fmt: skip
    if not plan.memory.fits:
        st.error(escape(plan.memory.sentence))


def _curve(plan: Plan) -> None:
    st.subheader(escape(_curve_title(plan)), anchor=False)
    st.plotly_chart(
        curve_chart(plan, colours(), height=380), theme=None, config=CONFIG, key="curve", alt=_curve_title(plan)
    )
    st.caption(escape(f"{plan.asymptote.sentence} {plan.curve.sentence}"))


def _curve_title(plan: Plan) -> str:
    if plan.asymptote.status is AsymptoteStatus.IDENTIFIED:
        return "More examples help, down to the asymptote"
    return "More examples help; where that ends these runs cannot tell"


def _lines(plan: Plan) -> None:
    left, right = st.columns([13, 6], gap="large")
    with left:
        st.subheader(escape(f"The budget scenario adds up to €{plan.total_eur:,.2f} a year"), anchor=False)
        st.caption(escape(plan.budget_scenario))
        rows = [
            {"Line": escape(line.label), "How": escape(line.formula), "€ a year": f"{line.amount_eur:,.2f}"}
            for line in plan.lines
        ]
        st.table(
            [*rows, {"Line": "**Total**", "How": "", "€ a year": f"**{plan.total_eur:,.2f}**"}],
            border="horizontal",
            hide_index=True,
        )
    with right:
        st.subheader(f"Not costed: {len(plan.not_costed)} lines", anchor=False)
        for missing in plan.not_costed:
            st.markdown(f"**{escape(missing.label)}.** {escape(missing.remedy)}.")


@st.fragment
def _options() -> None:
    """The table of GPU x quantization; its own fragment, so that a slider does not wait for it."""
    plan = session().plan()
    st.subheader("The same plan on other GPUs", anchor=False)
    rows = sorted(plan.options, key=lambda o: (not o.fits, o.cost_per_year.p50 or float("inf")))
    st.dataframe(
        [_option(option, plan) for option in rows],
        hide_index=True,
        placeholder="not reached",
        height=min(38 + 35 * len(rows), 460),
        column_config={
            "Likely € a year": st.column_config.NumberColumn(format="localized"),
            "GPU-hours a tuning": st.column_config.NumberColumn(format="localized"),
            "Memory, GiB": st.column_config.NumberColumn(format="%.1f"),
            "Within budget": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
        alt="Table of GPU and quantization with memory, hours and yearly cost",
    )


def _option(option: Option, plan: Plan) -> dict[str, object]:
    return {
        "GPU": option.gpu,
        "Quantization": option.quantization,
        "Feasible": option.reason or "yes",
        "Likely € a year": _rounded(option.cost_per_year.p50),
        "8 in 10": say.span(option.cost_per_year, say.euro),
        "GPU-hours a tuning": _rounded(option.hours.p50),
        "Hours are": option.hours_basis.value,
        "Memory, GiB": option.memory_gib_p95,
        "Within budget": option.probability_within_budget,
        "Price of": option.as_of or "–",
    }


def _rounded(value: float | None) -> float | None:
    """Two significant digits, as ranges are shown."""
    return None if value is None else float(f"{value:.2g}")


show = page(_body)
