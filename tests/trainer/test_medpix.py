"""The reader of MedPix 2.0, on small folders in its exact layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError
from tests.trainer.layouts import make_medpix, write_json
from trainer.dataset import ReadOptions, read_dataset


def write(root: Path, descriptions: Any) -> None:
    write_json(root / "Descriptions.json", descriptions)


def test_the_distributed_splits_are_used_and_test_is_left_alone(tmp_path: Path) -> None:
    make_medpix(tmp_path)
    dataset = read_dataset(tmp_path)
    assert dataset.format == "medpix"
    assert {example.case for example in dataset.training} == {"MPX1000", "MPX1001", "MPX1002", "MPX1003"}
    assert {example.case for example in dataset.held_out} == {"MPX1004"}
    assert "2 images are left alone" in dataset.notes[0]


def test_captions_are_answers_to_paligemmas_caption_prompt(tmp_path: Path) -> None:
    make_medpix(tmp_path)
    first = read_dataset(tmp_path).training[0]
    assert (first.prompt, first.answer) == ("caption en", "Finding 0 of image 0.")


def test_background_that_cannot_be_used_is_left_out_and_refuses_nothing(tmp_path: Path) -> None:
    make_medpix(tmp_path)
    topics = json.loads((tmp_path / "Case_topic.json").read_text())
    topics[0] = "nonsense"
    topics[1]["Topic"] = {"Disease Discussion": ["a", "list"]}
    topics[2]["U_id"] = {"not": "hashable"}
    write_json(tmp_path / "Case_topic.json", topics)
    assert read_dataset(tmp_path).background_texts == ("Discussion 3.",)


def test_only_discussions_of_training_cases_are_background(tmp_path: Path) -> None:
    make_medpix(tmp_path)
    assert read_dataset(tmp_path).background_texts == ("Discussion 1.", "Discussion 3.")


def test_a_folder_around_the_distributed_one_is_found(tmp_path: Path) -> None:
    make_medpix(tmp_path / "MedPix-2-0")
    assert read_dataset(tmp_path).format == "medpix"


def test_without_splits_cases_are_chosen_by_hash_and_stay_whole(tmp_path: Path) -> None:
    make_medpix(tmp_path, cases=12)
    (tmp_path / "splitted_dataset" / "uid_list.json").unlink()
    dataset = read_dataset(tmp_path, ReadOptions(held_out_fraction=0.25))
    held = {example.case for example in dataset.held_out}
    assert len(held) == 3
    assert held.isdisjoint(example.case for example in dataset.training)


def test_splits_as_jsonl_are_read_where_the_list_is_missing(tmp_path: Path) -> None:
    descriptions = make_medpix(tmp_path)
    (tmp_path / "splitted_dataset" / "uid_list.json").unlink()
    for name, rows in (("train", descriptions[:6]), ("dev", descriptions[6:8]), ("test", descriptions[8:])):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "splitted_dataset" / f"descriptions_{name}.jsonl").write_text(lines)
    dataset = read_dataset(tmp_path)
    assert len(dataset.training) == 6
    assert {example.case for example in dataset.held_out} == {"MPX1003"}


def test_a_case_in_train_and_dev_is_held_out_only(tmp_path: Path) -> None:
    make_medpix(tmp_path)
    lists = {"train": ["MPX1000", "MPX1001"], "dev": ["MPX1001"], "test": []}
    (tmp_path / "splitted_dataset" / "uid_list.json").write_text(json.dumps(lists))
    dataset = read_dataset(tmp_path)
    assert {example.case for example in dataset.training} == {"MPX1000"}
    assert {example.case for example in dataset.held_out} == {"MPX1001"}


def test_captions_are_no_questions_and_the_prompt_asks_in_the_language_that_is_given(tmp_path: Path) -> None:
    make_medpix(tmp_path)
    first = read_dataset(tmp_path, ReadOptions(language="de")).training[0]
    assert (first.prompt, first.language, first.closed) == ("caption de", "de", None)


def test_all_mistakes_are_reported_at_once_with_entry_and_key(tmp_path: Path) -> None:
    descriptions = make_medpix(tmp_path)
    descriptions[0]["Description"]["Caption"] = "  "
    descriptions[1]["image"] = "gone"
    descriptions[2]["image"] = "../Case_topic.json"
    descriptions[3]["Description"] = None
    descriptions[4]["U_id"] = ""
    descriptions.append("nonsense")  # type: ignore[arg-type]
    write(tmp_path, descriptions)
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    found = [(mistake.row, mistake.field) for mistake in caught.value.mistakes]
    assert found == [(1, "Caption"), (2, "image"), (3, "image"), (4, "Caption"), (5, "U_id"), (13, "U_id")]
    assert str(caught.value).startswith("Descriptions.json line 1, Caption: the field is empty.")


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"a": 1}', "\x00"])
def test_a_broken_descriptions_file_is_a_sentence(tmp_path: Path, text: str) -> None:
    make_medpix(tmp_path)
    (tmp_path / "Descriptions.json").write_text(text)
    with pytest.raises(InputError, match=r"Descriptions\.json"):
        read_dataset(tmp_path)


def test_many_mistakes_are_counted_not_listed(tmp_path: Path) -> None:
    descriptions = make_medpix(tmp_path, cases=30)
    for entry in descriptions:
        entry["image"] = "gone"
    write(tmp_path, descriptions)
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert len(caught.value.mistakes) == 21
    assert "40 more rows" in str(caught.value)
