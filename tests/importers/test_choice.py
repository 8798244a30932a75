"""Which columns make the curve, by name or by option, and what a page is told about them."""

from __future__ import annotations

import pytest

from planner.curve import loss_curves
from planner.errors import RecordError
from planner.importers import ImportFacts, Role, log_contents, parse_log
from planner.importers.names import LOSS_ROLES, loss_rank, role_of
from planner.record import Calibration, LossKind, XUnit
from tests.importers import logs

HELD_OUT, TRAINING, UNKNOWN = LossKind.HELD_OUT, LossKind.TRAINING, LossKind.UNKNOWN


def imported(header: str, *rows: str, **facts: object) -> Calibration:
    return parse_log("\n".join([header, *rows]).encode(), file="a.csv", facts=ImportFacts(**facts))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("eval/loss", HELD_OUT), ("Validation Loss", HELD_OUT), ("val_loss_epoch", HELD_OUT),
        ("eval_nl_loss", HELD_OUT), ("test-loss", HELD_OUT), ("lm loss validation", HELD_OUT),
        ("held_out_loss", HELD_OUT),
        ("train/loss", TRAINING), ("Training loss", TRAINING), ("train_loss_step", TRAINING), ("loss/train", TRAINING),
        ("loss", UNKNOWN), ("nll", UNKNOWN), ("Value", UNKNOWN), ("lm loss", UNKNOWN), ("cross-entropy", UNKNOWN),
    ],
)  # fmt: skip
def test_a_name_says_which_loss_it_is(name: str, kind: LossKind) -> None:
    found = loss_rank(name)
    assert found is not None
    assert found[0] is kind
    assert role_of(name) is LOSS_ROLES[kind]


@pytest.mark.parametrize(
    "name",
    [
        "accuracy", "loss_scale", "best_eval_loss", "train/train_loss", "aux_loss", "val_loss_step", "train_loss_epoch",
        "eval_loss__MIN", "lm loss vs samples", "gloss", "eval/perplexity", "train_eval_loss", "kl_loss",
    ],
)  # fmt: skip
def test_what_only_sounds_like_the_loss_is_not_taken(name: str) -> None:
    assert loss_rank(name) is None


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("train/global_step", Role.STEPS), ("samples seen", Role.EXAMPLES), ("Wall time", Role.CLOCK),
        ("_runtime", Role.ELAPSED), ("train/learning_rate", Role.LEARNING_RATE), ("grad_norm", Role.GRADIENT_NORM),
        ("loss_smoothed", Role.SMOOTHED), ("accuracy", Role.OTHER),
    ],
)  # fmt: skip
def test_other_columns_are_known_by_name_too(name: str, role: Role) -> None:
    assert role_of(name) is role


def test_a_plain_loss_beside_a_held_out_one_is_the_training_loss() -> None:
    found = imported("step,loss,eval_loss", *(f"{i},{2 + 1 / i},{3 + 1 / i}" for i in range(1, 9)))
    assert found.header.loss_kind is HELD_OUT
    assert any("Points of training loss beside" in note for note in found.notes)
    again = imported(
        "step,loss,eval_loss", *(f"{i},{2 + 1 / i},{3 + 1 / i}" for i in range(1, 9)), loss_kind=LossKind.TRAINING
    )
    assert loss_curves(again)[0].loss_n[0] == 3.0


def test_a_clear_name_comes_before_one_that_only_has_the_words() -> None:
    found = imported("step,eval_ct_loss,eval_loss", *(f"{i},9,{3 + 1 / i}" for i in range(1, 9)))
    assert loss_curves(found)[0].loss_n[0] == 4.0


def test_a_trainers_step_that_a_few_rows_lack_is_a_mistake_of_those_rows() -> None:
    rows = [f"{i},{10 * i if i != 4 else ''},{3 + 1 / i}" for i in range(1, 9)]
    with pytest.raises(RecordError, match=r"line 5, global_step: a loss without a step\. Name another column with"):
        imported("step,global_step,eval_loss", *rows)
    assert loss_curves(imported("step,global_step,eval_loss", *rows, step_column="step"))[0].examples_n[-1] == 8


def test_epochs_are_no_steps() -> None:
    rows = [f"{i},{3 + 1 / i},{3 + 1 / i}" for i in range(1, 9)]
    with pytest.raises(RecordError, match="expected a column of steps or examples, found 'epoch'"):
        imported("epoch,loss,val_loss", *rows)
    with pytest.raises(RecordError, match="epoch: a column of epochs, which have no size of their own"):
        imported("epoch,loss,val_loss", *rows, step_column="epoch")


def test_a_kind_of_loss_that_is_not_there_is_not_found_among_those_that_are() -> None:
    rows = [f"{i},{2 + 1 / i},{3 + 1 / i}" for i in range(1, 9)]
    with pytest.raises(RecordError, match="2 columns could be meant: 'eval_ct_loss', 'eval_mr_loss'"):
        imported("step,eval_ct_loss,eval_mr_loss", *rows, loss_kind=LossKind.TRAINING)


