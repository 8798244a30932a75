"""Calibration: the runs, the fit and its diagnosis, configurations, answers against loss, and another one to open."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from planner.dashboard.answers import answers
from planner.dashboard.charts import curve_chart, draw
from planner.dashboard.configurations import configurations, names_apart
from planner.dashboard.dataset import dataset
from planner.dashboard.frame import breakable, colours, escape, nothing_open, page
from planner.dashboard.session import Session, session
from planner.dashboard.upload import upload
from planner.outcome import AsymptoteStatus, Finding, Severity
from planner.record import UNKNOWN, Calibration, Eval, Run, Train
from planner.report.words import numbers, sentences

_SEVERITIES = {Severity.BLOCKING: "red", Severity.WARNING: "orange", Severity.NOTE: "gray"}


def _body(here: Session) -> None:
    if here.calibration is not None and here.fit is not None:
        _fit(here)
        dataset(here)
        configurations(here)
        answers(here)
        _runs(here, here.calibration.calibration)
    else:
        nothing_open(here)
    upload(here)


def _fit(here: Session) -> None:
    assert here.fit is not None and here.calibration is not None
    say, law = here.words.calibration, here.fit.law
    identified = law.asymptote.status is AsymptoteStatus.IDENTIFIED
    st.title(say.identified if identified else say.not_identified, anchor=False)
    st.markdown(escape(sentences.said(law.asymptote.sentence, here.tag)))
    _facts(here, here.calibration.calibration)
    _choice(here)
    plan = here.curve_plan()
    draw(
        curve_chart(plan, colours(), here.words.charts, here.tag, target=False),
        key="calibration_curve",
        alt=sentences.curve_alt(plan, here.tag),
    )
    st.markdown(escape(sentences.said(law.sentence, here.tag)))
    for note in law.curve.dropped:
        st.caption(escape(sentences.said(note, here.tag)))
    st.subheader(_diagnosis_title(here, law.findings), anchor=False)
    for finding in sorted(law.findings, key=lambda found: list(_SEVERITIES).index(found.severity)):
        _finding(here, finding)


def _diagnosis_title(here: Session, findings: Sequence[Finding]) -> str:
    say = here.words.calibration
    worst = min((list(_SEVERITIES).index(finding.severity) for finding in findings), default=None)
    return say.nothing_suspect if worst is None else (say.no_verdict, say.suspect, say.to_know)[worst]


def _finding(here: Session, finding: Finding) -> None:
    label = here.words.calibration.severities[finding.severity.value]
    colour = _SEVERITIES[finding.severity]
    st.markdown(f":{colour}-badge[{label}] {escape(sentences.said(finding.sentence, here.tag))}")


def _facts(here: Session, calibration: Calibration) -> None:
    """What was calibrated, in one line."""
    say, header = here.words.calibration, calibration.header
    facts = say.facts.format(
        runs=numbers.decimal(len(_runs_with_losses(calibration)), 0, here.tag),
        loss=say.loss_kinds[header.loss_kind.value],
        device=header.hardware.gpu or _device(here, header.hardware.device),
        training=numbers.unknown_or(header.dataset.training_examples, numbers.whole, here.tag),
        held_out=numbers.unknown_or(header.dataset.held_out_examples, numbers.whole, here.tag),
    )
    st.caption(escape(facts))


def _device(here: Session, device: str) -> str:
    return here.words.calibration.unknown if device == UNKNOWN else device.upper()


def _choice(here: Session) -> None:
    """Which configuration is planned with, where the calibration holds several."""
    if here.fit is None or len(here.fit.curves) < 2:
        return
    names = names_apart(here, [curve.configuration for curve in here.fit.curves])
    st.selectbox(
        here.words.calibration.plan_with,
        range(len(names)),
        format_func=names.__getitem__,
        index=here.configuration,
        key="configuration",
        on_change=_choose,
    )


def _choose() -> None:
    here = session()
    if here.calibration is not None:
        here.open(here.calibration, st.session_state["configuration"])


def _runs(here: Session, calibration: Calibration) -> None:
    say = here.words.calibration
    runs = _runs_with_losses(calibration)
    st.subheader(say.runs.format(count=len(runs)), anchor=False)
    st.dataframe(
        [_run(here, run) for run in runs],
        hide_index=True,
        placeholder=say.unknown,
        alt=say.runs_alt,
        column_config={
            name: st.column_config.NumberColumn(format="localized")
            for name in (say.budget, say.different, say.final_loss, say.seconds)
        },
    )
    for note in calibration.notes:
        st.caption(escape(breakable(sentences.said(note, here.tag))))


def _runs_with_losses(calibration: Calibration) -> list[Run]:
    """Without those that only timed steps."""
    return [run for run in calibration.runs if run.of(Eval) or run.of(Train)]


def _run(here: Session, run: Run) -> dict[str, object]:
    say, evals = here.words.calibration, run.of(Eval)
    last = evals[-1] if evals else None
    finished, started = run.finished, run.started
    return {
        say.run: run.id,
        say.budget: started.budget_examples if started else None,
        say.different: started.unique_examples if started else None,
        say.final_loss: round(last.loss, 3) if last else None,
        say.seconds: (finished.train_seconds if finished else None) or (last.train_seconds if last else None),
        say.state: say.states.get(finished.status, finished.status) if finished else say.not_finished,
    }


show = page(_body, needs_calibration=False)
