"""What is said while it works: on stderr, a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_TO_FIRST_LINE = 2.0
# The first steps fill caches and allocate: what they took says nothing about the others.
_WARM_UPS = 3
_FEWEST = 8
_WINDOW = 200


class Pace:
    """How fast it goes and how long it still takes, from the last 200 advances; unknown at first."""

    def __init__(self, total: int, now: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self._now = now
        self._left_out = _WARM_UPS
        self._seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def advance(self, count: int) -> None:
        """`count` more are done."""
        self.done += count
        if self._left_out:
            self._left_out -= 1
            return
        self._seen.append((self._now(), self.done))

    def skip(self, count: int) -> None:
        """`count` were done before this call began: they say nothing about the pace."""
        self.done += count
        self._seen.clear()

    @property
    def rate(self) -> float | None:
        """Units a second."""
        if len(self._seen) < _FEWEST:
            return None
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else None

    @property
    def seconds_left(self) -> float | None:
        """To the end."""
        return None if self.rate is None else max(self.total - self.done, 0) / self.rate

    def sentence(self) -> str:
        """`12 a second, 3 min left`, or nothing yet."""
        if self.rate is None or self.seconds_left is None:
            return ""
        speed = f"{self.rate:,.0f}" if self.rate >= 10 else f"{self.rate:.2g}"
        return f"{speed} a second, {duration(self.seconds_left)} left"


class Stage:
    """A long piece of work with a known end."""

    def advance(self, count: int, note: str = "") -> None:
        """`count` more are done."""

    def skip(self, count: int) -> None:
        """`count` were done before."""


class _PlainStage(Stage):
    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._pace = Pace(total)
        self._next = time.monotonic() + _SECONDS_TO_FIRST_LINE

    def advance(self, count: int, note: str = "") -> None:
        self._pace.advance(count)
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _SECONDS_BETWEEN_LINES
        so_far = f"{self._title}: {self._pace.done:,} of {self._pace.total:,}"
        say(", ".join(part for part in (so_far, note, self._pace.sentence()) if part))

    def skip(self, count: int) -> None:
        self._pace.skip(count)


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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}  {task.fields[pace]}"),
    )
    pace = Pace(total)
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, note="", pace="")

        class _BarStage(Stage):
            def advance(self, count: int, note: str = "") -> None:
                pace.advance(count)
                bar.update(task, advance=count, note=note, pace=pace.sentence())

            def skip(self, count: int) -> None:
                pace.skip(count)
                bar.update(task, advance=count)

        yield _BarStage()
