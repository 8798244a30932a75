"""PaliGemma's token layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.dataset import Example
from trainer.tokens import IGNORED, Encoded, collate, encode, unigram_entropy_nats


class Letters:
    """A tokenizer of letters."""

    pad_id, bos_id, eos_id = 0, 1, 2

    def encode(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))


def encoded(answer: str, context: int = 8) -> Encoded:
    example = Example(image=Path("x"), prompt="answer en q", answer=answer, case="c", file="f", row=1)
    return encode([example], Letters(), context_tokens=context, image_rows={"x": 0})[0]


def test_prompt_and_suffix_have_their_marks() -> None:
    one = encoded("left")
    assert one.prompt == (1, *map(ord, "answer en q\n"))
    assert one.suffix == (*map(ord, "left"), 2)
    assert not one.truncated


def test_a_long_answer_is_cut_and_keeps_its_end() -> None:
    one = encoded("word " * 10_000)
    assert len(one.suffix) == 8
    assert one.suffix[-1] == 2
    assert one.truncated
    assert not encoded("1234567").truncated


@given(st.lists(st.text("abc", max_size=6), min_size=1, max_size=6))
def test_the_suffix_alone_is_marked_and_labelled(answers: list[str]) -> None:
    examples = [encoded(answer) for answer in answers]
    batch = collate(examples, image_token_id=9, image_tokens=4, pad_id=0)
    assert bool(((batch.token_type_ids == 1) == (batch.labels != IGNORED)).all())
    assert int((batch.labels != IGNORED).sum()) == batch.suffix_tokens == sum(len(e.suffix) for e in examples)
    assert bool(((batch.input_ids == 9).sum(1) == 4).all())
    for row, example in enumerate(examples):
        length = 4 + len(example.prompt) + len(example.suffix)
        assert int(batch.attention_mask[row].sum()) == length
        assert tuple(batch.input_ids[row, length - len(example.suffix) : length].tolist()) == example.suffix
        assert bool((batch.token_type_ids[row, length:] == 0).all())


def test_unigram_entropy_of_two_equal_tokens_is_ln_2() -> None:
    one = Encoded(prompt=(1,), suffix=(5, 6), image=0, case=0, truncated=False)
    assert unigram_entropy_nats([one, one]) == pytest.approx(math.log(2))
