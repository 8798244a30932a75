"""The split by case, and the salted digest of a dataset."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Literal

from planner.errors import InputError, Mistake
from trainer.dataset.example import Example

Part = Literal["train", "held_out", "test"]
Parts = tuple[tuple[Example, ...], tuple[Example, ...]]


def case_share(case: str) -> float:
    """A fixed number in [0, 1) of a case, from its hash: the same on every machine and in every order of the rows."""
    return int.from_bytes(hashlib.sha256(b"plateau held-out " + case.encode()).digest()[:8], "big") / 2**64


def split_by_case(examples: Sequence[Example], held_out_fraction: float, *, file: str) -> Parts:
    """(training, held-out) examples; no case is in both, both have at least one.

    Raises:
        InputError: Fewer than two cases.
    """
    shares = {example.case: case_share(example.case) for example in examples}
    if len(shares) < 2:
        raise InputError(
            Mistake(
                file=file,
                reason=f"{len(shares)} case, but training and held-out set need a case each",
                remedy="Add studies, or a `case` column with one value a patient",
            )
        )
    ranked = sorted(shares, key=lambda case: (shares[case], case))
    count = min(max(1, round(held_out_fraction * len(ranked))), len(ranked) - 1)
    held_out = set(ranked[:count])
    return (
        tuple(example for example in examples if example.case not in held_out),
        tuple(example for example in examples if example.case in held_out),
    )


def official_split(
    examples: Sequence[tuple[Part, Example]], *, file: str, leak: str = "The distributed split leaks"
) -> tuple[Parts, list[str]]:
    """The split that a dataset comes with, where it does not leak: ((training, held-out), notes).

    A training example of a case that is also held out would be learned and then asked for: it is left out, with a
    count. The test part is left alone.

    Raises:
        InputError: Nothing is left to learn from, or nothing is held out.
    """
    held_out = tuple(example for part, example in examples if part == "held_out")
    cases = {example.case for example in held_out}
    learned = [example for part, example in examples if part == "train"]
    training = tuple(example for example in learned if example.case not in cases)
    if not training or not held_out:
        empty = "training" if not training else "held-out"
        raise InputError(
            Mistake(file=file, reason=f"the {empty} part has no example", remedy="Download the dataset again")
        )
    notes = []
    if leaking := len(learned) - len(training):
        both = len({example.case for example in learned} & cases)
        notes.append(f"{leak}: {both:,} cases are on both sides. Their {leaking:,} training examples are left out.")
    return (training, held_out), notes


def dataset_digest(examples: Iterable[Example], salt: bytes) -> str:
    """16 hex digits that tell two datasets apart and cannot be checked against a guessed text without the salt."""
    total = hmac.new(salt, digestmod=hashlib.sha256)
    for example in examples:
        for part in (example.image.name, str(example.image.stat().st_size), example.prompt, example.answer):
            total.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    return total.hexdigest()[:16]
