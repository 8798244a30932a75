"""The reader: whatever happens to a file, whole lines are read and no number changes silently."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import PlannerError, RecordError
from planner.record import (
    SCHEMA_VERSION,
    Calibration,
    Eval,
    RunLog,
    pack,
    parse_packed,
    read_calibration,
    write_packed,
)

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
ALL_EVENTS = [
    "started",
    "probe",
    "train",
    "eval",
    "answers",
    "checkpoint",
    "out_of_memory",
    "non_finite",
    "interrupted",
    "finished",
]
NEW_EVENTS = {2: ["rating", "learning_rate_check"]}


def test_a_saved_record_is_read_back_as_it_was(record: Path, calibration: Calibration) -> None:
    assert read_calibration(record) == calibration


def test_a_packed_record_is_read_back_as_it_was(tmp_path: Path, calibration: Calibration) -> None:
    write_packed(tmp_path / "packed.jsonl", calibration)
    assert read_calibration(tmp_path / "packed.jsonl") == calibration


def test_a_run_cut_at_any_byte_keeps_its_whole_lines(record: Path) -> None:
    file = sorted((record / "runs").iterdir())[0]
    data = file.read_bytes()
    whole = read_calibration(record).runs[0].events
    for length in range(len(data)):
        file.write_bytes(data[:length])
        found = read_calibration(record)
        expected = whole[: data[:length].count(b"\n")]
        events = found.runs[0].events if found.runs and found.runs[0].id == file.stem else ()
        assert events == expected
        torn = length > 0 and data[length - 1 : length] != b"\n"
        assert any("cut off" in note for note in found.notes) == torn


def test_an_upload_cut_at_any_byte_keeps_its_whole_lines_or_is_refused(calibration: Calibration) -> None:
    data = pack(calibration)
    head = data.index(b"\n") + 1
    for length in range(0, len(data), 97):
        if length < head:
            with pytest.raises(RecordError):
                parse_packed(data[:length], file="packed.jsonl")
        else:
            found = parse_packed(data[:length], file="packed.jsonl")
            assert sum(len(run.events) for run in found.runs) == data[head:length].count(b"\n")


def test_a_flipped_byte_in_any_line_is_refused_with_its_line(record: Path, calibration: Calibration) -> None:
    for run in calibration.runs:
        file = record / "runs" / f"{run.id}.jsonl"
        lines = file.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            middle = len(line) // 3
            broken = line[:middle] + bytes([line[middle] ^ 1]) + line[middle + 1 :]
            file.write_bytes(b"".join([*lines[: number - 1], broken, *lines[number:]]))
            with pytest.raises(RecordError, match=rf"{file.name} line {number}: "):
                read_calibration(record)
            kept = read_calibration(record, skip_bad_lines=True)
            assert sum(len(one.events) for one in kept.runs) == sum(len(one.events) for one in calibration.runs) - 1
            assert any(f"line {number}: damaged" in note for note in kept.notes)
        file.write_bytes(b"".join(lines))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_single_changed_byte_of_an_upload_changes_a_number_silently(
    calibration: Calibration, data: st.DataObject
) -> None:
    packed = pack(calibration)
    at = data.draw(st.integers(0, len(packed) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = packed[:at] + bytes([byte]) + packed[at + 1 :]
    try:
        found = parse_packed(changed, file="packed.jsonl")
    except PlannerError:
        return
    # What is left may lack its last line, or have lost nothing at all; no event differs.
    events = [event for run in calibration.runs for event in run.events]
    read = [event for run in found.runs for event in run.events]
    assert found.header == calibration.header
    assert read in (events, events[:-1])


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(RecordError):
        parse_packed(data, file="packed.jsonl")


def test_a_newer_schema_is_refused_with_both_numbers(record: Path) -> None:
    header = record / "calibration.json"
    document = msgspec.json.decode(header.read_bytes())
    header.write_bytes(msgspec.json.encode(document | {"schema_version": SCHEMA_VERSION + 1, "unheard_of": 1}))
    with pytest.raises(RecordError, match=rf"schema {SCHEMA_VERSION + 1}, this one reads up to {SCHEMA_VERSION}"):
        read_calibration(record)


def test_an_unknown_field_is_refused_rather_than_ignored(record: Path) -> None:
    header = record / "calibration.json"
    document = msgspec.json.decode(header.read_bytes())
    header.write_bytes(msgspec.json.encode(document | {"surname": "x"}))
    with pytest.raises(RecordError, match="surname"):
        read_calibration(record)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_sample_of_every_schema_still_loads(sample: Path) -> None:
    found = read_calibration(sample)
    version = int(sample.name.removeprefix("schema-").split(".")[0])
    assert found.header.schema_version == version
    known = {*ALL_EVENTS, *(name for since, names in NEW_EVENTS.items() if since <= version for name in names)}
    assert {event.__struct_config__.tag for run in found.runs for event in run.events} == known


def test_there_is_a_sample_of_every_schema() -> None:
    assert {f"schema-{version}.jsonl" for version in range(1, SCHEMA_VERSION + 1)} == {path.name for path in SAMPLES}


def test_an_empty_folder_and_a_missing_file_are_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"no calibration\.json in this directory"):
        read_calibration(tmp_path)
    with pytest.raises(RecordError, match="no such file"):
        read_calibration(tmp_path / "absent")


def test_messages_name_the_file_but_not_where_it_lies(tmp_path: Path) -> None:
    secret = tmp_path / "patient-name"
    secret.mkdir()
    with pytest.raises(RecordError) as caught:
        read_calibration(secret / "absent.jsonl")
    assert "patient-name" not in str(caught.value)


def test_a_run_that_has_not_logged_anything_yet_is_no_mistake(record: Path) -> None:
    (record / "runs" / "empty.jsonl").touch()
    assert "empty" not in {run.id for run in read_calibration(record).runs}


def test_a_file_of_another_name_among_the_runs_is_left_alone(record: Path, calibration: Calibration) -> None:
    (record / "runs" / "notes.txt").write_text("not ours")
    (record / "runs" / "b64.jsonl.torn").write_bytes(b"{")
    assert read_calibration(record) == calibration


def test_an_event_of_another_run_does_not_slip_into_a_run_file(record: Path, calibration: Calibration) -> None:
    first, second = (record / "runs" / f"{run.id}.jsonl" for run in calibration.runs[:2])
    shutil.copyfile(second, first)
    with pytest.raises(RecordError, match=f"expected events of run '{first.stem}'"):
        read_calibration(record)


def test_an_append_after_a_torn_line_loses_nothing_but_the_torn_line(record: Path, calibration: Calibration) -> None:
    run = calibration.runs[0]
    file = record / "runs" / f"{run.id}.jsonl"
    torn = b'{"event":"eval","run":"x","lo'
    file.write_bytes(file.read_bytes() + torn)
    added = Eval(run=run.id, step=9, examples=9.0, loss=1.5, annealed=False)
    with RunLog(record, run.id) as log:
        log.append(added)
    assert read_calibration(record).runs[0].events == (*run.events, added)
    assert file.with_name(file.name + ".torn").read_bytes() == torn
