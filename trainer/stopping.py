"""Stopping early: Ctrl-C, SIGTERM and the time limit become one flag that is looked at between steps."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODES = {"ctrl_c": 130, "sigterm": 75, "time_limit": 75, "disk_full": 75}


class StoppedEarlyError(Exception):
    """Work stops here and can go on later; `reason` is that of the record's `interrupted` event."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, else 75."""
        return EXIT_CODES[self.reason]


class StopFlag:
    """Set by a signal or by the clock; `check` raises."""

    def __init__(self, max_hours: float | None = None) -> None:
        self._reason: str | None = None
        self._at_once = False
        self._deadline = None if max_hours is None else time.monotonic() + 3600 * max_hours

    def request(self, reason: str) -> None:
        """Stop at the next check."""
        self._reason = reason

    def check(self, *_: object) -> None:
        """Go on, or raise.

        Raises:
            StoppedEarlyError: A signal came, or the time is over.
        """
        if self._reason is None and self._deadline is not None and time.monotonic() >= self._deadline:
            self._reason = "time_limit"
        if self._reason is not None:
            raise StoppedEarlyError(self._reason)

    def seconds_left(self) -> float | None:
        """To the time limit, or None without one."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, a signal stops the work where it is: for work that leaves nothing behind (loading)."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Catch SIGINT and SIGTERM inside; a second Ctrl-C stops at once."""

        def stop(number: int, _: FrameType | None) -> None:
            if number == signal.SIGINT and self._reason == "ctrl_c":
                raise KeyboardInterrupt
            self.request("ctrl_c" if number == signal.SIGINT else "sigterm")
            if self._at_once:
                self.check()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
