"""Quality of answers, from their texts alone: overlap with the reference, variety, and degenerate text.

Overlap metrics reward template answers, so variety (distinct-n) stands beside them.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

# Chinese has no blanks between words: every ideograph counts as one.
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_LONGEST_PERIOD = 32
_LOOP_REPEATS = 3
_LOOP_SHARE = 0.5
_LOOP_REPEATS_ANYWHERE = 4
_LOOP_WORDS_ANYWHERE = 6
_COMPRESSION_LIMIT = 2.4
_COMPRESSED_LETTERS = 500


class Answer(Struct, frozen=True, kw_only=True):
    """A generated answer beside its reference.

    Attributes:
        ended: Whether the model wrote the end itself, before the longest length.
        closed: Whether the question has a fixed choice of answers; None for a caption.
        item: Index of the example in the held-out set.
    """

    text: str
    reference: str
    ended: bool
    closed: bool | None = None
    item: int = 0


class Quality(Struct, frozen=True, kw_only=True):
    """Means over some answers.

    Attributes:
        exact_match: Share of the closed questions whose answer has the words of the reference; None without any.
        distinct_1: Different words among all words (Li et al. 2016); distinct_2: of pairs of neighbouring words.
        degenerate_rate: Share that loops, has no end or is empty; an answer can be several of them.
    """

    token_f1: float
    rouge_l: float
    exact_match: float | None
    closed_answers: int
    distinct_1: float
    distinct_2: float
    degenerate_rate: float
    loop_rate: float
    no_end_rate: float
    empty_rate: float


def words(text: str) -> list[str]:
    """Lower-case words, without punctuation."""
    return _WORD.findall(text.lower())


def token_f1(text: str, reference: str) -> float:
    """Harmonic mean of precision and recall of the words, as in SQuAD; two empty texts agree."""
    found, wanted = words(text), words(reference)
    if not found or not wanted:
        return float(found == wanted)
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))


def rouge_l(text: str, reference: str) -> float:
    """F-measure of the longest common subsequence of words (Lin 2004, with equal weights); two empty texts agree."""
    found, wanted = words(text), words(reference)
    if not found or not wanted:
        return float(found == wanted)
    return 2 * _common_subsequence(found, wanted) / (len(found) + len(wanted))


def _common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, against in enumerate(other, start=1):
            above = row[place]
            row[place] = diagonal + 1 if word == against else max(above, row[place - 1])
            diagonal = above
    return row[-1]


def longest_loop(items: Sequence[str]) -> tuple[int, int]:
    """(words, period) of the longest run of at least three repeats with a period of at most 32 words; (0, 1): none."""
    best, best_period = 0, 1
    for period in range(1, min(_LONGEST_PERIOD, len(items) // _LOOP_REPEATS) + 1):
        same = 0
        for index in range(period, len(items)):
            same = same + 1 if items[index] == items[index - period] else 0
            if same + period >= _LOOP_REPEATS * period and same + period > best:
                best, best_period = same + period, period
    return best, best_period


def loops(text: str) -> bool:
    """Whether a text says the same over and over ("cec. cec. cec.").

    A passage that repeats itself at least three times and makes up half of the text, or at least four times (six words)
    anywhere; or an end of 500 letters that deflates by more than 2.4 (Whisper's rule), which finds loops that count or
    vary. Of 2,050 MedPix captions none is called so (`python -m benchmarks data`).
    """
    found = words(text)
    if not found:
        return False
    length, period = longest_loop(found)
    if length >= _LOOP_SHARE * len(found) and length:
        return True
    if length >= max(_LOOP_REPEATS_ANYWHERE * period, _LOOP_WORDS_ANYWHERE):
        return True
    raw = " ".join(found)[-_COMPRESSED_LETTERS:].encode()
    return len(raw) / len(zlib.compress(raw, 9)) > _COMPRESSION_LIMIT


def is_degenerate(text: str, *, ended: bool) -> bool:
    """Empty, without an end, or a loop."""
    return not words(text) or not ended or loops(text)


def judge(answers: Sequence[Answer]) -> Quality:
    """Means over at least one answer."""
    closed = [answer for answer in answers if answer.closed]
    return Quality(
        token_f1=_mean(token_f1(answer.text, answer.reference) for answer in answers),
        rouge_l=_mean(rouge_l(answer.text, answer.reference) for answer in answers),
        exact_match=_mean(words(answer.text) == words(answer.reference) for answer in closed) if closed else None,
        closed_answers=len(closed),
        distinct_1=_distinct(answers, 1),
        distinct_2=_distinct(answers, 2),
        degenerate_rate=_mean(is_degenerate(answer.text, ended=answer.ended) for answer in answers),
        loop_rate=_mean(loops(answer.text) for answer in answers),
        no_end_rate=_mean(not answer.ended for answer in answers),
        empty_rate=_mean(not words(answer.text) for answer in answers),
    )


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _distinct(answers: Sequence[Answer], size: int) -> float:
    """Different runs of `size` words among all of them; 0 without any."""
    found = []
    for answer in answers:
        said = words(answer.text)
        found += [tuple(said[start : start + size]) for start in range(len(said) - size + 1)]
    return len(set(found)) / len(found) if found else 0.0
