"""Appends evaluations to a run for ever, and acknowledges each through a second file once `append` has returned."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from planner.record import Eval, RunLog


def main(record: str, acknowledgements: str) -> None:
    descriptor = os.open(acknowledgements, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    start = len(Path(acknowledgements).read_bytes().splitlines())
    with RunLog(Path(record), "run") as log:
        step = start
        while True:
            log.append(Eval(run="run", step=step, examples=float(step), loss=1.0 + 1.0 / (step + 1), annealed=False))
            os.write(descriptor, f"{step}\n".encode())
            step += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
