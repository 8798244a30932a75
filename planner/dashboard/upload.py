"""Another calibration to open: a packed record at once, a foreign log with its columns and the facts that it lacks."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from msgspec import Struct

from planner.catalog import read_catalog
from planner.dashboard.frame import escape, show_problem
from planner.dashboard.session import Origin, Session, session
from planner.dashboard.work import Loaded, first_calibration, foreign_calibration, packed_calibration
from planner.errors import PlannerError, shown_name
from planner.importers import (
    READERS,
    ImportFacts,
    LogContents,
    Role,
    RunContents,
    log_contents,
    looks_like_a_log,
)
from planner.record import UNKNOWN, LossKind, XUnit
from planner.report.words import numbers

MAX_UPLOAD_MB = 5
_HEAD_BYTES = 4000
_STEP_ROLES = frozenset([Role.STEPS, Role.EXAMPLES])
_LOSS_ROLES = frozenset([Role.HELD_OUT_LOSS, Role.TRAINING_LOSS, Role.LOSS])
_TIME_ROLES = frozenset([Role.CLOCK, Role.ELAPSED])


class Pending(Struct, frozen=True, kw_only=True):
    """An uploaded log that waits for the facts it lacks."""

    name: str
    data: bytes
    contents: LogContents


def upload(here: Session) -> None:
    """The part of the Calibration page that opens another one."""
    say = here.words.upload
    st.subheader(say.title, anchor=False)
    formats = ", ".join(say.kinds.get(reader.name, reader.title) for reader in READERS.values())
    st.markdown(say.lead.format(formats=escape(formats)))
    st.file_uploader(
        say.file.format(megabytes=MAX_UPLOAD_MB), max_upload_size=MAX_UPLOAD_MB, key="upload", on_change=_take
    )
    if here.upload_problem is not None:
        show_problem(here.upload_problem)
    if here.pending is not None:
        _log(here, here.pending)
    if here.calibration is not None and here.calibration.origin is not Origin.EXAMPLE:
        st.button(say.example, on_click=_example)


def _take() -> None:
    """A file was chosen or removed."""
    here = session()
    here.pending = here.upload_problem = None
    file = st.session_state["upload"]
    if file is None:
        return
    data, name = file.getvalue(), shown_name(file.name)
    if _is_record(data, name):
        _open(here, lambda: packed_calibration(data, name))
        return
    try:
        here.pending = Pending(name=name, data=data, contents=log_contents(data, file=name))
    except PlannerError as problem:
        here.upload_problem = problem


def _is_record(data: bytes, name: str) -> bool:
    """Whether the content is that of a packed record.

    The name only counts where the content is nothing that is known: a record that is damaged from its first line on is
    then refused as a record.
    """
    if data.lstrip()[:1] == b"{" and b'"calibration_id"' in data[:_HEAD_BYTES]:
        return True
    return name.lower().endswith(".jsonl") and not looks_like_a_log(data)


def _example() -> None:
    _open(session(), lambda: first_calibration(example=True))


def _open(here: Session, read: Callable[[], Loaded]) -> None:
    here.upload_problem = None
    try:
        found = read()
        here.open(found)
        here.notices.append(here.words.upload.opened.format(id=found.calibration.header.calibration_id))
    except PlannerError as problem:
        here.upload_problem = problem


def _log(here: Session, pending: Pending) -> None:
    """What the log is, which of its columns are meant, and what it does not say; all of it may stay unknown."""
    say = here.words.upload
    runs = pending.contents.runs
    with st.container(border=True):
        kind = say.kinds.get(pending.contents.log, pending.contents.title)
        rows = numbers.whole(sum(run.rows for run in runs), here.tag)
        st.markdown(escape(say.recognised.format(kind=kind, rows=rows)))
        run = _run(here, runs)
        with st.grid(3, min_column_width=230):
            _column(here, "step_column", run, run.step_column, _STEP_ROLES)
            _column(here, "loss_column", run, run.loss_column, _LOSS_ROLES)
            _column(here, "time_column", run, run.time_column, _TIME_ROLES)
        st.markdown(say.facts)
        with st.grid(3, min_column_width=230):
            st.selectbox(
                say.loss_kind, list(say.loss_kinds), format_func=say.loss_kinds.__getitem__, key="fact_loss_kind"
            )
            st.selectbox(say.x_unit, list(say.x_units), format_func=say.x_units.__getitem__, key="fact_x_unit")
            st.number_input(say.batch, min_value=1, step=1, value=None, placeholder=say.unknown, key="fact_batch")
            st.text_input(say.model, placeholder=say.unknown, key="fact_model", max_chars=80)
            gpus = [row.gpu for row in read_catalog().gpus]
            st.selectbox(say.gpu, gpus, index=None, placeholder=say.unknown, key="fact_gpu")
            st.number_input(
                say.training_examples, min_value=1, step=1, value=None, placeholder=say.unknown, key="fact_examples"
            )
        st.button(say.open, on_click=_import, type="primary")


def _run(here: Session, runs: tuple[RunContents, ...]) -> RunContents:
    """The run that is meant, asked where there are several."""
    if len(runs) == 1:
        return runs[0]
    names = [run.name for run in runs]
    with_loss = next((place for place, run in enumerate(runs) if run.loss_column is not None), 0)
    chosen = st.selectbox(here.words.upload.run, names, index=with_loss, key="fact_run")
    return runs[names.index(chosen)] if chosen in names else runs[with_loss]


def _column(here: Session, fact: str, run: RunContents, found: str | None, roles: frozenset[Role]) -> None:
    """One column of the log: what was recognised stands first, columns of the kind before all others."""
    say = here.words.upload
    names = [column.name for column in run.columns if column.role in roles]
    names += [column.name for column in run.columns if column.name not in names]
    st.selectbox(
        getattr(say, fact),
        names,
        index=names.index(found) if found in names else None,
        placeholder=say.automatic if found else say.unknown,
        key=f"fact_{fact}_{run.name}",
    )


def _import() -> None:
    here = session()
    pending = here.pending
    if pending is None:
        return
    state = st.session_state
    runs = pending.contents.runs
    run = next((run for run in runs if run.name == state.get("fact_run")), runs[0])
    given = {
        "run": run.name if len(runs) > 1 else None,
        "loss_kind": LossKind(state["fact_loss_kind"]),
        "x_unit": XUnit(state["fact_x_unit"]),
        "effective_batch_size": state["fact_batch"],
        "model": state["fact_model"].strip(),
        "gpu": state["fact_gpu"],
        "training_examples": state["fact_examples"],
        **{name: state[f"fact_{name}_{run.name}"] for name in ("step_column", "loss_column", "time_column")},
    }
    # What was recognised is left to the reader, which then also knows the columns that belong to it.
    recognised = {"step_column": run.step_column, "loss_column": run.loss_column, "time_column": run.time_column}
    named = {
        key: value for key, value in given.items() if value not in (None, "", UNKNOWN) and value != recognised.get(key)
    }
    _open(here, lambda: foreign_calibration(pending.data, pending.name, ImportFacts(**named)))
    if here.upload_problem is None:
        here.pending = None
