"""Another calibration to open: a packed record at once, a foreign log with the facts that it lacks."""

from __future__ import annotations

from typing import Any

import streamlit as st

from planner.catalog import read_catalog
from planner.dashboard.frame import show_problem
from planner.dashboard.session import Session, session
from planner.dashboard.work import Loaded, first_calibration, foreign_calibration, packed_calibration
from planner.errors import PlannerError, shown_name
from planner.importers import ImportFacts
from planner.record import LossKind, XUnit

MAX_UPLOAD_MB = 5
_HEAD_BYTES = 4000
_LOSS_KINDS = {
    LossKind.UNKNOWN: "unknown",
    LossKind.HELD_OUT: "held-out (validation) loss",
    LossKind.TRAINING: "training loss",
}
_X_UNITS = {XUnit.UNKNOWN: "unknown", XUnit.STEPS: "optimizer steps", XUnit.EXAMPLES: "examples"}


def upload(here: Session) -> None:
    """The part of the Calibration page that opens another one."""
    st.subheader("Open another calibration", anchor=False)
    st.markdown(
        "A record packed with `plateau export` (one `.jsonl` file), a `trainer_state.json` of Hugging Face, or a CSV "
        "of step and loss. It is read in memory and is gone when you close this page."
    )
    st.file_uploader(
        "A record or a log, at most 5 MB",
        type=["jsonl", "json", "csv"],
        max_upload_size=MAX_UPLOAD_MB,
        key="upload",
        on_change=_take,
    )
    if here.upload_problem is not None:
        show_problem(here.upload_problem)
    if here.pending is not None:
        _facts()
    if here.calibration is not None and here.calibration.origin != "bundled example":
        st.button("Open the bundled example again", on_click=_example)


def _take() -> None:
    """A file was chosen or removed."""
    here = session()
    here.pending = here.upload_problem = None
    file = st.session_state["upload"]
    if file is None:
        return
    data, name = file.getvalue(), shown_name(file.name)
    if name.lower().endswith(".jsonl") or b'"calibration_id"' in data[:_HEAD_BYTES]:
        _open(here, lambda: packed_calibration(data, name))
    else:
        here.pending = (name, data)


def _example() -> None:
    _open(session(), lambda: first_calibration(example=True))


def _open(here: Session, read: Any) -> None:
    here.upload_problem = None
    try:
        found: Loaded = read()
        here.open(found)
        here.notices.append(f"Open: calibration {found.calibration.header.calibration_id}, {found.origin}.")
    except PlannerError as problem:
        here.upload_problem = problem


def _facts() -> None:
    """What a foreign log does not say; all of it may stay unknown."""
    gpus = [row.gpu for row in read_catalog().gpus]
    with st.form("facts", border=True):
        st.markdown(
            "**What the log does not say.** Leave what you do not know: it stays “unknown” wherever it matters."
        )
        with st.grid(3, min_column_width=230):
            st.selectbox("Kind of loss", list(_LOSS_KINDS), format_func=_LOSS_KINDS.__getitem__, key="fact_loss_kind")
            st.selectbox("What the steps count", list(_X_UNITS), format_func=_X_UNITS.__getitem__, key="fact_x_unit")
            st.number_input(
                "Effective batch size", min_value=1, step=1, value=None, placeholder="unknown", key="fact_batch"
            )
            st.text_input("Model", placeholder="unknown", key="fact_model", max_chars=80)
            st.selectbox("GPU", gpus, index=None, placeholder="unknown", key="fact_gpu")
        st.form_submit_button("Open this log", on_click=_import)


def _import() -> None:
    here = session()
    if here.pending is None:
        return
    name, data = here.pending
    state = st.session_state
    given = {
        "loss_kind": state["fact_loss_kind"],
        "x_unit": state["fact_x_unit"],
        "effective_batch_size": state["fact_batch"],
        "model": state["fact_model"].strip() or None,
        "gpu": state["fact_gpu"],
    }
    facts = ImportFacts(**{key: value for key, value in given.items() if value not in (None, "unknown")})
    _open(here, lambda: foreign_calibration(data, name, facts))
    if here.upload_problem is None:
        here.pending = None
