"""The training clock: monotonic, stopped during evaluation and checkpoints, carried over a resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TrainClock:
    """Seconds of training, accumulated. The wall clock may be set back or the machine may sleep: no effect."""

    def __init__(self, seconds: float = 0.0, now: Callable[[], float] = time.perf_counter) -> None:
        self._before = seconds
        self._now = now
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """So far."""
        running = self._now() - self._since if self._since is not None else 0.0
        return self._before + running

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens inside."""
        self._since = self._now()
        try:
            yield
        finally:
            self._before = self.seconds
            self._since = None
