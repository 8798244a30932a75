"""Calibration: the runs, the fit and its diagnosis, answer quality against loss, and another calibration to open."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from planner.dashboard.charts import CONFIG, curve_chart, quality_chart
from planner.dashboard.frame import colours, escape, page, show_problem
from planner.dashboard.session import Session
from planner.dashboard.upload import upload
from planner.outcome import AsymptoteStatus, Finding, Severity
from planner.record import UNKNOWN, Answers, Calibration, Eval, LossKind, Run, Train

_LOSS_KIND = {
    LossKind.HELD_OUT: "held-out loss",
    LossKind.TRAINING: "training loss",
    LossKind.UNKNOWN: "loss of unknown kind",
}
_SEVERITY = {
    Severity.BLOCKING: ("Forbids a verdict", "red"),
    Severity.WARNING: ("Warning", "orange"),
    Severity.NOTE: ("Note", "gray"),
}


def _body(here: Session) -> None:
    if here.calibration is not None and here.fit is not None:
        _fit(here)
        _answers(here.calibration.calibration, here)
        _runs(here.calibration.calibration)
    else:
        st.title("No calibration is open")
        if here.problem:
            show_problem(here.problem)
    upload(here)


def _fit(here: Session) -> None:
    assert here.fit is not None and here.calibration is not None
    law, calibration = here.fit.law, here.calibration
    plan = here.plan()
    identified = law.asymptote.status is AsymptoteStatus.IDENTIFIED
    st.title(
        "The runs show where the loss ends" if identified else "The runs do not yet show where the loss ends",
        anchor=False,
    )
    st.markdown(escape(law.asymptote.sentence))
    _about(calibration.calibration, calibration.origin.value, here)
    st.plotly_chart(
        curve_chart(plan, colours(), target=False),
        theme=None,
        config=CONFIG,
        key="calibration_curve",
        alt=escape(f"Held-out loss of {len(law.curve.loss_n)} points against examples. {law.sentence}"),
    )
    st.markdown(escape(law.sentence))
    for note in law.curve.dropped:
        st.caption(escape(note))
    st.subheader(_diagnosis_title(law.findings), anchor=False)
    for finding in sorted(law.findings, key=lambda found: list(_SEVERITY).index(found.severity)):
        _finding(finding)


def _diagnosis_title(findings: Sequence[Finding]) -> str:
    worst = min((list(_SEVERITY).index(finding.severity) for finding in findings), default=None)
    if worst is None:
        return "The diagnosis found nothing suspect"
    return ("Why these runs allow no verdict", "What is suspect", "What to know about these runs")[worst]


def _finding(finding: Finding) -> None:
    label, colour = _SEVERITY[finding.severity]
    st.markdown(f":{colour}-badge[{label}] {escape(finding.sentence)}")


def _about(calibration: Calibration, origin: str, here: Session) -> None:
    """Which calibration this is, in one line; and the choice where it holds several configurations."""
    header = calibration.header
    configuration = header.configuration
    facts = [
        f"Calibration {header.calibration_id} ({origin})",
        header.created,
        f"model {configuration.model}",
        f"{len(calibration.runs)} runs",
        {
            LossKind.HELD_OUT: "held-out loss",
            LossKind.TRAINING: "training loss",
            LossKind.UNKNOWN: "loss of unknown kind",
        }[header.loss_kind],
        f"device {header.hardware.gpu or header.hardware.device}",
    ]
    st.caption(escape(" · ".join(facts)))
    assert here.fit is not None
    if len(here.fit.curves) > 1:
        names = [f"{i + 1}: {_configuration_name(curve.configuration)}" for i, curve in enumerate(here.fit.curves)]
        chosen = st.selectbox("Configuration to plan with", range(len(names)), format_func=names.__getitem__,
                              index=here.configuration, key="configuration")  # fmt: skip
        if chosen != here.configuration and here.calibration is not None:
            here.open(here.calibration, chosen)
            st.rerun()


def _configuration_name(configuration: object) -> str:
    shown = ("image_size_px", "quantization", "lora_targets", "lora_rank", "learning_rate")
    return ", ".join(
        f"{name.replace('_', ' ')} {getattr(configuration, name)}"
        for name in shown
        if getattr(configuration, name) is not None
    )


def _answers(calibration: Calibration, here: Session) -> None:
    """Answer quality against held-out loss, where the runs have answers."""
    found = [event for run in calibration.runs for event in run.of(Answers) if event.loss is not None]
    st.subheader("What a lower loss means in answers", anchor=False)
    if len(found) < 2:
        st.markdown(
            "This calibration has no answers at two losses or more, so a loss cannot be read as answer quality."
        )
        return
    target = here.scenario.target_loss if here.scenario else None
    losses = [event.loss for event in found]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Words of the answer that are right** (token F1)")
        st.plotly_chart(
            quality_chart(losses, [event.token_f1 for event in found], colours(), label="token F1", target=target),
            theme=None, config=CONFIG, key="quality_f1",
            alt=f"Token F1 from {found[0].token_f1:.0%} at a loss of {losses[0]:.2f} "
            f"to {found[-1].token_f1:.0%} at {losses[-1]:.2f}",
        )  # fmt: skip
    with right:
        st.markdown("**Answers that only repeat themselves** (degenerate rate)")
        degenerate = [event.degenerate_rate for event in found]
        st.plotly_chart(
            quality_chart(losses, degenerate, colours(), label="degenerate", target=target),
            theme=None, config=CONFIG, key="quality_degenerate",
            alt=f"Degenerate answers from {found[0].degenerate_rate:.0%} to {found[-1].degenerate_rate:.0%}",
        )  # fmt: skip
    st.caption(f"{found[-1].answers} held-out answers at each budget: a few points of difference can be chance.")


def _runs(calibration: Calibration) -> None:
    runs = [run for run in calibration.runs if run.of(Eval) or run.of(Train)]
    st.subheader(f"The {len(runs)} runs", anchor=False)
    st.dataframe(
        [_run(run) for run in runs],
        hide_index=True,
        placeholder=UNKNOWN,
        alt="Table of the runs with budget, loss, time and state",
        column_config={
            name: st.column_config.NumberColumn(format="localized")
            for name in ("Budget", "Different examples", "Seconds")
        },
    )
    for note in calibration.notes:
        st.caption(escape(note))


def _run(run: Run) -> dict[str, object]:
    evals = run.of(Eval)
    last = evals[-1] if evals else None
    answers = run.of(Answers)
    finished = run.finished
    started = run.started
    return {
        "Run": run.id,
        "Budget": started.budget_examples if started else None,
        "Different examples": started.unique_examples if started else None,
        "Final loss": round(last.loss, 4) if last else None,
        "Token F1": round(answers[-1].token_f1, 3) if answers else None,
        "Seconds": (finished.train_seconds if finished else None) or (last.train_seconds if last else None),
        "State": finished.status if finished else "not finished",
    }


show = page(_body, needs_calibration=False)
