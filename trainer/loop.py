"""Training of one run between two steps: the events it writes, the faults it survives."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import torch
from msgspec import Struct, structs

from planner.record import Answers, Checkpoint, Eval, Finished, NonFinite, OutOfMemory, RunLog, Train
from trainer import answers, checkpoint
from trainer.checkpoint import Progress
from trainer.clock import TrainClock
from trainer.config import Settings
from trainer.feature_cache import FeatureCache
from trainer.memory import Memory, is_out_of_memory, release, set_checkpointing
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.peak import peak_memory_gib
from trainer.progress import Stage
from trainer.schedule import Budget, DataOrder, learning_rate
from trainer.step import StepResult, evaluate, training_step
from trainer.stopping import StopFlag, StoppedEarlyError
from trainer.tokens import Encoded

SECONDS_BETWEEN_CHECKPOINTS = 120.0
NON_FINITE_IN_A_ROW = 3
TRAIN_EVENTS_A_SEGMENT = 20


class RunFailedError(Exception):
    """A run ends without its last evaluation; `status` is `diverged` or `out_of_memory`."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Bench(Struct, kw_only=True):
    """What all runs of a calibration share.

    Attributes:
        memory: Shrinks when it does not suffice; the effective batch stays.
        keep: Where texts of answers are kept, or None.
    """

    model: LoadedModel
    training: Sequence[Encoded]
    held_out: Sequence[Encoded]
    features: FeatureCache
    settings: Settings
    order: DataOrder
    memory: Memory
    stop: StopFlag
    stage: Stage
    save: Callable[[str, Progress, dict[str, torch.Tensor]], None]
    keep: Callable[[str, int, Sequence[answers.Answer]], None] | None = None

    def new_optimizer(self) -> MasterAdamW:
        """AdamW on the adapters."""
        return MasterAdamW(self.model.trainable_named(), learning_rate=self.settings.peak_learning_rate())

    def examples(self, step: int) -> int:
        """Processed after so many steps."""
        return step * self.order.batch


def advance(
    bench: Bench,
    log: RunLog,
    run: str,
    optimizer: MasterAdamW,
    progress: Progress,
    *,
    until: int,
    budget: Budget | None,
) -> Progress:
    """Train from `progress` to step `until`; a stop leaves a checkpoint first.

    Raises:
        StoppedEarlyError: A signal or the time limit.
        RunFailedError: Three steps in a row were not finite, or memory does not suffice for one example.
    """
    clock = TrainClock(progress.train_seconds)
    wall_start = time.monotonic() - progress.wall_seconds
    tokens = progress.suffix_tokens
    every = max(1, (until - progress.step) // TRAIN_EVENTS_A_SEGMENT)
    since: list[StepResult] = []
    bad = 0
    saved = time.monotonic()
    bench.model.network.train()

    def here(step: int) -> Progress:
        return Progress(
            step=step,
            suffix_tokens=tokens,
            train_seconds=clock.seconds,
            wall_seconds=time.monotonic() - wall_start,
        )

    for step in range(progress.step, until):
        rate = learning_rate(step, bench.settings.peak_learning_rate(), budget)
        optimizer.set_learning_rate(rate)
        try:
            with clock.running():
                result = _one_step(bench, log, run, optimizer, step)
        except StoppedEarlyError:
            _save(bench, log, run, here(step), optimizer)
            raise
        tokens += result.suffix_tokens
        if not result.finite:
            bad += 1
            log.append(NonFinite(run=run, step=step + 1, examples=bench.examples(step + 1)))
            if bad == NON_FINITE_IN_A_ROW:
                raise RunFailedError("diverged")
        else:
            bad = 0
            since.append(result)
        if since and ((step + 1) % every == 0 or step + 1 == until):
            log.append(_train_event(bench, run, step + 1, since, rate, clock.seconds), durable=False)
            since = []
        bench.stage.advance(bench.order.batch, f"loss {result.loss:.3f}" if result.finite else "step skipped")
        if time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            _save(bench, log, run, here(step + 1), optimizer)
            saved = time.monotonic()
    return here(until)


def _one_step(bench: Bench, log: RunLog, run: str, optimizer: MasterAdamW, step: int) -> StepResult:
    """A step; where memory does not suffice, smaller micro-batches and the same effective batch."""
    examples = [bench.training[index] for index in bench.order(step)]
    memory = bench.memory
    while True:
        try:
            return training_step(
                bench.model,
                optimizer,
                examples,
                bench.features,
                micro_batch_size=memory.micro_batch_size,
                loss_mask=bench.settings.loss_mask,
                between=bench.stop.check,
            )
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem):
                raise
        # Outside of the handler, whose traceback holds the failed attempt's tensors.
        optimizer.zero_grad()
        release(bench.model.device)
        before = memory.micro_batch_size
        goes_on = memory.shrink()
        log.append(
            OutOfMemory(
                run=run,
                step=step,
                micro_batch_size=before,
                next_micro_batch_size=memory.micro_batch_size if goes_on else 0,
                checkpointing=memory.checkpointing,
            )
        )
        if not goes_on:
            raise RunFailedError("out_of_memory")
        set_checkpointing(bench.model.network, memory.checkpointing)


