"""One door for every log: detection by content, facts, and nothing but our own errors from any bytes."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import loss_curves
from planner.errors import InputError, MissingPartError, PlannerError, RecordError
from planner.importers import MAX_BYTES, ImportFacts, import_log, parse_log
from planner.reading import parse_number
from planner.record import LossKind, Schedule, XUnit, pack, read_calibration, save_record
from tests.factories import example_calibration
from tests.importers.logs import encoded, tensorboard_csv, trainer_state

MEDM = Path(__file__).resolve().parents[3] / "shared" / "curves" / "medm" / "run__max256__2809-072523.csv"
STATE, CSV = encoded(trainer_state()), tensorboard_csv()


def test_a_log_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    for name, data, log in (("loss.json", CSV, "csv_table"), ("state.csv", STATE, "trainer_state")):
        (tmp_path / name).write_bytes(data)
        imported = import_log(tmp_path / name, ImportFacts()).header.imported
        assert imported is not None
        assert imported.log == log


def test_an_imported_calibration_survives_the_record_with_its_notes(tmp_path: Path) -> None:
    found = parse_log(STATE, file="state.json", facts=ImportFacts(gpu="l4"))
    save_record(tmp_path / "record", found)
    assert read_calibration(tmp_path / "record") == found


def test_the_same_log_and_facts_give_the_same_calibration_and_other_facts_another_id() -> None:
    one, two = (parse_log(CSV, file=name) for name in ("a.csv", "b.csv"))
    assert pack(one) == pack(two)
    other = parse_log(CSV, file="a.csv", facts=ImportFacts(effective_batch_size=2))
    assert other.header.calibration_id != one.header.calibration_id


def test_facts_of_a_known_model_bring_its_vocabulary_and_shape() -> None:
    header = parse_log(
        CSV, file="a.csv", facts=ImportFacts(model="google/PaliGemma-3b-pt-224", gpu="l4", quantization="NF4")
    ).header
    assert header.configuration.model == "google/paligemma-3b-pt-224"
    assert header.vocabulary_size == 257_216
    assert header.architecture is not None
    assert (header.hardware.device, header.hardware.gpu) == ("cuda", "L4")
    assert header.configuration.quantization == "nf4"


def test_a_model_that_the_catalog_does_not_know_keeps_its_name_and_is_noted() -> None:
    found = parse_log(CSV, file="a.csv", facts=ImportFacts(model="someone/model"))
    assert found.header.configuration.model == "someone/model"
    assert found.header.architecture is None
    assert any("not in data/architectures.csv" in note for note in found.notes)


def test_unknown_is_the_same_as_not_given() -> None:
    said = ImportFacts(model="unknown", loss_kind=LossKind.UNKNOWN, x_unit=XUnit.UNKNOWN, schedule=Schedule.UNKNOWN)
    assert pack(parse_log(CSV, file="a.csv", facts=said)) == pack(parse_log(CSV, file="a.csv"))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"gpu": "L5"}, "'L5' is not known. Did you mean L"),
        ({"quantization": "fp7"}, "'fp7' is not known"),
        ({"effective_batch_size": 0}, "--effective-batch-size: expected a whole number above 0, got 0"),
        ({"training_examples": -3}, "--training-examples"),
        ({"model": "/home/someone/model"}, "got a path"),
        ({"model": "../model"}, "got a path"),
        ({"model": "x" * 200}, "--model"),
        ({"model": "naïve<script>"}, "--model"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_in_a_sentence(facts: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_log(CSV, file="a.csv", facts=ImportFacts(**facts))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 and more", "this is an archive"),
        (b"\x1f\x8b and more", "this is an archive"),
        (b"\x80\x04\x95 a pickle", "this is not a text file"),
        (b"\x18\x00\x00\x00\x00 events", "this is not a text file"),
        (b"", "the file is empty"),
        (b"{}", "not a log that Plateau knows"),
        (pack(example_calibration()), "this is a calibration record already"),
    ],
)
def test_what_is_no_log_is_called_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        parse_log(data, file="odd")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(RecordError, match="at most"):
        import_log(big, ImportFacts())


TRAPS = {
    "key twice": b'{"log_history": [{"step": 1, "step": 2, "loss": 1.0}]}',
    "true as a number": b'{"log_history": [{"step": 1, "loss": true}]}',
    "a lone surrogate": b'{"log_history": [], "x": "\\ud800"}',
    "huge integer": b'{"log_history": [{"step": ' + b"9" * 5000 + b', "loss": 1.0}]}',
    "integer beyond a float": b'{"log_history": [{"step": 1, "loss": ' + b"9" * 400 + b"}]}",
    "deep brackets": b'{"log_history": ' + b"[" * 100_000,
    "deep objects": b'{"log_history": ' + b'{"a":' * 50_000,
    "not UTF-8": b'{"log_history": "\xff"}',
    "cut off": STATE[: len(STATE) // 2],
}


@pytest.mark.parametrize("name", TRAPS)
def test_json_that_python_accepts_and_we_do_not_is_refused_quickly(name: str) -> None:
    start = time.perf_counter()
    with pytest.raises(RecordError):
        parse_log(TRAPS[name], file="trainer_state.json")
    assert time.perf_counter() - start < 1.0


def test_a_number_beyond_a_double_counts_as_not_finite() -> None:
    data = b'{"log_history": [{"step": 1, "loss": 1e999}, {"step": 2, "loss": 2.0}]}'
    assert loss_curves(parse_log(data, file="trainer_state.json"))[0].non_finite == 1


def test_a_log_of_forty_thousand_rows_is_read_within_seconds() -> None:
    data = b"step,loss\n" + b"".join(b"%d,%.8f\n" % (i, 1 + 1 / i) for i in range(1, 40_000))
    start = time.perf_counter()
    parse_log(data, file="a.csv")
    assert time.perf_counter() - start < 10


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


SPLINTERS = [
    b"NaN", b"-Infinity", b"1e999", b"true", b"null", b'"', b"{", b"[", b",", b";", b"\n", b"\r", b"\0",
    b"\xef\xbb\xbf", b"-1", b'"step": 7,', b"9" * 40, b'"a"', b"\xff", b"'", b"=", b"1,5", b"Step", b"Value",
]  # fmt: skip


@given(mutated(encoded(trainer_state(log_history=trainer_state()["log_history"][:15]))))
@settings(max_examples=1500, deadline=None)
def test_no_mutated_trainer_state_raises_anything_but_our_errors(data: bytes) -> None:
    check(data)


@given(mutated(tensorboard_csv(tuple(range(1, 30)))))
@settings(max_examples=1500, deadline=None)
def test_no_mutated_csv_raises_anything_but_our_errors(data: bytes) -> None:
    check(data)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_bytes_at_all_raise_anything_but_our_errors(data: bytes) -> None:
    check(data)


def check(data: bytes) -> None:
    try:
        found = parse_log(data, file="log", facts=ImportFacts(effective_batch_size=4))
    except PlannerError as problem:
        assert not isinstance(problem, MissingPartError)
        assert str(problem)
        return
    # What is read can be written, read again and is strict JSON throughout.
    from planner.record import parse_packed

    assert parse_packed(pack(found), file="packed") == found
    assert loss_curves(found)


@pytest.mark.skipif(not MEDM.exists(), reason="the log behind the research notes lies beside the checkout")
def test_the_log_behind_the_research_notes_is_read_whole() -> None:
    found = import_log(MEDM, ImportFacts(effective_batch_size=4, loss_kind=LossKind.TRAINING))
    (curve,) = loss_curves(found)
    assert len(curve.loss_n) == 1000
    assert (curve.examples_n[0], curve.examples_n[-1]) == (16, 18_448)
    assert msgspec.json.decode(pack(found).splitlines()[0])["loss_kind"] == "training"
