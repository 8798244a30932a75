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
from planner.report.words import LANGUAGES, words
from tests.browser.axe import violations
from tests.factories import example_calibration
from tests.importers.test_formats import FIXTURES, NAMES

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
PAGES = ("", "calibration", "compare", "assumptions", "board-paper")
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 29)"}
ONE_OF_EACH = {log: name for name, (_, log, _) in reversed(FIXTURES.items())}
NewPage = Callable[..., Page]


def cost(page: Page) -> Locator:
    return page.locator('[data-testid="stMetric"]').filter(has_text="Cost a year")


def idle(page: Page) -> None:
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")


def slider(page: Page) -> Locator:
    return page.locator('[data-testid="stSlider"] input').first


def move_by_keyboard(page: Page, key: str, times: int) -> None:
    slider(page).focus()
    for _ in range(times):
        page.keyboard.press(key)


def taken(page: Page, label: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(label)).first.click()
    return Path(download.value.path()).read_bytes()


def test_the_slider_changes_the_cost_and_all_that_is_taken_holds_the_same_plan(new_page: NewPage) -> None:
    page = new_page("?studies_per_day=none")  # answering costs much more than tuning a small model
    idle(page)
    before = cost(page).inner_text()
    move_by_keyboard(page, "ArrowRight", 12)
    expect(cost(page)).not_to_have_text(before, use_inner_text=True)
    idle(page)
    shown = float(slider(page).input_value())
    reader = PdfReader(io.BytesIO(taken(page, "PDF")))
    plan = parse_plan(reader.attachments["plan.json"][0], file="plan.json")
    assert plan.scenario.target_loss == pytest.approx(shown)
    assert parse_plan(taken(page, "JSON"), file="plan.json") == plan
    total = page.get_by_text(re.compile("The budget scenario adds up to")).first.inner_text().replace("\xa0", " ")
    cents = f"{plan.total_eur:,.2f}"
    assert cents in total
    assert f"{plan.total_eur:.2f}" in taken(page, "^CSV").decode("utf-8-sig")
    assert cents in "".join(sheet.extract_text() for sheet in reader.pages)
    expect(page).to_have_url(re.compile(f"target_loss={shown:g}"))


def test_what_does_not_follow_the_slider_at_once_follows_when_it_rests(new_page: NewPage) -> None:
    page = new_page("?studies_per_day=none")
    cash = page.locator(".st-key-cash").locator("h3")
    expect(cash).to_be_visible()
    before, undo = cash.inner_text(), page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    move_by_keyboard(page, "ArrowRight", 12)
    expect(cash).not_to_have_text(before, use_inner_text=True)
    expect(undo).to_be_enabled()
    for part in (".st-key-cash", ".st-key-others"):
        expect(page.locator(part)).to_have_css("opacity", "1")


def test_a_paper_that_was_taken_opens_its_plan_again(new_page: NewPage, tmp_path: Path) -> None:
    page = new_page("?gpu=T4&staff_hours_per_year=31")
    idle(page)
    paper = tmp_path / "board.pdf"
    paper.write_bytes(taken(page, "PDF"))
    again = new_page("board-paper")
    idle(again)
    again.locator('input[type="file"]').last.set_input_files(paper)
    again.get_by_role("button", name="Use its inputs").click()
    idle(again)
    again.get_by_role("link", name="Plan", exact=True).click()
    expect(again).to_have_url(re.compile("gpu=T4"))
    expect(again).to_have_url(re.compile("staff_hours_per_year=31"))


