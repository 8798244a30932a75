"""What follows from a log without being in it: effective batch size and number of training examples.

Hugging Face's last entry has samples and steps a second, and every entry its epoch. Where rounding leaves one whole
number, that is the effective batch size; it counts every GPU, which no list of arguments does.
"""

from __future__ import annotations

import math

from planner.importers import names
from planner.importers.table import ForeignLog, Row, RunTable, optional_number

FEWEST_STEPS_AN_EPOCH = 50
# Speeds are rounded to three decimals; trackers may keep them in single precision.
_ROUNDING, _SINGLE_PRECISION = 0.0005, 2e-7


def effective_batch_size(log: ForeignLog, run: RunTable, step: str) -> int | None:
    """Samples a second over steps a second, where that leaves one whole number.

    The last batch of an epoch may be smaller, so samples a step lie between B (1 - 1 / steps an epoch) and B.
    """
    samples = _last(log, run, names.SAMPLES_PER_SECOND)
    steps = _last(log, run, names.STEPS_PER_SECOND)
    an_epoch = _steps_an_epoch(log, run, step)
    if samples is None or steps is None or an_epoch is None or an_epoch < FEWEST_STEPS_AN_EPOCH:
        return None
    if not (_ROUNDING < steps < 1e6 and 0 < samples < 1e9):
        return None
    off_samples = _ROUNDING + _SINGLE_PRECISION * samples
    off_steps = _ROUNDING + _SINGLE_PRECISION * steps
    low = (samples - off_samples) / (steps + off_steps)
    high = (samples + off_samples) / max(steps - off_steps, 1e-12) / (1 - 1 / an_epoch)
    if high >= 1e9:
        return None
    found = range(max(math.ceil(low), 1), math.floor(high) + 1)
    return found[0] if len(found) == 1 else None


def training_examples(log: ForeignLog, run: RunTable, step: str, batch: int | None) -> int | None:
    """Examples of one epoch, to within a batch: effective batch size x steps an epoch."""
    an_epoch = _steps_an_epoch(log, run, step)
    if batch is None or an_epoch is None or an_epoch >= 1e12:
        return None
    return round(batch * an_epoch)


def _steps_an_epoch(log: ForeignLog, run: RunTable, step: str) -> float | None:
    column = _column(run, names.EPOCHS)
    if column is None:
        return None
    for row in reversed(run.rows):
        epoch, at = _positive(log, row, column), _positive(log, row, step)
        if epoch is not None and at is not None:
            return at / epoch
    return None


def _last(log: ForeignLog, run: RunTable, wanted: tuple[str, ...]) -> float | None:
    column = _column(run, wanted)
    if column is None:
        return None
    values = (_positive(log, row, column) for row in reversed(run.rows))
    return next((value for value in values if value is not None), None)


def _column(run: RunTable, wanted: tuple[str, ...]) -> str | None:
    return next((column for column in run.columns if names.plain(column) in wanted), None)


def _positive(log: ForeignLog, row: Row, column: str) -> float | None:
    value = optional_number(row, column, log)
    return value if value is not None and 0 < value < math.inf else None
