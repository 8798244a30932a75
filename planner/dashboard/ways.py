"""Two ways to do the same: spend once or every year, one adapter per modality or one joint model."""

from __future__ import annotations

import streamlit as st

from planner.cost.analyses import Alternative, Comparison
from planner.dashboard.details import ask_button, details, state
from planner.dashboard.frame import escape
from planner.dashboard.session import Session
from planner.report.words import numbers, sentences, words


def ways(here: Session) -> None:
    """The plan's own comparisons; where there are none, when there will be."""
    say, found = here.words.compare, details(here)
    st.subheader(say.ways_title, anchor=False)
    comparisons = [] if found is None else found.comparisons
    ask_button(here, "ways")
    if not comparisons:
        st.markdown(state(here) or say.ways_missing)
        return
    for comparison in comparisons:
        _comparison(here, comparison)


def _comparison(here: Session, comparison: Comparison) -> None:
    say, tag = here.words.compare, here.tag
    titles = words(tag).paper.comparisons
    with st.container(border=True):
        st.markdown(f"**{titles.get(comparison.code, escape(comparison.question))}**")
        st.markdown(escape(sentences.said(comparison.sentence, tag)))
        rows = [_alternative(here, side) for side in (comparison.first, comparison.second)]
        st.table(rows, border="horizontal", hide_index=True)
        st.caption(
            escape(
                say.second_cheaper.format(
                    chance=numbers.chance(comparison.probability_second_cheaper, tag),
                    ratio=numbers.span(comparison.cost_ratio, numbers.count, tag),
                )
            )
        )
        if comparison.probability_second_lower_loss is not None:
            lower = numbers.chance(comparison.probability_second_lower_loss, tag)
            st.caption(escape(say.second_lower.format(chance=lower)))
        for assumption in comparison.assumptions:
            st.caption(escape(sentences.said(assumption, tag)))


def _alternative(here: Session, side: Alternative) -> dict[str, str]:
    say, tag = here.words.compare, here.tag
    last = side.loss_by_year[-1] if side.loss_by_year else None
    to = words(tag).numbers.to
    loss = "–" if last is None else to.format(numbers.loss(last.p05, tag), numbers.loss(last.p95, tag))
    return {
        say.way: escape(sentences.said(side.label, tag)),
        say.present_value: numbers.span(side.cost, numbers.eur, tag),
        say.last_loss: loss,
        say.chance: numbers.chance(side.probability, tag),
    }
