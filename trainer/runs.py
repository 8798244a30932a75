"""The order in which the runs of a calibration are trained, and where each goes on after a resume."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from planner.record import Eval, Finished, Interrupted, RunLog, Started, read_calibration
from trainer import checkpoint, preflight
from trainer.checkpoint import Progress
from trainer.config import Settings
from trainer.loop import Bench, RunFailedError, advance, answer_held_out, evaluate_held_out, finish
from trainer.lora import reset_lora
from trainer.optimizer import MasterAdamW
from trainer.probe import probe
from trainer.progress import Stage, duration, say
from trainer.schedule import Budget, DataOrder
from trainer.stopping import StoppedEarlyError

PROBE_REPEATS = 5


def trunk_id(seed: int) -> str:
    """Run id of the constant-rate trunk."""
    return f"trunk-s{seed}"


def budget_id(budget: Budget, seed: int) -> str:
    """Run id of a budget; zeros so that runs sort by size."""
    return f"b{budget.examples:07d}-s{seed}"


class Calibrator:
    """The order in which runs are trained, and where each goes on after a resume."""

    def __init__(self, bench: Bench, settings: Settings, budgets: tuple[Budget, ...], work: Path, bar: Stage) -> None:
        self.bench = bench
        self.settings = settings
        self.budgets = budgets
        self.checkpoints = work / "checkpoints"
        self.bar = bar
        self.before = {run.id: run for run in read_calibration(settings.out).runs}
        self.measured = any(run.of(Eval) for run in self.before.values())

    def trunk_and_branches(self) -> None:
        """One trunk; at every budget's cool-down a branch runs to its end and the trunk is put back."""
        trunk, seed = trunk_id(self.settings.seed), self.settings.seed
        with self._run(trunk) as log:
            optimizer, progress = self._start(log, trunk, seed, None, None)
            if progress is None:
                return
            try:
                for budget in self.budgets:
                    if self._finished(budget_id(budget, seed)):
                        continue
                    progress = advance(
                        self.bench, log, trunk, optimizer, progress, until=budget.cool_down_from, budget=None
                    )
                    here = checkpoint.snapshot(optimizer)
                    self.bench.save(trunk, progress, here)
                    self._branch(budget, trunk, progress, here)
                    checkpoint.restore(optimizer, here)
            except RunFailedError as failure:
                finish(self.bench, log, trunk, progress, failure.status)
                return
            finish(self.bench, log, trunk, progress)

    def separate_runs(self) -> None:
        """Every budget alone, from the start, each with a data order and adapters of its own."""
        for index, budget in enumerate(self.budgets):
            run = budget_id(budget, self.settings.seed)
            if self._finished(run):
                continue
            seed = 1000 * self.settings.seed + index
            self.bench.order = DataOrder(len(self.bench.training), self.settings.effective_batch(), seed)
            with self._run(run) as log:
                optimizer, progress = self._start(log, run, seed, budget, None)
                if progress is not None:
                    self._to_the_end(log, run, optimizer, progress, budget)

    def _branch(self, budget: Budget, trunk: str, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
        run = budget_id(budget, self.settings.seed)
        with self._run(run) as log:
            optimizer, at = self._start(log, run, self.settings.seed, budget, (trunk, progress, tensors))
            if at is not None:
                self._to_the_end(log, run, optimizer, at, budget)

    def _to_the_end(self, log: RunLog, run: str, optimizer: MasterAdamW, progress: Progress, budget: Budget) -> None:
        try:
            progress = advance(self.bench, log, run, optimizer, progress, until=budget.steps, budget=budget)
            self.bench.save(run, progress, checkpoint.snapshot(optimizer))
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
        source: tuple[str, Progress, dict[str, torch.Tensor]] | None,
    ) -> tuple[MasterAdamW, Progress | None]:
        """Adapters and optimizer where the run begins or goes on; None when it is over already."""
        optimizer = self.bench.new_optimizer()
        if self._finished(run):
            return optimizer, None
        found = checkpoint.read(self.checkpoints, run)
        progress = found[0] if found else source[1] if source else Progress()
        log.append(
            Started(
                run=run,
                budget_examples=float(budget.examples) if budget else None,
                unique_examples=len(self.bench.training),
                seed=seed,
                branch_of=source[0] if source else None,
                resumed_examples=float(self.bench.examples(progress.step)) if found else 0.0,
                micro_batch_size=self.bench.memory.micro_batch_size,
                checkpointing=self.bench.memory.checkpointing,
            )
        )
        if found or source:
            checkpoint.restore(optimizer, found[1] if found else source[2])  # type: ignore[index]
            if found and source is None:
                self.bar.advance(self.bench.examples(progress.step), "resumed")
            return optimizer, progress
        reset_lora(self.bench.model.trainable_named(), seed)
        optimizer.start_from_parameters()
        if not self.measured:
            self._before_training(log, run, progress)
            self.measured = True
        return optimizer, progress

    def _before_training(self, log: RunLog, run: str, progress: Progress) -> None:
        """Time some shapes and read the loss before the first step, once a calibration."""
        bench, header = self.bench, read_calibration(self.settings.out).header
        for timed in probe(
            bench.model,
            run=run,
            micro_batch_size=bench.memory.micro_batch_size,
            prompt_tokens=max(2, round(header.dataset.prompt_tokens_mean or 2)),
            suffix_tokens=max(2, round(header.dataset.suffix_tokens_mean or 2)),
            repeats=PROBE_REPEATS,
            check=bench.stop.check,
        ):
            log.append(timed)
        event = evaluate_held_out(bench, log, run, progress, annealed=False)
        preflight.check_start(
            event.loss,
            header.suffix_unigram_entropy_nats or 0.0,
            pretrained=not self.settings.is_tiny,
            warn=say,
        )
        say(f"Held-out loss before training: {event.loss:.3f} nats a token.")

    def _finished(self, run: str) -> bool:
        found = self.before.get(run)
        return found is not None and bool(found.of(Finished))

    @contextmanager
    def _run(self, run: str) -> Iterator[RunLog]:
        """The run's log; an early stop inside is written into it."""
        with RunLog(self.settings.out, run) as log:
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


def _result(event: Eval, token_f1: float | None, progress: Progress) -> str:
    quality = "" if token_f1 is None else f", token F1 {token_f1:.2f}"
    spent = duration(progress.train_seconds)
    return f"{event.examples:,.0f} examples: held-out loss {event.loss:.4f}{quality} ({spent} of training)."
