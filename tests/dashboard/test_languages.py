"""No page shows a word that has no translation: not in its code, and not on screen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from planner.dashboard.frame import breakable
from planner.report.words import LANGUAGES, words
from tests.dashboard.conftest import PAGES, OpenApp
from tests.dashboard.test_pages import texts

CODE = Path(__file__).resolve().parents[2] / "planner" / "dashboard"
SHOWN_BY = frozenset(
    [
        "title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success", "metric", "table",
        "button", "selectbox", "number_input", "text_input", "slider", "toggle", "checkbox", "file_uploader", "popover",
        "expander", "form_submit_button", "download_button", "segmented_control", "date_input", "tabs", "spinner",
        "text", "write", "badge", "toast",
    ]
)  # fmt: skip
LETTERS = re.compile(r"[A-Za-zÀ-ÿ]{2,}")
ENGLISH = re.compile(
    r"\b(the|and|with|this|that|are|from|which|than|what|does|its|every|their|these|those|cannot|would|should|have|has)\b",
    re.IGNORECASE,
)
NAMES = re.compile(r"`[^`]*`|https?://\S+|\S+\.(?:csv|json|jsonl|py)\b|“[^”]*”")


def literals(call: ast.Call) -> Iterator[str]:
    """Texts written into a call: as they are, or in the fixed parts of an f-string; markup and keys left out."""
    for argument in [
        *call.args,
        *[k.value for k in call.keywords if k.arg in ("label", "body", "help", "placeholder")],
    ]:
        parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield re.sub(r":?\w*-badge\[|:\w+\[", "", part.value)


def test_no_text_for_the_screen_is_written_in_the_code_of_a_page() -> None:
    found = []
    for file in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWN_BY:
                found += [f"{file.name}: {text!r}" for text in literals(node) if LETTERS.search(text)]
    assert found == []


def shown(app: AppTest) -> Iterator[str]:
    """Everything on a page: texts, and labels of its widgets."""
    yield from texts(app)
    for kind in ("button", "selectbox", "number_input", "text_input", "slider", "toggle", "checkbox", "file_uploader"):
        for widget in getattr(app, kind):
            yield from (text for text in (widget.label, getattr(widget, "help", None)) if text)


def plain(text: str) -> str:
    """Without escapes, markup, invisible breaks, names of files and commands, and quoted words."""
    text = re.sub(r"\\(.)", r"\1", text).replace("\u200b", "").replace("\u00a0", " ")
    return NAMES.sub("", re.sub(r":\w+(-badge)?\[|[*\]]", "", text))


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_an_english_sentence_in_another_language(open_app: OpenApp, page: str, language: str) -> None:
    app = open_app(page, language=language)
    plan = app.session_state["plateau"].plan()
    # Names of sources are quoted as they are, so that they can be found.
    sources = {plain(breakable(item.source)) for item in plan.assumptions} | {plain(line.source) for line in plan.lines}
    for text in shown(app):
        left = plain(text)
        for source in sources:
            left = left.replace(source, "")
        assert not ENGLISH.search(left), left


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_every_language(open_app: OpenApp, page: str, language: str) -> None:
    app = open_app(page, language=language)
    assert not app.exception
    assert not app.error
    assert app.session_state["plateau"].language == language


def test_the_browser_decides_until_the_visitor_does(open_app: OpenApp) -> None:
    app = open_app()
    assert app.session_state["plateau"].language == "en"
    app.segmented_control(key="language_en").set_value("nl").run()
    assert app.session_state["plateau"].language == "nl"
    assert app.query_params["language"] in ("nl", ["nl"])
    assert words("nl").screen.plan.decisions in [heading.value for heading in app.subheader]
    app.segmented_control(key="language_nl").set_value("de").run()
    assert app.session_state["plateau"].language == "de"


def test_a_language_that_nobody_speaks_is_named(open_app: OpenApp) -> None:
    app = open_app(language="fr")
    assert any("fr" in notice.value for notice in app.info)
    assert app.session_state["plateau"].language == "en"


def test_what_is_wrong_with_an_input_is_said_at_its_label(open_app: OpenApp) -> None:
    app = open_app(language="nl", gpu="A30")
    assert app.error[0].value.startswith(words("nl").screen.inputs.labels["tenure"] + ": ")
