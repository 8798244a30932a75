"""The configurations of a calibration side by side: adapted layers, image size, context, quantization, batch, mask."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from planner.dashboard.frame import breakable, escape
from planner.dashboard.session import Session
from planner.dashboard.work import compared_configurations
from planner.law import Comparison, Contender
from planner.record import Configuration
from planner.report.words import numbers, sentences

TOLD_APART_BY = (
    "lora_targets", "lora_rank", "image_size_px", "context_length_tokens", "quantization", "effective_batch_size",
    "learning_rate", "loss_mask",
)  # fmt: skip
"""What people call a configuration by; the rest follows from it or hardly ever differs."""


def names_apart(here: Session, found: Sequence[Configuration]) -> list[str]:
    """What the configurations of a calibration are called: their number, and the settings that differ."""
    told = [field for field in TOLD_APART_BY if len({getattr(one, field) for one in found}) > 1]
    return [_name(here, place, told, one) for place, one in enumerate(found, start=1)]


def _name(here: Session, place: int, told: Sequence[str], one: Configuration) -> str:
    labels = here.words.calibration.configuration_fields
    settings = ", ".join(f"{labels[field]} {_setting(here, one, field)}" for field in told)
    return f"{place} ({settings})" if settings else str(place)


def _setting(here: Session, one: Configuration, field: str) -> str:
    value = getattr(one, field)
    if value is None:
        return here.words.calibration.unknown
    return str(value).replace("_", " ") if isinstance(value, str) else numbers.plain(value, here.tag)


def configurations(here: Session) -> None:
    """What each configuration reached, and every other one against the first, with intervals and cautions."""
    say = here.words.configurations
    st.subheader(say.title, anchor=False)
    if here.calibration is None or here.fit is None or len(here.fit.curves) < 2:
        st.markdown(say.only_one)
        return
    with st.spinner(say.busy):
        settings = [curve.configuration for curve in here.fit.curves]
        contenders, comparisons = compared_configurations(here.calibration, tuple(names_apart(here, settings)))
    st.table([_row(here, contender) for contender in contenders], border="horizontal", hide_index=True)
    for other, comparison in zip(settings[1:], comparisons, strict=True):
        _comparison(here, comparison, _changes(here, settings[0], other))


def _changes(here: Session, first: Configuration, second: Configuration) -> str:
    """Every setting that differs and has a name of its own, from the one to the other."""
    labels = here.words.calibration.configuration_fields
    pairs = {field: (_setting(here, first, field), _setting(here, second, field)) for field in TOLD_APART_BY}
    return "; ".join(f"{labels[field]} {one} → {other}" for field, (one, other) in pairs.items() if one != other)


def _row(here: Session, contender: Contender) -> dict[str, str]:
    say, law = here.words.configurations, contender.law
    return {
        say.configuration: escape(contender.name),
        say.largest_budget: numbers.examples(float(law.curve.examples_n[-1]), here.tag),
        say.last_loss: numbers.decimal(float(law.curve.loss_n[-1]), 3, here.tag),
        say.asymptote: escape(sentences.said(law.asymptote.sentence, here.tag)),
        say.speed: numbers.unknown_or(contender.seconds_per_example, numbers.count, here.tag),
    }


def _comparison(here: Session, comparison: Comparison, changes: str) -> None:
    say, tag = here.words.configurations, here.tag
    with st.container(border=True):
        st.markdown(f"**{escape(say.against.format(first=comparison.first, second=comparison.second))}**")
        st.markdown(escape(sentences.said(comparison.sentence, tag)))
        if changes:
            st.caption(escape(breakable(say.changed.format(changes=changes))))
        for difference in comparison.differences[1:]:
            st.markdown(f"- {escape(sentences.said(difference.sentence, tag))}")
        st.markdown(f"- {escape(sentences.said(comparison.exponent.sentence, tag))}")
        for caution in comparison.cautions:
            st.markdown(f":orange-badge[{say.caution}] {escape(sentences.said(caution, tag))}")
