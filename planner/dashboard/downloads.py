"""What is taken away: the board paper, its figures and its charges as CSV, the plan; made when they are clicked."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from planner.cost.plan import Plan, encode_plan
from planner.dashboard.session import Session
from planner.report.focus import focus_csv
from planner.report.pdf import render_pdf
from planner.report.sheet import board_csv, file_name


def downloads(here: Session, opened: Plan | None = None, *, language: str | None = None) -> None:
    """Four buttons for the plan that is planned now, or for one that was opened from a file.

    Args:
        here: The session.
        opened: A plan from a file; None: the one on screen.
        language: Code of the paper's language; None: the visitor's.
    """
    say = here.words.downloads
    paper = language or here.language

    def plan() -> Plan:
        return opened or here.whole_plan()

    named = opened or here.plan()
    with st.container(horizontal=True, gap="small"):
        _button(f"**{say.pdf}**", lambda: render_pdf(plan(), paper, here.letterhead), file_name(named, "pdf"), "pdf")
        _button(say.csv, lambda: board_csv(plan(), paper), file_name(named, "csv"), "csv")
        _button(say.charges, lambda: focus_csv(plan()), file_name(named, "csv", part="charges"), "csv", part="charges")
        _button(say.json, lambda: encode_plan(plan()), file_name(named, "json"), "json")


def _button(label: str, make: Callable[[], bytes], name: str, kind: str, *, part: str = "") -> None:
    mime = {"pdf": "application/pdf", "csv": "text/csv", "json": "application/json"}[kind]
    st.download_button(label, make, name, mime, key=f"download_{part or kind}", on_click="ignore")
