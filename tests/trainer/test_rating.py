"""Blinded rating sheets: what is on them, what is not, and what comes back."""

from __future__ import annotations

import csv
import io
import json
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InputError
from planner.record import Answers, Rating, Run, pack, read_calibration, save_record
from tests.factories import example_calibration
from tests.trainer.layouts import picture, save
from trainer.agreement import ordinal_alpha
from trainer.cli import main
from trainer.rating import REFERENCE, Key, KeyRow, digest, make_sheet, one_line, rated, shown_question
from trainer.rating_sheet import COLUMNS, NOTHING, as_csv, as_html, read_sheets
from trainer.samples import FILE, Sample, read_samples

Edit = Callable[[list[dict[str, str]]], None]


def sample(run: int, item: int, text: str, **fields: object) -> Sample:
    values = {
        "run": f"b{run}", "examples": run, "item": item, "image": f"/data/set/images/{item}.png",
        "question": f"answer en what is {item}?", "reference": f"reference {item}", "text": text, "ended": True,
    }  # fmt: skip
    return Sample(**{**values, **fields})  # type: ignore[arg-type]


SAMPLES = [sample(run, item, f"answer {run} {item}") for run in (8, 16, 32, 64, 128, 256) for item in range(5)]


def made(
    samples: list[Sample] = SAMPLES, *, questions: int = 3, budgets: int = 4, seed: int = 1
) -> tuple[list[dict[str, str]], Key]:
    rows, key = make_sheet(
        samples, sheet="s01234567", calibration_id="c1", questions=questions, budgets=budgets, seed=seed
    )
    return table(as_csv("s01234567", rows)), key


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_every_question_has_the_answers_of_spread_budgets_and_the_reference() -> None:
    rows, key = made()
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 15
    sources = Counter(source for row in key.rows.values() for source in row.sources)
    assert sources == {"b8": 3, "b32": 3, "b64": 3, "b256": 3, REFERENCE: 3}
    for row in rows:
        (source,) = key.rows[row["row"]].sources
        item = row["question"].removeprefix("what is ").removesuffix("?")
        assert row["answer"] == (f"reference {item}" if source == REFERENCE else f"answer {source[1:]} {item}")
        assert row["image"] == f"images/{item}.png"
        assert row["rating"] == ""


def test_the_sheet_says_nothing_of_its_sources_and_the_order_is_another_for_every_seed() -> None:
    samples = [msgspec.structs.replace(one, text=f"words {index}") for index, one in enumerate(SAMPLES)]
    rows, key = made(samples)
    shown = " ".join(value for row in rows for name, value in row.items() if name not in ("question", "answer"))
    assert not [source for row in key.rows.values() for source in row.sources if source in shown]
    places = Counter(
        [row.sources for row in made(samples, seed=seed)[1].rows.values()].index([REFERENCE]) for seed in range(60)
    )
    assert set(places) == {0, 1, 2, 3, 4}


def test_answers_with_the_same_words_are_shown_once_and_count_for_all() -> None:
    samples = [msgspec.structs.replace(one, text="  the\nsame ", reference="the same") for one in SAMPLES]
    rows, key = made(samples)
    assert [row["answer"] for row in rows] == ["the same"] * 3
    assert set(key.rows["q1a"].sources) == {"b8", "b32", "b64", "b256", REFERENCE}
    found = rated(key, {"q1a": [4], "q2a": [2], "q3a": []})
    assert {source: (one.answers, one.mean) for source, one in found.items()} == dict.fromkeys(
        ["b8", "b32", "b64", "b256", REFERENCE], (2, 3.0)
    )


def test_runs_can_be_named_and_an_unknown_one_is_refused_with_those_there_are() -> None:
    rows, key = make_sheet(
        SAMPLES, sheet="s01234567", calibration_id="c", questions=2, budgets=4, seed=1, runs=["b16", "b32"]
    )
    assert len(rows) == 6
    assert {source for row in key.rows.values() for source in row.sources} == {"b16", "b32", REFERENCE}
    with pytest.raises(InputError, match=r"--run: no answers of b99 were kept\. Choose among b8, b16"):
        make_sheet(SAMPLES, sheet="s01234567", calibration_id="c", questions=2, budgets=4, seed=1, runs=["b99"])


