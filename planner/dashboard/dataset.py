"""What was counted about the data of a calibration: doubles, contradictions, cut answers, its noise."""

from __future__ import annotations

import streamlit as st

from planner.dashboard.frame import escape
from planner.dashboard.session import Session
from planner.record import Dataset
from planner.report.words import numbers

_COUNTS = (
    "images", "near_duplicate_images", "held_out_images_in_training", "duplicate_answers", "contradictory_answers",
)  # fmt: skip


def dataset(here: Session) -> None:
    """A row for everything that the record says; nothing where it says nothing."""
    assert here.calibration is not None
    counted = here.calibration.calibration.header.dataset
    rows = dataset_rows(here, counted)
    if not rows:
        return
    say, tag = here.words.calibration, here.tag
    title = say.dataset.format(
        training=numbers.whole(counted.training_examples, tag),
        training_cases=numbers.whole(counted.training_cases, tag),
        held_out=numbers.whole(counted.held_out_examples, tag),
        held_out_cases=numbers.whole(counted.held_out_cases, tag),
    )
    st.subheader(escape(title), anchor=False)
    # A table needs a heading of every column; its rows name themselves.
    st.table([{" ": escape(label), "  ": escape(value)} for label, value in rows], border="horizontal", hide_index=True)


def dataset_rows(here: Session, counted: Dataset) -> list[tuple[str, str]]:
    """(label, value with unit) of what is known."""
    say, tag = here.words.calibration, here.tag
    pairs = say.dataset_pairs
    shown: dict[str, str | None] = {name: _whole(getattr(counted, name), tag) for name in _COUNTS}
    shown["questions"] = _pair(pairs["questions"], tag, closed=counted.closed_questions, open=counted.open_questions)
    shown["captions"] = _whole(counted.captions, tag)
    shown["answer_tokens"] = _pair(
        pairs["answer_tokens"],
        tag,
        p50=counted.answer_tokens_p50,
        p95=counted.answer_tokens_p95,
        most=counted.answer_tokens_max,
    )
    shown["truncated_share"] = None if counted.truncated_share is None else _percent(counted.truncated_share, tag)
    shown["truncated_share_by_context"] = "; ".join(
        f"{numbers.whole(int(context), tag) if context.isdecimal() else context}: {_percent(share, tag)}"
        for context, share in (counted.truncated_share_by_context or {}).items()
    )
    shown["languages"] = ", ".join(
        f"{code} {numbers.whole(count, tag)}" for code, count in (counted.languages or {}).items()
    )
    shown["held_out_unigram_nats"] = _with_error(
        pairs["error"], counted.held_out_unigram_nats, counted.held_out_unigram_standard_error_nats, tag
    )
    return [(label, value) for name, label in say.dataset_fields.items() if (value := shown[name])]


def _whole(value: int | None, tag: str) -> str | None:
    return None if value is None else numbers.whole(value, tag)


def _percent(share: float, tag: str) -> str:
    return numbers.percent(round(share, 3), tag)


def _pair(template: str, tag: str, **counts: int | None) -> str | None:
    if any(count is None for count in counts.values()):
        return None
    return template.format(**{name: numbers.whole(count, tag) for name, count in counts.items()})


def _with_error(template: str, value: float | None, error: float | None, tag: str) -> str | None:
    if value is None:
        return None
    shown = numbers.loss(value, tag)
    return shown if error is None else template.format(value=shown, error=numbers.decimal(error, 3, tag))
