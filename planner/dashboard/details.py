"""What takes longer than a moved slider may is computed once the inputs have come to rest.

While they move, the page keeps what it has, marked as being computed.
"""

from __future__ import annotations

import streamlit as st

from planner.dashboard.session import Session, session, write_address
from planner.dashboard.work import Details, details_of

REST_SECONDS = 0.4


def details(here: Session) -> Details | None:
    """The details of the scenario that is on screen, None while they are being computed."""
    found = here.details
    return found if found is not None and found.scenario == here.scenario else None


def follow_up(here: Session) -> None:
    """Compute the details as soon as the inputs rest; nothing to do where they are there."""
    if details(here) is None:
        here.inputs_at_rest = False
        st.fragment(_compute, run_every=REST_SECONDS)()


def _compute() -> None:
    here = session()
    if details(here) is not None or here.calibration is None or here.scenario is None:
        return
    if not here.inputs_at_rest:
        here.inputs_at_rest = True
        return
    here.details = details_of(here.calibration, here.scenario, here.configuration)
    write_address()
    st.rerun()
