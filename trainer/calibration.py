"""A whole calibration: read, load, check, then every budget to its end, into one record."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from msgspec import Struct, structs

from planner.errors import Mistake, RecordError, shown_name
from planner.record import (
    Calibration,
    Eval,
    Run,
    create_record,
    read_calibration,
)
from trainer import answers, checkpoint, feature_cache, preflight, private, samples, tiny
from trainer.checkpoint import Progress
from trainer.config import Settings
from trainer.dataset import Dataset, Example, dataset_digest
from trainer.header import make_header, refuse_other_configuration
from trainer.loop import Bench
from trainer.lora import add_lora
from trainer.memory import Memory
from trainer.model import LoadedModel, choose_device, load_model, parameter_counts
from trainer.progress import say, stage
from trainer.quantize import default_quantization
from trainer.runs import Calibrator, budget_id, trunk_id
from trainer.schedule import Budget, DataOrder, make_budgets, total_steps
from trainer.shape import TinyShape
from trainer.step import micro_batches
from trainer.stopping import StopFlag, StoppedEarlyError
from trainer.tokens import Encoded, encode


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
        header = make_header(
            settings,
            prepared.model,
            prepared.dataset,
            prepared.training,
            prepared.held_out,
            prepared.digest,
            budgets,
        )
        if before is None:
            create_record(settings.out, header)
        else:
            refuse_other_configuration(before.header, header)
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
    dataset = settings.read_dataset()
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
        dtype=model.dtype,
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

    def keep(run: str, examples: int, found: Sequence[answers.Answer]) -> None:
        samples.keep(settings.out, run, examples, found, prepared.dataset.held_out)

    with stage("Training", steps * batch) as bar:
        bench = Bench(
            model=prepared.model,
            training=prepared.training,
            held_out=prepared.held_out,
            features=prepared.features,
            settings=settings,
            order=DataOrder(len(prepared.training), batch, settings.seed),
            memory=Memory(micro_batch_size=settings.micro_batch_size or batch),
            stop=stop,
            stage=bar,
            save=save,
            keep=keep if settings.keep_samples else None,
        )
        calibrator = Calibrator(bench, settings, budgets, work, bar)
        try:
            if trunk:
                calibrator.trunk_and_branches()
            else:
                calibrator.separate_runs()
        except StoppedEarlyError as stopped:
            return stopped
    return None


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
