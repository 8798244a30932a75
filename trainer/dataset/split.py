"""The split by case, and the salted digest of a dataset."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from planner.errors import InputError, Mistake
from trainer.dataset.example import Example


def case_share(case: str) -> float:
    """A fixed number in [0, 1) of a case, from its hash: the same on every machine and in every order of the rows."""
    return int.from_bytes(hashlib.sha256(b"plateau held-out " + case.encode()).digest()[:8], "big") / 2**64


def split_by_case(
    examples: Sequence[Example], held_out_fraction: float, *, file: str
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
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


def dataset_digest(examples: Iterable[Example], salt: bytes) -> str:
    """16 hex digits that tell two datasets apart and cannot be checked against a guessed text without the salt."""
    total = hmac.new(salt, digestmod=hashlib.sha256)
    for example in examples:
        for part in (example.image.name, str(example.image.stat().st_size), example.prompt, example.answer):
            total.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    return total.hexdigest()[:16]
