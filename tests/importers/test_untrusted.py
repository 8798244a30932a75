"""Any bytes at all, some 10,000 a run: only our own errors, quickly, and numbers in one spelling."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import loss_curves
from planner.errors import InputError, MissingPartError, PlannerError, RecordError
from planner.importers import (
    ImportFacts,
    csv_table,
    database,
    import_log,
    log_contents,
    mlflow_files,
    parse_log,
    tensorboard,
    wandb_run,
)
from planner.reading import parse_number
from planner.record import pack, parse_packed
from tests.factories import example_calibration
from tests.importers import logs

SHORT = logs.trainer_state()["log_history"][:15]
FORMATS = {
    "trainer_state": logs.encoded(logs.trainer_state(log_history=SHORT)),
    "tensorboard": logs.tensorboard_events(logs.history()[:12]),
    "tensorboard_csv": logs.tensorboard_csv(tuple(range(1, 30))),
    "wandb_chart": b"\n".join(logs.wandb_chart(("a", "b")).split(b"\n")[:15]),
    "wandb_history": b"\n".join(logs.wandb_history().split(b"\n")[:15]),
    "wandb_run": logs.wandb_run([logs.wandb_message({"_step": i, "eval/loss": 1 + 1 / i}) for i in range(1, 12)]),
    "mlflow_metric": b"\n".join(logs.mlflow_metrics()["loss"].split(b"\n")[:12]),
    "mlflow_database": logs.mlflow_database(),
    "trackio_database": logs.trackio_database(),
}
SPLINTERS = [
    b"NaN", b"-Infinity", b"1e999", b"true", b"null", b'"', b"{", b"[", b",", b";", b"\n", b"\r", b"\0",
    b"\xef\xbb\xbf", b"-1", b'"step": 7,', b"9" * 40, b'"a"', b"\xff", b"'", b"=", b"1,5", b"Step", b"Value", b" - ",
    b"__MIN", b"\x0a\xff\xff\xff\xff\x0f", b"CREATE", b"loss",
]  # fmt: skip


def check(data: bytes) -> None:
    facts = ImportFacts(effective_batch_size=4)
    try:
        contents = log_contents(data, file="loss")
        assert contents.runs
        found = parse_log(data, file="loss", facts=facts)
    except PlannerError as problem:
        assert not isinstance(problem, MissingPartError)
        assert str(problem).encode("utf-8")
        return
    # What is read can be written, read again and is strict JSON throughout.
    assert parse_packed(pack(found), file="packed") == found
    assert loss_curves(found)


def mutated(data: bytes) -> st.SearchStrategy[bytes]:
    """Bytes replaced, cut out, doubled and put in at random places."""
    change = st.tuples(
        st.integers(0, len(data)), st.integers(0, 12), st.one_of(st.binary(max_size=6), st.sampled_from(SPLINTERS))
    )

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        found = data
        for at, length, put in changes:
            found = found[:at] + put + found[at + length :]
        return found

    return st.lists(change, min_size=1, max_size=5).map(apply)


@pytest.mark.parametrize("name", FORMATS)
def test_no_mutated_log_raises_anything_but_our_errors(name: str) -> None:
    @given(mutated(FORMATS[name]))
    @settings(max_examples=800, deadline=None)
    def run(data: bytes) -> None:
        check(data)

    run()


@pytest.mark.parametrize("name", ["mlflow_database", "trackio_database"])
def test_no_database_with_changed_bytes_raises_anything_but_our_errors(name: str) -> None:
    """Changes that keep every page in its place reach further into SQLite than those that shift them."""
    data = FORMATS[name]

    @given(st.lists(st.tuples(st.integers(16, len(data) - 1), st.binary(min_size=1, max_size=4)), max_size=8))
    @settings(max_examples=400, deadline=None)
    def run(changes: list[tuple[int, bytes]]) -> None:
        found = bytearray(data)
        for at, put in changes:
            found[at : at + len(put)] = put
        check(bytes(found[: len(data)]))

    run()


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_no_bytes_at_all_raise_anything_but_our_errors(data: bytes) -> None:
    check(data)


@given(st.lists(st.one_of(st.binary(max_size=80), mutated(logs.scalar_event(3, 1e9, "loss", 2.0))), max_size=6))
@settings(max_examples=500, deadline=None)
def test_no_message_in_an_event_file_raises_anything_but_our_errors(messages: list[bytes]) -> None:
    """Records whose checksums are right, so that what is in them is reached."""
    check(logs.tensorboard_events([]) + b"".join(logs.tensorboard_record(message) for message in messages))


@given(st.lists(st.one_of(st.binary(max_size=80), mutated(logs.wandb_message({"_step": 3, "loss": 2.0}))), max_size=6))
@settings(max_examples=500, deadline=None)
def test_no_message_in_a_run_file_raises_anything_but_our_errors(messages: list[bytes]) -> None:
    check(logs.wandb_run(messages))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
_NAMES = st.sampled_from(
    ["step", "loss", "eval_loss", "train_loss", "epoch", "train_runtime", "eval_runtime", "grad_norm"]
)


@given(st.lists(st.dictionaries(_NAMES | st.text(max_size=4), _VALUES, max_size=6), max_size=8))
@settings(max_examples=300, deadline=None)
def test_no_entries_of_any_shape_raise_anything_but_our_errors(entries: list[dict]) -> None:
    check(json.dumps({"log_history": entries, "global_step": 5, "max_steps": 5}).encode())
    rows = [
        (i, "id", "2026-01-01T00:00:00", "run", i, json.dumps(entry), None, None) for i, entry in enumerate(entries)
    ]
    check(logs.serialized(*logs.TRACKIO_TABLES, rows={"metrics": rows}))


@pytest.mark.parametrize("name", FORMATS)
def test_a_log_cut_at_any_place_is_read_as_far_as_it_goes_or_refused(name: str) -> None:
    data = FORMATS[name]
    for end in sorted(random.Random(7).sample(range(1, len(data)), 100)):
        check(data[:end])


TRAPS = {
    "key twice": b'{"log_history": [{"step": 1, "step": 2, "loss": 1.0}]}',
    "true as a number": b'{"log_history": [{"step": 1, "loss": true}]}',
    "a lone surrogate": b'{"log_history": [], "x": "\\ud800"}',
    "huge integer": b'{"log_history": [{"step": ' + b"9" * 5000 + b', "loss": 1.0}]}',
    "integer beyond a float": b'{"log_history": [{"step": 1, "loss": ' + b"9" * 400 + b"}]}",
    "deep brackets": b'{"log_history": ' + b"[" * 100_000,
    "deep objects": b'{"log_history": ' + b'{"a":' * 50_000,
    "not UTF-8": b'{"log_history": "\xff"}',
    "cut off": FORMATS["trainer_state"][: len(FORMATS["trainer_state"]) // 2],
    "a record of ours": pack(example_calibration()),
    "a field longer than CSV reads": b"step,loss\n1," + b"9" * 200_000,
    "a quote that is never closed": b'step,loss\n1,"2\n' + b"1,2\n" * 50_000,
    "a length that no file has": logs.tensorboard_events([]) + b"\xff" * 12,
    "half a database": FORMATS["mlflow_database"][:20_000],
}


@pytest.mark.parametrize("name", TRAPS)
def test_what_other_readers_accept_or_choke_on_is_refused_quickly(name: str) -> None:
    start = time.process_time()
    with pytest.raises(RecordError):
        parse_log(TRAPS[name], file="log")
    assert time.process_time() - start < 1.0


def test_a_number_beyond_a_double_counts_as_not_finite() -> None:
    data = b'{"log_history": [{"step": 1, "loss": 1e999}, {"step": 2, "loss": 2.0}]}'
    assert loss_curves(parse_log(data, file="trainer_state.json"))[0].non_finite == 1


def test_a_name_with_half_a_character_is_no_reason_to_stumble() -> None:
    data = b'{"log_history": [{"step": 1, "\\ud800 smoothed loss": 1.0}]}'
    with pytest.raises(RecordError) as caught:
        parse_log(data, file="trainer_state.json")
    assert str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("tensorboard", tensorboard),
        ("tensorboard_csv", csv_table),
        ("wandb_run", wandb_run),
        ("mlflow_metric", mlflow_files),
        ("mlflow_database", database),
        ("trackio_database", database),
    ],
)
def test_a_log_with_more_entries_than_are_read_is_refused(
    name: str, reader: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_ENTRIES", 9)
    with pytest.raises(RecordError, match=r"entries\. Export one run, or every tenth step of it, as CSV"):
        parse_log(FORMATS[name], file="loss")


def test_a_folder_with_more_files_than_are_looked_at_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planner.importers.sources.MOST_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text("x")
    with pytest.raises(RecordError, match="more than 3 files in this folder"):
        import_log(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"step,loss\n" + b"".join(b"%d,%.8f\n" % (i, 1 + 1 / i) for i in range(1, 40_000)),
        logs.mlflow_metric([(i, 1.7e9 + i, 1 + 1 / i) for i in range(1, 40_000)]),
    ],
    ids=["CSV", "MLflow"],
)
def test_time_grows_with_the_rows_of_a_log_and_no_faster(data: bytes) -> None:
    lines = data.split(b"\n")

    def seconds(part: bytes) -> float:
        start = time.process_time()
        parse_log(part, file="loss")
        return time.process_time() - start

    seconds(data)
    quarter, whole = seconds(b"\n".join(lines[:10_000]) + b"\n"), seconds(data)
    assert whole < 10 * quarter


NUMBERS = {
    "1": 1.0, "1.5": 1.5, "+2": 2.0, "-2": -2.0, ".5": 0.5, "5.": 5.0, "1e3": 1000.0, "1E-3": 0.001, " 7 ": 7.0,
    "0": 0.0,
    "1,5": None, "1.234,5": None, "1,234.5": None, "1 234": None, "1_000": None, "": None, " ": None, "nan": None,
    "inf": None, "infinity": None, "-inf": None, "1e999": None, "0x10": None, "1e": None, "e5": None, "--1": None,
    "1.2.3": None, "٣": None, "１": None, "½": None, "1d3": None, "1f": None, "True": None, "None": None, "1\n2": None,
    "1e9999999": None, "$5": None, "5%": None, "5€": None, "=1+1": None,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_has_one_spelling(text: str) -> None:
    expected = NUMBERS[text]
    if expected is not None:
        assert parse_number(text, file="f", row=1, field="x") == expected
    else:
        with pytest.raises(InputError):
            parse_number(text, file="f", row=1, field="x")


_REFUSED = [text for text, value in NUMBERS.items() if value is None and text.strip() and "inf" not in text.lower()]


@pytest.mark.parametrize("text", [text for text in _REFUSED if text != "nan"])
def test_a_loss_in_another_spelling_is_refused_in_every_format_that_has_text(text: str) -> None:
    rows = list(logs.trackio_rows())
    rows[0] = (*rows[0][:5], json.dumps({"eval/loss": text, "train/global_step": 5}), None, None)
    quoted = '"' + text.replace('"', '""') + '"'
    for data in (
        f"step;loss\n1;{quoted}\n2;1.5\n".encode(),
        f'"Step","a - loss","a - loss__MIN","a - loss__MAX"\n1,{quoted},1,1\n'.encode(),
        f"1700000000000 1.5 1\n1700000000000 {text} 2\n".encode(),
        json.dumps({"log_history": [{"step": 1, "loss": text}]}).encode(),
        logs.serialized(*logs.TRACKIO_TABLES, rows={"metrics": rows}),
    ):
        with pytest.raises(RecordError):
            parse_log(data, file="loss")
