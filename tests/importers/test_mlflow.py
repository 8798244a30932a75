"""MLflow: metric files, folders of them, and the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from planner.curve import loss_curves
from planner.errors import RecordError
from planner.importers import ImportFacts, import_log, parse_log
from planner.record import Eval, LossKind, NonFinite, Schedule, Train, pack
from tests.importers import logs
from tests.importers.logs import mlflow_database, mlflow_metric, mlflow_metrics, write_mlflow_run


def changed(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(mlflow_database())
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    return connection.serialize()


@pytest.mark.parametrize("place", ["mlruns", "mlruns/7", "mlruns/7/abc", "mlruns/7/abc/metrics"])
def test_a_run_is_found_from_any_folder_above_it(tmp_path: Path, place: str) -> None:
    write_mlflow_run(tmp_path / "mlruns" / "7" / "abc")
    found = import_log(tmp_path / place)
    assert (found.header.loss_kind, found.header.configuration.effective_batch_size) == (LossKind.HELD_OUT, 16)
    assert (len(found.runs[0].of(Eval)), len(found.runs[0].of(Train))) == (10, 100)
    assert found.header.configuration.schedule is Schedule.DECAYING
    assert found.runs[0].of(Eval)[-1].train_seconds == pytest.approx(2500)
    assert b"secret" not in pack(found)


def test_runs_go_by_their_names_and_deleted_ones_are_left_out(tmp_path: Path) -> None:
    write_mlflow_run(tmp_path / "mlruns" / "0" / "aaa", name="rank 8")
    write_mlflow_run(tmp_path / "mlruns" / "0" / "bbb", name="rank 16")
    write_mlflow_run(tmp_path / "mlruns" / "0" / "ccc", name="old", stage="deleted")
    with pytest.raises(RecordError, match=r"2 runs have a loss: 'rank 8', 'rank 16'\. Say which with --run"):
        import_log(tmp_path / "mlruns")
    assert import_log(tmp_path / "mlruns", ImportFacts(run="rank 16")).header.loss_kind is LossKind.HELD_OUT
    with pytest.raises(RecordError, match="every run in this folder was deleted"):
        import_log(tmp_path / "mlruns" / "0" / "ccc")


def test_a_metric_with_folders_in_its_name_keeps_them(tmp_path: Path) -> None:
    for name in ("eval/loss", "train/loss"):
        path = tmp_path / "mlruns" / "0" / "aaa" / "metrics" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(mlflow_metrics()["eval_loss" if "eval" in name else "loss"])
    for place, kind in (
        ("aaa", "held_out"),
        ("aaa/metrics/eval/loss", "held_out"),
        ("aaa/metrics/train/loss", "training"),
    ):
        assert import_log(tmp_path / "mlruns" / "0" / place).header.loss_kind == kind


def test_one_metric_file_is_called_as_it_is() -> None:
    data = mlflow_metrics()
    assert parse_log(data["eval_loss"], file="eval_loss").header.loss_kind is LossKind.HELD_OUT
    assert parse_log(data["loss"], file="loss").header.loss_kind is LossKind.UNKNOWN
    with pytest.raises(RecordError, match="expected a column of losses, found 'step', 'wall_time', 'grad_norm'"):
        parse_log(data["grad_norm"], file="grad_norm")
    assert len(loss_curves(parse_log(data["loss"], file="x", facts=ImportFacts(loss_column="x")))[0].loss_n) == 100


def test_a_metric_that_is_not_a_number_is_marked_in_files_and_database() -> None:
    entries = [(step, logs.clock(step), float("nan") if step == 30 else 2.0 / step) for step in range(10, 200, 10)]
    found = parse_log(mlflow_metric(entries), file="loss")
    assert [event.step for event in found.runs[0].of(NonFinite)] == [30]
    data = changed(
        "UPDATE metrics SET value = 0, is_nan = 1 WHERE key = 'eval_loss' AND step = 300",
        "UPDATE metrics SET value = 1.7976931348623157e308 WHERE key = 'eval_loss' AND step = 400",
    )
    found = parse_log(data, file="mlflow.db")
    assert [event.step for event in found.runs[0].of(NonFinite)] == [300, 400]
    assert len(loss_curves(found)[0].loss_n) == 8


def test_a_last_line_that_was_cut_off_is_left_out_and_said() -> None:
    data = mlflow_metrics()["loss"]
    whole = len(loss_curves(parse_log(data, file="loss"))[0].loss_n)
    # Cut inside the value of the last line: a number that is shorter, and one that would be another.
    for cut in (1, 3, 8, 20):
        found = parse_log(data[:-cut], file="loss")
        assert len(loss_curves(found)[0].loss_n) == whole - 1
        assert any("ends in the middle of an entry" in note for note in found.notes)


@pytest.mark.parametrize(
    "line", ["1700000000000 1,5 10", "1700000000000 1_0 10", "x 1.5 10", "1700000000000 1.5 ten", "1.5 10", "٣ 1 1"]
)
def test_a_line_that_is_wrong_is_named(line: str) -> None:
    data = mlflow_metrics()["loss"].decode().splitlines()
    data[4] = line
    with pytest.raises(RecordError, match="loss line 5: expected `milliseconds value step`"):
        parse_log(("\n".join(data) + "\n").encode(), file="loss")


def test_runs_of_the_database_go_by_their_names_and_deleted_ones_are_left_out() -> None:
    data = mlflow_database({"rank 8": "active", "rank 16": "active", "old": "deleted"})
    with pytest.raises(RecordError, match=r"2 runs have a loss: 'rank 8', 'rank 16'\. Say which with --run"):
        parse_log(data, file="mlflow.db")
    assert len(parse_log(data, file="mlflow.db", facts=ImportFacts(run="rank 16")).runs[0].of(Eval)) == 10
    with pytest.raises(RecordError, match="no run has a metric"):
        parse_log(mlflow_database({"old": "deleted"}), file="mlflow.db")


def test_what_a_resumed_run_logged_again_counts_once_whatever_the_order_of_rows() -> None:
    later = "INSERT INTO metrics SELECT key, 9.0, timestamp + 90000000, run_uuid, step, is_nan FROM metrics"
    found = parse_log(changed(f"{later} WHERE key = 'eval_loss' AND step >= 800"), file="mlflow.db")
    (curve,) = loss_curves(found)
    assert curve.loss_n.tolist()[-3:] == [9.0, 9.0, 9.0]
    assert len(curve.loss_n) == 10
    assert any("resumed run logged again" in note for note in found.notes)
