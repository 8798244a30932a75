"""TensorBoard event files and folders of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.curve import loss_curves
from planner.errors import RecordError
from planner.importers import ImportFacts, import_log, parse_log
from planner.record import Eval, LossKind, NonFinite, Schedule, Train
from tests.importers import logs
from tests.importers.logs import loss, scalar_event, tensorboard_events, tensorboard_record

WHOLE = tensorboard_events()


def training(steps: range, *, tag: str = "train/loss", seconds: float = 0.0) -> bytes:
    return tensorboard_events([(step, logs.clock(step) + seconds, {tag: loss(step)}) for step in steps])


def test_losses_rates_and_gradients_of_a_hugging_face_run_are_read() -> None:
    found = parse_log(WHOLE, file="events")
    header = found.header
    assert (header.loss_kind, header.configuration.schedule) == (LossKind.HELD_OUT, Schedule.DECAYING)
    assert header.configuration.learning_rate == pytest.approx(9.9e-5)
    assert header.created == "2024-09-28"
    assert len(found.runs[0].of(Eval)) == 10
    trained = found.runs[0].of(Train)
    assert len(trained) == 100
    assert trained[0].gradient_norm == 1.0


def test_what_is_no_scalar_is_not_a_metric() -> None:
    with pytest.raises(RecordError) as caught:
        parse_log(tensorboard_events([(1, 1.0, {"accuracy": 0.5})]), file="events")
    assert "found 'step', 'wall_time', 'accuracy'" in str(caught.value)


def test_a_value_that_is_not_a_number_is_marked() -> None:
    entries = [
        (step, logs.clock(step), {"loss": float("nan") if step == 30 else loss(step)}) for step in range(10, 200, 10)
    ]
    found = parse_log(tensorboard_events(entries), file="events")
    assert [event.step for event in found.runs[0].of(NonFinite)] == [30]


def test_whatever_is_cut_off_the_whole_records_before_it_are_read() -> None:
    data = training(range(10, 110, 10))
    first = tensorboard_record(scalar_event(10, logs.clock(10), "train/loss", loss(10)))
    begin = data.index(first) + len(first)
    for end in range(begin, len(data)):
        found = parse_log(data[:end], file="events")
        (curve,) = loss_curves(found)
        assert len(curve.loss_n) == 1 + (end - begin) // len(first)
        torn = (end - begin) % len(first)
        assert any(f"its last {torn:,} bytes are left out" in note for note in found.notes) == bool(torn)


def test_zeros_that_a_file_system_left_at_the_end_are_cut_off_too() -> None:
    found = parse_log(WHOLE + bytes(4096), file="events")
    assert "its last 4,096 bytes are left out" in " ".join(found.notes)


def test_one_changed_byte_anywhere_is_refused_or_cut_but_never_read() -> None:
    data = training(range(10, 60, 10))
    whole = loss_curves(parse_log(data, file="events"))[0].loss_n.tolist()
    refused = 0
    for at in range(64, len(data)):
        damaged = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        try:
            read = loss_curves(parse_log(damaged, file="events"))[0].loss_n.tolist()
        except RecordError as problem:
            refused += 1
            assert "checksum" in str(problem) or "not a log" in str(problem) or "not a text file" in str(problem)
        else:
            assert read == whole[: len(read)]
    assert refused > 0.9 * (len(data) - 64)


def test_damage_in_the_middle_names_the_record_and_what_to_do() -> None:
    at = len(WHOLE) // 2
    damaged = WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :]
    with pytest.raises(RecordError, match=r"events, record \d+: \(byte [\d,]+\) .* checksum\. Copy the file again"):
        parse_log(damaged, file="events")


def test_a_record_that_is_no_event_is_refused() -> None:
    with pytest.raises(RecordError, match="record 2: is no TensorBoard event"):
        parse_log(WHOLE[: len(tensorboard_record(b"")) + 24] + tensorboard_record(b"\x0a\xff"), file="events")


def test_the_files_of_one_folder_are_one_run_in_the_order_of_their_clocks(tmp_path: Path) -> None:
    # The second session resumed at step 60, a day later; its file sorts before the first.
    (tmp_path / "events.z.0").write_bytes(training(range(10, 110, 10)))
    (tmp_path / "events.a.0").write_bytes(training(range(70, 210, 10), seconds=86_400))
    found = import_log(tmp_path)
    (curve,) = loss_curves(found)
    assert curve.examples_n.tolist() == list(range(10, 210, 10))
    assert found.runs[0].of(Train)[-1].train_seconds == pytest.approx(500)
    assert "Points that a resumed run logged again: 4; what it logged first is left out." in found.notes
    assert "Pauses took 86,400 s in all." in found.notes


def test_several_runs_of_a_folder_are_listed_and_chosen_by_name(tmp_path: Path) -> None:
    for name, shift in (("rank-8", 0), ("rank-16", 10)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1.host").write_bytes(training(range(10 + shift, 110 + shift, 10)))
    with pytest.raises(RecordError, match=r"2 runs have a loss: 'rank-16', 'rank-8'\. Say which with --run"):
        import_log(tmp_path)
    assert loss_curves(import_log(tmp_path, ImportFacts(run="rank-16")))[0].examples_n[0] == 20
    with pytest.raises(RecordError, match=r"--run: no run 'rank-32'\. The runs are 'rank-16', 'rank-8'"):
        import_log(tmp_path, ImportFacts(run="rank-32"))


def test_what_add_scalars_puts_into_folders_of_their_own_belongs_to_the_run_above(tmp_path: Path) -> None:
    for name in ("loss_train", "loss_eval"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1.host").write_bytes(training(range(10, 110, 10), tag="loss"))
    found = import_log(tmp_path)
    assert found.header.loss_kind is LossKind.HELD_OUT
    assert (len(found.runs[0].of(Eval)), len(found.runs[0].of(Train))) == (10, 10)


def test_a_folder_is_walked_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "events.out.tfevents.1.host").write_bytes(WHOLE)
    inside = tmp_path / "runs"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path / "outside")
    (inside / "events.link").symlink_to(tmp_path / "outside" / "events.out.tfevents.1.host")
    with pytest.raises(RecordError, match="runs: no log in this folder"):
        import_log(inside)


def test_a_folder_with_logs_of_several_kinds_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "events.out.tfevents.1.host").write_bytes(WHOLE)
    (tmp_path / "trainer_state.json").write_bytes(logs.encoded(logs.trainer_state()))
    (tmp_path / "table.csv").write_text("patient,age\n1,2\n")
    with pytest.raises(RecordError) as caught:
        import_log(tmp_path)
    assert "2 logs in this folder: runs/events.out.tfevents.1.host, trainer_state.json" in str(caught.value)
    (tmp_path / "trainer_state.json").unlink()
    assert len(loss_curves(import_log(tmp_path))[0].loss_n) == 10
