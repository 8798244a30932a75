"""Compare: up to three plans side by side and what differs by how much; two ways to do the same; configurations."""

from __future__ import annotations

from enum import Enum

import streamlit as st

from planner.cost.plan import Plan
from planner.dashboard.charts import draw, ranges_chart
from planner.dashboard.configurations import configurations
from planner.dashboard.details import follow_up
from planner.dashboard.frame import breakable, colours, escape, page, show_problem
from planner.dashboard.library import described, saved_plans
from planner.dashboard.reopening import plan_from
from planner.dashboard.session import MOST_KEPT, Kept, Session, session
from planner.dashboard.ways import ways
from planner.errors import PlannerError
from planner.report.difference import changed_inputs, compared_lines, total_differences
from planner.report.words import numbers, sentences
from planner.store import load_plan

_MAX_UPLOAD_MB = 5
_LEAST_DIFFERENCE_EUR = 0.005


def _body(here: Session) -> None:
    sides = [Kept(name=here.words.compare.on_screen, plan=here.plan()), *here.kept]
    st.title(escape(_finding(here, sides)), anchor=False)
    _choose(here)
    if len(sides) > 1:
        _figures(here, sides)
        _inputs(here, sides)
        _lines(here, sides)
    ways(here)
    follow_up(here)
    configurations(here)


def _finding(here: Session, sides: list[Kept]) -> str:
    """Which plan costs less, by how much, and by which line."""
    say, tag = here.words.compare, here.tag
    if len(sides) == 1:
        return say.nothing_kept
    plans = [side.plan for side in sides]
    by = total_differences(plans)[1]
    if abs(by) < _LEAST_DIFFERENCE_EUR:
        return say.same_cost.format(other=sides[1].name)
    line = max(compared_lines(plans), key=lambda line: abs(line.differences_eur[1]))
    return (say.dearer if by > 0 else say.cheaper).format(
        other=sides[1].name,
        amount=numbers.eur_cents(abs(by), tag),
        line=sentences.label(line.code, line.label, tag),
    )


def _choose(here: Session) -> None:
    """Put the plan on screen, a saved one or a file beside it; take one away."""
    say = here.words.compare
    with st.container(border=True):
        if here.kept:
            with st.container(horizontal=True, gap="small"):
                for place, kept in enumerate(here.kept):
                    st.button(
                        say.remove.format(name=escape(kept.name)),
                        key=f"remove_{place}",
                        on_click=_remove,
                        args=(place,),
                    )
        here_column, library, file = st.columns(3, gap="large")
        with here_column:
            st.markdown(say.keep_text.format(most=MOST_KEPT + 1))
            st.button(say.keep, on_click=_keep)
        with library:
            found = {entry.name: described(here, entry) for entry in saved_plans(here)}
            if found:
                st.selectbox(say.saved, list(found), format_func=found.__getitem__, key="compare_saved")
                st.button(say.add_saved, on_click=_add_saved)
            else:
                st.markdown(here.words.library.empty)
        with file:
            st.file_uploader(
                say.file, type=["pdf", "json"], max_upload_size=_MAX_UPLOAD_MB, key="compare_file", on_change=_add_file
            )
        for problem in (here.library_problem, here.compare_problem):
            if problem is not None:
                show_problem(problem)


def _figures(here: Session, sides: list[Kept]) -> None:
    """The key figures, a column a plan, and the ranges on one axis."""
    say, tag = here.words.compare, here.tag
    rows = {
        say.verdict: [say.verdicts[sentences.verdict_name(plan).value] for plan in _plans(sides)],
        say.target: [numbers.loss(plan.scenario.target_loss, tag) for plan in _plans(sides)],
        say.chance: [sentences.chance(plan, tag) for plan in _plans(sides)],
        say.setup: [sentences.setup(plan, tag) for plan in _plans(sides)],
        say.cost: [numbers.span(plan.if_reached.cost_per_year, numbers.eur, tag) for plan in _plans(sides)],
        say.total: [numbers.eur_cents(plan.total_eur, tag) for plan in _plans(sides)],
        say.missed: [
            numbers.unknown_or(plan.if_reached.spent_if_missed_eur, numbers.eur, tag) for plan in _plans(sides)
        ],
        say.within_budget: [_within_budget(here, plan) for plan in _plans(sides)],
        say.hours: [numbers.span(plan.if_reached.hours, numbers.hours, tag) for plan in _plans(sides)],
        say.memory: [numbers.gib(plan.memory.gib_p95, tag) for plan in _plans(sides)],
        say.calibration: [plan.calibration.calibration_id for plan in _plans(sides)],
        say.not_costed: [str(len(plan.not_costed)) for plan in _plans(sides)],
    }
    st.subheader(say.side_by_side, anchor=False)
    st.table(_columns(say.figure, rows, sides), border="horizontal", hide_index=True)
    costed = [side for side in sides if side.plan.if_reached.cost_per_year.p90 is not None]
    if len(costed) > 1:
        st.markdown(f"**{say.ranges}**")
        draw(
            ranges_chart(
                [side.name for side in costed],
                [side.plan.if_reached.cost_per_year for side in costed],
                colours(),
                here.words.charts,
                tag,
            ),
            key="compare_ranges",
            alt="; ".join(
                f"{side.name}: {numbers.span(side.plan.if_reached.cost_per_year, numbers.eur, tag)}" for side in costed
            ),
        )


