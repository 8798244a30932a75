"""The order in which the runs of a series are trained, and where each goes on after a resume."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from planner.record import Configuration, Eval, Finished, Interrupted, Probe, Run, RunLog, Started
from trainer import checkpoint
from trainer.checkpoint import Progress
from trainer.loop import (
    Bench,
    Measured,
    RunFailedError,
    advance,
    answer_held_out,
    evaluate_held_out,
    finish,
    log_evaluation,
)
from trainer.lora import reset_lora
from trainer.memory import set_checkpointing
from trainer.optimizer import MasterAdamW
from trainer.probe import Prober
from trainer.progress import Stage, duration, say
from trainer.schedule import Budget, DataOrder
from trainer.series import Series
from trainer.stopping import StoppedEarlyError

PROBE_REPEATS = 5
# Less work than this is repeated after a kill rather than saved: a checkpoint waits for the disk four times.
SECONDS_WORTH_SAVING = 10.0


class Calibrator:
    """Trains one series into the record."""

    def __init__(
        self,
        bench: Bench,
        series: Series,
        *,
        record: Path,
        work: Path,
        bar: Stage,
        before: dict[str, Run],
        configuration: Configuration | None,
        start: Measured,
    ) -> None:
        """`configuration` is None for the record's own; `start` is the loss before training."""
        self.bench = bench
        self.series = series
        self.record = record
        self.checkpoints = work / "checkpoints"
        self.bar = bar
        self.before = before
        self.configuration = configuration
        self.start = start
        self.saved = time.monotonic()
        self.measured = any(run.of(Probe) for name, run in before.items() if series.variant.of_run(name))

    def train(self) -> None:
        """All budgets of the series."""
        if self.series.variant.settings.schedule == "trunk":
            self._trunk_and_branches()
        else:
            self._separate_runs()

    def _trunk_and_branches(self) -> None:
        """One trunk; at every budget's cool-down a branch runs to its end and the trunk is put back."""
        trunk = self.series.trunk
        with self._run(trunk) as log:
            optimizer, progress = self._start(log, trunk, self.series.seed, None, None)
            if progress is None:
                return
            try:
                for budget in self.series.budgets:
                    if self._finished(self.series.run(budget)):
                        continue
                    progress = advance(
                        self.bench, log, trunk, optimizer, progress, until=budget.cool_down_from, budget=None
                    )
                    here = checkpoint.snapshot(optimizer)
                    self._save(trunk, progress, here)
                    self._branch(budget, progress, here)
                    checkpoint.restore(optimizer, here)
            except RunFailedError as failure:
                finish(self.bench, log, trunk, progress, failure.status)
                return
            finish(self.bench, log, trunk, progress)

    def _separate_runs(self) -> None:
        """Every budget alone, from the start, each with a data order and adapters of its own."""
        order = self.bench.order
        for index, budget in enumerate(self.series.budgets):
            run = self.series.run(budget)
            if self._finished(run):
                continue
            seed = 1000 * self.series.seed + index
            self.bench.order = DataOrder(order.examples, order.batch, seed)
            with self._run(run) as log:
                optimizer, progress = self._start(log, run, seed, budget, None)
                if progress is not None:
                    self._to_the_end(log, run, optimizer, progress, budget)

    def _branch(self, budget: Budget, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
        run = self.series.run(budget)
        with self._run(run) as log:
            optimizer, at = self._start(log, run, self.series.seed, budget, (progress, tensors))
            if at is not None:
                self._to_the_end(log, run, optimizer, at, budget)

    def _to_the_end(self, log: RunLog, run: str, optimizer: MasterAdamW, progress: Progress, budget: Budget) -> None:
        try:
            progress = advance(self.bench, log, run, optimizer, progress, until=budget.steps, budget=budget)
            self._save(run, progress, checkpoint.snapshot(optimizer))
            event = evaluate_held_out(self.bench, log, run, progress, annealed=True)
            quality = answer_held_out(self.bench, log, run, progress, event.loss)
            finish(self.bench, log, run, progress)
            say(_result(event, quality.token_f1 if quality else None, progress))
        except RunFailedError as failure:
            finish(self.bench, log, run, progress, failure.status)
            say(f"Budget of {budget.examples:,} examples: {failure.status.replace('_', ' ')}; its curve ends there.")
        checkpoint.forget(self.checkpoints, run)

    def _start(
        self,
        log: RunLog,
        run: str,
        seed: int,
        budget: Budget | None,
        source: tuple[Progress, dict[str, torch.Tensor]] | None,
    ) -> tuple[MasterAdamW, Progress | None]:
        """Adapters and optimizer where the run begins or goes on; None when it is over already."""
        bench = self.bench
        optimizer = bench.new_optimizer()
        if self._finished(run):
            return optimizer, None
        found = checkpoint.read(self.checkpoints, run)
        progress = found[0] if found else source[0] if source else Progress()
        log.append(
            Started(
                run=run,
                budget_examples=float(budget.examples) if budget else None,
                unique_examples=len(bench.training),
                seed=seed,
                branch_of=self.series.trunk if source else None,
                resumed_examples=float(bench.examples(progress.step)) if found else 0.0,
                configuration=self.configuration,
                micro_batch_size=bench.memory.micro_batch_size,
                checkpointing=bench.memory.checkpointing,
            ),
            durable=False,  # nothing was measured yet; the first evaluation takes it along
        )
        set_checkpointing(bench.model.network, bench.memory.checkpointing)
        if found or source:
            checkpoint.restore(optimizer, found[1] if found else source[1])  # type: ignore[index]
            if found and source is None:
                self.bar.skip(bench.examples(progress.step))
            return optimizer, progress
        reset_lora(bench.model.trainable_named(), seed)
        optimizer.start_from_parameters()
        if not self.measured:
            self._before_training(log, run, progress)
            self.measured = True
        return optimizer, progress

    def _before_training(self, log: RunLog, run: str, progress: Progress) -> None:
        """Time some shapes, and write down the loss before the first step; once a configuration."""
        bench = self.bench
        prober = Prober(
            model=bench.model,
            settings=bench.settings,
            memory=bench.memory,
            run=run,
            prompt_tokens=_mean([len(example.prompt) for example in bench.training]),
            suffix_tokens=_mean([len(example.suffix) for example in bench.training]),
            repeats=PROBE_REPEATS,
            check=bench.stop.check,
        )
        probes = []
        for timed in prober.probes():
            log.append(timed, durable=False)  # the evaluation below is, and all before it with it
            probes.append(timed)
        log_evaluation(bench, log, run, progress, self.start, annealed=False)
        say(f"Held-out loss before training: {self.start.loss:.3f} nats a token.")
        self._say_how_long(probes)

    def _say_how_long(self, probes: list[Probe]) -> None:
        """What the probes promise for this series, before the first step."""
        timed = [event for event in probes if event.kind == "train"]
        if not timed:
            return
        trunk = self.bench.settings.schedule == "trunk"
        seconds = self.series.steps(trunk=trunk) * self.bench.order.batch * timed[0].seconds_median
        seconds /= timed[0].micro_batch_size
        left = self.bench.stop.seconds_left()
        late = left is not None and seconds > left
        say(
            f"The steps will take about {duration(seconds)} on this machine (measured by {len(timed)} probes), "
            "evaluations and answers not counted."
            + (" That is more than --max-hours leaves: it will stop there; go on with --resume." if late else "")
        )

    def _save(self, run: str, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
        """Before something else begins; what follows is a function of what is saved, so a resume ends the same."""
        if time.monotonic() - self.saved >= SECONDS_WORTH_SAVING:
            self.bench.save(run, progress, tensors)
            self.saved = time.monotonic()

    def _finished(self, run: str) -> bool:
        found = self.before.get(run)
        return found is not None and bool(found.of(Finished))

    @contextmanager
    def _run(self, run: str) -> Iterator[RunLog]:
        """The run's log; an early stop inside is written into it."""
        with RunLog(self.record, run) as log:
            try:
                yield log
            except StoppedEarlyError as stopped:
                with suppress(OSError):
                    log.append(Interrupted(run=run, reason=stopped.reason, examples=self._examples_on_disk(run)))
                raise
            except OSError as problem:
                if problem.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                say("The disk is full. What was measured is kept; make room and go on with --resume.")
                with suppress(OSError):
                    log.append(Interrupted(run=run, reason="disk_full", examples=self._examples_on_disk(run)))
                raise StoppedEarlyError("disk_full") from None

    def _examples_on_disk(self, run: str) -> float:
        found = checkpoint.read(self.checkpoints, run)
        return float(self.bench.examples(found[0].step)) if found else 0.0


def _mean(lengths: list[int]) -> int:
    return max(2, round(sum(lengths) / len(lengths)))


def _result(event: Eval, token_f1: float | None, progress: Progress) -> str:
    quality = "" if token_f1 is None else f", token F1 {token_f1:.2f}"
    spent = duration(progress.train_seconds)
    return f"{event.examples:,.0f} examples: held-out loss {event.loss:.4f}{quality} ({spent} of training)."