def test_examples_or_steps_as_the_user_says() -> None:
    rows = [f"{i},{16 * i},{3 + 1 / i}" for i in range(1, 9)]
    for facts, last, unit in (({}, 128, XUnit.EXAMPLES), ({"x_unit": XUnit.STEPS}, 8, XUnit.STEPS)):
        found = imported("step,examples,eval_loss", *rows, **facts)
        assert (loss_curves(found)[0].examples_n[-1], found.header.x_unit) == (last, unit)


@pytest.mark.parametrize("column", ["step_column", "loss_column", "time_column"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(column: str) -> None:
    option = "--" + column.replace("_", "-")
    with pytest.raises(RecordError, match=f"{option}: no column 'other'. The columns are 'step', 'loss'"):
        imported("step,loss", "1,2", "2,1", **{column: "other"})


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (["0", "10", "20", "30"], None),
        (["1727501144", "1727501154", "1727501164", "1727501174"], "2024-09-28"),
        (["1727501144500", "1727501154500", "1727501164500", "1727501174500"], "2024-09-28"),
        ([f"2024-09-28T05:25:{s:02d}Z" for s in (0, 10, 20, 30)], "2024-09-28"),
        ([f"2024-09-28 05:25:{s:02d}.250+02:00" for s in (0, 10, 20, 30)], "2024-09-28"),
    ],
)
def test_a_time_column_of_any_name_and_spelling_can_be_named(times: list[str], first: str | None) -> None:
    rows = [f"{10 * (i + 1)},{3 - 0.1 * i},{time}" for i, time in enumerate(times)]
    found = imported("step,eval_loss,when", *rows, time_column="when")
    seconds = [event.train_seconds for event in found.runs[0].events[1:]]
    assert seconds[-1] - seconds[0] == pytest.approx(30)
    assert found.header.created == first or first is None


def test_a_named_time_that_is_none_is_a_mistake_and_a_found_one_is_not() -> None:
    rows = ["1,2.0,noon", "2,1.5,later"]
    with pytest.raises(RecordError, match="line 2, when: expected a time: seconds, or text such as"):
        imported("step,loss,when", *rows, time_column="when")
    found = imported("step,loss,timestamp", *rows)
    assert found.header.imported is not None
    assert found.header.imported.seconds == "unknown"


def test_an_evaluation_that_was_filled_downwards_counts_once() -> None:
    rows = [f"{i},{2 + 1 / i},{1.234567 + 1 / (1 + i // 10):.7f}" for i in range(1, 100)]
    found = imported("step,train_loss,eval_loss", *rows)
    (curve,) = loss_curves(found)
    assert len(curve.loss_n) == 10
    assert "Losses that repeat the one before to the last digit: 89; left out as filled in." in found.notes


def test_losses_that_are_equal_because_they_are_rounded_all_stay() -> None:
    found = imported("step,eval_loss", *(f"{i},{1.2 if i > 5 else 2.0 - i / 10:.2f}" for i in range(1, 20)))
    assert len(loss_curves(found)[0].loss_n) == 19


@pytest.mark.parametrize(
    ("data", "log", "chosen"),
    [
        (logs.encoded(logs.trainer_state()), "trainer_state", ("step", "eval_loss", None)),
        (logs.tensorboard_events(), "tensorboard", ("step", "eval/loss", "wall_time")),
        (logs.tensorboard_csv(), "csv_table", ("Step", "Value", "Wall time")),
        (logs.wandb_history(), "wandb_csv", ("train/global_step", "eval/loss", "_timestamp")),
        (logs.wandb_run(), "wandb_run", ("train/global_step", "eval/loss", "_timestamp")),
        (logs.mlflow_database(), "mlflow_database", ("step", "eval_loss", "wall_time")),
        (logs.trackio_database(), "trackio", ("train/global_step", "eval/loss", "timestamp")),
        (b"Schritt,Verlust\n1,2\n", "csv_table", (None, None, None)),
    ],
)
def test_a_page_is_told_the_columns_and_what_an_import_would_take(
    data: bytes, log: str, chosen: tuple[str | None, ...]
) -> None:
    contents = log_contents(data, file="a")
    assert contents.log == log
    (run,) = contents.runs
    assert (run.step_column, run.loss_column, run.time_column) == chosen
    assert all(column.filled <= run.rows for column in run.columns)
    named = ImportFacts(step_column=run.step_column, loss_column=run.loss_column, time_column=run.time_column)
    if run.loss_column is not None:
        assert (
            loss_curves(parse_log(data, file="a", facts=named))[0].loss_n.tolist()
            == loss_curves(parse_log(data, file="a"))[0].loss_n.tolist()
        )


def test_a_page_is_told_every_run() -> None:
    contents = log_contents(logs.wandb_chart(("a", "b")), file="a.csv")
    assert [run.name for run in contents.runs] == ["a", "b"]
    assert [run.rows for run in contents.runs] == [100, 99]
