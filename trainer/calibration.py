"""A whole calibration: read, load, check, then every budget to its end, into one record."""

from __future__ import annotations

import datetime
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from msgspec import Struct, structs

from planner.errors import InputError, Mistake, RecordError, shown_name
from planner.hardware.architecture import architecture_from_config
from planner.record import (
    Calibration,
    CalibrationHeader,
    Configuration,
    Eval,
    Finished,
    Hardware,
    Interrupted,
    LossKind,
    Run,
    RunLog,
    Started,
    XUnit,
    create_record,
    read_calibration,
)
from planner.record import Dataset as DatasetCounts
from planner.record import Schedule as ScheduleName
from trainer import answers, checkpoint, feature_cache, preflight, private, tiny
from trainer.checkpoint import Progress
from trainer.config import Settings
from trainer.dataset import Dataset, Example, dataset_digest, read_dataset
from trainer.loop import Bench, RunFailedError, advance, answer_held_out, evaluate_held_out, finish
from trainer.model import LoadedModel, add_lora, choose_device, load_model, parameter_counts, reset_lora
from trainer.probe import probe
from trainer.progress import Stage, duration, say, stage
from trainer.quantize import default_quantization
from trainer.schedule import Budget, DataOrder, make_budgets, total_steps
from trainer.shape import TinyShape
from trainer.step import micro_batches
from trainer.stopping import StopFlag, StoppedEarlyError
from trainer.tokens import Encoded, encode, unigram_entropy_nats

PACKAGES = ("plateau-planner", "torch", "transformers", "peft", "bitsandbytes", "tokenizers")
PROBE_REPEATS = 5


class Outcome(Struct, frozen=True, kw_only=True):
    """How a call ended.

    Attributes:
        interrupted: Reason of an early stop, None at the end.
        failed: Runs that diverged or ran out of memory.
    """

    calibration: Calibration
    interrupted: str | None
    failed: tuple[str, ...]
    exit_code: int


class _Prepared(Struct, kw_only=True):
    model: LoadedModel
    dataset: Dataset
    training: list[Encoded]
    held_out: list[Encoded]
    features: feature_cache.FeatureCache
    digest: str


def calibrate(settings: Settings, stop: StopFlag) -> Outcome:
    """Run or go on with a calibration.

    Raises:
        PlannerError: Bad input, a missing part, or a set-up that the gate refuses.
        StoppedEarlyError: Stopped before the first run began; nothing was measured yet.
    """
    if settings.is_tiny:
        # Its matrices are too small to share out: a second thread gains little, and waits on a busy machine cost a lot.
        torch.set_num_threads(1)
    work = private.work_folder(settings.out)
    with private.only_writer(settings.out):
        exists = (settings.out / "calibration.json").exists()
        if exists and not settings.resume:
            raise RecordError(
                Mistake(
                    file=shown_name(settings.out),
                    reason="there is a calibration here already",
                    remedy="Use --resume to go on with it, or name another directory",
                )
            )
        before = read_calibration(settings.out) if exists else None
        budgets = make_budgets(_budget_examples(settings, before), settings.effective_batch())
        if before is not None and not _open_runs(before, budgets, settings):
            say("This calibration is complete; nothing is left to do.")
            return Outcome(calibration=before, interrupted=None, failed=_failed(before), exit_code=_exit_code(before))
        prepared = _prepare(settings, work, stop)
        header = _header(settings, prepared, budgets)
        if before is None:
            create_record(settings.out, header)
        else:
            _same(before.header, header)
        interrupted = _run_all(settings, prepared, budgets, work, stop)
        after = read_calibration(settings.out)
        if interrupted is None:
            _tidy(work)
        code = interrupted.exit_code if interrupted else _exit_code(after)
        return Outcome(
            calibration=after,
            interrupted=interrupted.reason if interrupted else None,
            failed=_failed(after),
            exit_code=code,
        )


def trunk_id(seed: int) -> str:
    """Run id of the constant-rate trunk."""
    return f"trunk-s{seed}"


def budget_id(budget: Budget, seed: int) -> str:
    """Run id of a budget; zeros so that runs sort by size."""
    return f"b{budget.examples:07d}-s{seed}"


def _budget_examples(settings: Settings, before: Calibration | None) -> tuple[int, ...]:
    if before is None or settings.budgets is not None:
        return settings.budget_examples()
    return tuple(round(examples) for examples in before.header.budgets_planned)


def _open_runs(before: Calibration, budgets: tuple[Budget, ...], settings: Settings) -> bool:
    done = {run.id for run in before.runs if run.finished is not None}
    if settings.schedule == "trunk" and trunk_id(settings.seed) in done:
        return False
    return any(budget_id(budget, settings.seed) not in done for budget in budgets)


def _failed(calibration: Calibration) -> tuple[str, ...]:
    return tuple(run.id for run in calibration.runs if run.finished is not None and run.finished.status != "done")


def _exit_code(calibration: Calibration) -> int:
    return 3 if _failed(calibration) else 0


