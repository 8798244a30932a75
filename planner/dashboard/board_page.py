"""Board paper: the pages that the board will read, downloads, letterhead, and a paper that is dropped to reopen it."""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Plan
from planner.dashboard.downloads import downloads
from planner.dashboard.frame import escape, page, show_problem
from planner.dashboard.paper_text import paper_text
from planner.dashboard.reopening import plan_from
from planner.dashboard.session import Session, session
from planner.dashboard.work import paper_pages
from planner.errors import InputError
from planner.report.document import board_report
from planner.report.letterhead import MAX_NAME_LETTERS, checked_logo, letterhead
from planner.report.words import LANGUAGES, numbers

_MAX_UPLOAD_MB = 5
_LANGUAGE_KEY = "paper_language"
_PAGE_PX = 340


def _body(here: Session) -> None:
    say = here.words.board
    st.title(say.title, anchor=False)
    plan = here.opened or (here.whole_plan() if here.calibration is not None else None)
    language = st.session_state.get(_LANGUAGE_KEY) or here.language
    take, head, reopen = st.columns(3, gap="medium")
    with take, st.container(border=True, height="stretch"):
        st.markdown(say.take)
        st.selectbox(
            say.language,
            list(LANGUAGES),
            index=list(LANGUAGES).index(here.language),
            format_func=LANGUAGES.__getitem__,
            key=_LANGUAGE_KEY,
        )
        if plan is not None:
            downloads(here, here.opened, language=language)
    with head, st.container(border=True, height="stretch"):
        _letterhead(here)
    with reopen, st.container(border=True, height="stretch"):
        _reopen(here)
    if plan is None:
        st.markdown(say.nothing)
        return
    _preview(here, plan, language)


def _preview(here: Session, plan: Plan, language: str) -> None:
    """The pages as they are printed, and the same as text."""
    say = here.words.board
    pages, text = st.tabs([say.pages, say.as_text], on_change="rerun", key="paper_view")
    if text.open:
        with text:
            paper_text(here, board_report(plan, language), plan)
        return
    with pages:
        with st.spinner(say.busy):
            images = paper_pages(plan, language, here.letterhead)
        with st.grid(2, min_column_width=_PAGE_PX):
            for place, image in enumerate(images, start=1):
                with st.container(border=True):
                    st.image(image, width="stretch", alt=say.page_alt.format(page=place, pages=len(images)))


def _letterhead(here: Session) -> None:
    say = here.words.board
    st.markdown(say.letterhead)
    st.text_input(
        say.hospital, value=here.letterhead.hospital, max_chars=MAX_NAME_LETTERS, key="hospital", on_change=_take_name
    )
    st.file_uploader(say.logo, type=["png", "svg"], max_upload_size=1, key="logo", on_change=_take_logo)
    if here.logo_problem is not None:
        show_problem(here.logo_problem)


def _take_name() -> None:
    here = session()
    here.letterhead = letterhead(st.session_state["hospital"], here.letterhead.logo)


def _take_logo() -> None:
    here = session()
    here.logo_problem = None
    file = st.session_state["logo"]
    try:
        logo = None if file is None else checked_logo(file.getvalue(), file=file.name[:40])
    except InputError as problem:
        here.logo_problem, logo = problem, None
    here.letterhead = letterhead(here.letterhead.hospital, logo)


def _reopen(here: Session) -> None:
    say = here.words.board
    st.markdown(say.reopen)
    st.file_uploader(
        say.reopen_file, type=["pdf", "json"], max_upload_size=_MAX_UPLOAD_MB, key="reopen", on_change=_take
    )
    if here.reopen_problem is not None:
        show_problem(here.reopen_problem)
    opened = here.opened
    if opened is None:
        return
    st.markdown(
        escape(
            say.opened.format(
                date=numbers.date(opened.created, here.tag), calibration=opened.calibration.calibration_id
            )
        )
    )
    with st.container(horizontal=True, gap="small"):
        st.button(say.adopt, on_click=_adopt, disabled=here.calibration is None)
        st.button(say.close, on_click=_close)


def _take() -> None:
    here = session()
    here.opened = here.reopen_problem = None
    file = st.session_state["reopen"]
    if file is None:
        return
    try:
        here.opened = plan_from(file.getvalue(), file.name)
    except InputError as problem:
        here.reopen_problem = problem


def _adopt() -> None:
    """Plan with the inputs of the opened plan, on the calibration that is open here."""
    here = session()
    if here.opened is not None and here.calibration is not None:
        here.adopt_plan(here.opened)
        here.opened = None


def _close() -> None:
    session().opened = None


show = page(_body, needs_calibration=False)
