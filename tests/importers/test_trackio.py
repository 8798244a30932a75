"""Trackio's database of a project."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from planner.curve import loss_curves
from planner.errors import RecordError
from planner.importers import ImportFacts, import_log, parse_log
from planner.record import Eval, LossKind, NonFinite, Train, pack
from tests.importers.logs import TRACKIO_TABLES, serialized, trackio_database, trackio_rows


def changed(change: str, *arguments: object) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(trackio_database())
    connection.execute(change, arguments)
    connection.commit()
    return connection.serialize()


def test_a_project_with_one_run_needs_no_option() -> None:
    found = parse_log(trackio_database(), file="radiology.db")
    assert found.header.loss_kind is LossKind.HELD_OUT
    assert [event.step for event in found.runs[0].of(Eval)] == list(range(100, 1001, 100))
    assert found.header.created == "2024-09-28"
    assert b"crisp-fox" not in pack(found)


def test_batches_that_share_a_time_do_not_stop_the_clock() -> None:
    seconds = [event.train_seconds for event in parse_log(trackio_database(), file="p.db").runs[0].of(Train)]
    assert seconds == sorted(seconds)
    assert len(set(seconds)) == len(seconds)
    # Three rows share the time of the last of them, so a row's own time is known to within a batch.
    assert seconds[-1] == pytest.approx(2500, abs=3 * 25 + 10)


def test_several_runs_are_listed_and_those_of_one_name_told_apart_by_their_id() -> None:
    with pytest.raises(RecordError, match=r"2 runs have a loss: 'a', 'b'\. Say which with --run"):
        parse_log(trackio_database(("a", "b")), file="p.db")
    twice = trackio_database(("a", "a"))
    with pytest.raises(RecordError, match=r"2 runs have a loss: 'a \(id0\)', 'a \(id1\)'"):
        parse_log(twice, file="p.db")
    assert len(parse_log(twice, file="p.db", facts=ImportFacts(run="a (id1)")).runs[0].of(Eval)) == 10


def test_a_database_of_an_older_trackio_has_no_id_of_a_run() -> None:
    rows = [(number, when, run, step, text) for number, _, when, run, step, text, *_ in trackio_rows()]
    data = serialized(
        "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, run_name TEXT NOT NULL, "
        "step INTEGER NOT NULL, metrics TEXT NOT NULL)",
        rows={"metrics": rows},
    )
    assert len(loss_curves(parse_log(data, file="p.db"))[0].loss_n) == 10


def test_what_trackio_writes_for_nan_and_infinity_is_marked() -> None:
    data = changed(
        "UPDATE metrics SET metrics = ? WHERE id = 1", json.dumps({"train/loss": "NaN", "train/global_step": 10})
    )
    found = parse_log(data, file="p.db", facts=ImportFacts(loss_kind=LossKind.TRAINING))
    assert [event.step for event in found.runs[0].of(NonFinite)] == [10]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"eval/loss": 1_0}', "not JSON"),
        ('{"eval/loss": true, "train/global_step": 5}', "eval/loss: expected a number, got true or false"),
        ('{"eval/loss": [1], "train/global_step": 5}', "eval/loss: expected a number, got a list"),
        ('{"eval/loss": 1, "eval/loss": 2, "train/global_step": 5}', "stands there twice"),
        ('{"eval/loss": 1.5}', "train/global_step: a loss without a step"),
        ("[1]", "expected `object`"),
    ],
)
def test_metrics_that_cannot_be_are_refused_with_their_row(text: str, words: str) -> None:
    data = changed("UPDATE metrics SET metrics = ? WHERE id = 3", text)
    with pytest.raises(RecordError, match=r"p\.db.* 3") as caught:
        parse_log(data, file="p.db")
    assert words in str(caught.value)


def test_rows_that_still_wait_beside_the_database_are_read_and_nothing_is_touched(tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    connection = sqlite3.connect(live, autocommit=True) if hasattr(sqlite3, "autocommit") else sqlite3.connect(live)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in TRACKIO_TABLES:
        connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for row in trackio_rows():
        connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    here = tmp_path / "here"
    here.mkdir()
    for name in ("live.db", "live.db-wal"):
        shutil.copy(tmp_path / name, here / name)
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    assert len(import_log(here / "live.db").runs[0].of(Eval)) == 10
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before
    with pytest.raises(RecordError, match="no run has a metric"):
        parse_log(before["live.db"], file="live.db")
    connection.close()


def test_a_view_in_the_place_of_the_table_is_not_read() -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    data = serialized(
        "CREATE VIEW metrics AS SELECT x AS id, x AS timestamp, x AS run_name, x AS step, x AS metrics "
        f"FROM ({endless})",
        rows={},
    )
    with pytest.raises(RecordError, match="its tables are not those of MLflow or Trackio"):
        parse_log(data, file="p.db")
