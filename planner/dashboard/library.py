"""Saved plans: kept on this machine under a name, opened again, or put beside the plan on screen."""

from __future__ import annotations

import re
import unicodedata

import streamlit as st

from planner import store
from planner.cost.plan import Plan
from planner.dashboard.frame import escape, show_problem
from planner.dashboard.session import Session, session
from planner.errors import PlannerError
from planner.report.words import numbers

_MOST_SHOWN = 50
_NAME_KEY = "library_name"
_CHOICE_KEY = "library_choice"


def library(here: Session) -> None:
    """A popover that lists what is saved; the library is read only while it is open."""
    say = here.words.library
    opened = st.popover(say.title, on_change="rerun", key="library")
    if not opened.open:
        return
    with opened:
        st.caption(say.shared)
        if here.library_problem is not None:
            show_problem(here.library_problem)
        with st.form("save_plan", border=False):
            st.text_input(say.name, key=_NAME_KEY, max_chars=60, placeholder=say.name_placeholder)
            st.form_submit_button(say.save, on_click=_save)
        _saved(here)


def saved_plans(here: Session) -> list[store.Saved]:
    """The newest saved plans; empty where the library cannot be read, with the reason kept for the page."""
    try:
        found = [entry for entry in store.saved() if entry.kind is store.Kind.PLAN]
    except PlannerError as problem:
        here.library_problem = problem
        return []
    return found[:_MOST_SHOWN]


def described(here: Session, entry: store.Saved) -> str:
    """Name and day of an entry."""
    return f"{entry.name} ({numbers.short_date(entry.saved, here.tag)})"


def _saved(here: Session) -> None:
    say, found = here.words.library, saved_plans(here)
    if not found:
        st.markdown(say.empty)
        return
    shown = {entry.name: described(here, entry) for entry in found}
    st.selectbox(say.saved, list(shown), format_func=shown.__getitem__, key=_CHOICE_KEY)
    with st.container(horizontal=True, gap="small"):
        st.button(say.open, on_click=_open)
        st.button(say.compare, on_click=_compare)
        st.button(say.delete, on_click=_ask)
    if here.deleting in shown:
        st.warning(say.delete_for_good.format(name=here.deleting))
        st.button(say.delete_yes, on_click=_delete, type="primary")


def _save() -> None:
    here = session()
    name = plain_name(st.session_state[_NAME_KEY])
    here.library_problem = None
    try:
        store.save_plan(name or here.plan().created, here.whole_plan())
        here.notices.append(here.words.library.is_saved.format(name=name or here.plan().created))
    except PlannerError as problem:
        here.library_problem = problem


def _open() -> None:
    here = session()
    plan = _chosen(here)
    if plan is not None:
        here.adopt_plan(plan)


def _compare() -> None:
    here = session()
    plan = _chosen(here)
    if plan is not None:
        here.keep(st.session_state[_CHOICE_KEY], plan)
        here.notices.append(here.words.library.is_kept.format(name=escape(st.session_state[_CHOICE_KEY])))


def _ask() -> None:
    session().deleting = st.session_state[_CHOICE_KEY]


def _delete() -> None:
    here = session()
    here.library_problem = None
    try:
        store.delete_plan(here.deleting or "")
    except PlannerError as problem:
        here.library_problem = problem
    here.deleting = None


def _chosen(here: Session) -> Plan | None:
    here.library_problem = None
    try:
        return store.load_plan(st.session_state[_CHOICE_KEY])
    except PlannerError as problem:
        here.library_problem = problem
        return None


def plain_name(typed: str) -> str:
    """What a visitor types as a name of the library: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", typed).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:64]