def _inputs(here: Session, sides: list[Kept]) -> None:
    say = here.words.compare
    changed = changed_inputs(_plans(sides))
    st.subheader(say.changed_inputs.format(count=len(changed)), anchor=False)
    if not changed:
        st.markdown(say.no_changed_input)
        return
    labels = here.words.inputs.labels
    rows = {labels[item.field]: [shown_value(here, item.field, value) for value in item.values] for item in changed}
    st.table(_columns(say.input, rows, sides), border="horizontal", hide_index=True)


def _lines(here: Session, sides: list[Kept]) -> None:
    say, tag = here.words.compare, here.tag
    plans = _plans(sides)
    st.subheader(say.changed_lines, anchor=False)
    rows = {}
    for line in compared_lines(plans):
        cells: list[str] = []
        for amount, by in zip(line.amounts_eur, line.differences_eur, strict=True):
            shown = "–" if amount is None else numbers.eur_cents(amount, tag)
            cells.append(shown if not cells else f"{shown} ({numbers.signed_eur_cents(by, tag)})")
        rows[sentences.label(line.code, line.label, tag)] = cells
    totals = [numbers.eur_cents(plan.total_eur, tag) for plan in plans]
    differences = [numbers.signed_eur_cents(by, tag) for by in total_differences(plans)]
    last = [totals[0], *(f"{total} ({by})" for total, by in list(zip(totals, differences, strict=True))[1:])]
    table = _columns(say.line, rows, sides)
    table.append({key: f"**{cell}**" for key, cell in _columns(say.line, {say.total: last}, sides)[0].items()})
    st.table(table, border="horizontal", hide_index=True)
    st.caption(say.lines_note)


def _plans(sides: list[Kept]) -> list[Plan]:
    return [side.plan for side in sides]


def _columns(first: str, rows: dict[str, list[str]], sides: list[Kept]) -> list[dict[str, str]]:
    """Rows with a column a plan; equal names are told apart by their place."""
    heads = [rf"{place}\. {escape(side.name)}" for place, side in enumerate(sides, start=1)]
    return [
        {first: escape(label), **{head: escape(breakable(cell)) for head, cell in zip(heads, cells, strict=True)}}
        for label, cells in rows.items()
    ]


def _within_budget(here: Session, plan: Plan) -> str:
    if plan.probability_within_budget is None:
        return here.words.inputs.placeholders["budget_eur"]
    return numbers.chance(plan.probability_within_budget, here.tag)


def shown_value(here: Session, field: str, value: object) -> str:
    """A value of the scenario as people read it."""
    say = here.words.inputs
    if value is None:
        return say.placeholders.get(field, here.words.compare.not_given)
    if field == "tenure":
        return say.tenures[value]  # type: ignore[index]
    if field == "serving_mode":
        return say.serving_modes[value]  # type: ignore[index]
    if isinstance(value, bool):
        return here.words.compare.yes if value else here.words.compare.no
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int | float):
        return numbers.plain(value, here.tag)
    return str(value)


def _keep() -> None:
    here = session()
    say = here.words.compare
    here.keep(say.kept_name.format(number=len(here.kept) + 1), here.plan())


def _remove(place: int) -> None:
    session().kept.pop(place)


def _add_saved() -> None:
    here = session()
    here.library_problem = None
    name = st.session_state["compare_saved"]
    try:
        plan = load_plan(name)
    except PlannerError as problem:
        here.library_problem = problem
        return
    if plan is not None:
        here.keep(name, plan)


def _add_file() -> None:
    here = session()
    here.compare_problem = None
    file = st.session_state["compare_file"]
    if file is None:
        return
    try:
        here.keep(file.name[:40], plan_from(file.getvalue(), file.name))
    except PlannerError as problem:
        here.compare_problem = problem


show = page(_body)
