"""Metrics of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.answer_quality import Answer, is_degenerate, judge, longest_loop, loops, rouge_l, token_f1, words

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


@given(
    st.lists(st.sampled_from(["a", "b", "c", "mass", "left"]), min_size=1, max_size=32),
    st.integers(3, 8),
    st.lists(st.sampled_from(["the", "chest", "shows", "a"]), max_size=8),
    st.sampled_from([". ", " ", ", "]),
)
def test_a_text_that_says_one_thing_over_and_over_is_degenerate(
    period: list[str], times: int, start: list[str], between: str
) -> None:
    """After a start of at most as many words as the loop has."""
    start = start[: len(period) * times]
    assert is_degenerate(between.join([*start, *(period * times)]), ended=True)


@pytest.mark.parametrize(
    "text",
    [
        "cec. cec. cec.",
        "cec. cec. cec. cec. cec.",
        "the mass " * 5,
        "normal chest " + "left lung " * 3,
        "There is a round mass in the left upper lobe of the lung with a small effusion " + "cec. " * 6,
        "There is a round mass in the left upper lobe of the lung with a small effusion " + "in the lung " * 4,
        "肺肺肺肺肺",
        "左肺有结节。" * 3,
        "a" * 300,
        " ".join(f"{number}. mass in the left upper lobe of the lung" for number in range(12)),
        "There is a mass in the left upper lobe of the lung with spiculated margins and a small effusion. " * 3,
    ],
)
def test_planted_loops_are_found(text: str) -> None:
    assert loops(text)
    assert is_degenerate(text, ended=True)


@pytest.mark.parametrize("text", ["", " . ", "...", "\n"])
def test_nothing_is_degenerate_and_no_loop(text: str) -> None:
    assert is_degenerate(text, ended=True)
    assert not loops(text)


@pytest.mark.parametrize(
    "text",
    [
        "normal",
        "no, no",
        "T1, T1, T1 of three, then T2 and T2 of the same series in order",
        "left upper lobe mass, left hilar mass, left effusion",
    ],
)
def test_prose_is_not_degenerate_unless_it_never_ends(text: str) -> None:
    assert not is_degenerate(text, ended=True)
    assert is_degenerate(text, ended=False)


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_loop_is_no_longer_than_the_text(items: list[str]) -> None:
    length, period = longest_loop(items)
    assert 0 <= length <= len(items)
    assert 1 <= period <= 32
    assert length == 0 or length >= 3 * period


@given(TEXTS, TEXTS)
def test_rouge_l_is_a_symmetric_share_below_token_f1(one: str, other: str) -> None:
    assert rouge_l(one, other) == rouge_l(other, one)
    assert 0 <= rouge_l(one, other) <= token_f1(one, other) + 1e-12


@pytest.mark.parametrize(
    ("text", "reference", "score"),
    [
        # Lin 2004, section 3: "police kill the gunman" and "the gunman kill police" against "police killed the gunman".
        ("police kill the gunman", "police killed the gunman", 3 / 4),
        ("the gunman kill police", "police killed the gunman", 2 / 4),
        ("left lung", "lung left", 1 / 2),
        ("", "", 1.0),
        ("", "left", 0.0),
        ("right", "left lung", 0.0),
    ],
)
def test_rouge_l_has_its_published_values(text: str, reference: str, score: float) -> None:
    assert rouge_l(text, reference) == pytest.approx(score)


def test_ideographs_are_words_of_their_own() -> None:
    assert words("左肺 CT图") == ["左", "肺", "ct", "图"]
    assert token_f1("左肺", "右肺") == pytest.approx(0.5)


def answer(text: str, reference: str = "left lung", *, ended: bool = True, closed: bool | None = None) -> Answer:
    return Answer(text=text, reference=reference, ended=ended, closed=closed)


def test_judge_is_the_mean_over_answers() -> None:
    quality = judge([answer("left lung"), answer("", "right lung")])
    assert (quality.token_f1, quality.rouge_l, quality.degenerate_rate, quality.empty_rate) == (0.5, 0.5, 0.5, 0.5)


def test_exact_match_counts_closed_questions_only() -> None:
    quality = judge(
        [
            answer("Yes.", "yes", closed=True),
            answer("no", "yes", closed=True),
            answer("left", "left", closed=False),
            answer("left", "left"),
        ]
    )
    assert (quality.exact_match, quality.closed_answers) == (0.5, 2)
    assert judge([answer("left", "left")]).exact_match is None


def test_the_parts_of_the_degenerate_rate_are_told_apart_and_may_overlap() -> None:
    quality = judge(
        [answer("left lung"), answer(""), answer("cec. cec. cec.", ended=False), answer("mass", ended=False)]
    )
    assert (quality.loop_rate, quality.no_end_rate, quality.empty_rate) == (0.25, 0.5, 0.25)
    assert quality.degenerate_rate == 0.75


def test_distinct_n_falls_when_all_answers_are_the_same() -> None:
    same = judge([answer("left lung mass")] * 4)
    different = judge([answer("left lung mass"), answer("right hip fracture")])
    assert (same.distinct_1, same.distinct_2) == (0.25, 0.25)
    assert (different.distinct_1, different.distinct_2) == (1.0, 1.0)
    assert judge([answer("mass")]).distinct_2 == 0.0


def test_no_real_caption_is_called_a_loop(medpix: Path) -> None:
    captions = [entry["Description"]["Caption"] for entry in json.loads((medpix / "Descriptions.json").read_text())]
    assert len(captions) == 2050
    assert [words(caption)[:4] for caption in captions if is_degenerate(caption, ended=True)] == []
