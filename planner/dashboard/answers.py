"""What a lower loss means in answers: the recorded quality against the loss, and samples where they were kept."""

from __future__ import annotations

import streamlit as st
from msgspec import Struct

from planner.dashboard.charts import draw, quality_chart
from planner.dashboard.frame import colours, escape
from planner.dashboard.samples import Sample, kept_samples
from planner.dashboard.session import Origin, Session
from planner.record import Answers, Calibration, Eval, Rating
from planner.report.words import numbers, words

_METRICS = ("token_f1", "degenerate_rate", "rouge_l", "exact_match", "usable_share")
_FEWEST = 2
_MOST_SAMPLES = 12


class Answered(Struct, frozen=True, kw_only=True):
    """Answers that a run gave, or their ratings, at a held-out loss."""

    run: str
    loss: float
    event: Answers | Rating


def answered(calibration: Calibration) -> list[Answered]:
    """Every record of answers whose loss is known: its own, else that of the evaluation beside it."""
    found = []
    for run in calibration.runs:
        losses = {event.examples: event.loss for event in run.of(Eval)}
        # The newest rating of a run counts: sheets are read back as a whole.
        for event in (*run.of(Answers), *run.of(Rating)[-1:]):
            loss = event.loss if event.loss is not None else losses.get(event.examples)
            if loss is not None:
                found.append(Answered(run=run.id, loss=loss, event=event))
    return found


def answers(here: Session) -> None:
    """Charts of every recorded metric, the ratings, and the samples."""
    assert here.calibration is not None
    say = here.words.answers
    found = answered(here.calibration.calibration)
    st.subheader(say.title, anchor=False)
    points = {metric: points for metric in _METRICS if len(points := _points(found, metric)) >= _FEWEST}
    if points:
        with st.grid(2, min_column_width=300):
            for metric in points:
                with st.container():
                    _chart(here, points[metric], metric)
        st.caption(say.count.format(count=numbers.decimal(found[-1].event.answers, 0, here.tag)))
    else:
        st.markdown(say.none)
    _ratings(here, found)
    _samples(here)


def _points(found: list[Answered], metric: str) -> list[tuple[float, float]]:
    shares = [(answer.loss, getattr(answer.event, metric, None)) for answer in found]
    return [(loss, share) for loss, share in shares if share is not None]


def _chart(here: Session, points: list[tuple[float, float]], metric: str) -> None:
    say = here.words.answers
    best, worst = min(points), max(points)
    finding = say.alt.format(
        metric=say.metrics[metric],
        worst=numbers.percent(round(worst[1], 2), here.tag),
        worst_loss=numbers.loss(worst[0], here.tag),
        best=numbers.percent(round(best[1], 2), here.tag),
        best_loss=numbers.loss(best[0], here.tag),
    )
    st.markdown(f"**{escape(finding)}**")
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
        alt=finding,
    )


def _ratings(here: Session, found: list[Answered]) -> None:
    """What radiologists said of the answers, blinded, where a sheet was read back."""
    say, tag = here.words.answers, here.tag
    rated = sorted(
        ((answer.loss, answer.run, answer.event) for answer in found if isinstance(answer.event, Rating)),
        key=lambda one: one[0],
    )
    if not rated:
        return
    loss, _, best = rated[0]
    share = numbers.percent(round(best.usable_share, 2), tag)
    st.subheader(escape(say.ratings.format(share=share, loss=numbers.loss(loss, tag))), anchor=False)
    name = say.rating_fields
    st.table(
        [
            {
                name["run"]: escape(run),
                name["loss"]: numbers.loss(loss, tag),
                name["mean"]: _with_spread(rating, tag),
                name["usable"]: escape(numbers.percent(round(rating.usable_share, 2), tag)),
                name["reference"]: _rating(rating.reference_rating_mean, tag),
                name["agreement"]: _rating(rating.agreement_alpha, tag, decimals=2),
                name["count"]: f"{numbers.whole(rating.answers, tag)} × {numbers.whole(rating.raters, tag)}",
            }
            for loss, run, rating in rated
        ],
        border="horizontal",
        hide_index=True,
    )
    st.caption(say.ratings_note)


def _with_spread(rating: Rating, tag: str) -> str:
    """Mean and standard deviation between answers: "3.4 ± 0.9"."""
    mean = _rating(rating.rating_mean, tag)
    return mean if rating.rating_sd is None else f"{mean} ± {_rating(rating.rating_sd, tag)}"


def _rating(value: float | None, tag: str, *, decimals: int = 1) -> str:
    return words(tag).numbers.unknown if value is None else numbers.decimal(value, decimals, tag)


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
