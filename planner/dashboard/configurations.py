"""The configurations of a calibration side by side: adapted layers, image size, context, quantization, batch, mask."""

from __future__ import annotations

import streamlit as st

from planner.dashboard.frame import breakable, escape
from planner.dashboard.session import Session
from planner.dashboard.work import compared_configurations
from planner.law import Comparison, Contender
from planner.report.words import numbers, sentences


def configurations(here: Session) -> None:
    """What each configuration reached, and every other one against the first, with intervals and cautions."""
    say = here.words.configurations
    st.subheader(say.title, anchor=False)
    if here.calibration is None or here.fit is None or len(here.fit.curves) < 2:
        st.markdown(say.only_one)
        return
    with st.spinner(say.busy):
        contenders, comparisons = compared_configurations(here.calibration)
    st.table([_row(here, contender) for contender in contenders], border="horizontal", hide_index=True)
    for comparison in comparisons:
        _comparison(here, comparison)


def _row(here: Session, contender: Contender) -> dict[str, str]:
    say, law = here.words.configurations, contender.law
    return {
        say.configuration: escape(contender.name),
        say.largest_budget: numbers.examples(float(law.curve.examples_n[-1]), here.tag),
        say.last_loss: numbers.decimal(float(law.curve.loss_n[-1]), 3, here.tag),
        say.asymptote: escape(sentences.said(law.asymptote.sentence, here.tag)),
        say.speed: numbers.unknown_or(contender.seconds_per_example, numbers.count, here.tag),
    }


def _comparison(here: Session, comparison: Comparison) -> None:
    say, tag = here.words.configurations, here.tag
    with st.container(border=True):
        st.markdown(f"**{escape(say.against.format(first=comparison.first, second=comparison.second))}**")
        st.markdown(escape(sentences.said(comparison.sentence, tag)))
        st.caption(escape(breakable(say.changed.format(changes="; ".join(comparison.changed)))))
        for difference in comparison.differences[1:]:
            st.markdown(f"- {escape(sentences.said(difference.sentence, tag))}")
        st.markdown(f"- {escape(sentences.said(comparison.exponent.sentence, tag))}")
        for caution in comparison.cautions:
            st.markdown(f":orange-badge[{say.caution}] {escape(sentences.said(caution, tag))}")
