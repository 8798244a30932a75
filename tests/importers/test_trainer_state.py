"""Hugging Face trainer_state.json."""

from __future__ import annotations

import pytest

from planner.curve import loss_curves
from planner.errors import InputError, RecordError
from planner.importers import ImportFacts, parse_log
from planner.record import Calibration, Eval, LossKind, NonFinite, Schedule, Train, XUnit, pack
from tests.importers.logs import encoded, trainer_state


def imported(state: dict, **facts: object) -> Calibration:
    return parse_log(encoded(state), file="trainer_state.json", facts=ImportFacts(**facts))


def without(state: dict, *names: str) -> dict:
    history = [{key: value for key, value in entry.items() if key not in names} for entry in state["log_history"]]
    return state | {"log_history": history}


def test_the_held_out_loss_is_the_curve_and_the_training_loss_stands_beside_it() -> None:
    found = imported(trainer_state())
    assert found.header.loss_kind is LossKind.HELD_OUT
    (curve,) = loss_curves(found)
    assert len(curve.loss_n) == 10
    assert curve.loss_n[-1] == pytest.approx(1.0 + 5 * 1000**-0.4 + 0.1)
    assert len(found.runs[0].of(Train)) == 100
    assert any("training loss beside" in note for note in found.notes)


def test_batch_and_examples_are_derived_where_the_log_allows_it_and_said_so() -> None:
    found = imported(trainer_state())
    assert found.header.configuration.effective_batch_size == 16
    assert found.header.dataset.training_examples == 4000
    assert found.header.x_unit is XUnit.EXAMPLES
    assert loss_curves(found)[0].examples_n[-1] == 16_000
    assert any("Effective batch size 16, derived" in note for note in found.notes)


def test_what_the_user_says_wins_over_what_was_derived() -> None:
    found = imported(trainer_state(), effective_batch_size=4, training_examples=900)
    assert found.header.configuration.effective_batch_size == 4
    assert loss_curves(found)[0].examples_n[-1] == 4_000
    assert not any("derived" in note for note in found.notes)


def test_without_speeds_the_batch_stays_unknown_and_the_curve_counts_steps() -> None:
    found = imported(without(trainer_state(), "train_samples_per_second"))
    assert found.header.configuration.effective_batch_size is None
    assert found.header.x_unit is XUnit.STEPS
    assert found.header.dataset.training_examples is None
    assert loss_curves(found)[0].examples_n[-1] == 1000


@pytest.mark.parametrize("speed", [0.5, 8.4, 1e300])
def test_speeds_that_agree_with_no_whole_batch_derive_nothing(speed: float) -> None:
    state = trainer_state()
    state["log_history"][-1]["train_samples_per_second"] = speed
    assert imported(state).header.configuration.effective_batch_size in (None, 1, 17)


def test_too_few_evaluations_leave_the_training_loss_and_a_note() -> None:
    state = trainer_state()
    state["log_history"] = [e for e in state["log_history"] if "eval_loss" not in e or e["step"] > 800]
    found = imported(state)
    assert found.header.loss_kind is LossKind.TRAINING
    assert any("too few for a curve" in note for note in found.notes)
    assert imported(state, loss_kind=LossKind.HELD_OUT).header.loss_kind is LossKind.HELD_OUT


def test_a_kind_that_the_log_does_not_have_is_refused() -> None:
    state = without(trainer_state(), "eval_loss")
    assert imported(state).header.loss_kind is LossKind.TRAINING
    with pytest.raises(RecordError, match="no held-out loss, only training loss"):
        imported(state, loss_kind=LossKind.HELD_OUT)


def test_gradients_that_are_not_numbers_are_kept_as_such_and_the_loss_stays() -> None:
    state = trainer_state()
    for position in (0, 5):
        state["log_history"][position]["grad_norm"] = float("nan")
    found = imported(state, loss_kind=LossKind.TRAINING)
    assert len(found.runs[0].of(NonFinite)) == 2
    assert len(loss_curves(found)[0].loss_n) == 100
    assert any("Gradient norms that are NaN or infinite: 2" in note for note in found.notes)


