"""axe-core on a page: WCAG 2.2, levels A and AA."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@cache
def _script() -> str:
    return (Path(__file__).parent / "axe.min.js").read_text("utf-8") + ";0"


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Rules that the page breaks, each with the beginning of the elements that break it."""
    page.evaluate(_script())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules}).then(r => r.violations)", RULES)
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found]
