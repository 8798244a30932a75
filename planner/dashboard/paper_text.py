"""The board paper as text and tables on screen: for readers who do not see its pages, and for searching."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Plan
from planner.dashboard.charts import curve_chart, draw, influence_chart
from planner.dashboard.frame import breakable, colours, escape
from planner.dashboard.session import Session
from planner.report.document import (
    BarsFigure,
    Block,
    Callout,
    CurveFigure,
    Document,
    Entries,
    Paragraph,
    Section,
    Signature,
    Table,
    Tiles,
)

_LONG_CELL = 40
_MOST_COLUMNS = 3


def paper_text(here: Session, document: Document, plan: Plan) -> None:
    """All sections of the paper, one below the other."""
    with st.container(border=True):
        st.caption(escape(document.overline))
        st.header(escape(document.title), anchor=False)
        for mark in document.marks:
            st.markdown(f":orange-badge[{escape(mark)}]")
        for section in document.sections:
            _section(here, section, document, plan)
        st.caption(escape(document.footer))


def _section(here: Session, section: Section, document: Document, plan: Plan) -> None:
    if section.heading is not None:
        st.subheader(escape(section.heading), anchor=False)
    for block in section.blocks:
        _block(here, block, document, plan)


def _block(here: Session, block: Block, document: Document, plan: Plan) -> None:
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
            chart = curve_chart(plan, colours(), here.words.charts, document.language)
            draw(chart, key="paper_curve", alt=alt)
        case BarsFigure(title=title, alt=alt):
            st.markdown(f"**{escape(title)}**")
            chart = influence_chart(plan, colours(), here.words.charts, document.language)
            draw(chart, key="paper_bars", alt=alt)
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
