"""Training seconds out of clocks that also saw pauses, evaluations and other sessions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.importers.points import LogPoint
from planner.importers.training_seconds import TrainingSeconds


def seconds_of(
    timed: list[tuple[float, float]], *, from_clock: bool = True, evaluation: dict[float, float] | None = None
) -> tuple[list[float | None], dict[str, float]]:
    remarks: dict[str, float] = {}
    points = [LogPoint(x=x, loss=1.0, seconds=seconds) for x, seconds in timed]
    found = TrainingSeconds(
        points, remarks, from_clock=from_clock, estimated_total=None, evaluation_seconds=evaluation or {}
    )
    return [found.at(x) for x in sorted({x for x, _ in timed})], remarks


STEADY = [(10.0 * i, 1e9 + 20.0 * i) for i in range(1, 31)]


def test_a_steady_clock_is_taken_as_it_is_with_the_steps_before_its_first_row() -> None:
    found, remarks = seconds_of(STEADY)
    assert found == pytest.approx([20.0 * i for i in range(1, 31)])
    assert remarks == {}


@pytest.mark.parametrize("pause", [500.0, 86_400.0, -3_600.0])
def test_a_pause_or_a_clock_set_back_is_taken_out_and_said(pause: float) -> None:
    moved = [(x, s + (pause if x > 150 else 0.0)) for x, s in STEADY]
    found, remarks = seconds_of(moved)
    assert found == pytest.approx([20.0 * i for i in range(1, 31)])
    assert remarks["pauses"] == 1
    assert remarks.get("pause_seconds", 0) == pytest.approx(max(pause, 0.0))


def test_half_an_hour_too_long_is_a_pause_even_where_rows_lie_far_apart() -> None:
    hourly = [(1000.0 * i, 1e9 + 3600.0 * i + (8 * 3600 if i > 5 else 0)) for i in range(1, 11)]
    found, remarks = seconds_of(hourly)
    assert found[-1] == pytest.approx(36_000)
    assert remarks["pause_seconds"] == pytest.approx(8 * 3600)


def test_steps_that_vary_are_no_pauses() -> None:
    varied = list(itertools.accumulate(20.0 * (1 + i % 4) for i in range(30)))
    found, remarks = seconds_of([(10.0 * (i + 1), 1e9 + s) for i, s in enumerate(varied)])
    assert found[-1] - found[0] == pytest.approx(varied[-1] - varied[0])
    assert remarks == {}


def test_an_evaluation_is_taken_off_once_whether_its_row_has_its_own_time_or_not() -> None:
    shifted = [(x, s + 100.0 * ((x - 1) // 100)) for x, s in STEADY]
    evaluation = {100.0: 100.0, 200.0: 100.0, 300.0: 100.0}
    alone, remarks = seconds_of(shifted, evaluation=evaluation)
    beside, _ = seconds_of([*shifted, (100.0, 1e9 + 300.0), (200.0, 1e9 + 600.0)], evaluation=evaluation)
    unsaid, _ = seconds_of([*shifted, (100.0, 1e9 + 300.0), (200.0, 1e9 + 600.0)])
    for found in (alone, beside, unsaid):
        assert found == pytest.approx([20.0 * i for i in range(1, 31)])
    assert remarks["evaluation_seconds"] == 200


def test_elapsed_seconds_keep_their_beginning() -> None:
    found, _ = seconds_of([(x, s - 1e9 + 7.0) for x, s in STEADY], from_clock=False)
    assert found[0] == pytest.approx(27.0)


def test_rows_sent_in_batches_share_the_time_of_the_batch_evenly() -> None:
    batched = [(x, 1e9 + 20.0 * 5 * -(-i // 5)) for i, (x, _) in enumerate(STEADY, start=1)]
    found, remarks = seconds_of(batched)
    assert found == pytest.approx([20.0 * i for i in range(1, 31)])
    assert remarks == {}


def test_one_time_for_all_rows_says_nothing() -> None:
    found, _ = seconds_of([(x, 1e9) for x, _ in STEADY])
    assert set(found) == {None}


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6).map(float), st.floats(0, 2e9)), min_size=2, max_size=40, unique_by=lambda p: p
    ),
    st.dictionaries(st.integers(0, 10**6).map(float), st.floats(0, 1e6), max_size=5),
    st.booleans(),
)
@settings(max_examples=500, deadline=None)
def test_training_time_never_falls_and_is_never_negative(
    timed: list[tuple[float, float]], evaluation: dict[float, float], from_clock: bool
) -> None:
    found, remarks = seconds_of(timed, from_clock=from_clock, evaluation=evaluation)
    known = [seconds for seconds in found if seconds is not None]
    assert all(seconds >= 0 for seconds in known)
    assert all(later >= earlier - 1e-6 * max(earlier, 1.0) for earlier, later in itertools.pairwise(known))
    assert all(number >= 1 for number in remarks.values())
