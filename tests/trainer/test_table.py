"""The reader of plain tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from planner.errors import InputError
from trainer.dataset import Columns, ReadOptions, read_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    return tmp_path


def csv(folder: Path, text: str) -> Path:
    path = folder / "studies.csv"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = "image,prompt,answer,case\n0.png,where?,left,a\n1.png,,right,b\n2.png,caption en,both,b\n3.png,what?,none,c\n"


def test_questions_and_captions_take_paligemmas_forms(folder: Path) -> None:
    dataset = read_dataset(csv(folder, GOOD))
    examples = sorted((*dataset.training, *dataset.held_out), key=lambda example: example.row)
    assert [example.prompt for example in examples] == [
        "answer en where?",
        "caption en",
        "caption en",
        "answer en what?",
    ]
    assert [example.row for example in examples] == [2, 3, 4, 5]


def test_a_case_never_lies_on_both_sides(folder: Path) -> None:
    dataset = read_dataset(csv(folder, GOOD), ReadOptions(held_out_fraction=0.3))
    assert {e.case for e in dataset.training}.isdisjoint(e.case for e in dataset.held_out)


def test_jsonl_and_a_folder_with_one_table_are_read_alike(folder: Path) -> None:
    rows = [{"image": f"{n}.png", "prompt": "q", "answer": "a", "case": n} for n in range(4)]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_dataset(folder).training == read_dataset(folder / "t.jsonl").training


def test_a_spreadsheet_with_semicolons_and_byte_order_mark_is_read(folder: Path) -> None:
    path = folder / "studies.csv"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace(",", ";").encode())
    assert len(read_dataset(path).training) + len(read_dataset(path).held_out) == 4


def test_other_column_names_can_be_given(folder: Path) -> None:
    path = csv(folder, "file,text\n0.png,left\n1.png,right\n")
    dataset = read_dataset(path, ReadOptions(columns=Columns(image="file", answer="text")))
    assert {example.prompt for example in (*dataset.training, *dataset.held_out)} == {"caption en"}


def test_without_cases_it_says_what_that_means(folder: Path) -> None:
    dataset = read_dataset(csv(folder, "image,answer\n0.png,a\n1.png,b\n"))
    assert "every image counts as a case of its own" in dataset.notes[0]


def test_rows_after_a_quoted_line_break_keep_their_line_number(folder: Path) -> None:
    path = csv(folder, 'image,prompt,answer\n0.png,q,"two\nlines"\n1.png,q,\n')
    with pytest.raises(InputError) as caught:
        read_dataset(path)
    assert [(m.row, m.field) for m in caught.value.mistakes] == [(4, "answer")]


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png", "a/../../secret.png", "/etc/passwd", "~/x.png", "..\\secret.png", "C:\\x.png", "\\\\host\\x",
        "http://host/x.png", "https://host/x.png", "file:///etc/passwd", "data:image/png;base64,xx", "ftp://host/x",
        "s3://bucket/x", "//host/x.png", "x" * 300 + ".png", "0.png/..", ".", "gone.png", "%2e%2e/secret.png",
    ],
)  # fmt: skip
def test_an_image_outside_the_folder_is_refused_with_its_row(folder: Path, name: str) -> None:
    (folder.parent / "secret.png").write_bytes((folder / "0.png").read_bytes())
    path = csv(folder, f'image,answer\n0.png,a\n"{name}",b\n')
    with pytest.raises(InputError) as caught:
        read_dataset(path)
    assert [(m.row, m.field) for m in caught.value.mistakes] == [(3, "image")]


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    outside = folder.parent / f"{folder.name}-secret.png"
    outside.write_bytes((folder / "0.png").read_bytes())
    (folder / "link.png").symlink_to(outside)
    with pytest.raises(InputError, match="leads out"):
        read_dataset(csv(folder, "image,answer\nlink.png,a\n0.png,b\n"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no table"),
        ("image,answer\n", "no row"),
        ("picture,answer\n0.png,a\n", "no such column"),
        ("image,answer\n0.png,a,b\n", "expected 2 fields, got 3"),
        ('image,answer\n0.png,"a\n', "not CSV"),
        ("image,answer\n0.png,a\n", "a case each"),
        ("image,answer\n,a\n", "the field is empty"),
        (f"image,answer\n0.png,{'word ' * 10_000}\n", "line 2, answer: 10,000 words, expected at most 2,000"),
    ],
)
def test_a_table_that_is_none_is_a_sentence(folder: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_dataset(csv(folder, text))


def test_an_empty_folder_and_a_missing_one_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder is empty"):
        read_dataset(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_dataset(tmp_path / "gone")