def test_only_questions_that_all_chosen_budgets_answered_are_asked() -> None:
    samples = [one for one in SAMPLES if not (one.run == "b256" and one.item != 2)]
    rows, _ = made(samples)
    assert {row["question"] for row in rows} == {"what is 2?"}


@pytest.mark.parametrize("samples", [[], SAMPLES[:5], [SAMPLES[0], SAMPLES[6]]])
def test_too_few_answers_for_a_sheet_are_a_sentence(samples: list[Sample]) -> None:
    with pytest.raises(InputError, match=r"samples\.jsonl: .* budgets with 0 common questions|1 budgets"):
        made(samples)


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("answer en where is it?", "where is it?"), ("answer zh 图中有什么?", "图中有什么?"),
        ("caption en", "Describe the image."), ("describe en", "Describe the image."),
    ],
)  # fmt: skip
def test_a_prompt_is_shown_as_a_question(prompt: str, shown: str) -> None:
    assert shown_question(prompt) == shown


@pytest.mark.parametrize("text", ["=1+1", "+1", "-no mass", "@SUM(A1)", "=cmd|'/c calc'!A0", "'=x", "'quoted'", "- "])
def test_no_spreadsheet_takes_an_answer_for_a_formula_and_it_is_still_known_again(tmp_path: Path, text: str) -> None:
    samples = [msgspec.structs.replace(one, text=text) for one in SAMPLES]
    rows, key = made(samples)
    cell = next(row["answer"] for row in rows if "b8" in key.rows[row["row"]].sources)
    assert not cell.startswith(("=", "+", "-", "@"))
    filled = fill(rows, lambda found: [row.update(rating="3") for row in found])  # type: ignore[func-returns-value]
    path = write(tmp_path / "r.csv", filled)
    assert set(map(tuple, read_sheets([path], key).values())) == {(3,)}


@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_text_survives_the_sheet(tmp_path_factory: pytest.TempPathFactory, one: str, other: str, seed: int) -> None:
    samples = [sample(8, 0, one, reference=other), sample(16, 0, other + one, reference=other)]
    rows, key = make_sheet(samples, sheet="s01234567", calibration_id="c", questions=1, budgets=2, seed=seed)
    found = table(as_csv("s01234567", rows))
    for number, row in enumerate(found):
        row["rating"] = str(1 + number % 5)
    path = write(tmp_path_factory.mktemp("sheet") / "r.csv", found)
    assert read_sheets([path], key) == {row["row"]: [1 + number % 5] for number, row in enumerate(found)}
    page = as_html("s01234567", rows).decode()
    assert page.count("<fieldset") == len(rows)


def fill(rows: list[dict[str, str]], edit: Edit | Callable[[list[dict[str, str]]], object]) -> list[dict[str, str]]:
    found = [dict(row) for row in rows]
    edit(found)
    return found


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def rate_all(rows: list[dict[str, str]]) -> None:
    for row in rows:
        row["rating"] = "4"


def set_at(place: int, **values: str) -> Edit:
    def edit(rows: list[dict[str, str]]) -> None:
        rate_all(rows)
        rows[place].update(values)

    return edit


def drop_column(rows: list[dict[str, str]]) -> None:
    for row in rows:
        del row["rating"]


def swap_answers(rows: list[dict[str, str]]) -> None:
    rate_all(rows)
    rows[0]["answer"], rows[1]["answer"] = rows[1]["answer"], rows[0]["answer"]


