"""Draws the screenshots of the documentation: `python docs/make_screenshots.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.server import QUIET, chromium, dashboard  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SHOTS = {
    "dashboard.png": ("", {"width": 1280, "height": 1215}, "light"),
    "dashboard-dark.png": ("", {"width": 1280, "height": 1215}, "dark"),
    "dashboard-phone.png": ("", {"width": 390, "height": 844}, "light"),
    "dashboard-calibration.png": ("calibration", {"width": 1280, "height": 860}, "light"),
}


def main() -> None:
    """Open the bundled example and photograph it."""
    path = chromium()
    if path is None:
        sys.exit("No Chromium found. Get it with: sudo apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with dashboard(None) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        for name, (page_path, size, theme) in SHOTS.items():
            page = browser.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
            page.goto(f"{address}/{page_path}")
            page.wait_for_selector(".main-svg")
            page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
            page.wait_for_timeout(3000)  # the table of other GPUs follows once the inputs rest
            page.screenshot(path=IMAGES / name)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
