"""How long a visitor waits: script time of every page, of a moved slider, and of the board paper."""

from __future__ import annotations

import functools
import os
import statistics
import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from benchmarks.figure import Figure, at_most
from planner.dashboard.session import Session
from planner.dashboard.work import first_calibration
from planner.report.pdf import render_pdf
from planner.resources import app_file, data_directory


def measure(quick: bool) -> list[Figure]:
    """Times of AppTest, which runs the whole script in this process and draws nothing."""
    example = data_directory() / "example" / "calibration.jsonl"
    before = os.environ.get("PLATEAU_RECORD")
    os.environ["PLATEAU_RECORD"] = str(example)
    try:
        return _measure(5 if quick else 30)
    finally:
        if before is None:
            del os.environ["PLATEAU_RECORD"]
        else:
            os.environ["PLATEAU_RECORD"] = before


def _measure(times: int) -> list[Figure]:
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
        Figure(name="slider moved to a new target, script, p95", value=_p95(moved), unit="ms"),
        at_most("Plan again with the same scenario, script, median", statistics.median(same), "ms", 80),
        Figure(name="first visit of a new process, script with fit", value=cold, unit="ms"),
        *_paper(times),
    ]


def _paper(times: int) -> list[Figure]:
    visitor = Session()
    visitor.open(first_calibration())
    plan = visitor.plan()
    render_pdf(plan)
    return [
        at_most(
            "board paper, PDF",
            statistics.median(_milliseconds(lambda: render_pdf(plan)) for _ in range(times)),
            "ms",
            500,
        )
    ]


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]
