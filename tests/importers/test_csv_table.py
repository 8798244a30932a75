"""CSV of step and loss: TensorBoard's, and anybody's own."""

from __future__ import annotations

import pytest

from planner.curve import loss_curves
from planner.errors import InputError, RecordError
from planner.importers import ImportFacts, parse_log
from planner.record import Calibration, Eval, LossKind, NonFinite, Train, XUnit
from tests.importers.logs import STEPS, loss, tensorboard_csv


def imported(text: str | bytes, **facts: object) -> Calibration:
    data = text.encode() if isinstance(text, str) else text
    return parse_log(data, file="loss.csv", facts=ImportFacts(**facts))


def with_columns(x: str, y: str, *, comma: str = ",") -> str:
    return "\n".join([f"{x}{comma}{y}", *(f"{step}{comma}{loss(step)}" for step in STEPS[:12])])


def test_a_tensorboard_export_is_read_whole_and_nothing_is_assumed() -> None:
    found = imported(tensorboard_csv())
    header = found.header
    assert (header.loss_kind, header.x_unit) == (LossKind.UNKNOWN, XUnit.STEPS)
    assert (header.configuration.model, header.hardware.device, header.hardware.gpu) == ("unknown", "unknown", None)
    assert header.created == "2024-09-28"
    assert len(loss_curves(found)[0].loss_n) == 100


def test_the_clock_gives_training_seconds_without_pauses() -> None:
    lines = tensorboard_csv().decode().splitlines()
    for i in range(51, len(lines)):
        clock, rest = lines[i].split(",", 1)
        lines[i] = f"{float(clock) + 86_400},{rest}"
    found = imported("\n".join(lines))
    assert found.runs[0].of(Train)[-1].train_seconds == pytest.approx(2.5 * 1000)
    assert "Pauses (ten times the usual time a step, or half an hour more): 1" in " ".join(found.notes)
    assert "Pauses took 86,400 s in all." in found.notes


@pytest.mark.parametrize(
    ("x", "y", "kind", "unit"),
    [
        ("step", "loss", LossKind.UNKNOWN, XUnit.STEPS),
        ("Step", "train/loss", LossKind.TRAINING, XUnit.STEPS),
        ("_step", "eval/loss", LossKind.HELD_OUT, XUnit.STEPS),
        ("train/global_step", "run-7 - eval/loss", LossKind.HELD_OUT, XUnit.STEPS),
        ("trainer/global_step", "val_loss", LossKind.HELD_OUT, XUnit.STEPS),
        ("examples", "eval_loss", LossKind.HELD_OUT, XUnit.EXAMPLES),
        ("samples seen", "Validation Loss", LossKind.HELD_OUT, XUnit.EXAMPLES),
        ("iteration", "Training loss", LossKind.TRAINING, XUnit.STEPS),
    ],
)
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_common_columns_are_known_by_name(x: str, y: str, kind: LossKind, unit: XUnit, comma: str) -> None:
    header = imported(with_columns(x, y, comma=comma)).header
    assert (header.loss_kind, header.x_unit) == (kind, unit)


def test_with_an_effective_batch_size_steps_become_examples() -> None:
    found = imported(tensorboard_csv(), effective_batch_size=4)
    assert found.header.x_unit is XUnit.EXAMPLES
    assert loss_curves(found)[0].examples_n[-1] == 4000
    assert found.runs[0].of(Train)[-1].step == 1000


def test_examples_are_not_multiplied_by_the_batch() -> None:
    for found in (
        imported(with_columns("examples", "loss"), effective_batch_size=4),
        imported(with_columns("step", "loss"), effective_batch_size=4, x_unit=XUnit.EXAMPLES),
    ):
        assert loss_curves(found)[0].examples_n[-1] == STEPS[11]
        assert found.header.x_unit is XUnit.EXAMPLES
        assert found.runs[0].of(Train)[-1].step == round(STEPS[11] / 4)


def test_both_losses_of_one_table_are_told_apart() -> None:
    rows = [f"{s},{loss(s)},{loss(s) + 0.1 if s % 20 == 0 else ''}" for s in STEPS]
    found = imported("\n".join(["_step,train/loss,eval/loss", *rows]))
    assert found.header.loss_kind is LossKind.HELD_OUT
    assert len(found.runs[0].of(Eval)) == 50
    assert len(found.runs[0].of(Train)) == 100


def test_a_given_kind_makes_an_unnamed_loss_that_kind() -> None:
    found = imported(tensorboard_csv(), loss_kind=LossKind.HELD_OUT)
    assert found.header.loss_kind is LossKind.HELD_OUT
    assert len(found.runs[0].of(Eval)) == 100


