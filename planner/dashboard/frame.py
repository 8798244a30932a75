"""What every page has: its width, the marks, the notices, and the state in which there is nothing to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from planner.dashboard.palette import Palette, palette
from planner.dashboard.session import Session, follow_link, session, write_address
from planner.errors import PlannerError

PAGE_WIDTH_PX = 1180
LOGO = str(Path(__file__).with_name("logo.svg"))
ILLUSTRATION = "Illustration, not PaliGemma-3B."
_MARKDOWN = re.compile(r"[\\`*_\[\]<>$#|~]|:(?=\w)")


def escape(text: str) -> str:
    """Text for a place that reads Markdown: shown as it is, no formula, link, image or colour in it."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def breakable(text: str) -> str:
    """Long words (paths, model names) may break after a slash, an underscore or a hyphen."""
    return re.sub(r"([/_-])(?=\w)", "\\1\u200b", text)


def colours() -> Palette:
    """The palette of the theme that the browser shows."""
    return palette(st.context.theme.type)


def page(body: Callable[[Session], None], *, needs_calibration: bool = True) -> Callable[[], None]:
    """A page of the router around `body`: marks and notices first, errors as one sentence."""

    def show() -> None:
        here = session()
        follow_link()
        with _width():
            _marks(here)
            _notices(here)
            try:
                if needs_calibration and here.calibration is None:
                    _nothing_open(here)
                else:
                    body(here)
            except PlannerError as problem:
                show_problem(problem)
        write_address()

    show.__name__ = body.__name__
    return show


def show_problem(problem: PlannerError) -> None:
    """An error for the user: its own sentences and nothing of the machine."""
    lines = str(problem).splitlines()
    shown = "\n".join(f"- {escape(line)}" for line in lines[:8]) if len(lines) > 1 else escape(lines[0])
    more = f"\n- and {len(lines) - 8} more of the kind" if len(lines) > 8 else ""
    st.error(shown + more)


@contextmanager
def _width() -> Iterator[None]:
    with st.container(horizontal_alignment="center"), st.container(width=PAGE_WIDTH_PX):
        yield


def _marks(here: Session) -> None:
    if here.calibration is None:
        return
    if here.calibration.calibration.header.illustration:
        st.warning(
            f"**{ILLUSTRATION}** A small stand-in model was trained here: the way of reckoning is real, "
            "its losses, hours and costs are not those of your model."
        )


def _notices(here: Session) -> None:
    for notice in here.notices:
        st.info(escape(notice))
    here.notices = []


def _nothing_open(here: Session) -> None:
    st.title("No calibration is open")
    if here.problem:
        show_problem(here.problem)
    st.markdown(
        "Open one on the page **Calibration**: a record packed with `plateau export`, or a training log. "
        "Or start with `plateau dashboard RECORD`."
    )
