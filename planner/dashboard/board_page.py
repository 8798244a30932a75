"""Board paper: what the board will read, as text; downloads; and a paper or plan that is dropped here to reopen it."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Plan, parse_plan
from planner.dashboard.charts import CONFIG, curve_chart, influence_chart
from planner.dashboard.downloads import downloads
from planner.dashboard.frame import breakable, colours, escape, page, show_problem
from planner.dashboard.session import Session, session
from planner.errors import PlanError
from planner.report.document import (
    BarsFigure,
    Block,
    Callout,
    CurveFigure,
    Entries,
    Paragraph,
    Section,
    Signature,
    Table,
    Tiles,
    board_report,
)
from planner.report.pdf import read_plan_from_pdf

MAX_UPLOAD_MB = 5
_LONG_CELL = 40
_MOST_COLUMNS = 3


def _body(here: Session) -> None:
    st.title("The paper for the board", anchor=False)
    take, reopen = st.columns(2, gap="large")
    with take, st.container(border=True):
        st.markdown("**Take it with you.** The PDF carries its plan inside.")
        if here.calibration is not None or here.opened is not None:
            downloads(here, here.opened)
    with reopen, st.container(border=True):
        _reopen(here)
    plan = here.opened or (here.plan(with_options=True) if here.calibration is not None else None)
    if plan is None:
        return
    document = board_report(plan)
    with st.container(border=True):
        st.caption(escape(document.overline))
        st.header(escape(document.title), anchor=False)
        for mark in document.marks:
            st.markdown(f":orange-badge[{escape(mark)}]")
        for section in document.sections:
            _section(section, plan)
        st.caption(escape(document.footer))


def _reopen(here: Session) -> None:
    st.file_uploader(
        "Reopen a plan: drop a board PDF or a plan.json",
        type=["pdf", "json"],
        max_upload_size=MAX_UPLOAD_MB,
        key="reopen",
        on_change=_take,
    )
    if here.reopen_problem is not None:
        show_problem(here.reopen_problem)
    opened = here.opened
    if opened is None:
        return
    calibration = opened.calibration.calibration_id
    st.markdown(escape(f"Below: the plan of {opened.created} on calibration {calibration}, as it was written."))
    with st.container(horizontal=True, gap="small"):
        st.button("Use its inputs on the page Plan", on_click=_adopt, disabled=here.calibration is None)
        st.button("Close it", on_click=_close)


def _take() -> None:
    here = session()
    here.opened = here.reopen_problem = None
    file = st.session_state["reopen"]
    if file is None:
        return
    try:
        data = file.getvalue()
        is_pdf = data.lstrip()[:5].startswith(b"%PDF-") or file.name.lower().endswith(".pdf")
        here.opened = read_plan_from_pdf(data, file=file.name) if is_pdf else parse_plan(data, file=file.name)
    except PlanError as problem:
        here.reopen_problem = problem


def _adopt() -> None:
    """Plan with the inputs of the opened plan, on the calibration that is open here."""
    here = session()
    opened = here.opened
    if opened is None or here.calibration is None:
        return
    here.adopt(opened.scenario)
    if opened.calibration.calibration_id != here.calibration.calibration.header.calibration_id:
        here.notices.append(
            f"The inputs are those of the plan of {opened.created}; its calibration "
            f"{opened.calibration.calibration_id} is not the one that is open here, so the figures differ."
        )
    here.opened = None


def _close() -> None:
    session().opened = None


def _section(section: Section, plan: Plan) -> None:
    if section.heading is not None:
        st.subheader(escape(section.heading), anchor=False)
    for block in section.blocks:
        _block(block, plan)


def _block(block: Block, plan: Plan) -> None:
    match block:
        case Paragraph(text=text, style="small"):
            st.caption(escape(text))
        case Paragraph(text=text, style=style):
            st.markdown(f"**{escape(text)}**" if style == "heading" else escape(text))
        case Callout(title=title, text=text, tone=tone):
            (st.success if tone == "decision" else st.warning)(f"**{escape(title)}** {escape(text)}")
        case Tiles(tiles=tiles):
            with st.grid(len(tiles), min_column_width=170):
                for tile in tiles:
                    st.metric(
                        escape(tile.label), tile.value, delta=escape(tile.note), delta_color="off", delta_arrow="off"
                    )
        case Entries(items=items):
            for beginning, text in items:
                st.markdown(f"**{escape(beginning)}** {escape(text)}")
        case Table():
            _table(block)
        case CurveFigure(title=title, alt=alt):
            st.markdown(f"**{escape(title)}**")
            st.plotly_chart(curve_chart(plan, colours()), theme=None, config=CONFIG, key="paper_curve", alt=alt)
        case BarsFigure(title=title, alt=alt):
            st.markdown(f"**{escape(title)}**")
            st.plotly_chart(influence_chart(plan, colours()), theme=None, config=CONFIG, key="paper_bars", alt=alt)
        case Signature(labels=labels):
            st.caption(escape(" · ".join(f"{label}: ____________" for label in labels)))


def _table(table: Table) -> None:
    """Long texts as a table of three columns that fits a phone, figures as a grid that scrolls by keyboard."""
    rows = [*table.rows, *([table.total] if table.total is not None else [])]
    header = [column or " " * (i + 1) for i, column in enumerate(table.header)]
    if max((len(cell) for row in rows for cell in row), default=0) > _LONG_CELL:
        rows = [_merged(row) for row in rows]
        header = _merged(header)
        st.table(
            [{escape(k): escape(breakable(cell)) for k, cell in zip(header, row, strict=True)} for row in rows],
            border="horizontal",
            hide_index=True,
        )
    else:
        st.dataframe(
            [dict(zip(header, row, strict=True)) for row in rows],
            hide_index=True,
            height="content",
            column_config={
                column: st.column_config.TextColumn(alignment="right" if align == "right" else "left")
                for column, align in zip(header, table.align, strict=True)
            },
            alt=table.caption,
        )
    st.caption(escape(table.caption))


def _merged(cells: list[str]) -> list[str]:
    """At most three columns: the first, all between as one, the last."""
    return cells if len(cells) <= _MOST_COLUMNS else [cells[0], " · ".join(filter(None, cells[1:-1])), cells[-1]]


show = page(_body, needs_calibration=False)
