"""What a lower loss means in answers: the recorded quality against the loss, and samples where they were kept."""

from __future__ import annotations

import streamlit as st

from planner.dashboard.charts import draw, quality_chart
from planner.dashboard.frame import colours, escape
from planner.dashboard.samples import Sample, kept_samples
from planner.dashboard.session import Origin, Session
from planner.record import Answers
from planner.report.words import numbers

_METRICS = ("token_f1", "degenerate_rate", "rouge_l", "exact_match")
_FEWEST = 2
_MOST_SAMPLES = 12


def answers(here: Session) -> None:
    """Charts of every recorded metric, and the samples."""
    assert here.calibration is not None
    say = here.words.answers
    runs = here.calibration.calibration.runs
    found = [event for run in runs for event in run.of(Answers) if event.loss is not None]
    st.subheader(say.title, anchor=False)
    if len(found) < _FEWEST:
        st.markdown(say.none)
    else:
        shown = [metric for metric in _METRICS if sum(getattr(e, metric) is not None for e in found) >= _FEWEST]
        with st.grid(2, min_column_width=300):
            for metric in shown:
                with st.container():
                    _chart(here, found, metric)
        st.caption(say.count.format(count=numbers.decimal(found[-1].answers, 0, here.tag)))
    _samples(here)


def _chart(here: Session, found: list[Answers], metric: str) -> None:
    say = here.words.answers
    points = [(event.loss or 0.0, getattr(event, metric)) for event in found if getattr(event, metric) is not None]
    best, worst = min(points), max(points)
    st.markdown(f"**{say.metrics[metric]}**")
    draw(
        quality_chart(
            [loss for loss, _ in points],
            [value for _, value in points],
            colours(),
            here.words.charts,
            here.tag,
            label=say.axes[metric],
            target=here.scenario.target_loss if here.scenario else None,
        ),
        key=f"quality_{metric}",
        alt=say.alt.format(
            metric=say.metrics[metric],
            worst=numbers.percent(worst[1], here.tag),
            worst_loss=numbers.loss(worst[0], here.tag),
            best=numbers.percent(best[1], here.tag),
            best_loss=numbers.loss(best[0], here.tag),
        ),
    )


def _samples(here: Session) -> None:
    """Texts that the calibration kept because it was asked to; they are shown here and go nowhere else."""
    if here.calibration is None or here.calibration.origin is not Origin.COMMAND_LINE:
        return
    say, samples = here.words.answers, kept_samples()
    if not samples:
        st.caption(say.no_samples)
        return
    opened = st.expander(say.samples.format(count=len(samples)), on_change="rerun", key="samples")
    if not opened.open:
        return
    with opened:
        st.warning(say.samples_private)
        budgets = sorted({sample.examples for sample in samples}, reverse=True)
        shown = {budget: numbers.examples(budget, here.tag) for budget in budgets}
        chosen = st.selectbox(say.samples_of, budgets, format_func=shown.__getitem__, key="samples_of")
        for sample in [sample for sample in samples if sample.examples == chosen][:_MOST_SAMPLES]:
            _sample(here, sample)


def _sample(here: Session, sample: Sample) -> None:
    say = here.words.answers
    texts = ((say.prompt, sample.prompt), (say.reference, sample.reference), (say.answer, sample.text))
    with st.container(border=True):
        for label, text in texts:
            if text:
                st.markdown(f"**{label}** {escape(text)}")
        if not sample.ended:
            st.markdown(f":orange-badge[{say.no_end}]")
