"""Blinded ratings: which answers are shown to radiologists, in which order, and what their ratings say of a budget.

Answers of several budgets and the reference stand under one question in a random order. Which is which is in a key that
stays in the record's private folder; the sheet has none of it. Answers with the same words are shown once and count for
all that gave them. Nothing here opens a file.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from string import ascii_lowercase

from msgspec import Struct

from planner.errors import InputError, Mistake
from trainer.agreement import ordinal_alpha
from trainer.samples import Sample

SCALE = {
    1: "wrong, could harm",
    2: "mostly wrong",
    3: "partly right",
    4: "right, with gaps that a look mends",
    5: "right and complete",
}
USABLE = 4
REFERENCE = "reference"


class SheetRow(Struct, frozen=True, kw_only=True):
    """One answer to rate.

    Attributes:
        row: Name of the row on the sheet; says nothing of its source, and no spreadsheet takes it for a date.
        number: Of the question.
        image: Where the image lies on this machine.
    """

    row: str
    number: int
    image: str
    question: str
    answer: str


class KeyRow(Struct, frozen=True, kw_only=True):
    """What a row of the sheet is.

    Attributes:
        sources: Ids of the runs that answered so, and `reference` where it is (also) the reference.
        digest: Of the answer, so that a row that was moved or changed is noticed.
    """

    sources: list[str]
    digest: str


class Key(Struct, frozen=True, kw_only=True):
    """The key of a sheet; kept apart from it.

    Attributes:
        sheet: Name of the sheet.
        calibration_id: Of the record.
    """

    sheet: str
    calibration_id: str
    rows: dict[str, KeyRow]


class Rated(Struct, frozen=True, kw_only=True):
    """Ratings of one source.

    Attributes:
        answers: Answers with at least one rating.
        mean: Over answers, of the mean over raters.
        sd: Between answers; None for one answer.
        usable_share: Share of the ratings that are 4 or 5.
    """

    answers: int
    ratings: int
    mean: float
    sd: float | None
    usable_share: float


def make_sheet(
    samples: Sequence[Sample],
    *,
    sheet: str,
    calibration_id: str,
    questions: int,
    budgets: int,
    seed: int,
    runs: Sequence[str] = (),
) -> tuple[list[SheetRow], Key]:
    """Choose questions and budgets, and shuffle.

    Args:
        samples: Kept answers of a record.
        sheet: Name of the sheet.
        calibration_id: Of the record.
        questions: At most so many, drawn from those that every chosen budget answered.
        budgets: At most so many (up to 25), evenly spaced from the smallest to the largest.
        seed: Of the draw and the order; whoever knows it can undo the blinding.
        runs: Ids of the runs to show, in place of `budgets`.

    Raises:
        InputError: There is no question that two budgets answered, or a run has no kept answers.
    """
    known = sorted({(sample.examples, sample.run) for sample in samples})
    if absent := sorted({*runs} - {run for _, run in known}):
        reason = f"no answers of {', '.join(absent)} were kept"
        remedy = f"Choose among {', '.join(run for _, run in known)}"
        raise InputError(Mistake(file="samples.jsonl", field="--run", reason=reason, remedy=remedy))
    shown = [found for found in known if found[1] in runs] if runs else _spread(known, budgets)
    chosen = {run for _, run in shown}
    by_item: dict[int, dict[str, Sample]] = defaultdict(dict)
    for sample in samples:
        if sample.run in chosen:
            by_item[sample.item][sample.run] = sample
    items = sorted(item for item, found in by_item.items() if len(found) == len(chosen))
    if len(chosen) < 2 or not items:
        reason = f"{len(chosen)} budgets with {len(items)} common questions, but two and one are needed"
        remedy = "Let the calibration come to its end with --keep-samples"
        raise InputError(Mistake(file="samples.jsonl", reason=reason, remedy=remedy))
    draw = random.Random(seed)  # noqa: S311
    items = draw.sample(items, min(questions, len(items)))
    rows, keys = [], {}
    for number, item in enumerate(items, start=1):
        first = next(iter(by_item[item].values()))
        answers: dict[str, list[str]] = defaultdict(list)
        for _, run in shown:
            answers[one_line(by_item[item][run].text)].append(run)
        answers[one_line(first.reference)].append(REFERENCE)
        question = one_line(shown_question(first.question))
        for place, (answer, sources) in enumerate(_shuffled(answers.items(), draw)):
            row = f"q{number}{ascii_lowercase[place]}"
            rows.append(SheetRow(row=row, number=number, image=first.image, question=question, answer=answer))
            keys[row] = KeyRow(sources=sources, digest=digest(answer))
    return rows, Key(sheet=sheet, calibration_id=calibration_id, rows=keys)


def one_line(text: str) -> str:
    """A text without line breaks, double blanks and letters that cannot be printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def digest(answer: str) -> str:
    """16 hex digits of an answer's words."""
    return hashlib.sha256(one_line(answer).encode()).hexdigest()[:16]


def shown_question(prompt: str) -> str:
    """A prompt as a person reads it."""
    words = prompt.split(" ", 2)
    if words[0] == "answer" and len(words) == 3:
        return words[2]
    return "Describe the image."


def rated(key: Key, ratings: Mapping[str, Sequence[int]]) -> dict[str, Rated]:
    """What the ratings, by row, say of every source that got one."""
    by_source: dict[str, list[Sequence[int]]] = defaultdict(list)
    for row, given in ratings.items():
        if given:
            for source in key.rows[row].sources:
                by_source[source].append(given)
    found = {}
    for source, answers in by_source.items():
        means = [fmean(given) for given in answers]
        single = [rating for given in answers for rating in given]
        found[source] = Rated(
            answers=len(answers),
            ratings=len(single),
            mean=fmean(means),
            sd=stdev(means) if len(means) > 1 else None,
            usable_share=sum(rating >= USABLE for rating in single) / len(single),
        )
    return found


def agreement(ratings: Mapping[str, Sequence[int]]) -> float | None:
    """Krippendorff's alpha over all rows; None with a single rater, or where all ratings are the same."""
    return ordinal_alpha(list(ratings.values()))


def _spread(runs: Sequence[tuple[int, str]], count: int) -> list[tuple[int, str]]:
    """At most `count` of them, the first and the last included."""
    if len(runs) <= count:
        return list(runs)
    return [runs[round(place * (len(runs) - 1) / (count - 1))] for place in range(count)]


def _shuffled(items: Iterable[tuple[str, list[str]]], draw: random.Random) -> list[tuple[str, list[str]]]:
    found = list(items)
    draw.shuffle(found)
    return found
