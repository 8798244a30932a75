"""Several sets as one: what they share is found by content, and no patient is on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from planner.errors import InputError
from tests.trainer.layouts import make_medpix, make_vqa_rad, picture, save
from trainer.dataset import read_dataset
from trainer.dataset.combine import read_datasets
from trainer.dataset.split import case_share


def copy_of_medpix(root: Path, number: int) -> Image.Image:
    """The first images of MedPix once more, in another format and size; the others are new."""
    if number > 5:
        return picture(900 + number)
    image = Image.open(sorted((root / "images").iterdir())[number])
    return image.resize((image.width * 2, image.height * 2)).convert("L")


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """MedPix (train: images 0 to 7, dev: 8 and 9), and VQA-RAD with images 0 to 5 of it among its eight."""
    make_medpix(tmp_path / "medpix")
    make_vqa_rad(tmp_path / "vqa", draw=lambda number: copy_of_medpix(tmp_path / "medpix", number))
    return tmp_path / "medpix", tmp_path / "vqa"


def test_one_set_is_read_as_it_is(sets: tuple[Path, Path]) -> None:
    assert read_datasets([sets[0]]) == read_dataset(sets[0])


def test_shared_images_are_counted_by_content_and_no_name_is_said(sets: tuple[Path, Path]) -> None:
    notes = " ".join(read_datasets(sets).notes)
    assert "6 of 8 images of set 2 (vqa-rad) are in set 1 (medpix) too, by content (5 cases)." in notes
    assert "synpic" not in notes
    assert "MPX" not in notes


def test_no_case_and_no_shared_image_is_on_both_sides(sets: tuple[Path, Path]) -> None:
    for order in (sets, sets[::-1]):
        dataset = read_datasets(order)
        assert dataset.format in ("medpix_vqa-rad", "vqa-rad_medpix")
        sides = [{example.case for example in side} for side in (dataset.training, dataset.held_out)]
        assert sides[0].isdisjoint(sides[1])
        # MedPix case n and the VQA-RAD images drawn from it are one case.
        by_name = {example.image.name: example.case for example in (*dataset.training, *dataset.held_out)}
        for number in range(6):
            twin = f"MPX{1000 + number // 2}_synpic{number // 2}{number % 2}.png"
            if {f"synpic{number}.jpg", twin} <= by_name.keys():
                assert by_name[f"synpic{number}.jpg"] == by_name[twin]


def test_what_is_held_out_in_one_set_is_not_learned_from_the_other(tmp_path: Path) -> None:
    make_medpix(tmp_path / "medpix")
    dev = tmp_path / "medpix" / "images" / "MPX1004_synpic40.png"
    (tmp_path / "table").mkdir()
    save(Image.open(dev).convert("L"), tmp_path / "table" / "copy.jpg")
    for number in range(3):
        save(picture(700 + number), tmp_path / "table" / f"{number}.png")
    cases = sorted((f"case {number}" for number in range(4)), key=case_share)  # the first is held out
    rows = [
        f"{name},a caption,{case}" for name, case in zip(("0.png", "1.png", "2.png", "copy.jpg"), cases, strict=True)
    ]
    (tmp_path / "table" / "t.csv").write_text("image,answer,case\n" + "\n".join(rows) + "\n")
    dataset = read_datasets([tmp_path / "medpix", tmp_path / "table"])
    learned = {example.image.name for example in dataset.training}
    assert "copy.jpg" not in learned
    assert "1 cases are on both sides. Their 1 training examples are left out." in dataset.notes[-1]


def test_a_set_can_be_held_out_as_a_whole(sets: tuple[Path, Path]) -> None:
    dataset = read_datasets(sets[:1], held_out=sets[1])
    assert len(dataset.held_out) == 16
    assert all("vqa" in str(example.image) for example in dataset.held_out)
    # Cases 0 to 2 of MedPix are asked about in VQA-RAD; 3 and dev (4) are left to learn from.
    assert {example.image.name[:7] for example in dataset.training} == {"MPX1003", "MPX1004"}
    assert dataset.background_texts == ("Discussion 3.",)
    assert "Only set 2 (vqa-rad) is held out" in " ".join(dataset.notes)


def test_nothing_left_to_learn_from_is_a_sentence(sets: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="the training part has no example"):
        read_datasets(sets[:1], held_out=sets[0])


def test_sets_without_a_common_image_say_so(tmp_path: Path) -> None:
    make_medpix(tmp_path / "medpix")
    make_vqa_rad(tmp_path / "vqa", draw=lambda number: picture(500 + number))
    notes = " ".join(read_datasets([tmp_path / "medpix", tmp_path / "vqa"]).notes)
    assert "set 2 (vqa-rad) and set 1 (medpix) share no image, by content." in notes
