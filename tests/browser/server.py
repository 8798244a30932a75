"""Starts a dashboard and finds a browser; used by the browser tests and by `docs/make_screenshots.py`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Without these Chromium itself asks its maker for updates.
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
START_SECONDS = 60


def chromium() -> str | None:
    """Path of the system's Chromium, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


_PROCESSES: dict[str, int] = {}


def process_of(address: str) -> int:
    """The process id of a dashboard that `dashboard` started."""
    return _PROCESSES[address]


@contextmanager
def dashboard(record: Path | None, *, home: Path | None = None) -> Iterator[str]:
    """The address of a dashboard as `streamlit run` starts it, with a record or the bundled example open.

    Args:
        record: None: the bundled example.
        home: Where its library of saved plans lies; None: a new folder that goes when the dashboard ends.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tempfile.TemporaryDirectory()
    settings = {
        "PLATEAU_RECORD": str(record or ""),
        "PLATEAU_HOME": str(home or Path(place.name) / "home"),
        "OMP_NUM_THREADS": "1",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
                break
            except (urllib.error.URLError, ConnectionError):
                assert server.poll() is None, "the dashboard ended before it served a page"
                assert time.monotonic() < deadline, "the dashboard did not start within a minute"
                time.sleep(0.2)
        address = f"http://127.0.0.1:{port}"
        _PROCESSES[address] = server.pid
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
        place.cleanup()
