"""Real processes, killed: what was acknowledged is on disk, and the next writer goes on."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.record import create_record, read_calibration
from tests.factories import example_calibration

pytestmark = pytest.mark.faults
KILLS = 20
APPENDER = Path(__file__).with_name("appender.py")
ROOT = APPENDER.parent.parent.parent


def started(record: Path, acknowledgements: Path, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(APPENDER), str(record), str(acknowledgements)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def test_twenty_kills_in_one_run_lose_no_acknowledged_evaluation(tmp_path: Path) -> None:
    record, acknowledgements = tmp_path / "record", tmp_path / "acknowledged"
    create_record(record, example_calibration().header)
    random.seed(7)
    for kill in range(KILLS):
        before = acknowledgements.stat().st_size if acknowledgements.exists() else 0
        writer = started(record, acknowledgements)
        deadline = time.monotonic() + 30
        while not (acknowledgements.exists() and acknowledgements.stat().st_size > before):
            assert writer.poll() is None, writer.stderr.read()
            assert time.monotonic() < deadline, "the writer wrote nothing"
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stderr.close()
        acknowledged = [int(line) for line in acknowledgements.read_text().splitlines()]
        found = read_calibration(record)
        on_disk = {event.step for event in found.runs[0].events}
        assert set(acknowledged) <= on_disk, f"kill {kill}: lost {set(acknowledged) - on_disk}"
        assert len(found.notes) <= 1


def test_a_full_disk_ends_the_run_with_what_was_acknowledged_intact(tmp_path: Path) -> None:
    record, acknowledgements = tmp_path / "record", tmp_path / "acknowledged"
    create_record(record, example_calibration().header)
    limit = 5_000

    def smaller() -> None:
        # The kernel then cuts a write in its middle, as a full disk does.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    writer = started(record, acknowledgements, preexec_fn=smaller)
    _, problem = writer.communicate(timeout=30)
    assert writer.returncode == 1
    assert b"File too large" in problem
    acknowledged = [int(line) for line in acknowledgements.read_text().splitlines()]
    on_disk = [event.step for event in read_calibration(record).runs[0].events]
    assert on_disk == acknowledged
    # What the kernel took of the last line is cut again, so that a later event is not appended to it.
    assert (record / "runs" / "run.jsonl").read_bytes().endswith(b"\n")
