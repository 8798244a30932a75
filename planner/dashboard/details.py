"""What takes longer than a moved slider may is asked for once the inputs have come to rest, and shown when it comes.

While they move, the page keeps what it has, marked as being computed. Where only a part of the page ran with the
inputs, the rest of it runs when they rest.
"""

from __future__ import annotations

import streamlit as st

from planner.cost.plan import Plan
from planner.dashboard.background import DESK
from planner.dashboard.session import Session, session, write_address

REST_SECONDS = 0.4


def details(here: Session) -> Plan | None:
    """The fullest plan of the scenario that is on screen, None while there is none."""
    return here.details if here.detailed == here.scenario else None


def state(here: Session) -> str:
    """What to say above figures that may be of an older scenario; empty where they are those of the inputs."""
    if details(here) is not None:
        return ""
    return here.words.frame.others_first if is_turned_away(here) else here.words.frame.being_computed


def is_turned_away(here: Session) -> bool:
    """Whether other visitors come first, so that this one has to say that it is wanted."""
    return here.must_ask if here.job_scenario == here.scenario else DESK.is_crowded


def ask_button(here: Session, key: str) -> None:
    """Where many visitors plan at once, other GPUs are computed for those who ask."""
    if is_turned_away(here) and details(here) is None:
        st.button(
            here.words.frame.compute, key=f"compute_{key}", on_click=here.ask_for_details, kwargs={"urgent": True}
        )


def follow_up(here: Session) -> None:
    """Ask for the rest as soon as the inputs rest, and look for it until it is there."""
    nothing_comes = is_turned_away(here) or (here.job_scenario == here.scenario and _is_over(here))
    if nothing_comes and here.shown == here.scenario:
        return
    here.inputs_at_rest = False
    st.fragment(_look, run_every=REST_SECONDS)()


def _look() -> None:
    here = session()
    if here.calibration is None or here.scenario is None:
        return
    if not here.inputs_at_rest:
        here.inputs_at_rest = True
        return
    asked_before = here.job_scenario == here.scenario
    if not asked_before:
        here.ask_for_details()
        write_address()
        if here.must_ask:
            _refresh(here)
    job = here.job
    if job is not None and job.plan is not None and not _is_shown(here):
        here.details, here.detailed = job.plan, here.scenario
        _refresh(here)
    elif asked_before and here.shown != here.scenario:
        _refresh(here)


def _refresh(here: Session) -> None:
    """Run the page again, with the notices that are on it."""
    here.refreshed = True
    st.rerun()


def _is_over(here: Session) -> bool:
    """Whether the job gives nothing more than what is on screen."""
    return here.job is not None and here.job.whole.done() and (here.job.plan is None or _is_shown(here))


def _is_shown(here: Session) -> bool:
    return here.job is not None and here.detailed == here.scenario and here.details is here.job.plan
