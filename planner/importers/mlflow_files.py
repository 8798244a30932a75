"""MLflow's metric files: `mlruns/EXPERIMENT/RUN/metrics/NAME`, a line `milliseconds value step` a value.

A single file is one metric, called as the file is; a folder may be a run, an experiment or all of `mlruns`.

Source: mlflow/store/tracking/file_store.py. `meta.yaml` is read for the name of a run and whether it was deleted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from planner.errors import Mistake, RecordError
from planner.importers.table import MOST_ENTRIES, ForeignLog, LogFile, Sample, table_of, too_many

NAME = "mlflow_files"
TITLE = "metric file of MLflow, or a folder of them (mlruns)"
META = "meta.yaml"
_FOLDER = "metrics"
_LINE = re.compile(
    rb"(\d{10,17}) (nan|[+-]?inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)(?: (-?\d{1,15}))?", re.IGNORECASE
)
_REMEDY = "Take the file as MLflow wrote it below mlruns, one line `milliseconds value step` a value"
_NAME_OF_RUN = re.compile(r"^run_name: *'?(.{1,120}?)'? *$", re.MULTILINE)
_DELETED = re.compile(r"^lifecycle_stage: *deleted *$", re.MULTILINE)


def recognises(data: bytes) -> bool:
    """Whether the first line is one that MLflow writes."""
    return _LINE.fullmatch(data.split(b"\n", 1)[0].rstrip(b"\r")) is not None


def read(files: Sequence[LogFile]) -> ForeignLog:
    """Read metric files, grouped by run, with the `meta.yaml` files beside them.

    Raises:
        RecordError: A line that is wrong, every one of a file at once; or every run was deleted.
    """
    remarks: dict[str, float] = {}
    meta = {
        str(PurePosixPath(file.path).parent): file.data.decode("utf-8", "replace")
        for file in files
        if file.name == META
    }
    runs: dict[str, list[Sample]] = {}
    for file in files:
        run, metric = _place(file)
        if sum(map(len, runs.values())) + file.data.count(b"\n") > MOST_ENTRIES:
            raise too_many(file)
        if file.name != META and not _DELETED.search(meta.get(run, "")):
            runs.setdefault(run, []).extend(_samples(file, metric, remarks))
    if not runs:
        reason, remedy = "every run in this folder was deleted", "Restore the run with `mlflow runs restore`"
        raise RecordError(Mistake(file=files[0].name, reason=reason, remedy=remedy))
    names = {run: found[1] if (found := _NAME_OF_RUN.search(meta.get(run, ""))) else run for run in runs}
    shared = list(names.values())
    tables = []
    for run, samples in sorted(runs.items()):
        name = names[run] if shared.count(names[run]) == 1 else f"{names[run]} ({PurePosixPath(run).name})"
        samples.sort(key=lambda sample: (sample.seconds or 0.0, sample.step))
        tables.append(table_of(name if len(runs) > 1 else "", samples))
    return ForeignLog(log=NAME, file=files[0].name, runs=tuple(tables), entry="row", remarks=remarks)


def _place(file: LogFile) -> tuple[str, str]:
    """The folder of a file's run, and the name of its metric, which may have folders of its own (`eval/loss`)."""
    path = PurePosixPath(file.path)
    above = list(path.parts[:-1])
    if _FOLDER in above:
        at = len(above) - 1 - above[::-1].index(_FOLDER)
        return str(PurePosixPath(*path.parts[:at])), "/".join(path.parts[at + 1 :])
    return str(path.parent), path.name


def _samples(file: LogFile, metric: str, remarks: dict[str, float]) -> list[Sample]:
    samples: list[Sample] = []
    mistakes: list[Mistake] = []
    lines = file.data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if number == len(lines):  # MLflow ends every line; what follows the last line end was cut off
            if line:
                remarks["torn_tail"] = remarks.get("torn_tail", 0) + len(line)
            break
        found = _LINE.fullmatch(line.rstrip(b"\r"))
        value = _value(found[2]) if found else None
        if found and value is not None:
            samples.append(Sample(metric, int(found[3] or 0), int(found[1]) / 1000, value))
        elif line.strip():
            reason = "expected `milliseconds value step`"
            mistakes.append(Mistake(file=file.name, row=number, reason=reason, remedy=_REMEDY))
    if mistakes:
        raise RecordError(mistakes)
    return samples


def _value(text: bytes) -> float | None:
    """A number, NaN for what is written as not finite, None for what is beyond a double."""
    value = float(text)
    if math.isfinite(value):
        return value
    return math.nan if text.lower().endswith((b"nan", b"inf")) else None