def _prepare(settings: Settings, work: Path, stop: StopFlag) -> _Prepared:
    dataset = read_dataset(settings.data, held_out_fraction=settings.held_out_fraction, columns=settings.columns)
    for note in dataset.notes:
        say(note)
    everything = (*dataset.training, *dataset.held_out)
    cases = [len({example.case for example in part}) for part in (dataset.training, dataset.held_out)]
    say(
        f"{len(dataset.training):,} examples of {cases[0]:,} cases to learn from, "
        f"{len(dataset.held_out):,} of {cases[1]:,} held out."
    )
    model = _load(settings, dataset, work, stop)
    rows = feature_cache.image_rows(everything)
    training, held_out = (
        encode(part, model.tokenizer, context_tokens=settings.context(), image_rows=rows)
        for part in (dataset.training, dataset.held_out)
    )
    if cut := sum(example.truncated for example in (*training, *held_out)):
        say(f"{cut:,} of {len(everything):,} answers are longer than {settings.context()} tokens and were cut there.")
    digest = dataset_digest(everything, private.dataset_salt(work))
    with stage("Image features", len(rows)) as bar:

        def done(count: int) -> None:
            bar.advance(count)
            stop.check()

        key = _feature_key(everything, model, work)
        features = feature_cache.build(model, everything, work, key=key, advance=done)
    add_lora(
        model.network,
        targets=settings.lora_targets,
        rank=settings.lora_rank,
        alpha=settings.lora_alpha(),
        seed=settings.seed,
    )
    trainable, total = parameter_counts(model.network)
    say(f"LoRA {settings.lora_targets}, rank {settings.lora_rank}: {trainable:,} of {total:,} parameters "
        f"({trainable / total:.3%}) are trained.")  # fmt: skip
    batch = micro_batches(model, training[: min(4, len(training))], 4)[0]
    preflight.run_gate(model, batch, features(batch.images))
    return _Prepared(
        model=model, dataset=dataset, training=training, held_out=held_out, features=features, digest=digest
    )


def _load(settings: Settings, dataset: Dataset, work: Path, stop: StopFlag) -> LoadedModel:
    device = torch.device("cpu") if settings.is_tiny and settings.device is None else choose_device(settings.device)
    quantization = settings.quantization or default_quantization(device)
    if not settings.is_tiny:
        known = not Path(settings.model).exists()
        say("Loading the weights.")
        name = settings.model if known else "paligemma-local"
        return load_model(settings.model, name=name, quantization=quantization, device=device)
    shape = TinyShape()
    if settings.pretraining_steps is not None:
        shape = structs.replace(shape, pretraining_steps=settings.pretraining_steps)
    with stage("Pretraining the tiny model", shape.pretraining_steps) as bar:

        def done(_: int, loss: float) -> None:
            bar.advance(1, f"loss {loss:.2f}")
            stop.check()

        tiny.build(dataset, work / "tiny", shape, advance=done)
    return load_model(str(work / "tiny"), name="tiny", quantization=quantization, device=device)


def _feature_key(everything: Sequence[Example], model: LoadedModel, work: Path) -> str:
    digest = hashlib.sha256(f"{model.name} {model.image_size_px} {model.dtype} {model.quantization}".encode())
    for path in feature_cache.image_rows(everything):
        status = Path(path).stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    if (work / "tiny" / "complete.json").exists():
        digest.update((work / "tiny" / "complete.json").read_bytes())
    return digest.hexdigest()


def _header(settings: Settings, prepared: _Prepared, budgets: tuple[Budget, ...]) -> CalibrationHeader:
    model, training, held_out = prepared.model, prepared.training, prepared.held_out
    trainable, _ = parameter_counts(model.network)
    texts = [example.answer for example in prepared.dataset.training]
    return CalibrationHeader(
        calibration_id=f"c{secrets.token_hex(6)}",
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        illustration=settings.is_tiny,
        loss_kind=LossKind.HELD_OUT,
        x_unit=XUnit.EXAMPLES,
        configuration=Configuration(
            model=model.name,
            image_size_px=model.image_size_px,
            image_tokens=model.image_tokens,
            context_length_tokens=settings.context(),
            quantization=model.quantization,
            precision=str(model.dtype).removeprefix("torch."),
            lora_targets=settings.lora_targets,
            lora_rank=settings.lora_rank,
            lora_alpha=settings.lora_alpha(),
            lora_parameters=trainable,
            effective_batch_size=settings.effective_batch(),
            learning_rate=settings.peak_learning_rate(),
            schedule=ScheduleName(settings.schedule),
            loss_mask="suffix",
            dataset_digest=prepared.digest,
        ),
        dataset=DatasetCounts(
            format=prepared.dataset.format,
            training_examples=len(training),
            training_cases=1 + max(example.case for example in training),
            held_out_examples=len(held_out),
            held_out_cases=1 + max(example.case for example in held_out),
            held_out_tokens=sum(len(example.suffix) for example in held_out),
            suffix_tokens_mean=sum(len(example.suffix) for example in training) / len(training),
            prompt_tokens_mean=sum(len(example.prompt) for example in training) / len(training),
            truncated_share=sum(example.truncated for example in training) / len(training),
            duplicate_answers=len(texts) - len(set(texts)),
        ),
        hardware=_hardware(model.device),
        architecture=structs.asdict(architecture_from_config(model.network.config.to_dict())),
        suffix_unigram_entropy_nats=unigram_entropy_nats(training),
        vocabulary_size=model.vocabulary_size,
        environment=_environment(),
        budgets_planned=[float(budget.examples) for budget in budgets],
    )


