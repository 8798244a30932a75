"""What only a real browser can show: keyboard, downloads, links, themes, widths, and that nothing goes out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from planner.cost.plan import parse_plan
from planner.record import pack
from tests.factories import example_calibration

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
PAGES = ("plan", "calibration", "assumptions", "board-paper")
AXE = Path(__file__).parent / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NewPage = Callable[..., Page]


def cost(page: Page) -> Locator:
    return page.locator('[data-testid="stMetric"]').filter(has_text="Cost a year")


def idle(page: Page) -> None:
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")


def move_by_keyboard(page: Page, key: str, times: int) -> None:
    control = page.locator('[data-testid="stSlider"] input').first
    control.focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_slider_by_keyboard_changes_the_cost_and_the_pdf_holds_the_same_target(new_page: NewPage) -> None:
    page = new_page("?studies_per_day=none")  # answering costs much more than tuning a small model
    idle(page)
    before = cost(page).inner_text()
    move_by_keyboard(page, "ArrowRight", 12)
    expect(cost(page)).not_to_have_text(before, use_inner_text=True)
    idle(page)
    shown = float(page.locator('[data-testid="stSlider"] input').first.input_value())
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("PDF")).first.click()
    data = Path(download.value.path()).read_bytes()
    attached = PdfReader(io.BytesIO(data)).attachments["plan.json"][0]
    plan = parse_plan(attached, file="plan.json")
    assert plan.scenario.target_loss == pytest.approx(shown)
    assert f"target_loss={shown:g}" in page.url


def test_a_shared_link_shows_the_same_plan_in_another_browser(new_page: NewPage) -> None:
    first = new_page()
    idle(first)
    move_by_keyboard(first, "ArrowRight", 8)
    first.wait_for_timeout(500)
    idle(first)
    second = new_page(first.url.split("/", 3)[3])
    idle(second)
    expect(second.locator("h1")).to_have_text(first.locator("h1").inner_text())
    expect(cost(second)).to_have_text(cost(first).inner_text(), use_inner_text=True)


def test_undo_and_reset_take_changes_back(new_page: NewPage) -> None:
    page = new_page()
    idle(page)
    before = page.locator("h1").inner_text()
    move_by_keyboard(page, "ArrowRight", 8)
    expect(page.locator("h1")).not_to_have_text(before)
    page.get_by_role("button", name="Undo").click()
    idle(page)
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("h1")).to_have_text(before)


def test_a_packed_record_can_be_uploaded(new_page: NewPage, tmp_path: Path) -> None:
    record = tmp_path / "mine.jsonl"
    record.write_bytes(pack(example_calibration()))
    page = new_page("calibration")
    page.locator('input[type="file"]').first.set_input_files(record)
    expect(page.get_by_text("uploaded in this session").first).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_and_passes_axe_in_both_themes_on_a_desk_and_on_a_phone(new_page: NewPage, path: str) -> None:
    axe = AXE.read_text("utf-8") + ";0"
    page = new_page(path)
    for theme, background in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 22, 29)")):
        page.emulate_media(color_scheme=theme)
        expect(page.locator('[data-testid="stApp"]')).to_have_css("background-color", background)
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(400)
            idle(page)
            assert not page.locator('[data-testid="stException"]').count()
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            page.evaluate(axe)
            found = page.evaluate("rules => axe.run(document, {runOnly: rules}).then(r => r.violations)", WCAG)
            assert not [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found], (theme, width)


def test_no_request_leaves_the_machine(new_page: NewPage, foreign_requests: list[str]) -> None:
    for path in PAGES:
        idle(new_page(path))
    assert foreign_requests == []
