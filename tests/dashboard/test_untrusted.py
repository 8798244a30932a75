"""Texts of users and of files are shown as text: no markup, no formula, no picture from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from planner.cost.plan import encode_plan
from planner.dashboard.frame import escape
from planner.record import pack
from planner.report.words import words
from tests.dashboard.conftest import OpenApp
from tests.dashboard.test_pages import texts
from tests.factories import example_calibration, example_plan

CODE = Path(__file__).resolve().parents[2] / "planner" / "dashboard"
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=http://example.com/a.png>",
    "![a](http://example.com/a.png)",
    "[a](javascript:alert(1))",
    "[a](http://example.com)",
    "$x^2$ and $y$",
    "$$\\frac{1}{2}$$",
    ":red[a] :material/home:",
    "# heading",
    "| a | b |\n|---|---|",
    "**bold** _it_ ~~gone~~",
    "`code`",
    "\\[x\\]",
    "{target} {0} %s",
]
UNESCAPED = re.compile(r"(?<!\\)(<\w|\]\(|\$|!\[)")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_text_with_markup_is_escaped(payload: str) -> None:
    assert not re.search(r"(?<!\\)[<\[\]$`*_|]", escape(payload))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_dropped_plan_shows_its_texts_as_text(open_app: OpenApp, payload: str) -> None:
    plan = example_plan()
    nasty = msgspec.structs.replace(
        plan,
        scenario=msgspec.structs.replace(plan.scenario, gpu="L4"),
        budget_scenario=payload,
        lines=[msgspec.structs.replace(plan.lines[0], code="own", label=payload, formula=payload), *plan.lines[1:]],
        assumptions=[
            msgspec.structs.replace(plan.assumptions[0], code="own", label=payload, source=payload, value=payload),
            *plan.assumptions[1:],
        ],
        not_costed=[msgspec.structs.replace(plan.not_costed[0], code="own", label=payload)],
        verdict=msgspec.structs.replace(plan.verdict, sentence=payload),
        asymptote=msgspec.structs.replace(plan.asymptote, sentence=payload),
        calibration=msgspec.structs.replace(plan.calibration, calibration_id=payload, model=payload),
    )
    app = open_app("Board paper")
    app.session_state["paper_view"] = words("en").screen.board.as_text
    app.file_uploader(key="reopen").upload("plan.json", encode_plan(nasty), "application/json").run()
    assert not app.exception
    for text in texts(app):
        assert not UNESCAPED.search(text), text
    app = open_app("Compare")
    app.file_uploader(key="compare_file").upload(f"{payload[:20]}.json", encode_plan(nasty), "application/json").run()
    assert not app.exception
    for text in texts(app):
        assert not UNESCAPED.search(text), text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_link_is_shown_as_text(open_app: OpenApp, payload: str) -> None:
    app = open_app(gpu=payload, calibration=payload, **{payload[:30] or "x": payload})
    assert not app.exception
    for text in texts(app):
        assert not UNESCAPED.search(text), text


def test_an_uploaded_name_is_shown_as_text(open_app: OpenApp) -> None:
    app = open_app("Calibration")
    app.file_uploader(key="upload").upload("<img src=x>$a$.jsonl", b"{", "text/plain").run()
    assert len(app.error) == 1
    for text in texts(app):
        assert not UNESCAPED.search(text), text


def test_html_is_only_ever_a_constant_of_ours() -> None:
    """The places that hand HTML to the page hand it constants of the frame; nothing of a user can get there."""
    uses = [
        line.strip()
        for file in sorted(CODE.rglob("*.py"))
        for line in file.read_text("utf-8").splitlines()
        if "st.html(" in line or "unsafe_allow" in line
    ]
    assert uses == [
        "st.html(_SAY_LANGUAGE[here.language], unsafe_allow_javascript=True)",
        "st.html(_LOOK)",
        "st.html(_NO_ENGLISH_HINTS)",
        "st.html(_OLDER_LOOK)",
    ]


def test_nothing_of_an_upload_stays_on_disk(open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    app = open_app("Calibration")
    app.file_uploader(key="upload").upload("mine.jsonl", pack(example_calibration()), "text/plain").run()
    assert not app.error
    assert list(tmp_path.iterdir()) == []
