"""From record to curve: annealed final losses only, one curve a configuration, and what is left out is said."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.curve import Design, curve_from_arrays, loss_curves
from planner.errors import CurveError
from planner.record import (
    Calibration,
    Configuration,
    Eval,
    Event,
    NonFinite,
    Run,
    Schedule,
    Started,
    Train,
    XUnit,
)
from tests.factories import example_calibration

HEADER = example_calibration().header


def calibration(*runs: Run, schedule: Schedule = Schedule.SEPARATE) -> Calibration:
    configuration = msgspec.structs.replace(HEADER.configuration, schedule=schedule)
    return Calibration(header=msgspec.structs.replace(HEADER, configuration=configuration), runs=runs)


def budget(examples: float, loss: float, *, annealed: bool = True, name: str | None = None, **started: object) -> Run:
    run = name or f"b{examples:g}"
    events: list[Event] = [
        Started(run=run, **started),
        Eval(run=run, step=1, examples=examples / 2, loss=loss + 1, annealed=False),
        Eval(run=run, step=2, examples=examples, loss=loss, annealed=annealed),
    ]
    return Run(id=run, events=tuple(events))


def test_a_budget_gives_its_final_loss_and_says_what_it_left_out() -> None:
    (curve,) = loss_curves(calibration(budget(200, 1.5), budget(100, 2.0)))
    assert curve.design is Design.BUDGETS
    assert curve.examples_n.tolist() == [100, 200]
    assert curve.loss_n.tolist() == [2.0, 1.5]
    assert curve.run_n == ("b100", "b200")
    assert any("1 of 2 evaluations left out" in sentence for sentence in curve.dropped)


def test_a_run_that_was_stopped_early_is_no_point_and_is_named() -> None:
    (curve,) = loss_curves(calibration(budget(100, 2.0), budget(200, 1.5, annealed=False)))
    assert curve.examples_n.tolist() == [100]
    assert any("b200" in sentence and "stopped before" in sentence for sentence in curve.dropped)


def test_a_repeated_evaluation_counts_once_and_the_last_one_counts() -> None:
    first = budget(100, 2.0)
    again = Eval(run="b100", step=2, examples=100.0, loss=1.9, annealed=True)
    (curve,) = loss_curves(calibration(Run(id="b100", events=(*first.events, again))))
    assert curve.loss_n.tolist() == [1.9]


def test_every_configuration_has_a_curve_of_its_own_and_seeds_are_replicates() -> None:
    other = msgspec.structs.replace(HEADER.configuration, lora_rank=64, schedule=Schedule.SEPARATE)
    curves = loss_curves(
        calibration(
            budget(100, 2.0, name="s0", seed=0),
            budget(100, 2.1, name="s1", seed=1),
            budget(100, 1.8, name="r64", configuration=other),
        )
    )
    assert sorted(len(curve.loss_n) for curve in curves) == [1, 2]


def test_branches_of_one_trunk_share_its_name() -> None:
    runs = (budget(100, 2.0, branch_of="trunk"), budget(200, 1.5, branch_of="trunk"))
    (curve,) = loss_curves(calibration(*runs, schedule=Schedule.TRUNK))
    assert curve.trunk_n == ("trunk", "trunk")


def test_per_case_sums_are_kept_only_when_all_points_have_the_same_cases() -> None:
    def with_cases(examples: float, tokens: list[int]) -> Run:
        name = f"b{examples:g}"
        sums = [2.0 * count for count in tokens]
        event = Eval(
            run=name, step=1, examples=examples, loss=2.0, annealed=True, case_loss_sums=sums, case_tokens=tokens
        )
        return Run(id=name, events=(event,))

    (same,) = loss_curves(calibration(with_cases(100, [3, 4]), with_cases(200, [3, 4])))
    assert same.case_loss_sums_nk is not None
    assert same.case_loss_sums_nk.tolist() == [[6.0, 8.0], [6.0, 8.0]]
    (mixed,) = loss_curves(calibration(with_cases(100, [3, 4]), with_cases(200, [3, 5])))
    assert mixed.case_loss_sums_nk is None


def test_a_log_is_a_trace_of_its_held_out_losses_or_else_of_its_training_losses() -> None:
    train = tuple(Train(run="log", step=i, examples=float(i), loss=3.0 / i) for i in range(1, 6))
    held_out = tuple(Eval(run="log", step=i, examples=float(i), loss=4.0 / i, annealed=False) for i in (2, 4))
    (only,) = loss_curves(calibration(Run(id="log", events=train), schedule=Schedule.UNKNOWN))
    assert only.design is Design.TRACE
    assert len(only.loss_n) == 5
    (both,) = loss_curves(calibration(Run(id="log", events=(*train, *held_out)), schedule=Schedule.UNKNOWN))
    assert both.loss_n.tolist() == [2.0, 1.0]


def test_a_loss_of_zero_is_left_out_and_points_that_are_not_numbers_are_counted() -> None:
    events = (
        Train(run="log", step=1, examples=1.0, loss=0.0),
        Train(run="log", step=2, examples=2.0, loss=2.0),
        NonFinite(run="log", step=3, examples=3.0),
    )
    (curve,) = loss_curves(calibration(Run(id="log", events=events), schedule=Schedule.UNKNOWN))
    assert curve.loss_n.tolist() == [2.0]
    assert curve.non_finite == 1
    assert any("1 loss of 0" in sentence for sentence in curve.dropped)


def test_a_long_log_takes_time_in_proportion() -> None:
    events = tuple(Train(run="log", step=i, examples=float(i), loss=1 + 1 / i) for i in range(1, 30_001))
    start = time.perf_counter()
    (curve,) = loss_curves(calibration(Run(id="log", events=events), schedule=Schedule.UNKNOWN))
    assert len(curve.loss_n) == 30_000
    assert time.perf_counter() - start < 3


def test_passes_are_examples_over_different_examples() -> None:
    (curve,) = loss_curves(calibration(budget(100, 2.0, unique_examples=50), budget(200, 1.5, unique_examples=50)))
    assert curve.passes_n is not None
    assert curve.passes_n.tolist() == [2.0, 4.0]
    (unknown,) = loss_curves(calibration(budget(100, 2.0, unique_examples=50), budget(200, 1.5)))
    assert unknown.passes_n is None


def test_without_a_point_there_is_a_sentence_and_no_curve() -> None:
    with pytest.raises(CurveError, match="no curve to fit"):
        loss_curves(calibration(Run(id="b1", events=(Started(run="b1"),))))


positive = st.floats(1e-6, 1e9, allow_nan=False)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=20), st.randoms())
def test_the_order_of_the_points_does_not_matter(points: list[tuple[float, float]], random: object) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)
    one, two = (curve_from_arrays(*np.array(order).T) for order in (points, shuffled))
    assert one.examples_n.tolist() == two.examples_n.tolist() == sorted(x for x, _ in points)
    assert one.loss_n.tolist() == two.loss_n.tolist()


@pytest.mark.parametrize(
    ("examples", "loss"),
    [
        ([], []),
        ([1.0], [1.0, 2.0]),
        ([1.0], [float("nan")]),
        ([float("inf")], [1.0]),
        ([0.0], [1.0]),
        ([1.0], [0.0]),
        ([1.0], [-1.0]),
    ],
)
def test_arrays_that_are_no_curve_are_refused(examples: list[float], loss: list[float]) -> None:
    with pytest.raises(CurveError):
        curve_from_arrays(np.array(examples), np.array(loss))


def test_bare_numbers_count_as_held_out_losses_of_examples() -> None:
    curve = curve_from_arrays(np.array([2.0, 1.0]), np.array([1.0, 2.0]))
    assert (curve.x_unit, curve.configuration) == (XUnit.EXAMPLES, Configuration())
