"""What is known beside a log: facts, identity, and the way into the record."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from planner.curve import loss_curves
from planner.errors import InputError, RecordError
from planner.importers import MAX_BYTES, ImportFacts, import_log, parse_log
from planner.record import LossKind, Schedule, XUnit, pack, read_calibration, save_record
from tests.importers.logs import encoded, tensorboard_csv, trainer_state

MEDM = Path(__file__).resolve().parents[3] / "shared" / "curves" / "medm" / "run__max256__2809-072523.csv"
STATE, CSV = encoded(trainer_state()), tensorboard_csv()


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


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole in the file system: takes no space
    with pytest.raises(RecordError, match="at most"):
        import_log(big, ImportFacts())


@pytest.mark.skipif(not MEDM.exists(), reason="the log behind the research notes lies beside the checkout")
def test_the_log_behind_the_research_notes_is_read_whole() -> None:
    found = import_log(MEDM, ImportFacts(effective_batch_size=4, loss_kind=LossKind.TRAINING))
    (curve,) = loss_curves(found)
    assert len(curve.loss_n) == 1000
    assert (curve.examples_n[0], curve.examples_n[-1]) == (16, 18_448)
    assert msgspec.json.decode(pack(found).splitlines()[0])["loss_kind"] == "training"
