"""The readers of VQA-RAD, SLAKE, ROCO and ROCOv2, on small folders in their exact layout, and which reader is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import InputError
from tests.trainer.layouts import (
    make_medpix,
    make_roco,
    make_rocov2,
    make_slake,
    make_vqa_rad,
    write_json,
)
from trainer.dataset import FORMATS, Dataset, Example, ReadOptions, read_dataset

MAKERS: dict[str, Callable[[Path], Any]] = {
    "medpix": make_medpix,
    "vqa-rad": make_vqa_rad,
    "slake": make_slake,
    "roco": make_roco,
    "rocov2": make_rocov2,
}
QUESTIONS = "VQA_RAD Dataset Public.json"
BAD_NAMES = [
    "../secret.png", "/etc/passwd", "~/x.png", "..\\secret.png", "C:\\x.png", "http://host/x.png",
    "file:///etc/passwd", "data:image/png;base64,xx", "//host/x.png", "x" * 300, "gone.jpg", "", "a\0b", "\ud800.png",
]  # fmt: skip


def everything(dataset: Dataset) -> tuple[Example, ...]:
    return (*dataset.training, *dataset.held_out)


@pytest.mark.parametrize("name", MAKERS)
def test_every_layout_is_recognised_itself_and_one_folder_further_up(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path / "outer" / "inner")
    found = read_dataset(tmp_path / "outer" / "inner")
    assert found.format == name
    assert read_dataset(tmp_path / "outer") == found


def test_every_format_has_a_maker() -> None:
    assert {layout.NAME for layout in FORMATS} == set(MAKERS)


@pytest.mark.parametrize("name", MAKERS)
def test_no_case_and_no_image_is_on_both_sides(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path)
    dataset = read_dataset(tmp_path)
    assert dataset.training
    assert dataset.held_out
    for value in ("case", "image"):
        sides = [{getattr(example, value) for example in side} for side in (dataset.training, dataset.held_out)]
        assert sides[0].isdisjoint(sides[1])


def test_a_folder_in_no_layout_says_which_are_known(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    for layout in FORMATS:
        assert layout.LAYOUT in str(caught.value)
    assert "0 tables are in the folder" in str(caught.value)


def test_two_datasets_in_a_folder_are_not_guessed_between(tmp_path: Path) -> None:
    make_medpix(tmp_path / "a")
    make_slake(tmp_path / "b")
    with pytest.raises(InputError, match=r"2 datasets are in the folder \(medpix, slake\).*several times"):
        read_dataset(tmp_path)


def test_vqa_rad_leaves_the_official_test_alone_and_says_that_it_leaks(tmp_path: Path) -> None:
    make_vqa_rad(tmp_path)
    dataset = read_dataset(tmp_path)
    assert len(everything(dataset)) == 16
    assert not [example for example in everything(dataset) if "ribs" in example.prompt]
    assert "8 official test questions are left alone. 8 of their 8 images" in dataset.notes[0]


def test_vqa_rad_knows_closed_questions_and_numbers_as_answers(tmp_path: Path) -> None:
    rows = make_vqa_rad(tmp_path)
    rows[0]["answer"] = 3
    rows[3]["answer_type"] = "unheard of"
    write_json(tmp_path / QUESTIONS, rows)
    examples = sorted(everything(read_dataset(tmp_path)), key=lambda example: example.row)
    assert (examples[0].prompt, examples[0].answer, examples[0].closed) == ("answer en Is there a mass?", "3", True)
    assert (examples[1].answer, examples[1].closed) == ("left upper lobe", False)
    assert (examples[2].answer, examples[2].closed) == ("Yes", True)


def test_vqa_rad_keeps_images_of_one_medpix_case_together(tmp_path: Path) -> None:
    make_vqa_rad(tmp_path)
    cases = {example.image.name: example.case for example in everything(read_dataset(tmp_path))}
    assert cases["synpic0.jpg"] == cases["synpic1.jpg"]
    assert len(set(cases.values())) == 7


def test_vqa_rad_without_its_images_says_what_to_download(tmp_path: Path) -> None:
    write_json(tmp_path / QUESTIONS, [])
    with pytest.raises(InputError, match=r"VQA_RAD Image Folder.*image folder too"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_an_image_name_of_vqa_rad_is_never_a_path(tmp_path: Path, name: str) -> None:
    rows = make_vqa_rad(tmp_path / "set")
    (tmp_path / "set" / "secret.png").write_bytes((tmp_path / "set/VQA_RAD Image Folder/synpic0.jpg").read_bytes())
    rows[4]["image_name"] = name
    (tmp_path / "set" / QUESTIONS).write_text(json.dumps(rows))
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path / "set")
    assert [(mistake.row, mistake.field) for mistake in caught.value.mistakes] == [(5, "image_name")]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("answer", None, "empty"), ("answer", "", "empty"), ("answer", ["a"], "a list"), ("answer", True, "true or"),
        ("answer", "\udc00", "Unicode"), ("question", {"a": 1}, "an object"), ("image_case_url", [], "a list"),
        ("answer", float("nan"), "not finite"), ("answer_type", 1.5e308 * 10, "not finite"),
    ],
)  # fmt: skip
def test_a_field_that_is_no_text_is_refused_with_its_entry(
    tmp_path: Path, field: str, value: object, reason: str
) -> None:
    rows = make_vqa_rad(tmp_path)
    rows[1][field] = value
    (tmp_path / QUESTIONS).write_text(json.dumps(rows))
    with pytest.raises(InputError, match=reason) as caught:
        read_dataset(tmp_path)
    assert [(mistake.file, mistake.row, mistake.field) for mistake in caught.value.mistakes] == [(QUESTIONS, 2, field)]


@pytest.mark.parametrize("validation", ["validate.json", "validation.json"])
def test_slake_is_read_in_the_language_that_is_asked_for(tmp_path: Path, validation: str) -> None:
    make_slake(tmp_path, validation=validation)
    english, chinese, both = (
        read_dataset(tmp_path, ReadOptions(language=language)) for language in ("en", "zh", "all")
    )
    assert (len(english.training), len(chinese.training), len(both.training)) == (8, 4, 12)
    assert {example.language for example in both.training} == {"en", "zh"}
    assert chinese.training[0].prompt == "answer zh 图中有肝脏吗?"
    assert [example.closed for example in english.training[:2]] == [True, False]
    assert "5 questions in another language are left out" in english.notes[1]
    assert len(both.notes) == 1


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "slake"])
def test_all_languages_means_english_where_a_set_has_one(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path)
    assert read_dataset(tmp_path, ReadOptions(language="all")) == read_dataset(tmp_path)


def test_slake_holds_validation_out_and_leaves_test_alone(tmp_path: Path) -> None:
    make_slake(tmp_path)
    dataset = read_dataset(tmp_path)
    assert {example.case for example in dataset.held_out} == {"xmlab4/source.jpg"}
    assert "xmlab5/source.jpg" not in {example.case for example in everything(dataset)}


def test_slake_without_a_question_in_the_language_says_which_there_are(tmp_path: Path) -> None:
    make_slake(tmp_path)
    with pytest.raises(InputError, match=r"no question is in the language 'de'.*en, zh or all"):
        read_dataset(tmp_path, ReadOptions(language="de"))


def test_an_image_in_two_parts_of_slake_is_held_out_only(tmp_path: Path) -> None:
    parts = make_slake(tmp_path)
    for row in parts["validate.json"]:
        row["img_name"] = "xmlab0/source.jpg"
    write_json(tmp_path / "validate.json", parts["validate.json"])
    dataset = read_dataset(tmp_path)
    assert {example.case for example in dataset.held_out} == {"xmlab0/source.jpg"}
    assert len(dataset.training) == 6
    assert "1 cases are on both sides. Their 2 training examples are left out." in dataset.notes[-1]


def test_roco_takes_the_article_as_case_and_heals_the_leak_of_its_split(tmp_path: Path) -> None:
    make_roco(tmp_path)
    dataset = read_dataset(tmp_path)
    assert [(example.case, example.answer) for example in dataset.training] == [
        ("PMC10", "Axial CT 1, with a tab."),
        ("PMC10", "Axial CT 2, with a tab."),
    ]
    assert {example.case for example in dataset.held_out} == {"PMC11", "PMC13"}
    assert dataset.notes[1:] == (
        "1 of 6 captions have no image file and are left out.",
        "The distributed split leaks: 1 cases are on both sides. Their 1 training examples are left out.",
    )


def test_roco_finds_images_under_their_id_and_says_when_it_knows_no_article(tmp_path: Path) -> None:
    make_roco(tmp_path)
    for split in ("train", "validation"):
        folder = tmp_path / "data" / split / "radiology"
        for file in (*folder.glob("dlinks*"), *folder.glob("licences*")):
            file.unlink()
        for number, image in enumerate(sorted((folder / "images").iterdir())):
            image.rename(image.with_name(f"ROCO_{number + (1 if split == 'train' else 4):05d}.jpg"))
    dataset = read_dataset(tmp_path)
    assert {example.case for example in dataset.training} == {"ROCO_00001", "ROCO_00002", "ROCO_00003"}
    assert "The article of 4 images is not known" in " ".join(dataset.notes)


def test_roco_without_any_image_names_the_script_that_fetches_them(tmp_path: Path) -> None:
    make_roco(tmp_path)
    for image in tmp_path.rglob("*.jpg"):
        image.unlink()
    with pytest.raises(InputError, match=r"6 captions, but none of their images.*fetch\.py"):
        read_dataset(tmp_path)


def test_a_line_of_roco_that_is_no_caption_is_refused_with_its_number(tmp_path: Path) -> None:
    make_roco(tmp_path)
    file = tmp_path / "data" / "train" / "radiology" / "captions.txt"
    file.write_text(file.read_text() + "\nROCO_00009 no tab\nROCO_00010\t \n")
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert [mistake.row for mistake in caught.value.mistakes] == [6, 7]
    assert str(caught.value).startswith("train/radiology/captions.txt line 6, caption: expected an id, a tab")


def test_an_image_name_in_the_links_of_roco_does_not_lead_out(tmp_path: Path) -> None:
    make_roco(tmp_path)
    folder = tmp_path / "data" / "train" / "radiology"
    (folder / "images" / "PMC10_a.jpg").rename(folder / "PMC10_secret.jpg")
    (folder / "dlinks.txt").write_text((folder / "dlinks.txt").read_text().replace("\ta.jpg", "\t../PMC10_secret.jpg"))
    assert "ROCO_00001" not in {example.image.stem for example in everything(read_dataset(tmp_path))}
    assert not [example for example in everything(read_dataset(tmp_path)) if "secret" in example.image.name]


def test_rocov2_takes_the_article_as_case_and_heals_the_leak_of_its_split(tmp_path: Path) -> None:
    make_rocov2(tmp_path)
    dataset = read_dataset(tmp_path)
    assert [example.case for example in dataset.training] == ["PMC1", "PMC1", "PMC3"]
    assert [example.case for example in dataset.held_out] == ["PMC2", "PMC4"]
    assert dataset.training[0].answer == "Head CT, slice 1."
    assert "1 training examples are left out" in dataset.notes[-1]


def test_rocov2_without_licences_counts_every_image_as_a_case(tmp_path: Path) -> None:
    make_rocov2(tmp_path)
    (tmp_path / "license_information.csv").unlink()
    dataset = read_dataset(tmp_path)
    assert len({example.case for example in everything(dataset)}) == 6
    assert "The article of 6 images is not known" in " ".join(dataset.notes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no table"),
        ("ID,Caption\n", "no row"),
        ("ID,Text\na,b\n", "line 2, Caption: there is no such column"),
        ("ID,Caption\nROCOv2_2023_train_000001,\n", "line 2, Caption: the field is empty"),
        ("ID,Caption\n../x,b\n", "line 2, ID: the path leads out"),
        ("ID,Caption\ngone,b\n", "line 2, ID: there is no such image"),
        ('ID,Caption\na,"b\n', "not CSV"),
    ],
)
def test_a_broken_table_of_rocov2_is_a_sentence(tmp_path: Path, text: str, reason: str) -> None:
    make_rocov2(tmp_path)
    (tmp_path / "train_captions.csv").write_text(text)
    with pytest.raises(InputError, match=f"train_captions.csv.*{reason}"):
        read_dataset(tmp_path)


def test_rocov2_without_its_images_says_what_to_unpack(tmp_path: Path) -> None:
    make_rocov2(tmp_path)
    (tmp_path / "valid_images").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"valid_images/valid.*Unpack valid_images\.zip"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", ["vqa-rad", "slake"])
@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2", '{"a": 1}', "[" * 100_000, "\x00", "\ud7ff[", "[" + "9" * 5000 + "]"]
)
def test_a_broken_file_is_a_sentence_and_no_traceback(tmp_path: Path, name: str, text: str) -> None:
    MAKERS[name](tmp_path)
    (tmp_path / {"vqa-rad": QUESTIONS, "slake": "train.json"}[name]).write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_dataset(tmp_path)


def test_messages_show_no_caption_and_no_folder(tmp_path: Path) -> None:
    secret = tmp_path / "Mrs Miller"
    rows = make_vqa_rad(secret)
    rows[1]["answer"] = None
    rows[1]["question"] = "CANARY question"
    rows[1]["image_name"] = "CANARY.png"
    write_json(secret / QUESTIONS, rows)
    with pytest.raises(InputError) as caught:
        read_dataset(secret)
    assert "CANARY" not in str(caught.value)
    assert "Miller" not in str(caught.value)


TEXTS = {
    "medpix": ["Descriptions.json", "Case_topic.json", "splitted_dataset/uid_list.json"],
    "vqa-rad": [QUESTIONS],
    "slake": ["train.json", "validate.json"],
    "roco": [f"data/{split}/radiology/{name}" for split, name in (("train", "captions.txt"), ("train", "dlinks.txt"),
                                                               ("validation", "licences.txt"))],
    "rocov2": ["train_captions.csv", "valid_captions.csv", "license_information.csv"],
}  # fmt: skip


NASTY = [b"", b"\xff", b"\0", b'"', b"\\ud800", b"[" * 3000, b"NaN", b"1e999", b"null", b"{}", b"\t,\n"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in MAKERS}
    for name, folder in folders.items():
        MAKERS[name](folder)
    return folders


@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_read_or_refused_in_sentences(whole: dict[str, Path], name: str, data: st.DataObject) -> None:
    """Bytes cut, flipped, or replaced by what breaks readers; nothing but an InputError leaves the reader."""
    path = whole[name] / data.draw(st.sampled_from(TEXTS[name]))
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, min(len(before), start + 40)))
    nasty = st.sampled_from(
        [b"", b"\xff", b"\0", b'"', b"\\ud800", b"[" * 3000, b"NaN", b"1e999", b"null", b"{}", b"\t,\n"]
    )
    path.write_bytes(before[:start] + data.draw(st.one_of(nasty, st.binary(max_size=8))) + before[end:])
    try:
        found = read_dataset(whole[name])
    except InputError as refused:
        assert str(whole[name]) not in str(refused)
    else:
        assert found.training
        assert found.held_out
        for example in everything(found):
            (example.answer + example.prompt + example.case).encode()
            assert example.image.is_relative_to(whole[name].resolve())
    finally:
        path.write_bytes(before)
