"""What a visitor of the dashboard sees and waits for, in a real browser."""

from __future__ import annotations

import io
import itertools
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader

from benchmarks.figure import Figure, at_least, at_most
from tests.browser.axe import violations
from tests.browser.server import QUIET, chromium, dashboard

PAGES = ("", "calibration", "compare", "assumptions", "board-paper")
_SETTLED_MS = 2000
_COST = "Cost a year"
_POLL_COST = """([word, before]) => new Promise(done => {
  const look = () => {
    const all = [...document.querySelectorAll('[data-testid="stMetric"]')];
    const found = all.find(metric => metric.innerText.includes(word));
    if (found && found.innerText !== before) { done(true); } else { requestAnimationFrame(look); }
  };
  look();
})"""

# Playwright looks for an element every half second at last; the page itself knows to the frame when its chart is there.
_NOTE_CHART = """(() => {
  const look = () => {
    const drawn = document.querySelector('[data-testid="stPlotlyChart"] .main-svg .scatterlayer .trace');
    if (drawn && drawn.getBoundingClientRect().width) { window.chartDrawnMs = performance.now(); }
    else { requestAnimationFrame(look); }
  };
  requestAnimationFrame(look);
})()"""


def measure(quick: bool) -> list[Figure]:
    """Figures of the browser; one figure that says so where there is no browser."""
    path = chromium()
    if path is None:
        return [Figure(name="browser found", value=0.0, unit="share", reach=">= 1", met=False)]
    foreign: list[str] = []
    with dashboard(None) as address, sync_playwright() as playwright:
        # What a person waits for first, in a browser that has done nothing else.
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        figures = [
            _first_chart(browser, address, visits=2 if quick else 8),
            *_slider(browser, address, foreign, moves=4 if quick else 40),
            *_paper(browser, address, foreign, clicks=1 if quick else 10),
            _accessible(browser, address, foreign, quick=quick),
        ]
        browser.close()
    return [*figures, at_most("requests to other hosts, whole browser run", float(len(foreign)), "requests", 0)]


def _open(browser: Browser, address: str, foreign: list[str], path: str, **options: object) -> Page:
    page = browser.new_page(**({"viewport": {"width": 1366, "height": 900}, "locale": "en-GB"} | options))  # type: ignore[arg-type]
    host = urlsplit(address).netloc
    page.on("request", lambda request: foreign.append(request.url) if _is_foreign(request.url, host) else None)
    page.goto(f"{address}/{path}")
    page.wait_for_selector("h1")
    return page


def _is_foreign(url: str, host: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host


def _idle(page: Page) -> None:
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def _accessible(browser: Browser, address: str, foreign: list[str], *, quick: bool) -> Figure:
    found = 0
    pages, widths, themes = (PAGES[:2], (1366,), ("light",)) if quick else (PAGES, (1366, 390), ("light", "dark"))
    for path, theme, width in itertools.product(pages, themes, widths):
        page = _open(browser, address, foreign, path, color_scheme=theme, viewport={"width": width, "height": 900})
        _idle(page)
        page.wait_for_timeout(500 if quick else _SETTLED_MS)
        found += len(violations(page)) + page.locator('[role="dialog"]').count()
        page.close()
    name = f"axe-core WCAG 2.2 A/AA findings, {len(pages)} pages x {len(themes)} themes x {len(widths)} widths"
    return at_most(name, float(found), "findings", 0)


def _slider(browser: Browser, address: str, foreign: list[str], *, moves: int) -> list[Figure]:
    """From a key on the slider to another yearly cost on screen."""
    page = _open(browser, address, foreign, "?studies_per_day=none&staff_hours_per_year=none&storage_gib=none")
    _idle(page)
    page.wait_for_timeout(_SETTLED_MS)
    page.locator('[data-testid="stSlider"] input').first.focus()
    metric = page.locator('[data-testid="stMetric"]').filter(has_text=_COST)
    waits = []
    for move in range(moves + 2):
        before = metric.inner_text()
        started = time.perf_counter()
        page.keyboard.press("ArrowRight" if move % 2 else "ArrowLeft")
        page.evaluate(_POLL_COST, [_COST, before])
        if move >= 2:  # the first ones warm up
            waits.append(1000 * (time.perf_counter() - started))
        _idle(page)
        page.wait_for_timeout(150)
    page.close()
    return [
        at_most("slider moved to new cost on screen, median", statistics.median(waits), "ms", 120),
        at_most("slider moved to new cost on screen, p95", percentile(waits, 0.95), "ms", 200),
    ]


def _first_chart(browser: Browser, address: str, *, visits: int) -> Figure:
    """A new tab of a browser that has been there before, from its start until the curve is drawn."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-GB")
    context.add_init_script(_NOTE_CHART)
    waits = []
    for visit in range(visits + 1):
        page = context.new_page()
        page.goto(address)
        drawn_ms = page.wait_for_function("window.chartDrawnMs").json_value()
        if visit:
            waits.append(drawn_ms / 1000)
        _idle(page)
        page.close()
    context.close()
    return at_most("first chart, warm, median", statistics.median(waits), "s", 2.5)


def _paper(browser: Browser, address: str, foreign: list[str], *, clicks: int) -> list[Figure]:
    """From a click on PDF to the whole file, with the plan of the page in it."""
    page = _open(browser, address, foreign, "")
    _idle(page)
    page.wait_for_timeout(_SETTLED_MS)
    waits, whole = [], 0
    for _ in range(clicks):
        started = time.perf_counter()
        with page.expect_download() as download:
            page.get_by_role("button", name="PDF").first.click()
        data = Path(download.value.path()).read_bytes()
        waits.append(time.perf_counter() - started)
        whole += "plan.json" in PdfReader(io.BytesIO(data)).attachments
    page.close()
    return [
        at_most("PDF clicked to file, median", statistics.median(waits), "s", 0.5),
        at_least("papers that carry their plan", whole / clicks, "share", 1.0),
    ]


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[max(0, round(share * len(values)) - 1)]
