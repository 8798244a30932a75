"""The split by case and the digest."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trainer.dataset import Example, dataset_digest
from trainer.dataset.split import case_share, split_by_case

CASES = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=40).filter(lambda cases: len(set(cases)) > 1)


def examples(cases: list[str], image: Path = Path("x.png")) -> list[Example]:
    return [
        Example(image=image, prompt="p", answer=f"a{row}", case=case, file="f", row=row)
        for row, case in enumerate(cases)
    ]


@given(CASES, st.floats(0.01, 0.5))
def test_no_case_is_on_both_sides_and_no_side_is_empty(cases: list[str], fraction: float) -> None:
    training, held_out = split_by_case(examples(cases), fraction, file="f")
    assert training
    assert held_out
    assert {e.case for e in training}.isdisjoint(e.case for e in held_out)
    assert len(training) + len(held_out) == len(cases)


@given(CASES, st.floats(0.01, 0.5), st.randoms())
def test_the_order_of_the_rows_does_not_matter(cases: list[str], fraction: float, draw) -> None:  # type: ignore[no-untyped-def]
    _, held_out = split_by_case(examples(cases), fraction, file="f")
    draw.shuffle(cases)
    _, again = split_by_case(examples(cases), fraction, file="f")
    assert {e.case for e in held_out} == {e.case for e in again}


def test_shares_are_spread_evenly() -> None:
    shares = [case_share(f"case {n}") for n in range(2000)]
    assert 0.08 < sum(share < 0.1 for share in shares) / 2000 < 0.12


def test_the_digest_tells_datasets_apart_and_needs_the_salt(tmp_path: Path) -> None:
    image = tmp_path / "x.png"
    image.write_bytes(b"1")
    one, other = examples(["a", "b"], image), examples(["a", "b", "c"], image)
    assert dataset_digest(one, b"salt") == dataset_digest(one, b"salt")
    assert dataset_digest(one, b"salt") != dataset_digest(other, b"salt")
    assert dataset_digest(one, b"salt") != dataset_digest(one, b"pepper")