@pytest.mark.parametrize(
    ("edit", "lines", "field", "reason"),
    [
        (set_at(2, rating="6"), [4], "rating", "expected 1, 2, 3, 4, 5 or nothing"),
        (set_at(2, rating="3.5"), [4], "rating", "expected 1"),
        (set_at(2, rating="good"), [4], "rating", "expected 1"),
        (set_at(2, rating="٣"), [4], "rating", "expected 1"),
        (set_at(2, row="q9z"), [4], "row", "no such row"),
        (set_at(2, row="q1a"), [4], "row", "stands in line 2 already"),
        (set_at(2, sheet="s99999999"), [4], "sheet", "another sheet"),
        (set_at(2, answer="something else"), [4], "answer", "not the answer that this row had"),
        (swap_answers, [2, 3], "answer", "not the answer"),
        (drop_column, [1], "rating", "no such column"),
        (lambda _: None, [None], "rating", "nothing is rated"),
    ],
)
def test_a_bad_sheet_is_refused_with_row_and_field(
    tmp_path: Path, edit: Edit, lines: list[int | None], field: str, reason: str
) -> None:
    rows, key = made()
    path = write(tmp_path / "filled.csv", fill(rows, edit))
    with pytest.raises(InputError, match=reason) as caught:
        read_sheets([path], key)
    found = [(mistake.file, mistake.row, mistake.field) for mistake in caught.value.mistakes]
    assert found == [("filled.csv", line, field) for line in lines]
    assert "answer 8" not in str(caught.value)


def test_empty_ratings_missing_rows_another_order_and_semicolons_are_no_mistakes(tmp_path: Path) -> None:
    rows, key = made()
    some = fill(rows, rate_all)[:6][::-1]
    some[0]["rating"] = " "
    some[1]["rating"] = " 5 "
    found = read_sheets([write(tmp_path / "r.csv", some, delimiter=";")], key)
    assert sum(map(len, found.values())) == 5
    assert found[some[1]["row"]] == [5]


def test_the_same_file_twice_is_no_second_rater(tmp_path: Path) -> None:
    rows, key = made()
    one = write(tmp_path / "one.csv", fill(rows, rate_all))
    shutil.copy(one, tmp_path / "two.csv")
    with pytest.raises(InputError, match=r"two\.csv: the same file is given twice"):
        read_sheets([one, tmp_path / "two.csv"], key)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_sheet_is_read_or_refused_in_sentences(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows, key = made()
    path = write(tmp_path_factory.mktemp("sheet") / "r.csv", fill(rows, rate_all))
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, min(len(before), start + 30)))
    nasty = st.sampled_from([b"", b"\xff", b"\0", b'"', b"\r", b"\n\n", b",,,,,,", b"5", b"\xe2\x80\xae"])
    path.write_bytes(before[:start] + data.draw(st.one_of(nasty, st.binary(max_size=6))) + before[end:])
    try:
        found = read_sheets([path], key)
    except InputError as refused:
        assert str(path.parent) not in str(refused)
    else:
        assert all(1 <= rating <= 5 for given_ in found.values() for rating in given_)
        assert set(found) == set(key.rows)


def key_of(*sources: str) -> Key:
    rows = {f"q{index}a": KeyRow(sources=[source], digest=digest("x")) for index, source in enumerate(sources)}
    return Key(sheet="s01234567", calibration_id="c", rows=rows)


def test_ratings_of_a_budget_are_means_over_answers_of_means_over_raters() -> None:
    found = rated(key_of("b8", "b8", "b16"), {"q0a": [1, 2, 5], "q1a": [4], "q2a": []})
    assert set(found) == {"b8"}
    assert (found["b8"].answers, found["b8"].ratings) == (2, 4)
    assert found["b8"].mean == pytest.approx((8 / 3 + 4) / 2)
    assert found["b8"].sd == pytest.approx(np.std([8 / 3, 4], ddof=1))
    assert found["b8"].usable_share == 0.5


