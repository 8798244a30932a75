"""Hugging Face `trainer_state.json`: the log history of a `Trainer`.

It has no time for each entry (unless input tokens were counted), a training loss that is a mean since the entry before,
and, in the last entry, the run time including evaluation. A run that diverged leaves bare NaN in it.
"""

from __future__ import annotations

import math

from msgspec import Struct

from planner.errors import Mistake, RecordError
from planner.importers.facts import ImportFacts
from planner.importers.log import NEVER_NEGATIVE, ForeignLog, LogPoint
from planner.reading import decode_json
from planner.record import LossKind, XUnit

NAME = "trainer_state"
MAX_BYTES = 8 * 1024 * 1024
FEWEST_STEPS_AN_EPOCH = 50
_REMEDY = "Take the trainer_state.json that the Trainer wrote into its checkpoint or output folder"


class _Entry(Struct, frozen=True, kw_only=True):
    step: int | None = None
    epoch: float | None = None
    loss: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    eval_runtime: float | None = None
    train_loss: float | None = None
    train_runtime: float | None = None
    train_samples_per_second: float | None = None
    train_steps_per_second: float | None = None
    num_input_tokens_seen: float | None = None


class _State(Struct, frozen=True, kw_only=True):
    log_history: list[_Entry]
    global_step: int | None = None
    max_steps: int | None = None
    num_train_epochs: float | None = None


def recognises(data: bytes) -> bool:
    """Whether the content looks like a trainer state."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and b'"log_history"' in data


def parse(data: bytes, *, file: str, facts: ImportFacts) -> ForeignLog:  # noqa: ARG001
    """Read one trainer state; it has no columns that `facts` could name.

    Raises:
        RecordError: Not a trainer state, or an entry that cannot be.
    """
    state = decode_json(data, _State, file=file, error=RecordError, remedy=_REMEDY, limit=MAX_BYTES, non_finite=True)
    mistakes: list[Mistake] = []
    training: list[LogPoint] = []
    held_out: list[LogPoint] = []
    last: _Entry | None = None
    eval_seconds = 0.0
    for number, entry in enumerate(state.log_history, start=1):
        mistakes.extend(_mistakes(entry, file, number))
        if entry.step is None:
            continue
        if entry.train_loss is not None:
            last = entry
        if entry.eval_runtime is not None and math.isfinite(entry.eval_runtime):
            eval_seconds += entry.eval_runtime
        if entry.loss is not None:
            training.append(_point(entry, entry.loss, number))
        if entry.eval_loss is not None:
            held_out.append(_point(entry, entry.eval_loss, number))
    if mistakes:
        raise RecordError(mistakes)
    batch = _effective_batch_size(last, state)
    unique = _training_examples(state.log_history, batch)
    remarks = {
        "no_loss": float(sum(e.loss is None and e.eval_loss is None and e is not last for e in state.log_history))
    }
    if batch:
        remarks["effective_batch_size_derived"] = batch
    if unique:
        remarks["training_examples_derived"] = unique
    finished = state.global_step is not None and bool(state.max_steps) and state.global_step == state.max_steps
    runtime = last.train_runtime if last is not None else None
    return ForeignLog(
        log=NAME,
        file=file,
        rows=len(state.log_history),
        series={LossKind.TRAINING: tuple(training), LossKind.HELD_OUT: tuple(held_out)},
        x_unit=XUnit.STEPS,
        estimated_seconds=max(runtime - eval_seconds, 0.0) if finished and runtime else None,
        effective_batch_size=batch,
        training_examples=unique,
        finished=finished,
        remarks={code: number for code, number in remarks.items() if number},
    )


def _point(entry: _Entry, loss: float, number: int) -> LogPoint:
    assert entry.step is not None
    # Only with `include_num_input_tokens_seen` does every entry have its run time.
    seconds = entry.train_runtime if entry.num_input_tokens_seen is not None else None
    return LogPoint(
        x=float(entry.step),
        loss=loss,
        row=number,
        seconds=seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None,
        learning_rate=_finite(entry.learning_rate),
        gradient_norm=entry.grad_norm,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _mistakes(entry: _Entry, file: str, number: int) -> list[Mistake]:
    found = []

    def mistake(field: str, reason: str, remedy: str = _REMEDY) -> None:
        found.append(Mistake(file=file, field=f"log_history entry {number}, {field}", reason=reason, remedy=remedy))

    if entry.step is not None and not 0 <= entry.step <= 10**12:
        mistake("step", f"expected a step of 0 or more, got {str(entry.step)[:20]}")
    for name in ("loss", "eval_loss"):
        value = getattr(entry, name)
        if value is not None and value < 0 and math.isfinite(value):
            mistake(name, f"expected a loss above 0, got {value:g}", NEVER_NEGATIVE)
        if value is not None and entry.step is None:
            mistake("step", "a loss without a step")
    return found


def _effective_batch_size(last: _Entry | None, state: _State) -> int | None:
    """Samples a second over steps a second, where rounding (three decimals) leaves one whole number.

    The last batch of an epoch may be smaller, so samples a step lie between B (1 - 1 / steps an epoch) and B.
    """
    if last is None or not state.max_steps or not state.num_train_epochs:
        return None
    samples, steps = last.train_samples_per_second, last.train_steps_per_second
    if samples is None or steps is None or not (0.0005 < steps < 1e6 and 0 < samples < 1e9):
        return None
    steps_an_epoch = state.max_steps / state.num_train_epochs
    if steps_an_epoch < FEWEST_STEPS_AN_EPOCH:
        return None
    low = (samples - 0.0005) / (steps + 0.0005)
    high = (samples + 0.0005) / (steps - 0.0005) / (1 - 1 / steps_an_epoch)
    found = range(max(math.ceil(low), 1), math.floor(high) + 1)
    return found[0] if len(found) == 1 else None


def _training_examples(entries: list[_Entry], batch: int | None) -> int | None:
    """Examples of one epoch, to within a batch: batch x steps an epoch."""
    timed = [e for e in entries if e.step and e.epoch is not None and math.isfinite(e.epoch) and e.epoch > 0]
    if batch is None or not timed:
        return None
    last = timed[-1]
    assert last.step is not None and last.epoch is not None
    per_epoch = last.step / last.epoch
    return round(batch * per_epoch) if per_epoch < 1e12 else None
