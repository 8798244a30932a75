"""How long a visitor waits, whether everybody can use the pages, whether figures agree, and what a crowd does.

Times are those of the machine that this runs on; on a busy one they say little. What must be true (findings, requests,
equal figures, no value of another session) does not depend on it.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from benchmarks import _dashboard_browser, _dashboard_papers
from benchmarks._dashboard_browser import percentile
from benchmarks._dashboard_visitors import Crowd, resident_megabytes, visit
from benchmarks.figure import Figure, at_most
from planner.dashboard.session import Session
from planner.dashboard.work import first_calibration
from planner.report.pdf import render_pdf
from planner.report.words import LANGUAGES
from planner.resources import app_file, data_directory
from tests.browser.server import dashboard, process_of

PAGES = ("", "calibration", "compare", "assumptions", "board-paper")
VISITORS, THINK_S = 50, 10.0
SESSION_KEPT_S = 130.0
"""A little more than Streamlit keeps the session of a visitor who has left."""


def measure(quick: bool) -> list[Figure]:
    """All figures; the quick form has fewer repetitions, ten visitors, and does not wait for their sessions to go."""
    # Outside a server Streamlit warns at every cache.
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    with _bundled_example():
        return [
            # First what a person waits for, while nothing else of this process computes.
            *_dashboard_browser.measure(quick),
            *_script_times(5 if quick else 30),
            *_document(5 if quick else 30),
            _every_page_opens(quick=quick),
            *_dashboard_papers.measure(quick),
            *_crowd(quick=quick),
        ]


@contextmanager
def _bundled_example() -> Iterator[None]:
    before = os.environ.get("PLATEAU_RECORD")
    os.environ["PLATEAU_RECORD"] = str(data_directory() / "example" / "calibration.jsonl")
    try:
        yield
    finally:
        if before is None:
            del os.environ["PLATEAU_RECORD"]
        else:
            os.environ["PLATEAU_RECORD"] = before


def _script_times(times: int) -> list[Figure]:
    """AppTest runs the whole script in this process and draws nothing."""
    app = AppTest.from_file(str(app_file()), default_timeout=120)
    cold = _milliseconds(app.run)
    target = app.slider(key="input_target_loss")
    low, high = float(target.min), float(target.max)

    def move(step: int) -> None:
        app.slider(key="input_target_loss").set_value(round(low + (high - low) * (0.3 + 0.4 * step / times), 2)).run()

    moved = [_milliseconds(functools.partial(move, step)) for step in range(times)]
    same = [_milliseconds(app.run) for _ in range(times)]
    return [
        at_most("slider moved to a new target, script, median", statistics.median(moved), "ms", 80),
        Figure(name="slider moved to a new target, script, p95", value=percentile(moved, 0.95), unit="ms"),
        at_most("Plan again with the same scenario, script, median", statistics.median(same), "ms", 80),
        Figure(name="first visit of a new process, script with fit", value=cold, unit="ms"),
    ]


def _document(times: int) -> list[Figure]:
    visitor = Session()
    visitor.open(first_calibration())
    plan = visitor.whole_plan()
    render_pdf(plan)
    took = statistics.median(_milliseconds(lambda: render_pdf(plan)) for _ in range(times))
    return [at_most("board paper, document itself, median", took / 1000, "s", 0.1)]


def _every_page_opens(*, quick: bool) -> Figure:
    """Every page in every language with every bundled example."""
    broken = 0
    examples = sorted((data_directory() / "example").glob("*.jsonl"))
    languages = ("en",) if quick else tuple(LANGUAGES)
    before = os.environ["PLATEAU_RECORD"]
    for example in examples:
        os.environ["PLATEAU_RECORD"] = str(example)
        for page in PAGES:
            for language in languages:
                app = AppTest.from_file(str(app_file()), default_timeout=120)
                app.query_params["language"] = language
                app._page_hash = calc_hash(page) if page else ""
                app.run()
                broken += bool(app.exception) or not app.title
    os.environ["PLATEAU_RECORD"] = before
    name = f"pages that do not open, {len(PAGES)} x {len(examples)} examples x {len(languages)} languages"
    return at_most(name, float(broken), "pages", 0)


def _crowd(*, quick: bool) -> list[Figure]:
    """Visitors at once with their own targets; then all leave, and a second crowd shows whether memory is reused."""
    visitors, moves, think_s = (10, 2, 1.0) if quick else (VISITORS, 6, THINK_S)
    with dashboard(None) as address:
        port = int(address.rsplit(":", 1)[1])
        process = process_of(address)
        asyncio.run(visit(port, 2, 2, 0.1, seed=9))  # fits, catalogs and the compiler are loaded once
        before = resident_megabytes(process)
        crowds: list[Crowd] = []
        after: list[float] = []
        for turn in range(1 if quick else 2):
            crowds.append(asyncio.run(visit(port, visitors, moves, think_s, seed=turn)))
            if not quick:
                time.sleep(SESSION_KEPT_S)
            after.append(resident_megabytes(process))
    answers = [answer for crowd in crowds for answer in crowd.answers_s]
    name = f"{visitors} visitors at once, {think_s:g} s think time"
    figures = [
        at_most(f"{name}: errors", float(sum(crowd.errors for crowd in crowds)), "errors", 0),
        at_most(f"{name}: values of another session", float(sum(crowd.foreign for crowd in crowds)), "values", 0),
        at_most(f"{name}: slider to answer, p95", percentile(answers, 0.95), "s", 2.0),
        Figure(name=f"{name}: slider to answer, median", value=statistics.median(answers), unit="s"),
    ]
    if not quick:
        # What the first crowd left is reused by the second where sessions go when their visitors do.
        figures += [
            at_most(f"{name}: memory grown a session", (after[0] - before) / visitors, "MiB", 2.0),
            at_most(f"{name}: grown by a second crowd, a session", (after[1] - after[0]) / visitors, "MiB", 0.2),
        ]
    return figures


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)