def test_everything_on_the_plan_page_can_be_done_with_the_keyboard_alone(new_page: NewPage) -> None:
    page = new_page()
    idle(page)
    reached, before = set(), cost(page).inner_text()
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => { const e = document.activeElement;
            const box = e.closest('[data-testid]');
            return [e.getAttribute('aria-label') || e.innerText || '', box ? box.dataset.testid : ''] }"""
        )
        reached.add(here[1])
        label = here[0].split("\n")[0]
        if label.startswith("Yearly budget"):
            page.keyboard.press("Control+a")
            page.keyboard.type("1234")
            page.keyboard.press("Enter")
            break
    else:
        raise AssertionError(f"the yearly budget cannot be reached by Tab, only {reached}")
    expect(page.get_by_text("of €1,200 a year")).to_be_visible()
    expect(page).to_have_url(re.compile("budget_eur=1234"))
    assert {"stSliderThumb", "stSlider"} & reached or any("lider" in name for name in reached)
    assert cost(page).inner_text() == before
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("of €10,000 a year")).to_be_visible()
    page.get_by_role("link", name="Assumptions", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("What this plan rests on")


def test_a_shared_link_shows_the_same_plan_in_another_browser(new_page: NewPage) -> None:
    first = new_page()
    idle(first)
    move_by_keyboard(first, "ArrowRight", 8)
    expect(first).to_have_url(re.compile(f"target_loss={float(slider(first).input_value()):g}"))
    idle(first)
    second = new_page(first.url.split("/", 3)[3])
    idle(second)
    expect(slider(second)).to_have_value(slider(first).input_value())
    expect(second.locator("h1")).to_have_text(first.locator("h1").inner_text())
    expect(cost(second)).to_have_text(cost(first).inner_text(), use_inner_text=True)


def test_a_link_that_cannot_be_used_says_so(new_page: NewPage) -> None:
    page = new_page("?target_loss=99&gpu=zz")
    expect(page.get_by_text("gpu = 'zz'")).to_be_visible()
    expect(page.get_by_text("target_loss = '99'")).to_be_visible()
    expect(page.get_by_text(re.compile("are feasible; the cheapest is"))).to_be_visible()
    idle(page)
    expect(page.get_by_text("gpu = 'zz'")).to_be_visible()  # the page has refreshed itself
    move_by_keyboard(page, "ArrowRight", 1)
    expect(page.get_by_text("gpu = 'zz'")).to_have_count(0)


def test_the_first_page_is_found_under_its_name_as_well(new_page: NewPage) -> None:
    page = new_page("plan?gpu=T4")
    idle(page)
    assert not page.locator('[role="dialog"]').count()
    expect(cost(page)).to_be_visible()
    expect(page.get_by_role("link", name="Plan", exact=True)).to_have_count(1)


def test_undo_and_reset_take_changes_back(new_page: NewPage) -> None:
    page = new_page()
    idle(page)
    before = page.locator("h1").inner_text()
    # Moved twice: keys that follow each other quickly are one change, and of one change nothing is left to reset.
    for _ in range(2):
        move_by_keyboard(page, "ArrowRight", 8)
        expect(page.locator("h1")).to_contain_text(f" {float(slider(page).input_value()):.2f} ")
        idle(page)
    said = page.locator("h1").inner_text()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).not_to_have_text(said)
    idle(page)
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("h1")).to_have_text(before)


def test_other_gpus_the_front_and_the_run_that_would_settle_it_follow(new_page: NewPage) -> None:
    page = new_page()
    expect(page.get_by_text(re.compile("are feasible; the cheapest is"))).to_be_visible()
    expect(
        page.get_by_text(re.compile("The lowest loss that is reached with 9 in 10|No target of the slider"))
    ).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_the_browser_s_language_is_spoken_and_said_to_screen_readers(new_page: NewPage, language: str) -> None:
    page = new_page(locale=f"{language}-{language.upper()}")
    idle(page)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("heading", name=words(language).screen.plan.decisions)).to_be_visible()
    page.get_by_role("radio", name="English").or_(page.get_by_role("button", name="English")).first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(re.compile("language=en"))


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_no_hint_in_english_stands_on_a_page_in_another_language(new_page: NewPage, language: str) -> None:
    page = new_page(f"board-paper?language={language}")
    idle(page)
    hints = page.get_by_text(re.compile("per file|Press Enter"))
    page.get_by_label(words(language).screen.board.hospital).fill("Ziekenhuis")
    expect(hints.first).to_be_attached()
    expect(hints.filter(visible=True)).to_have_count(0)


def test_every_kind_of_log_is_recognised_and_opened(new_page: NewPage, tmp_path: Path) -> None:
    page = new_page("calibration")
    for log, name in ONE_OF_EACH.items():
        file = tmp_path / Path(NAMES.get(name, f"{log}.log")).name
        file.write_bytes(FIXTURES[name][0])
        page.locator('input[type="file"]').first.set_input_files(file)
        expect(page.get_by_text(f"Recognised: {words('en').screen.upload.kinds[log]}")).to_be_visible()
        page.get_by_role("button", name="Open this log").click()
        expect(page.get_by_role("button", name="Open this log")).to_have_count(0)
        expect(page.get_by_text(re.compile("Open: calibration import-"))).to_be_visible()
        idle(page)
        page.get_by_role("button", name=f"Remove {file.name}").click()
        expect(page.get_by_role("button", name=f"Remove {file.name}")).to_have_count(0)
        idle(page)
    expect(page.get_by_text("uploaded in this session").first).to_be_visible()


def test_a_packed_record_can_be_uploaded(new_page: NewPage, tmp_path: Path) -> None:
    record = tmp_path / "mine.jsonl"
    record.write_bytes(pack(example_calibration()))
    page = new_page("calibration")
    page.locator('input[type="file"]').first.set_input_files(record)
    expect(page.get_by_text("uploaded in this session").first).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_and_passes_axe_in_both_themes_on_a_desk_and_on_a_phone(new_page: NewPage, path: str) -> None:
    page = new_page(path)
    for theme, background in BACKGROUNDS.items():
        page.emulate_media(color_scheme=theme)
        expect(page.locator('[data-testid="stApp"]')).to_have_css("background-color", background)
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300)
            idle(page)
            assert not page.locator('[data-testid="stException"], [role="dialog"]').count()
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert violations(page) == [], (theme, width)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_figure_is_cut_on_a_phone(new_page: NewPage, language: str) -> None:
    page = new_page(f"?language={language}", viewport={"width": 390, "height": 900})
    idle(page)
    expect(page.locator('[data-testid="stMetric"]')).to_have_count(6)
    for _ in range(20):  # a font that has just come moves the lines once more
        cut = page.locator('[data-testid="stMetric"] *').evaluate_all(
            "all => all.filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
        )
        if not cut:
            break
        page.wait_for_timeout(250)
    assert cut == []


def test_no_request_leaves_the_machine(new_page: NewPage, foreign_requests: list[str], seen_paths: set[str]) -> None:
    """Of the whole suite: pages that no test has opened yet are opened here."""
    for path in PAGES:
        if path not in seen_paths:
            idle(new_page(path))
    assert foreign_requests == []