def test_agreement_has_its_published_value() -> None:
    """Krippendorff 2011, the example of four observers and twelve units: nominal 0.743, ordinal 0.815."""
    units = [
        [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1],
        [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
    ]  # fmt: skip
    assert ordinal_alpha(units) == pytest.approx(0.815, abs=5e-4)


@given(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=20))
def test_agreement_is_at_most_one_and_does_not_depend_on_the_order(units: list[list[int]]) -> None:
    alpha = ordinal_alpha(units)
    if alpha is None:
        paired = [rating for unit in units if len(unit) > 1 for rating in unit]
        assert len(set(paired)) < 2
        return
    assert -1 <= alpha <= 1 + 1e-12
    assert ordinal_alpha([unit[::-1] for unit in units[::-1]]) == pytest.approx(alpha)
    if all(len(set(unit)) == 1 for unit in units):
        assert alpha == pytest.approx(1)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record of the example calibration with kept answers, one of them with the canary."""
    calibration = example_calibration()
    path = tmp_path / "record"
    save_record(path, calibration)
    for item in range(6):
        save(picture(item, (900, 700)), tmp_path / "images" / f"{item}.png")
    with (path / FILE).open("wb") as file:
        for run in calibration.runs:
            for answered in run.of(Answers):
                for item in range(6):
                    kept = msgspec.structs.replace(
                        sample(8, item, f"canary {run.id} {item}", reference=f"<b>reference</b> {item}"),
                        run=run.id,
                        examples=round(answered.examples),
                        image=str(tmp_path / "images" / f"{item}.png"),
                    )
                    file.write(msgspec.json.encode(kept) + b"\n")
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rate_by_quality(rows: list[dict[str, str]], shift: int) -> list[dict[str, str]]:
    """Larger budgets are rated better; the reference best."""
    for row in rows:
        text = row["answer"]
        level = 5 if "reference" in text else 2 + (int(text.split("budget-")[1][:5]) > 500)
        row["rating"] = str(min(5, max(1, level + shift)))
    return rows


def test_ratings_go_out_blinded_and_come_back_as_numbers(record: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    result = call("rating-sheet", record, sheet, "--questions", 5, "--budgets", 4, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["questions"], figures["answers"], figures["budgets"]) == (5, 25, 4)
    key = record / "work" / "ratings" / f"{figures['sheet']}.json"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (sheet, key, key.parent)] == [0o600, 0o600, 0o700]
    files = []
    for rater, shift in enumerate((0, 0, -1)):
        rows = rate_by_quality(table(sheet.read_bytes()), shift)
        rows[rater]["rating"] = ""
        files.append(write(tmp_path / f"rater{rater}.csv", rows))
    result = call("rate", record, *files, "--json")
    assert result.exit_code == 0, result.output
    back = json.loads(result.stdout)
    assert back["raters"] == 3
    means = [budget["rating_mean"] for budget in back["budgets"]]
    assert len(means) == 4
    assert max(means[:2]) < min(means[2:])
    assert back["reference_rating_mean"] > means[-1]
    assert 0 < back["agreement_alpha"] < 1
    events = [event for run in read_calibration(record).runs for event in run.of(Rating)]
    assert {event.loss for event in events} == {
        run.of(Answers)[-1].loss for run in read_calibration(record).runs if run.of(Rating)
    }
    assert [event.ratings for event in events] == [budget["ratings"] for budget in back["budgets"]]
    assert "Krippendorff" in result.stderr


def test_a_later_rating_replaces_an_earlier_one(record: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    call("rating-sheet", record, sheet)
    for shift in (0, -1):
        rows = rate_by_quality(table(sheet.read_bytes()), shift)
        result = call("rate", record, write(tmp_path / f"r{shift}.csv", rows))
        assert result.exit_code == 0, result.output
    run = next(run for run in read_calibration(record).runs if run.of(Rating))
    assert [event.rating_mean for event in run.of(Rating)] == [2.0, 1.0]
    assert "agreement unknown" in result.output


def test_a_record_of_an_older_schema_says_that_it_has_new_events(record: Path, tmp_path: Path) -> None:
    header = record / "calibration.json"
    document = json.loads(header.read_text()) | {"schema_version": 1}
    header.write_text(json.dumps(document))
    call("rating-sheet", record, tmp_path / "s.csv")
    rows = rate_by_quality(table((tmp_path / "s.csv").read_bytes()), 0)
    assert call("rate", record, write(tmp_path / "r.csv", rows)).exit_code == 0
    assert read_calibration(record).header.schema_version >= 2


def test_no_text_reaches_the_record_or_an_export(record: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    assert call("rating-sheet", record, sheet).exit_code == 0
    (key,) = (record / "work" / "ratings").iterdir()
    assert "canary" not in key.read_text()
    calibration = read_calibration(record)
    lines = [path.read_bytes() for path in (record / "calibration.json", *(record / "runs").iterdir())]
    assert b"canary" not in pack(calibration) + b"".join(lines)


def test_the_page_holds_its_images_escapes_texts_and_names_no_source_and_no_address(
    record: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.html"
    result = call("rating-sheet", record, sheet, "--questions", 2, "--budgets", 2)
    assert result.exit_code == 0, result.output
    page = sheet.read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "<b>reference" not in page
    assert "&lt;b&gt;reference" in page
    assert "http" not in page.replace("http-equiv", "")
    assert str(tmp_path) not in page
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600


def test_an_image_that_is_gone_is_said_and_no_reason_to_stop(record: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "images")
    assert call("rating-sheet", record, tmp_path / "sheet.html").exit_code == 0
    assert "The image is not shown" in (tmp_path / "sheet.html").read_text("utf-8")


def wrong_calls(record: Path, tmp_path: Path) -> Iterator[tuple[tuple[object, ...], str]]:
    sheet = tmp_path / "s.csv"
    call("rating-sheet", record, sheet)
    other = tmp_path / "other"
    shutil.copytree(record, other)
    (other / FILE).unlink()
    yield ("rating-sheet", record, tmp_path / "s.pdf"), "neither .csv nor .html"
    yield ("rating-sheet", record, record / "s.csv"), "is handed out does not belong into the record"
    yield ("rating-sheet", other, sheet), "no kept answers"
    yield ("rating-sheet", tmp_path / "gone", sheet), "gone"
    yield ("rate", record, tmp_path / "gone.csv"), "there is no such file"
    yield ("rate", record, record / "calibration.json"), "not CSV|no such column|fields"
    shutil.rmtree(other / "work")
    yield ("rate", other, sheet), "no key of this sheet"


def test_wrong_use_is_a_sentence_and_exit_code_2(record: Path, tmp_path: Path) -> None:
    import re

    for arguments, reason in wrong_calls(record, tmp_path):
        result = call(*arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert re.search(reason, result.output), (reason, result.output)
        assert "Traceback" not in result.output
        assert str(tmp_path) not in result.output


def test_kept_answers_are_read_whole_lines_and_the_newest_of_each(record: Path) -> None:
    path = record / FILE
    data = path.read_bytes()
    again = msgspec.json.encode(msgspec.structs.replace(read_samples(record)[0], text="newer")) + b"\n"
    path.write_bytes(data + again + b'{"run":"cut')
    found = read_samples(record)
    assert len(found) == data.count(b"\n")
    assert found[0].text == "newer"
    path.write_bytes(b"{}\n" + data)
    with pytest.raises(InputError, match=r"samples\.jsonl line 1: not a kept answer"):
        read_samples(record)


def test_an_empty_answer_is_shown_as_nothing_and_known_again(tmp_path: Path) -> None:
    rows, key = made([msgspec.structs.replace(one, text=" \0 ") for one in SAMPLES])
    assert NOTHING in [row["answer"] for row in rows]
    path = write(tmp_path / "r.csv", fill(rows, rate_all))
    assert set(map(tuple, read_sheets([path], key).values())) == {(4,)}
    assert one_line("a\u202eb\ud800\n c") == "a b c"


def test_runs_of_a_record_keep_their_events(record: Path, tmp_path: Path) -> None:
    before = {run.id: run.events for run in read_calibration(record).runs}
    call("rating-sheet", record, tmp_path / "s.csv")
    rows = rate_by_quality(table((tmp_path / "s.csv").read_bytes()), 0)
    call("rate", record, write(tmp_path / "r.csv", rows))
    after: list[Run] = list(read_calibration(record).runs)
    assert {run.id: tuple(event for event in run.events if not isinstance(event, Rating)) for run in after} == before
