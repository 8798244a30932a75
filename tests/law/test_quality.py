"""What a loss means in answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from planner.law import loss_to_quality
from planner.record import (
    Answers,
    Calibration,
    CalibrationHeader,
    Configuration,
    Dataset,
    Eval,
    Hardware,
    LossKind,
    Rating,
    Run,
    XUnit,
)


def calibration(losses: list[float], token_f1: list[float], degenerate: list[float]) -> Calibration:
    header = CalibrationHeader(
        calibration_id="quality",
        created="2026-11-24",
        illustration=False,
        loss_kind=LossKind.HELD_OUT,
        x_unit=XUnit.EXAMPLES,
        configuration=Configuration(),
        dataset=Dataset(format="table"),
        hardware=Hardware(),
    )
    runs = tuple(
        Run(
            id=f"run-{i}",
            events=(
                Eval(run=f"run-{i}", step=1, examples=100.0 * 2**i, loss=loss, annealed=True),
                Answers(run=f"run-{i}", examples=100.0 * 2**i, answers=50, token_f1=f1, degenerate_rate=bad),
            ),
        )
        for i, (loss, f1, bad) in enumerate(zip(losses, token_f1, degenerate, strict=True))
    )
    return Calibration(header=header, runs=runs)


LOSSES = [2.0, 1.6, 1.3, 1.1]


def test_a_value_between_two_budgets_is_read_between_their_answers() -> None:
    found = {
        q.metric: q for q in loss_to_quality(calibration(LOSSES, [0.1, 0.3, 0.5, 0.6], [0.8, 0.4, 0.2, 0.1]), 1.45)
    }
    f1, bad = found["token_f1"], found["degenerate_rate"]
    assert f1.at_target == pytest.approx(0.4)
    assert bad.at_target == pytest.approx(0.3)
    for quality in (f1, bad):
        assert 0 <= quality.at_target_low <= quality.at_target <= quality.at_target_high <= 1


def test_a_target_below_every_recorded_loss_says_where_it_was_read() -> None:
    found = loss_to_quality(calibration(LOSSES, [0.1, 0.3, 0.5, 0.6], [0.8, 0.4, 0.2, 0.1]), 0.5)
    assert "lowest loss at which answers were recorded" in found[0].sentence
    assert found[0].at_target == pytest.approx(0.6)


def test_two_budgets_are_not_enough() -> None:
    assert loss_to_quality(calibration(LOSSES[:2], [0.1, 0.2], [0.5, 0.4]), 1.5) == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.2, 5), st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9),
    st.floats(0.1, 6),
    st.floats(0.1, 6),
)
def test_a_lower_loss_never_means_worse_answers(
    points: list[tuple[float, float, float]], one: float, other: float
) -> None:
    losses, f1, bad = (list(column) for column in zip(*points, strict=True))
    record = calibration(losses, f1, bad)
    low, high = sorted((one, other))
    better = {q.metric: q.at_target for q in loss_to_quality(record, low)}
    worse = {q.metric: q.at_target for q in loss_to_quality(record, high)}
    assert better["token_f1"] >= worse["token_f1"] - 1e-12
    assert better["degenerate_rate"] <= worse["degenerate_rate"] + 1e-12
    assert all(np.isfinite(value) for value in (*better.values(), *worse.values()))


def rated(usable: list[float], *, again: float | None = None) -> Calibration:
    """Every budget rated by radiologists; the first one a second time where `again` is given."""
    base = calibration(LOSSES, [0.1, 0.3, 0.5, 0.6], [0.0] * 4)
    runs = []
    for index, (run, share) in enumerate(zip(base.runs, usable, strict=True)):
        shares = [share, again] if index == 0 and again is not None else [share]
        events = [
            Rating(
                run=run.id, examples=100.0 * 2**index, answers=40, raters=2, ratings=80, rating_mean=3.0,
                usable_share=found, loss=LOSSES[index],
            )
            for found in shares
        ]  # fmt: skip
        runs.append(structs.replace(run, events=(*run.events, *events)))
    return structs.replace(base, runs=tuple(runs))


def test_ratings_of_radiologists_are_a_metric_of_their_own() -> None:
    found = {q.metric: q for q in loss_to_quality(rated([0.1, 0.3, 0.5, 0.7]), 1.45)}
    assert found["usable_share"].at_target == pytest.approx(0.4)
    assert "radiologists, blinded, call usable" in found["usable_share"].sentence
    assert "usable_share" not in {q.metric for q in loss_to_quality(calibration(LOSSES, [0.1] * 4, [0.0] * 4), 1.45)}


def test_only_the_newest_rating_of_a_budget_counts() -> None:
    (once,) = (q for q in loss_to_quality(rated([0.1, 0.3, 0.5, 0.7]), 2.0) if q.metric == "usable_share")
    (twice,) = (q for q in loss_to_quality(rated([0.9, 0.3, 0.5, 0.7], again=0.1), 2.0) if q.metric == "usable_share")
    assert twice == once


def test_the_band_of_exact_matches_is_that_of_the_closed_questions() -> None:
    """Of 50 answers only 5 are to closed questions: the band is wider than if all were."""

    def band(closed: int | None) -> float:
        base = calibration(LOSSES, [0.1] * 4, [0.0] * 4)
        runs = []
        for run in base.runs:
            seen, answered = run.events
            runs.append(
                structs.replace(run, events=(seen, structs.replace(answered, exact_match=0.5, closed_answers=closed)))
            )
        told = loss_to_quality(structs.replace(base, runs=tuple(runs)), 1.45)
        (found,) = (q for q in told if q.metric == "exact_match")
        return found.at_target_high - found.at_target_low

    assert band(5) > 3 * band(50)
    assert band(None) == band(50)
