"""Plan: the answer in words, then numbers, then charts; the inputs beside them."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from planner.cost.plan import Plan
from planner.dashboard.answers import answered
from planner.dashboard.charts import curve_chart, draw
from planner.dashboard.details import details, follow_up
from planner.dashboard.downloads import downloads
from planner.dashboard.frame import OLDER, colours, escape, mark_older, page, show_problem
from planner.dashboard.front import front
from planner.dashboard.inputs import decision_inputs, target_input, undo_and_reset
from planner.dashboard.library import library
from planner.dashboard.options import options
from planner.dashboard.session import Session, session
from planner.dashboard.years import years
from planner.errors import PlannerError
from planner.outcome import Quality
from planner.report.words import numbers, sentences, words

# The browser takes as long for the curve as for all else, and paints what comes together at once: a moment between them
# puts the new figures on screen before the new curve.
_FIGURES_FIRST_S = 0.02


def _body(here: Session) -> None:
    """The answer and its lines run by themselves where only the target moves; the rest follows once it has rested."""
    plan = _planned(here)
    answer, decisions = st.columns([13, 6], gap="large")
    cash, lines, others = st.container(key=OLDER[0]), st.container(key="lines"), st.container(key=OLDER[1])
    with answer:
        if isinstance(plan, PlannerError):
            _cannot(here, plan)
        else:
            _finding(lines)
    with decisions:
        _decisions(here, plan)
    if not isinstance(plan, PlannerError):
        with cash:
            years(here, details(here) or plan)
        with others:
            options()
            front()


@st.fragment
def _finding(lines: DeltaGenerator) -> None:
    """What a moved target changes at once: the answer, the key figures, the curve, and further down the lines."""
    here = session()
    plan = _planned(here)
    if isinstance(plan, PlannerError):
        st.rerun()
    _answer(here, plan)
    with st.container(border=True):
        target_input(here)
        _quality(here, plan)
    _numbers(here, plan)
    curve = st.container()
    with lines:
        _lines(here, plan)
    if here.scenario != here.shown:
        mark_older()
        time.sleep(_FIGURES_FIRST_S)
    with curve:
        _curve(here, plan)
    follow_up(here)


def _planned(here: Session) -> Plan | PlannerError:
    """The plan, or why there is none; the inputs stay on screen either way."""
    try:
        return here.plan()
    except PlannerError as problem:
        return problem


def _cannot(here: Session, problem: PlannerError) -> None:
    st.title(here.words.plan.cannot_title, anchor=False)
    show_problem(problem)
    st.markdown(here.words.plan.cannot)
    with st.container(border=True):
        target_input(here)


def _decisions(here: Session, plan: Plan | PlannerError) -> None:
    say = here.words.plan
    with st.container(border=True):
        st.subheader(say.decisions, anchor=False)
        decision_inputs(here)
        undo_and_reset(here)
    with st.container(border=True):
        st.subheader(say.for_the_board, anchor=False)
        if not isinstance(plan, PlannerError):
            downloads(here)
        library(here)


def _answer(here: Session, plan: Plan) -> None:
    """The answer in words; where it is no, why, what these data support at most, and what would settle it."""
    say = here.words.plan
    st.title(escape(sentences.headline(plan, here.tag)), anchor=False)
    st.markdown(escape(sentences.answer(plan, here.tag)))
    if sentences.is_reachable(plan):
        return
    found = details(here)
    longer = None if found is None else found.calibrate_longer
    with st.container(border=True):
        st.markdown(f"**{say.why}** {escape(sentences.verdict(plan, here.tag))}")
        st.markdown(f"**{say.lowest}** {escape(sentences.lowest_loss(plan, here.tag))}")
        advice = sentences.next_step(plan, here.tag) if longer is None else sentences.said(longer.sentence, here.tag)
        st.markdown(f"**{say.next_run}** {escape(advice)}")


def _quality(here: Session, plan: Plan) -> None:
    """What the target means in answers: a range a metric, and at which loss it was read."""
    say, tag = here.words.plan, here.tag
    if not plan.quality:
        st.caption(say.quality_unknown)
        return
    metrics = here.words.answers.metrics
    lines = [f"**{escape(_between(met, tag))}** {escape(metrics[met.metric])}" for met in plan.quality]
    assert here.calibration is not None
    losses = [answer.loss for answer in answered(here.calibration.calibration)]
    if plan.scenario.target_loss < min(losses):
        lines.append(say.quality_below.format(loss=numbers.loss(min(losses), tag)))
    elif plan.scenario.target_loss > max(losses):
        lines.append(say.quality_above.format(loss=numbers.loss(max(losses), tag)))
    else:
        lines.append(say.quality_at)
    st.caption("\\\n".join(lines))


def _between(quality: Quality, tag: str) -> str:
    """The range of a metric in whole percent: "0 to 17 %"."""
    low, high = (round(share, 2) for share in (quality.at_target_low, quality.at_target_high))
    return words(tag).numbers.to.format(numbers.decimal(100 * low, 0, tag), numbers.percent(high, tag))


def _numbers(here: Session, plan: Plan) -> None:
    """The key figures; every one that rests on reaching the target says so."""
    say, tag = here.words.plan, here.tag
    reached, budget, memory = plan.if_reached, plan.scenario.budget_eur, plan.memory
    cost, spent = reached.cost_per_year, reached.spent_if_missed_eur
    horizon = numbers.examples(plan.curve.horizon_examples, tag)
    with st.grid(3, min_column_width=160):
        _figure(say.cost, numbers.eur(cost.p50, tag), numbers.span(cost, numbers.eur, tag), say.eight_in_ten)
        _figure(
            say.chance,
            sentences.chance(plan, tag),
            say.within.format(horizon=horizon, unit=sentences.unit(plan, tag)),
        )
        if plan.probability_within_budget is None:
            _figure(
                say.memory,
                say.fits if memory.fits else say.does_not_fit,
                say.memory_of.format(
                    needed=numbers.gib(memory.gib_p95, tag), usable=numbers.gib(memory.usable_gib, tag)
                ),
                say.at_p95,
            )
        else:
            _figure(
                say.budget,
                numbers.chance(plan.probability_within_budget, tag),
                say.of_budget.format(budget=numbers.eur(budget, tag)),
            )
        _figure(
            say.hours,
            numbers.hours(reached.hours.p50, tag),
            numbers.span(reached.hours, numbers.hours, tag),
            sentences.basis(plan.hours_basis.value, tag),
        )
        _figure(say.missed, numbers.unknown_or(spent, numbers.eur, tag), say.at_most)
        _figure(say.left_out, str(len(plan.not_costed)), say.in_none)
    if not memory.fits:
        st.error(escape(sentences.said(memory.sentence, tag)))


def _figure(label: str, value: str, note: str, beside: str | None = None) -> None:
    st.metric(label, value, delta=escape(note), delta_color="off", delta_arrow="off", delta_description=beside)


def _curve(here: Session, plan: Plan) -> None:
    title = escape(sentences.curve_title(plan, here.tag))
    st.subheader(title, anchor=False)
    draw(
        curve_chart(plan, colours(), here.words.charts, here.tag, height=380),
        key="curve",
        alt=sentences.curve_alt(plan, here.tag),
    )
    st.caption(escape(sentences.said(plan.asymptote.sentence, here.tag)))


def _lines(here: Session, plan: Plan) -> None:
    say, tag = here.words.plan, here.tag
    left, right = st.columns([13, 6], gap="large")
    with left:
        st.subheader(escape(sentences.total(plan, tag).rstrip(".")), anchor=False)
        st.caption(escape(sentences.said(plan.budget_scenario, tag)))
        rows = [
            {
                say.line: escape(sentences.label(line.code, line.label, tag)),
                say.how: escape(sentences.formula(line, plan, tag)),
                say.a_year: escape(numbers.eur_cents(line.amount_eur, tag)),
            }
            for line in plan.lines
        ]
        whole = escape(numbers.eur_cents(plan.total_eur, tag))
        total = {say.line: f"**{say.total}**", say.how: "", say.a_year: f"**{whole}**"}
        st.table([*rows, total], border="horizontal", hide_index=True)
        st.caption(escape(sentences.said(plan.hours_sentence, tag)))
        if plan.carbon is not None:
            st.caption(escape(sentences.said(plan.carbon.sentence, tag)))
    with right:
        st.subheader(say.not_costed.format(count=len(plan.not_costed)), anchor=False)
        for remedy, labels in _by_remedy(here, plan).items():
            st.markdown(f"**{escape('; '.join(labels))}.** {escape(remedy)}.")


def _by_remedy(here: Session, plan: Plan) -> dict[str, list[str]]:
    """Lines without a figure by what is to be done; a line that has an input here names the input."""
    found: dict[str, list[str]] = {}
    for line in plan.not_costed:
        own = here.words.plan.input_for.get(line.code)
        remedy = own or sentences.said(line.remedy.rstrip("."), here.tag)
        found.setdefault(remedy, []).append(sentences.label(line.code, line.label, here.tag))
    return found


show = page(_body)
