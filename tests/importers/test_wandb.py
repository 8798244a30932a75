"""Weights & Biases: chart exports, histories, and the file of an offline run."""

from __future__ import annotations

import pytest

from planner.curve import loss_curves
from planner.errors import RecordError
from planner.importers import ImportFacts, parse_log
from planner.record import Calibration, Eval, LossKind, NonFinite, Train
from tests.importers import logs
from tests.importers.logs import STEPS, loss, wandb_chart, wandb_history, wandb_message, wandb_run


def imported(data: bytes | str, **facts: object) -> Calibration:
    return parse_log(data.encode() if isinstance(data, str) else data, file="wandb", facts=ImportFacts(**facts))


def test_a_chart_of_one_run_needs_no_option() -> None:
    found = imported(wandb_chart())
    assert found.header.loss_kind is LossKind.TRAINING
    assert loss_curves(found)[0].loss_n.tolist() == [loss(step) for step in STEPS]
    assert found.notes == ()


def test_a_chart_of_several_runs_lists_them_and_takes_the_one_that_is_named() -> None:
    data = wandb_chart(("brisk-pond-1", "playful-sun - 2"))
    with pytest.raises(
        RecordError, match=r"2 runs have a loss: 'brisk-pond-1', 'playful-sun - 2'\. Say which with --run"
    ):
        imported(data)
    (curve,) = loss_curves(imported(data, run="playful-sun - 2"))
    assert curve.loss_n.tolist() == [loss(step) + 1 for step in STEPS[1:]]


def test_values_that_a_chart_made_of_several_are_said() -> None:
    lines = wandb_chart().decode().splitlines()
    for number in range(1, 21):
        cells = lines[number].split(",")
        lines[number] = ",".join([*cells[:-1], '"99"'])
    assert (
        "Rows that put several values into one: 20; the curve is smoother than the run was."
        in imported("\n".join(lines)).notes
    )


@pytest.mark.parametrize("metric", ["train/loss_smoothed", "Smoothed loss", "train/loss (ema)"])
def test_a_smoothed_chart_is_refused(metric: str) -> None:
    with pytest.raises(RecordError, match="a smoothed column: its floor and its noise are not those of the run"):
        imported(wandb_chart(metric=metric))


def test_a_trainers_own_step_comes_before_the_count_of_calls() -> None:
    for data in (wandb_history(), wandb_run()):
        found = imported(data)
        assert [event.step for event in found.runs[0].of(Eval)] == list(range(100, 1001, 100))
        assert not any("calls of the logger" in note for note in found.notes)


def test_a_count_of_calls_is_called_that() -> None:
    for data in (wandb_chart(x="Step"), wandb_history().replace(b"train/global_step", b"other")):
        assert any("numbered by calls of the logger" in note for note in imported(data).notes)


def test_training_loss_beside_the_held_out_loss_has_its_rates_and_gradients() -> None:
    for data in (wandb_history(), wandb_run()):
        trained = imported(data).runs[0].of(Train)
        assert len(trained) == 100
        assert trained[0].gradient_norm == 1.0


def test_a_chart_without_steps_says_what_it_has() -> None:
    with pytest.raises(RecordError, match="expected a column of steps or examples, found 'Relative Time"):
        imported(wandb_chart(x="Relative Time (Process)").replace(b"_step", b"note"))


def test_a_table_of_runs_is_no_curve() -> None:
    with pytest.raises(RecordError, match="expected a column of steps or examples"):
        imported('"Name","State","train/loss"\n"brisk-pond-1","finished","1.5"\n')


def test_not_a_number_in_a_run_file_is_marked() -> None:
    messages = [wandb_message({"_step": i, "loss": float("nan") if i == 5 else 1 + 1 / (i + 1)}) for i in range(20)]
    found = imported(wandb_run(messages))
    assert [event.step for event in found.runs[0].of(NonFinite)] == [5]


@pytest.mark.parametrize("nested", [True, False])
def test_both_spellings_of_a_name_are_read(nested: bool) -> None:
    messages = [wandb_message({"_step": i, "eval/loss": 1 + 1 / i}, nested=nested) for i in range(1, 20)]
    assert len(loss_curves(imported(wandb_run(messages)))[0].loss_n) == 19


def test_whatever_is_cut_off_the_whole_rows_before_it_are_read() -> None:
    messages = [wandb_message({"_step": i, "loss": 1 + 1 / i}) for i in range(1, 12)]
    data = wandb_run(messages)
    begin = len(wandb_run(messages[:1]))
    read = []
    for end in range(begin, len(data)):
        found = imported(data[:end])
        read.append(len(loss_curves(found)[0].loss_n))
        assert any("ends in the middle of an entry" in note for note in found.notes) == (
            end not in [len(wandb_run(messages[:n])) for n in range(12)]
        )
    assert read == sorted(read)
    assert (read[0], read[-1]) == (1, 10)


def test_a_changed_byte_is_refused_with_its_place() -> None:
    data = wandb_run()
    at = len(data) - 300
    with pytest.raises(RecordError, match=r"the record at byte [\d,]+ does not match its checksum"):
        imported(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_numbers_of_a_run_file_are_json_and_as_strict() -> None:
    broken = logs._field(2, logs._field(1, logs._field(2, b"loss") + b"\x82\x01\x031_0"))
    with pytest.raises(RecordError, match="not JSON"):
        imported(wandb_run([broken]))
