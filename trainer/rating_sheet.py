"""The rating sheet as a file: a table (CSV) or a page that works without a connection (HTML), and reading it back.

Both give the same table: `sheet,row,image,question,answer,rating`. A radiologist fills in `rating`, 1 to 5, and leaves
what cannot be judged empty.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from string import Template

from PIL import Image

from planner.errors import InputError, Mistake, shown_name
from trainer.dataset.image_file import ImageRefusedError, open_image
from trainer.dataset.text_file import csv_rows, raise_all
from trainer.rating import SCALE, Key, SheetRow, digest

COLUMNS = ("sheet", "row", "image", "question", "answer", "rating")
NOTHING = "(no text)"
_PAGE = Path(__file__).with_name("rating_sheet.html")
_LONGEST_SIDE_PX = 768
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def as_csv(sheet: str, rows: Sequence[SheetRow]) -> bytes:
    """The table, in UTF-8 with a byte order mark (so that spreadsheets read it as such)."""
    file = io.StringIO(newline="")
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        texts = (sheet, row.row, image_name(row.image), row.question, row.answer or NOTHING)
        table.writerow([*map(_harmless, texts), ""])
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def as_html(sheet: str, rows: Sequence[SheetRow]) -> bytes:
    """One page with its images inside; it opens no connection and saves the table with a button."""
    questions = []
    for number, group in groupby(rows, key=lambda row: row.number):
        answers = list(group)
        name, question = html.escape(image_name(answers[0].image)), html.escape(answers[0].question)
        questions.append(
            f'<section data-image="{name}" data-question="{question}"><h2>{number}. {question}</h2>'
            f"<figure>{_picture(Path(answers[0].image))}<figcaption>{name}</figcaption></figure>"
            f"<div>{''.join(map(_answer, answers))}</div></section>"
        )
    scale = "".join(f"<li>{html.escape(words)}</li>" for words in SCALE.values())
    page = Template(_PAGE.read_text("utf-8"))
    filled = page.substitute(sheet=sheet, scale=scale, questions="\n".join(questions), columns=json.dumps(COLUMNS))
    return filled.encode()


def read_sheets(paths: Sequence[Path], key: Key) -> dict[str, list[int]]:
    """Ratings by row, one sheet a rater; a row that nobody rated has none.

    Raises:
        InputError: All that cannot be used, with file, row and field.
    """
    found: dict[str, list[int]] = defaultdict(list, {row: [] for row in key.rows})
    contents = [path.read_bytes() if path.is_file() else None for path in paths]
    mistakes: list[Mistake] = []
    for index, path in enumerate(paths):
        if contents[index] is not None and contents[index] in contents[:index]:
            reason = "the same file is given twice, but every sheet is another rater's"
            mistakes.append(Mistake(file=shown_name(path), reason=reason, remedy="Name every rater's sheet once"))
            continue
        seen: dict[str, int] = {}
        for row, rating, problem in _ratings(path, key, seen):
            if problem is not None:
                mistakes.append(problem)
            elif rating is not None:
                found[row].append(rating)
    raise_all(mistakes)
    return dict(found)


def sheet_name(path: Path) -> str:
    """Name of the sheet that a file is a copy of.

    Raises:
        InputError: Not a rating sheet.
    """
    for _, fields in _rows(path):
        return fields["sheet"].strip()
    raise InputError(Mistake(file=shown_name(path), reason="there is no row in it", remedy=_REMEDY))


def image_name(image: str) -> str:
    """File and folder: a file name alone may be the same for every image (SLAKE)."""
    return "/".join(Path(image).parts[-2:])


_REMEDY = "Give a sheet that `calibrate rating-sheet` wrote, with its columns as they were"


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for number, fields in csv_rows(path, remedy=_REMEDY):
        absent = [column for column in ("sheet", "row", "answer", "rating") if column not in fields]
        raise_all(
            [
                Mistake(file=shown_name(path), row=1, field=column, reason="there is no such column", remedy=_REMEDY)
                for column in absent
            ]
        )
        yield number, fields


def _ratings(path: Path, key: Key, seen: dict[str, int]) -> Iterator[tuple[str, int | None, Mistake | None]]:
    """(row, rating, mistake) of every line; a sheet without any rating is one mistake."""
    name = shown_name(path)
    given = 0
    for number, fields in _rows(path):
        row, rating = fields["row"].strip().lstrip("'"), fields["rating"].strip()
        problem = _problem(key, fields, row, rating, seen)
        seen.setdefault(row, number)
        if problem is not None:
            field, reason, remedy = problem
            yield row, None, Mistake(file=name, row=number, field=field, reason=reason, remedy=remedy)
        elif rating:
            given += 1
            yield row, int(rating), None
    if not given and seen:
        reason, remedy = "nothing is rated", "Fill in the column `rating`, 1 to 5"
        yield "", None, Mistake(file=name, field="rating", reason=reason, remedy=remedy)


def _problem(
    key: Key, fields: dict[str, str], row: str, rating: str, seen: dict[str, int]
) -> tuple[str, str, str] | None:
    """(field, reason, remedy) of what is wrong with a line."""
    if fields["sheet"].strip() != key.sheet:
        return "sheet", f"expected {key.sheet}, a row of another sheet stands here", "Read one sheet at a time"
    if row not in key.rows:
        return "row", "the sheet has no such row", "Put the name back as it was"
    if row in seen:
        return "row", f"stands in line {seen[row]} already", "Keep one of the two"
    answer = fields["answer"].strip()
    if key.rows[row].digest not in map(digest, _originals(answer)):
        remedy = "Only `rating` may be changed; copy the ratings into a fresh sheet"
        return "answer", "not the answer that this row had", remedy
    if rating and rating not in {str(level) for level in SCALE}:
        return "rating", "expected 1, 2, 3, 4, 5 or nothing", "Correct it, or leave it empty"
    return None


def _originals(answer: str) -> Iterator[str]:
    """What an answer may have been before it was made harmless; spreadsheets may have dropped the mark."""
    yield answer
    if answer.startswith("'"):
        yield answer[1:]
    if answer == NOTHING:
        yield ""


def _harmless(text: str) -> str:
    """No spreadsheet takes the text for a formula (OWASP CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _answer(row: SheetRow) -> str:
    buttons = "".join(
        f'<label title="{html.escape(words)}"><input type="radio" name="{row.row}" value="{level}">{level}</label>'
        for level, words in SCALE.items()
    )
    text = html.escape(row.answer or NOTHING)
    return (
        f'<fieldset data-row="{row.row}"><legend>Answer {row.row}</legend><p class="answer">{text}</p>{buttons}'
        f'<label><input type="radio" name="{row.row}" value="" checked>cannot judge</label></fieldset>'
    )


def _picture(path: Path) -> str:
    try:
        image = open_image(path)
    except ImageRefusedError as problem:
        return f"<p>The image is not shown: {html.escape(problem.reason)}.</p>"
    image.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}">'