@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-Infinity"])
def test_a_loss_that_is_not_a_number_is_marked_and_all_other_rows_stay(text: str) -> None:
    lines = with_columns("step", "loss").splitlines()
    lines[3] = f"{STEPS[2]},{text}"
    found = imported("\n".join(lines))
    assert [event.step for event in found.runs[0].of(NonFinite)] == [STEPS[2]]
    assert len(loss_curves(found)[0].loss_n) == 11
    assert any("Losses that are NaN or infinite: 1" in note for note in found.notes)


def test_empty_cells_and_blank_lines_are_no_mistake() -> None:
    lines = with_columns("step", "loss").splitlines()
    lines[2] = f"{STEPS[1]},"
    found = imported("\n\n".join(lines))
    assert len(loss_curves(found)[0].loss_n) == 11
    assert any("Rows without a loss: 1" in note for note in found.notes)


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    text = "\ufeff" + with_columns("step", "loss").replace("\n", "\r\n")
    assert len(loss_curves(imported(text))[0].loss_n) == 12


@pytest.mark.parametrize(
    "column", ["loss_smoothed", "Smoothed loss", "train/loss_ema", "rolling_loss", "moving avg loss"]
)
def test_a_smoothed_column_is_refused_with_a_sentence(column: str) -> None:
    with pytest.raises(RecordError, match="a smoothed column: its floor and its noise are not those of the run"):
        imported(with_columns("step", column))
    with pytest.raises(RecordError, match="smoothed"):
        imported(with_columns("step", column), loss_column=column)


def test_beside_a_smoothed_column_the_raw_one_is_taken() -> None:
    rows = [f"{step},{loss(step)},9.0,8.0,10.0" for step in STEPS]
    found = imported("\n".join(["step,loss,loss_ema,run - loss__MIN,run - loss__MAX", *rows]))
    assert loss_curves(found)[0].loss_n[0] == loss(STEPS[0])


def test_two_possible_columns_are_not_guessed_between() -> None:
    text = "step,eval_ct_loss,eval_mr_loss\n1,2,3\n2,1,2\n"
    with pytest.raises(RecordError, match=r"2 columns could be meant: 'eval_ct_loss', .* Say which with --loss-column"):
        imported(text)
    found = imported(text, loss_column="eval_mr_loss")
    assert loss_curves(found)[0].loss_n.tolist() == [3, 2]
    assert found.header.loss_kind is LossKind.HELD_OUT


def test_columns_of_any_name_can_be_named() -> None:
    text = with_columns("Schritt", "Verlust")
    with pytest.raises(RecordError, match="expected a column of losses, found 'Schritt', 'Verlust'"):
        imported(text)
    with pytest.raises(RecordError, match="expected a column of steps or examples"):
        imported(text, loss_column="Verlust")
    found = imported(text, step_column="Schritt", loss_column="Verlust")
    assert found.header.x_unit is XUnit.STEPS
    with pytest.raises(RecordError, match="no column 'Fehler'"):
        imported(text, step_column="Schritt", loss_column="Fehler")


def test_every_wrong_cell_is_named_with_line_and_column() -> None:
    text = "step;loss\n1;2.5\n2;2,25\n3;1_0\n-4;1\nx;1\n6;-2\n"
    with pytest.raises(RecordError) as caught:
        imported(text)
    said = str(caught.value).splitlines()
    assert len(said) == 5
    assert said[0].startswith("loss.csv line 3, loss: '2,25' has a decimal comma. Write a decimal point")
    assert said[1].startswith("loss.csv line 4, loss: expected a number, got '1_0'")
    assert "line 5, step: expected a whole number of 0 or more, got -4" in said[2]
    assert "line 6, step" in said[3]
    assert "line 7, loss: expected a loss above 0, got -2" in said[4]


def test_a_decimal_comma_in_a_comma_table_is_recognised() -> None:
    with pytest.raises(RecordError, match=r"line 2: expected 2 fields, got 3.*decimal comma"):
        imported("step,loss\n1,2,5\n2,2,4\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("step,loss\n", "no row has a loss"),
        ("step,loss\n0,3\n", "none of its losses"),
        ("step,loss\n1,nan\n", "none of its losses"),
        ("step,step,loss\n1,1,2\n", "stands there twice"),
        ('step,loss\n1,"2\n2,3\n', "not CSV|unexpected end"),
        ("step,loss\n1,2\x00\n", "NUL byte|not a text file"),
        ("just some words", "not a log that Plateau knows"),
        ("[1, 2]", "not a log that Plateau knows"),
    ],
)
def test_a_table_that_cannot_be_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        imported(text)
