"""A real browser on a real server; skipped with a line that says how to get one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from planner.record import write_packed
from tests.browser.server import QUIET, chromium, dashboard
from tests.factories import example_calibration


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard as `streamlit run` starts it, with the factories' calibration open."""
    record = tmp_path_factory.mktemp("record") / "calibration.jsonl"
    write_packed(record, example_calibration())
    with dashboard(record) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium found; get it with: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def foreign_requests() -> list[str]:
    """Addresses of other hosts that any page of the whole suite asked for."""
    return []


@pytest.fixture(scope="session")
def seen_paths() -> set[str]:
    """Pages of the dashboard that were opened."""
    return set()


@pytest.fixture
def new_page(
    browser: Browser, address: str, foreign_requests: list[str], seen_paths: set[str]
) -> Iterator[Callable[..., Page]]:
    """Opens a page of the dashboard in a fresh context: `new_page("calibration", color_scheme="dark")`."""
    contexts = []

    def watch(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(address).netloc:
            foreign_requests.append(request.url)

    def open_page(path: str = "", **options: object) -> Page:
        wanted = {"viewport": {"width": 1366, "height": 900}, "locale": "en-GB"} | options
        context = browser.new_context(**wanted)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("request", watch)
        page.on("websocket", lambda socket: watch(socket) if not socket.url.startswith("ws://127.0.0.1:") else None)
        page.set_default_timeout(30_000)
        page.goto(f"{address}/{path}")
        page.wait_for_selector("h1")
        seen_paths.add(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
