"""What every page has: its bar, the marks, the notices, and the state in which there is nothing to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from planner.dashboard.palette import Palette, palette
from planner.dashboard.session import Session, follow_link, session, write_address
from planner.errors import InputError, Mistake, PlannerError
from planner.report.words import LANGUAGES, numbers, sentences
from planner.report.words.translation import translated

PAGE_WIDTH_PX = 1180
LOGO = str(Path(__file__).with_name("logo.svg"))
_MOST_MISTAKES = 8
_MARKDOWN = re.compile(r"[\\`*_\[\]<>$#|~]|:(?=\w)")
_UNIT = re.compile(r"(?<=\d) (?=%|GiB\b|€)|(?<=€) (?=\d)")
# Screen readers choose their voice by the page's language, and Streamlit always says English. No data goes in here.
_SAY_LANGUAGE = {code: f"<script>document.documentElement.lang = '{code}'</script>" for code in LANGUAGES}
# Notes of figures break into lines on a phone where Streamlit would cut them; amounts stand below each other.
_LOOK = (
    '<style>[data-testid="stMetric"] * { white-space: normal !important; overflow-wrap: anywhere; } '
    ':has(> [data-testid="stMetricDelta"]) { flex-wrap: wrap; } '
    ".st-key-cash :is(td, th):not(:first-child), .st-key-lines :is(td, th):last-child "
    "{ text-align: right !important; font-variant-numeric: tabular-nums; }</style>"
)
# Streamlit's own hints ("5MB per file", "Press Enter to apply") are always English; the labels say all of it.
_NO_ENGLISH_HINTS = (
    '<style>[data-testid="stFileUploaderDropzoneInstructions"], [data-testid="InputInstructions"] '
    "{ display: none; }</style>"
)
OLDER = ("cash", "others")
"""Keys of the containers that hold what follows once the inputs have come to rest."""
_OLDER_LOOK = f"<style>{', '.join(f'.st-key-{key}' for key in OLDER)} {{ opacity: 0.4; }}</style>"


def escape(text: str) -> str:
    """Text for a place that reads Markdown: shown as it is, no formula, link, image or colour in it.

    A number keeps its unit on its line.
    """
    return _UNIT.sub("\u00a0", _MARKDOWN.sub(r"\\\g<0>", text))


def breakable(text: str) -> str:
    """Long words (paths, model names) may break after a slash, an underscore or a hyphen."""
    return re.sub(r"([/_-])(?=\w)", "\\1\u200b", text)


def colours() -> Palette:
    """The palette of the theme that the browser shows."""
    return palette(st.context.theme.type)


def page(body: Callable[[Session], None], *, needs_calibration: bool = True) -> Callable[[], None]:
    """A page of the router around `body`: bar, marks and notices first, errors as one sentence."""

    def show() -> None:
        here = session()
        follow_link()
        here.shown = here.scenario
        with _width():
            _bar(here)
            _notices(here)
            try:
                if needs_calibration and here.calibration is None:
                    nothing_open(here)
                else:
                    body(here)
            except PlannerError as problem:
                show_problem(problem)
        st.html(_SAY_LANGUAGE[here.language], unsafe_allow_javascript=True)
        st.html(_LOOK)
        if here.language != "en":
            st.html(_NO_ENGLISH_HINTS)
        write_address()

    show.__name__ = body.__name__
    return show


def mark_older() -> None:
    """Let what is of an older scenario look like it until the page runs again."""
    st.html(_OLDER_LOOK)


def show_problem(problem: PlannerError) -> None:
    """An error for the user: its own sentences and nothing of the machine."""
    here = session()
    if isinstance(problem, InputError):
        lines = [_mistake(here, mistake) for mistake in problem.mistakes]
    else:
        lines = translated(str(problem), here.tag).splitlines()
    shown = [escape(line) for line in lines[:_MOST_MISTAKES]]
    if len(lines) > _MOST_MISTAKES:
        shown.append(here.words.frame.more_mistakes.format(count=len(lines) - _MOST_MISTAKES))
    st.error("\n".join(f"- {line}" for line in shown) if len(shown) > 1 else shown[0])


def nothing_open(here: Session) -> None:
    """The empty state: why, and what to do."""
    say = here.words.frame
    st.title(say.nothing_open_title, anchor=False)
    if here.problem:
        show_problem(here.problem)
    st.markdown(say.nothing_open)


def _mistake(here: Session, mistake: Mistake) -> str:
    """One mistake in the visitor's language: where, what, and what to do."""
    say = here.words.frame
    where = [mistake.file]
    if mistake.row is not None:
        where.append(say.line_of_file.format(line=mistake.row))
    if mistake.field is not None:
        where.append(mistake.field)
    if mistake.file == "scenario" and mistake.field in here.words.inputs.labels:
        # What is wrong with an input is said at its label, as it stands beside the field.
        where = [here.words.inputs.labels[mistake.field]]
    return f"{', '.join(where)}: {translated(mistake.reason, here.tag)}. {translated(mistake.remedy, here.tag)}."


@contextmanager
def _width() -> Iterator[None]:
    with st.container(horizontal_alignment="center"), st.container(width=PAGE_WIDTH_PX):
        yield


def _bar(here: Session) -> None:
    """Which calibration all figures rest on, whether it is an illustration, and the language."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        with st.container(width="stretch"):
            st.markdown(_rests_on(here))
        st.segmented_control(
            here.words.frame.language,
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            default=here.language,
            required=True,
            label_visibility="collapsed",
            key=f"language_{here.language}",
            on_change=_speak,
            args=(f"language_{here.language}",),
        )


def _rests_on(here: Session) -> str:
    say = here.words.frame
    if here.calibration is None:
        return ""
    header = here.calibration.calibration.header
    said = say.rests_on.format(
        id=escape(header.calibration_id),
        origin=say.origins[here.calibration.origin.name],
        model=escape(breakable(sentences.known(header.configuration.model, here.tag))),
        date=numbers.short_date(header.created, here.tag),
    )
    if not header.illustration:
        return f":gray[{said}]"
    return f":orange-badge[{sentences.illustration(here.tag)}] {say.illustration} :gray[{said}]"


def _speak(key: str) -> None:
    chosen = st.session_state[key]
    if chosen in LANGUAGES:
        session().speak(chosen)


def _notices(here: Session) -> None:
    """What was said since the visitor's last step; a page that refreshes itself says it again."""
    here.said = [*(here.said if here.refreshed else []), *here.notices]
    here.notices, here.refreshed = [], False
    for notice in here.said:
        st.info(escape(notice))
