"""What the page Calibration says of the data and of the answers, where the record has it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from planner.record import UNKNOWN, Calibration, Hardware, Rating, Run, Started, pack
from planner.report.words import LANGUAGES, words
from planner.resources import app_file
from tests.factories import example_calibration

COUNTED = {
    "images": 2036,
    "near_duplicate_images": 41,
    "held_out_images_in_training": 3,
    "contradictory_answers": 7,
    "answer_tokens_p50": 38,
    "answer_tokens_p95": 212,
    "answer_tokens_max": 1204,
    "truncated_share_by_context": {"128": 0.214, "512": 0.012},
    "closed_questions": 310,
    "open_questions": 1120,
    "captions": 223,
    "languages": {"en": 1500},
    "held_out_unigram_nats": 6.25,
    "held_out_unigram_standard_error_nats": 0.043,
}


def calibration() -> Calibration:
    """The factories' calibration with counts of its data and with two budgets that radiologists rated."""
    plain = example_calibration()
    dataset = msgspec.structs.replace(plain.header.dataset, **COUNTED)
    runs = list(plain.runs)
    for place, usable in ((0, 0.2), (len(runs) - 1, 0.61)):
        rating = Rating(
            run=runs[place].id,
            examples=256,
            loss=2.0 - usable,
            answers=24,
            raters=2,
            ratings=48,
            rating_mean=2.5 + usable,
            rating_sd=0.9,
            usable_share=usable,
            agreement_alpha=0.72,
            reference_rating_mean=4.6,
        )
        runs[place] = Run(id=runs[place].id, events=(*runs[place].events, rating))
    return Calibration(
        header=msgspec.structs.replace(plain.header, dataset=dataset), runs=tuple(runs), notes=plain.notes
    )


def opened(record: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("PLATEAU_RECORD", str(record))
    app = AppTest.from_file(str(app_file()), default_timeout=60)
    app.query_params["language"] = language
    app._page_hash = calc_hash("calibration")
    return app.run()


@pytest.mark.parametrize("language", LANGUAGES)
def test_counts_of_the_data_and_ratings_are_on_the_page(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "calibration.jsonl"
    record.write_bytes(pack(calibration()))
    app = opened(record, language, monkeypatch)
    assert not app.exception
    say = words(language).screen
    cells = {str(cell) for table in app.table for cell in table.value.to_numpy().ravel()}
    for name in COUNTED.keys() & say.calibration.dataset_fields.keys():
        assert say.calibration.dataset_fields[name] in cells
    assert {"41", "7", "en " + ("1,500" if language == "en" else "1.500")} <= cells
    headings = " ".join(heading.value for heading in app.subheader)
    assert "61 %" in headings.replace("\xa0", " ")
    assert any("24 × 2" in cell for cell in cells)


def test_a_record_without_counts_and_ratings_has_no_empty_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = example_calibration()
    dataset = type(plain.header.dataset)(format="medpix", training_examples=900)
    header = msgspec.structs.replace(plain.header, dataset=dataset)
    record = tmp_path / "calibration.jsonl"
    record.write_bytes(pack(Calibration(header=header, runs=plain.runs, notes=plain.notes)))
    app = opened(record, "en", monkeypatch)
    assert not app.exception
    assert not app.table


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_and_a_device_that_nobody_named_are_unknown_in_the_language(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = example_calibration(illustration=False)
    configuration = msgspec.structs.replace(plain.header.configuration, model=UNKNOWN)
    header = msgspec.structs.replace(plain.header, configuration=configuration, hardware=Hardware())
    record = tmp_path / "calibration.jsonl"
    record.write_bytes(pack(Calibration(header=header, runs=plain.runs, notes=plain.notes)))
    app = opened(record, language, monkeypatch)
    assert not app.exception
    said = " ".join(text.value for text in (*app.markdown, *app.caption))
    assert said.count(words(language).numbers.unknown) >= 2
    assert language == "en" or UNKNOWN not in said.lower()


def varied() -> Calibration:
    """The factories' calibration with the same budgets on all linear layers as well."""
    plain = example_calibration()
    other = msgspec.structs.replace(plain.header.configuration, lora_targets="all_linear", lora_parameters=262_144)
    runs = list(plain.runs)
    for run in plain.runs:
        if not run.id.startswith("budget"):
            continue
        name = f"linear-{run.id}"
        events = [msgspec.structs.replace(event, run=name) for event in run.events]
        started = [
            msgspec.structs.replace(event, configuration=other) for event in events if isinstance(event, Started)
        ]
        runs.append(Run(id=name, events=(*started, *(event for event in events if not isinstance(event, Started)))))
    return Calibration(header=plain.header, runs=tuple(runs), notes=plain.notes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_configurations_are_called_by_what_tells_them_apart(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "calibration.jsonl"
    record.write_bytes(pack(varied()))
    app = opened(record, language, monkeypatch)
    assert not app.exception
    targets = words(language).screen.calibration.configuration_fields["lora_targets"]
    names = [f"1 ({targets} attention)", f"2 ({targets} all linear)"]
    assert app.selectbox(key="configuration").options == names
    cells = {str(cell) for table in app.table for cell in table.value.to_numpy().ravel()}
    assert set(names) <= {cell.replace("\\", "") for cell in cells}
    said = " ".join(text.value for text in (*app.markdown, *app.caption))
    assert f"{targets} attention → all linear" in said
    assert "lora_targets" not in said and "example-0001 #" not in said
