"""What is taken away: the board paper as PDF, its lines as CSV, the plan as JSON; made when they are clicked."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from planner.cost.plan import Plan, encode_plan
from planner.dashboard.session import Session
from planner.report.pdf import render_pdf
from planner.report.sheet import board_csv


def downloads(here: Session, opened: Plan | None = None) -> None:
    """Three buttons for the plan that is planned now, or for one that was opened from a file."""

    def plan() -> Plan:
        return opened or here.plan(with_options=True)

    with st.container(horizontal=True, gap="small"):
        _button("**PDF**", lambda: render_pdf(plan()), "board.pdf", "application/pdf")
        _button("CSV", lambda: board_csv(plan()), "plan.csv", "text/csv")
        _button("JSON", lambda: encode_plan(plan()), "plan.json", "application/json")


def _button(label: str, make: Callable[[], bytes], name: str, mime: str) -> None:
    st.download_button(label, make, name, mime, key=f"download_{name}", on_click="ignore")