def test_a_loss_that_is_nan_zero_or_infinite_is_marked_and_all_others_stay() -> None:
    state = without(trainer_state(), "eval_loss")
    for position, value in enumerate((float("nan"), float("inf"), 0.0)):
        state["log_history"][position]["loss"] = value
    found = imported(state)
    (curve,) = loss_curves(found)
    assert len(curve.loss_n) == 97
    assert curve.non_finite == 3
    assert b"NaN" not in pack(found)


def test_what_a_resumed_run_logged_again_counts_once_and_the_later_counts() -> None:
    state = without(trainer_state(), "eval_loss")
    again = [entry | {"loss": 9.0} for entry in state["log_history"][50:100]]
    state["log_history"][70:] = again
    found = imported(state)
    (curve,) = loss_curves(found)
    assert len(curve.loss_n) == len(set(curve.examples_n.tolist()))
    assert curve.loss_n[-1] == 9.0
    assert any("resumed run logged again" in note for note in found.notes)


def test_hours_are_an_even_share_of_the_run_without_evaluation_and_called_estimated() -> None:
    found = imported(trainer_state())
    assert found.header.imported is not None
    assert found.header.imported.seconds == "estimated"
    evals = found.runs[0].of(Eval)
    assert evals[-1].train_seconds == pytest.approx(2000 - 10 * 10)
    assert evals[0].train_seconds == pytest.approx(1900 / 10)


def test_run_times_of_every_entry_are_taken_where_tokens_were_counted() -> None:
    state = trainer_state()
    for entry in state["log_history"][:-1]:
        entry |= {"num_input_tokens_seen": 100 * entry["step"], "train_runtime": 3.0 * entry["step"]}
    found = imported(state)
    assert found.header.imported is not None
    assert found.header.imported.seconds == "wall_clock"
    assert found.runs[0].of(Eval)[-1].train_seconds == pytest.approx(3000 - 9 * 10)
    assert "Evaluation took 90 s in all; not counted as training time." in found.notes


def test_the_schedule_is_read_off_the_learning_rates() -> None:
    assert imported(trainer_state()).header.configuration.schedule is Schedule.DECAYING
    state = trainer_state()
    for entry in state["log_history"]:
        if "learning_rate" in entry:
            entry["learning_rate"] = 1e-5
    constant = imported(state).header.configuration
    assert (constant.schedule, constant.learning_rate) == (Schedule.CONSTANT, 1e-5)
    assert imported(without(state, "learning_rate")).header.configuration.schedule is Schedule.UNKNOWN


def test_no_path_of_the_trainer_gets_into_the_record() -> None:
    assert b"secret" not in pack(imported(trainer_state()))


def test_all_wrong_entries_are_named_at_once() -> None:
    state = trainer_state()
    state["log_history"][3]["loss"] = -1.0
    state["log_history"][7]["step"] = -5
    with pytest.raises(RecordError) as caught:
        imported(state)
    assert "entry 4, loss: expected a loss above 0, got -1" in str(caught.value)
    assert "entry 8, step: expected a whole number of 0 or more, got -5" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"log_history": []}, "no row has a loss"),
        ({"log_history": [{"loss": 1.0}]}, "expected a column of steps or examples, found 'loss'"),
        ({"log_history": [{"loss": 1.0}, {"loss": 1.0, "step": 2}]}, "entry 1, step: a loss without a step"),
        ({"log_history": [{"step": 0, "loss": 1.0}]}, "none of its losses is a finite number above 0"),
        ({"log_history": {"step": 1}}, "expected `array`"),
        ({"log_history": [1.0]}, "expected `object`"),
        ({"log_history": [{"step": 1.5, "loss": 1.0}]}, "step: expected a whole number of 0 or more, got 1.5"),
        ({"log_history": [{"step": 1, "loss": [1.0]}]}, "loss: expected a number, got a list"),
        ({"log_history": [{"step": True, "loss": 1.0}]}, "step: expected a number, got true or false"),
    ],
)
def test_a_state_that_cannot_be_is_refused_in_a_sentence(change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        imported(trainer_state(**change))