def _hardware(device: torch.device) -> Hardware:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if device.type != "cuda":
        return Hardware(device=device.type, cpu_cores=cores)
    properties = torch.cuda.get_device_properties(device)
    return Hardware(
        device="cuda", gpu=properties.name, gpus=1, memory_gib=properties.total_memory / 2**30, cpu_cores=cores
    )


def _environment() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _same(before: CalibrationHeader, now: CalibrationHeader) -> None:
    """Refuse to mix two configurations in one record.

    Raises:
        InputError: Every field that differs.
    """
    mistakes = []
    for field in before.configuration.__struct_fields__:
        old, new = getattr(before.configuration, field), getattr(now.configuration, field)
        if old != new:
            reason = f"the record was made with {old}, this call has {new}"
            remedy = "Give the options of the first call again, or name another --out"
            mistakes.append(Mistake(file="calibration.json", field=field, reason=reason, remedy=remedy))
    if before.budgets_planned != now.budgets_planned:
        mistakes.append(
            Mistake(
                file="calibration.json",
                field="budgets_planned",
                reason="the record was planned with other budgets",
                remedy="Leave --budgets out to go on with those of the record",
            )
        )
    if mistakes:
        raise InputError(mistakes)


def _run_all(
    settings: Settings, prepared: _Prepared, budgets: tuple[Budget, ...], work: Path, stop: StopFlag
) -> StoppedEarlyError | None:
    trunk = settings.schedule == "trunk"
    steps = total_steps(budgets, trunk=trunk)
    batch = settings.effective_batch()
    say(f"{len(budgets)} budgets from {budgets[0].examples:,} to {budgets[-1].examples:,} examples, {steps:,} steps "
        f"of {batch} ({budgets[-1].examples / len(prepared.training):.1f} passes at the largest).")  # fmt: skip

    def save(run: str, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
        checkpoint.write(work / "checkpoints", run, progress, tensors)

    def keep(found: object, examples: int) -> None:
        answers.keep(settings.out / "samples.jsonl", found, examples=examples)  # type: ignore[arg-type]

    with stage("Training", steps * batch) as bar:
        bench = Bench(
            model=prepared.model,
            training=prepared.training,
            held_out=prepared.held_out,
            features=prepared.features,
            settings=settings,
            order=DataOrder(len(prepared.training), batch, settings.seed),
            micro_batch_size=settings.micro_batch_size or batch,
            stop=stop,
            stage=bar,
            save=save,
            keep=keep if settings.keep_samples else None,
        )
        calibrator = _Calibrator(bench, settings, budgets, work, bar)
        try:
            if trunk:
                calibrator.trunk_and_branches()
            else:
                calibrator.separate_runs()
        except StoppedEarlyError as stopped:
            return stopped
    return None


class _Calibrator:
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
                    here = checkpoint.snapshot(self.bench.model, optimizer)
                    self.bench.save(trunk, progress, here)
                    self._branch(budget, trunk, progress, here)
                    checkpoint.restore(self.bench.model, optimizer, here)
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

    def _to_the_end(
        self, log: RunLog, run: str, optimizer: torch.optim.Optimizer, progress: Progress, budget: Budget
    ) -> None:
        try:
            progress = advance(self.bench, log, run, optimizer, progress, until=budget.steps, budget=budget)
            self.bench.save(run, progress, checkpoint.snapshot(self.bench.model, optimizer))
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
    ) -> tuple[torch.optim.Optimizer, Progress | None]:
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
            )
        )
        if found or source:
            checkpoint.restore(self.bench.model, optimizer, found[1] if found else source[2])  # type: ignore[index]
            if found and source is None:
                self.bar.advance(self.bench.examples(progress.step), "resumed")
            return optimizer, progress
        reset_lora(self.bench.model, seed)
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
            micro_batch_size=bench.micro_batch_size,
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


def _tidy(work: Path) -> None:
    """Adapters and image features are made from patients' data: they go when the calibration is complete."""
    for file in (work / "features.key", work / "features.bin"):
        file.unlink(missing_ok=True)
    if (folder := work / "checkpoints").is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def final_losses(calibration: Calibration) -> list[tuple[Run, Eval]]:
    """The annealed evaluation of every finished budget, by examples."""
    found = [(run, event) for run in calibration.runs for event in run.of(Eval) if event.annealed]
    return sorted(found, key=lambda pair: (pair[1].examples, pair[0].id))
