"""Metrics of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.answers import Answer, is_degenerate, judge, longest_loop, token_f1, words

REAL = Path(__file__).resolve().parents[3] / "shared" / "medpix-2.0" / "Descriptions.json"
TEXTS = st.lists(st.sampled_from(["left", "right", "lung", "Mass,", "of", "3", "cm."]), max_size=12).map(" ".join)


@given(TEXTS, TEXTS)
def test_token_f1_is_a_symmetric_share(one: str, other: str) -> None:
    assert 0 <= token_f1(one, other) <= 1
    assert token_f1(one, other) == token_f1(other, one)


@given(TEXTS)
def test_token_f1_of_a_text_with_itself_is_one_and_ignores_order_case_and_points(text: str) -> None:
    assert token_f1(text, text) == 1
    assert token_f1(" ".join(reversed(text.upper().split())), text.replace(".", "")) == 1


def test_token_f1_counts_words_as_often_as_they_stand_there() -> None:
    assert token_f1("left left lung", "left lung") == pytest.approx(0.8)


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4), st.integers(6, 12))
def test_a_text_that_says_one_thing_over_and_over_is_degenerate(period: list[str], times: int) -> None:
    assert is_degenerate(" ".join(period * times), ended=True)


@pytest.mark.parametrize(
    "text", ["", " . ", "cec. cec. cec. cec.", "the mass " * 5, "normal chest " + "left lung " * 4]
)
def test_loops_and_nothing_are_degenerate(text: str) -> None:
    assert is_degenerate(text, ended=True)


@pytest.mark.parametrize("text", ["normal", "no, no", "left upper lobe mass, left hilar mass, left effusion"])
def test_prose_is_not_degenerate_unless_it_never_ends(text: str) -> None:
    assert not is_degenerate(text, ended=True)
    assert is_degenerate(text, ended=False)


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_loop_is_no_longer_than_the_text(items: list[str]) -> None:
    length, period = longest_loop(items)
    assert 0 <= length <= len(items)
    assert 1 <= period <= 8


def test_judge_is_the_mean_over_answers() -> None:
    quality = judge(
        [
            Answer(text="left lung", reference="left lung", ended=True),
            Answer(text="", reference="right lung", ended=True),
        ]
    )
    assert (quality.token_f1, quality.degenerate_rate, quality.exact_match) == (0.5, 0.5, 0.5)


def test_no_real_caption_is_called_degenerate() -> None:
    if not REAL.exists():
        pytest.skip("MedPix 2.0 is not beside this checkout (../shared/medpix-2.0)")
    captions = [entry["Description"]["Caption"] for entry in json.loads(REAL.read_text())]
    assert len(captions) == 2050
    assert [words(caption)[:4] for caption in captions if is_degenerate(caption, ended=True)] == []