def _train_event(
    bench: Bench, run: str, step: int, results: Sequence[StepResult], rate: float, seconds: float
) -> Train:
    tokens = sum(result.suffix_tokens for result in results)
    return Train(
        run=run,
        step=step,
        examples=bench.examples(step),
        loss=sum(result.loss * result.suffix_tokens for result in results) / tokens,
        learning_rate=rate,
        gradient_norm=results[-1].gradient_norm,
        suffix_tokens=tokens,
        train_seconds=seconds,
    )


def _save(bench: Bench, log: RunLog, run: str, progress: Progress, optimizer: MasterAdamW) -> None:
    bench.save(run, progress, checkpoint.snapshot(optimizer))
    log.append(Checkpoint(run=run, step=progress.step, examples=bench.examples(progress.step)))


class Measured(Struct, frozen=True, kw_only=True):
    """Held-out losses of one state of the adapters, by case."""

    case_loss_sums: list[float]
    case_tokens: list[int]
    seconds: float

    @property
    def loss(self) -> float:
        """Nats per suffix token, weighted by tokens."""
        return math.fsum(self.case_loss_sums) / sum(self.case_tokens)


def measure(
    model: LoadedModel, held_out: Sequence[Encoded], features: FeatureCache, memory: Memory, stop: StopFlag
) -> Measured:
    """Held-out loss by case, in batches that fit.

    Raises:
        StoppedEarlyError: A signal or the time limit.
        RunFailedError: Not even one example fits.
    """
    start = time.perf_counter()
    while memory.evaluation_batch_size:
        try:
            sums, tokens = evaluate(
                model, held_out, features, batch_size=memory.evaluation_batch_size, between=stop.check
            )
            return Measured(case_loss_sums=sums, case_tokens=tokens, seconds=time.perf_counter() - start)
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem):
                raise
        release(model.device)
        memory.evaluation_batch_size //= 2
    raise RunFailedError("out_of_memory")


def evaluate_held_out(bench: Bench, log: RunLog, run: str, progress: Progress, *, annealed: bool) -> Eval:
    """Held-out loss by case, into the record.

    Raises:
        StoppedEarlyError: A signal or the time limit.
        RunFailedError: It is not finite, or not even one example fits.
    """
    found = measure(bench.model, bench.held_out, bench.features, bench.memory, bench.stop)
    if not math.isfinite(found.loss):
        log.append(NonFinite(run=run, step=progress.step, examples=bench.examples(progress.step)))
        raise RunFailedError("diverged")
    return log_evaluation(bench, log, run, progress, found, annealed=annealed)


def log_evaluation(bench: Bench, log: RunLog, run: str, progress: Progress, found: Measured, *, annealed: bool) -> Eval:
    """Write an evaluation; when this returns it survives a power loss."""
    event = Eval(
        run=run,
        step=progress.step,
        examples=bench.examples(progress.step),
        unique_examples=bench.order.unique(progress.step),
        loss=found.loss,
        annealed=annealed,
        case_loss_sums=found.case_loss_sums,
        case_tokens=found.case_tokens,
        train_seconds=progress.train_seconds,
        eval_seconds=found.seconds,
        peak_memory_gib=peak_memory_gib(bench.model.device),
    )
    log.append(event)
    return event


def answer_held_out(bench: Bench, log: RunLog, run: str, progress: Progress, loss: float) -> Answers | None:
    """Greedy answers to a fixed part of the held-out set: one a case, then the next of each case.

    Raises:
        StoppedEarlyError: A signal or the time limit.
    """
    count = min(bench.settings.answers, len(bench.held_out))
    if not count:
        return None
    start = time.perf_counter()
    found: list[answers.Answer] = []
    chosen = answer_subset(bench.held_out, count)
    longest = bench.settings.context()  # an answer that is learned is no longer, its end included
    first = 0
    while first < count:
        bench.stop.check()
        part = chosen[first : first + bench.memory.answers_at_once]
        try:
            found += answers.generate(
                bench.model, part, bench.features, longest_tokens=longest, between=bench.stop.check
            )
            first += len(part)
            continue
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem) or bench.memory.answers_at_once == 1:
                raise
        release(bench.model.device)
        bench.memory.answers_at_once //= 2
    quality = answers.judge(found)
    examples = bench.examples(progress.step)
    event = Answers(
        run=run,
        examples=examples,
        answers=count,
        loss=loss,
        generation_seconds=time.perf_counter() - start,
        **structs.asdict(quality),
    )
    log.append(event, durable=False)  # the run's last event follows, and takes it along
    if bench.keep is not None:
        bench.keep(run, examples, found)
    return event


def answer_subset(held_out: Sequence[Encoded], count: int) -> list[Encoded]:
    """The first example of every case, then the second, and so on: fixed, and spread over the cases."""
    turns: dict[int, int] = {}
    ranked = []
    for index, example in enumerate(held_out):
        turn = turns[example.case] = turns.get(example.case, -1) + 1
        ranked.append((turn, index))
    return [held_out[index] for _, index in sorted(ranked)[:count]]


def finish(bench: Bench, log: RunLog, run: str, progress: Progress, status: str = "done") -> None:
    """The last event of a run."""
    log.append(
        Finished(
            run=run,
            status=status,
            examples=bench.examples(progress.step),
            suffix_tokens=progress.suffix_tokens,
            train_seconds=progress.train_seconds,
            wall_seconds=progress.wall_seconds,
            peak_memory_gib=peak_memory_gib(bench.model.device),
        )
    )
