"""The rating page in a real browser: it asks nobody for anything, and what it saves is read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from trainer.rating import make_sheet
from trainer.rating_sheet import as_html, read_sheets
from trainer.samples import Sample

pytestmark = pytest.mark.browser

# What a page might take for code, a spreadsheet for a formula, or a table for its end.
TEXTS = ['no "mass", left', "=1+1", "<script>alert(1)</script>", "${sheet} & é ü 肺", "'quoted'", ""]


def test_ratings_given_in_the_page_come_back_as_they_were_given(browser: Browser, tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "film.png")
    samples = [
        Sample(
            run=f"b{budget}", examples=budget, item=item, image=str(tmp_path / "film.png"), question="answer en where?",
            reference=f"reference {item}", text=text if budget == 8 else f"{text} {budget}", ended=True,
        )
        for budget in (8, 16)
        for item, text in enumerate(TEXTS)
    ]  # fmt: skip
    rows, key = make_sheet(samples, sheet="s01234567", calibration_id="c", questions=6, budgets=2, seed=1)
    page_file = tmp_path / "sheet.html"
    page_file.write_bytes(as_html("s01234567", rows))
    asked: list[str] = []
    errors: list[str] = []
    page = browser.new_page(accept_downloads=True)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(page_file.as_uri())
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    given = {row.row: 1 + index % 5 for index, row in enumerate(rows) if index % 7}
    for row, level in given.items():
        page.check(f'fieldset[data-row="{row}"] input[value="{level}"]')
    assert page.text_content("#count") == f"{len(given)} of {len(rows)} rated"
    with page.expect_download() as download:
        page.click("#save")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    page.close()
    assert saved.name == "ratings-s01234567.csv"
    assert read_sheets([saved], key) == {row.row: [given[row.row]] if row.row in given else [] for row in rows}
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
