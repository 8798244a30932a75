"""Every kind of log is known by its content, and the same run comes out of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.curve import loss_curves
from planner.errors import RecordError
from planner.importers import READERS, ImportFacts, import_log, looks_like_a_log, parse_log
from planner.record import Eval, LossKind, Train, XUnit, pack, parse_packed
from tests.importers import logs
from tests.importers.logs import STEPS, loss

HELD_OUT, TRAINING, UNKNOWN = LossKind.HELD_OUT, LossKind.TRAINING, LossKind.UNKNOWN


def table(x: str, y: str, comma: str = ",") -> bytes:
    return "\n".join([f"{x}{comma}{y}", *(f"{step}{comma}{loss(step)}" for step in STEPS)]).encode()


def without_evaluation(entries: list) -> list:
    return [entry for entry in entries if not any("eval" in name for name in entry[2])]


FIXTURES = {
    "trainer_state.json": (logs.encoded(logs.trainer_state()), "trainer_state", HELD_OUT),
    "trainer_state.json with a byte-order mark": (
        b"\xef\xbb\xbf" + logs.encoded(logs.trainer_state()), "trainer_state", HELD_OUT,
    ),
    "trainer_state.json in one line": (
        logs.encoded(logs.trainer_state()).replace(b"\n", b""), "trainer_state", HELD_OUT,
    ),
    "TensorBoard events of PyTorch": (logs.tensorboard_events(), "tensorboard", HELD_OUT),
    "TensorBoard events of TensorFlow 2": (logs.tensorboard_events(style="float"), "tensorboard", HELD_OUT),
    "TensorBoard events in double precision": (logs.tensorboard_events(style="double"), "tensorboard", HELD_OUT),
    "TensorBoard events as tensor content": (logs.tensorboard_events(style="content"), "tensorboard", HELD_OUT),
    "TensorBoard events without evaluation": (
        logs.tensorboard_events(without_evaluation(logs.history())), "tensorboard", TRAINING,
    ),
    "TensorBoard events of Lightning": (
        logs.tensorboard_events([(s, logs.clock(s), {"val_loss": loss(s), "epoch": s / 250}) for s in STEPS]),
        "tensorboard", HELD_OUT,
    ),
    "TensorBoard events of Megatron": (
        logs.tensorboard_events(
            [(s, logs.clock(s), {"lm loss": 9.0, "lm loss validation": loss(s), "loss-scale": 2.0}) for s in STEPS]
        ),
        "tensorboard", HELD_OUT,
    ),
    "TensorBoard's CSV": (logs.tensorboard_csv(), "csv_table", UNKNOWN),
    "chart of Weights & Biases": (logs.wandb_chart(), "wandb_csv", TRAINING),
    "chart of Weights & Biases over its own step": (logs.wandb_chart(x="Step"), "wandb_csv", TRAINING),
    "chart of Weights & Biases, held-out": (logs.wandb_chart(metric="eval/loss"), "wandb_csv", HELD_OUT),
    "history of Weights & Biases": (logs.wandb_history(), "wandb_csv", HELD_OUT),
    "history of Weights & Biases without an index": (logs.wandb_history(index=False), "wandb_csv", HELD_OUT),
    "offline run of Weights & Biases": (logs.wandb_run(), "wandb_run", HELD_OUT),
    "MLflow database": (logs.mlflow_database(), "mlflow_database", HELD_OUT),
    "MLflow database with a deleted run": (
        logs.mlflow_database({"a": "active", "b": "deleted"}), "mlflow_database", HELD_OUT,
    ),
    "MLflow metric file": (logs.mlflow_metrics()["eval_loss"], "mlflow_files", HELD_OUT),
    "Trackio database": (logs.trackio_database(), "trackio", HELD_OUT),
    "CSV with commas": (table("step", "loss"), "csv_table", UNKNOWN),
    "CSV with semicolons": (table("Step", "val_loss", ";"), "csv_table", HELD_OUT),
    "CSV with tabs": (table("iteration", "train loss", "\t"), "csv_table", TRAINING),
    "CSV of examples": (table("samples_seen", "eval_loss"), "csv_table", HELD_OUT),
    "CSV with Windows line ends": (table("step", "loss").replace(b"\n", b"\r\n"), "csv_table", UNKNOWN),
    "CSV with quotes": (table('"step"', '"loss"'), "csv_table", UNKNOWN),
    "CSV with a byte-order mark": (b"\xef\xbb\xbf" + table("step", "loss"), "csv_table", UNKNOWN),
}  # fmt: skip
NAMES = {"MLflow metric file": "eval_loss"}


@pytest.mark.parametrize("name", FIXTURES)
def test_a_log_is_known_by_its_content_and_gives_the_run_it_holds(name: str) -> None:
    data, log, kind = FIXTURES[name]
    found = parse_log(data, file=NAMES.get(name, "a.log"))
    assert found.header.imported is not None
    assert (found.header.imported.log, found.header.loss_kind) == (log, kind)
    (curve,) = loss_curves(found)
    assert curve.loss_n[-1] - loss(1000) == pytest.approx(0.1 if len(curve.loss_n) == 10 else 0.0, abs=1e-6)
    steps = found.runs[0].of(Eval if kind is HELD_OUT else Train)
    # W&B's own step counts its calls, so only what it is called can be checked there.
    assert steps[-1].step == (99 if name.endswith("over its own step") else 1000)
    assert parse_packed(pack(found), file="packed") == found


@pytest.mark.parametrize("name", FIXTURES)
def test_its_first_bytes_already_look_like_a_log(name: str) -> None:
    assert looks_like_a_log(FIXTURES[name][0][:65_536])


def test_every_reader_has_a_fixture() -> None:
    assert {log for _, log, _ in FIXTURES.values()} == set(READERS)


def test_the_same_run_is_the_same_curve_in_every_format_that_holds_all_of_it() -> None:
    whole = [name for name, (_, log, kind) in FIXTURES.items() if kind is HELD_OUT and name not in NAMES]
    curves = []
    for name in whole:
        found = parse_log(FIXTURES[name][0], file="a.log", facts=ImportFacts(effective_batch_size=16))
        assert found.header.x_unit is XUnit.EXAMPLES
        (curve,) = loss_curves(found)
        if len(curve.loss_n) == 10:
            curves.append(curve)
    assert len(curves) >= 8
    for curve in curves:
        assert curve.examples_n == pytest.approx(curves[0].examples_n)
        assert curve.loss_n == pytest.approx(curves[0].loss_n, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "derived"),
    [
        ("TensorBoard events of PyTorch", True),
        ("MLflow database", True),
        ("history of Weights & Biases", False),
        ("Trackio database", False),
        ("chart of Weights & Biases", False),
    ],
)
def test_the_batch_follows_from_hugging_faces_last_entry_where_a_tracker_keeps_it(name: str, derived: bool) -> None:
    header = parse_log(FIXTURES[name][0], file="a.log").header
    assert header.configuration.effective_batch_size == (16 if derived else None)
    assert header.dataset.training_examples == (4000 if derived else None)


@pytest.mark.parametrize(
    "name",
    [
        "TensorBoard events of PyTorch",
        "MLflow database",
        "history of Weights & Biases",
        "offline run of Weights & Biases",
    ],
)
def test_evaluation_is_no_training_time_in_any_of_them(name: str) -> None:
    found = parse_log(FIXTURES[name][0], file="a.log")
    assert found.runs[0].of(Eval)[-1].train_seconds == pytest.approx(2500, rel=1e-6)
    assert "Evaluation took 90 s in all; not counted as training time." in found.notes


def test_a_name_says_nothing(tmp_path: Path) -> None:
    for name, (data, log, _) in FIXTURES.items():
        path = tmp_path / "trainer_state.json"
        path.write_bytes(data)
        if name not in NAMES:  # the name of a metric file of MLflow is the name of its metric
            imported = import_log(path).header.imported
            assert imported is not None
            assert imported.log == log


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 and more", "this is an archive"),
        (b"\x1f\x8b and more", "this is an archive"),
        (b"PAR1 and more", "this is a Parquet file"),
        (b"\x80\x04\x95 a pickle", "this is not a text file"),
        (b"\x18\x00\x00\x00\x00 events", "this is not a text file"),
        (b"", "the file is empty"),
        (b"{}", "not a log that Plateau knows"),
        (b"just some words", "not a log that Plateau knows"),
        (logs.serialized("CREATE TABLE metrics (a, b)", rows={}), "its tables are not those of MLflow or Trackio"),
    ],
)
def test_what_is_no_log_is_called_what_it_is_and_all_that_is_read_is_listed(data: bytes, words: str) -> None:
    with pytest.raises(RecordError, match=words) as caught:
        parse_log(data, file="odd")
    for reader in READERS.values():
        assert reader.title in str(caught.value)
