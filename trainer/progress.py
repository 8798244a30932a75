"""What is said while it works: on stderr, a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_TO_FIRST_LINE = 2.0


class Stage:
    """A long piece of work with a known end."""

    def advance(self, count: int, note: str = "") -> None:
        """`count` more are done."""


class _PlainStage(Stage):
    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._start = time.monotonic()
        self._next = self._start + _SECONDS_TO_FIRST_LINE

    def advance(self, count: int, note: str = "") -> None:
        self._done += count
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _SECONDS_BETWEEN_LINES
        rate = self._done / (now - self._start)
        left = duration((self._total - self._done) / rate)
        note = f", {note}" if note else ""
        say(f"{self._title}: {self._done:,} of {self._total:,}{note}, {rate:,.0f} a second, {left} left")


def say(sentence: str) -> None:
    """One line on stderr."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


@contextmanager
def stage(title: str, total: int) -> Iterator[Stage]:
    """Show the progress of `total` units of work."""
    if not sys.stderr.isatty():
        yield _PlainStage(title, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    speed = "{task.fields[note]}  {task.fields[rate]}"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn(speed),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, note="", rate="")

        class _BarStage(Stage):
            def advance(self, count: int, note: str = "") -> None:
                found = bar.tasks[task].speed
                rate = f"{found:,.0f} a second" if found else ""
                bar.update(task, advance=count, note=note, rate=rate)

        yield _BarStage()
