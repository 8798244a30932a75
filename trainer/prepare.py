"""From a dataset and a model to a configuration that may be trained: encoded, cached, adapted, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from msgspec import Struct, structs

from planner.errors import MissingPartError
from planner.record import Calibration, OutOfMemory, Started
from trainer import feature_cache, preflight, private, tiny
from trainer.config import Settings
from trainer.dataset import Dataset, Example, dataset_digest
from trainer.held_out import evaluated, held_out_limit
from trainer.loop import Measured, RunFailedError, measure
from trainer.lora import add_lora, remove_lora
from trainer.memory import Memory, set_checkpointing
from trainer.micro_batch import choose_memory
from trainer.model import LoadedModel, choose_device, load_model, parameter_counts
from trainer.progress import say, stage
from trainer.quantize import default_quantization, precision_remark
from trainer.schedule import make_budgets
from trainer.shape import TinyShape
from trainer.step import micro_batches
from trainer.stopping import StopFlag
from trainer.tokens import Encoded, encode, unigram_entropy_nats
from trainer.variation import Variant


class Material(Struct, kw_only=True):
    """What all configurations of a call share.

    Attributes:
        work: The record's work folder.
        held_out_context: Tokens at which held-out answers are cut: the same for every configuration.
        features: By arithmetic of the tower; built once, mapped by every configuration.
        start: Held-out loss before training, by quantization: fresh adapters change nothing, whatever their place.
    """

    dataset: Dataset
    work: Path
    stop: StopFlag
    held_out_context: int
    digest: str
    features: dict[torch.dtype, feature_cache.FeatureCache] = {}
    start: dict[str, Measured] = {}

    @property
    def everything(self) -> tuple[Example, ...]:
        """Training and held-out examples."""
        return (*self.dataset.training, *self.dataset.held_out)


class Prepared(Struct, kw_only=True):
    """A configuration that may be trained."""

    variant: Variant
    model: LoadedModel
    training: list[Encoded]
    held_out: list[Encoded]
    features: feature_cache.FeatureCache
    memory: Memory
    start: Measured
    unigram_entropy_nats: float


def material_of(dataset: Dataset, variants: Sequence[Variant], work: Path, stop: StopFlag) -> Material:
    """The dataset with what is evaluated of its held-out part; its digest is that of all of it."""
    base = variants[0].settings
    everything = (*dataset.training, *dataset.held_out)
    budgets = make_budgets(base.budget_examples(), base.effective_batch())
    chosen = evaluated(dataset.held_out, held_out_limit(base, budgets))
    if len(chosen) < len(dataset.held_out):
        say(
            f"{len(chosen):,} of {len(dataset.held_out):,} held-out examples are evaluated at each budget "
            "(--held-out-examples takes more or fewer)."
        )
    return Material(
        dataset=structs.replace(dataset, held_out=chosen),
        work=work,
        stop=stop,
        held_out_context=max(variant.settings.context() for variant in variants),
        digest=dataset_digest(everything, private.dataset_salt(work)),
    )


def load(settings: Settings, dataset: Dataset, work: Path, stop: StopFlag) -> LoadedModel:
    """The model of a configuration, without adapters.

    Raises:
        MissingPartError: Its weights, or the device, are not here.
        StoppedEarlyError: A signal, or the time limit.
    """
    device = torch.device("cpu") if settings.is_tiny and settings.device is None else choose_device(settings.device)
    quantization = settings.quantization or default_quantization(device)
    if remark := precision_remark(quantization, device):
        say(remark)
    if not settings.is_tiny:
        say("Loading the weights.")
        name = "paligemma-local" if Path(settings.model).exists() else settings.model
        with stop.at_once():
            return load_model(settings.model, name=name, quantization=quantization, device=device)
    shape = TinyShape()
    if settings.pretraining_steps is not None:
        shape = structs.replace(shape, pretraining_steps=settings.pretraining_steps)
    with stage("Pretraining the tiny model", shape.pretraining_steps) as bar:

        def done(_: int, loss: float) -> None:
            bar.advance(1, f"loss {loss:.2f}")
            stop.check()

        tiny.build(dataset, work / "tiny", shape, advance=done)
    with stop.at_once():
        return load_model(str(work / "tiny"), name="tiny", quantization=quantization, device=device)


def prepare(variant: Variant, model: LoadedModel, material: Material, before: Calibration | None) -> Prepared:
    """Encode, cache, put adapters in, choose the micro-batch, and pass the gate.

    `before` is what the record holds already: its micro-batch is used again, so that a resume computes the same.

    Raises:
        PlannerError: Data or set-up are refused.
        StoppedEarlyError: A signal, or the time limit.
    """
    settings, dataset = variant.settings, material.dataset
    rows = feature_cache.image_rows(material.everything)
    training = encode(dataset.training, model.tokenizer, context_tokens=settings.context(), image_rows=rows)
    held_out = encode(dataset.held_out, model.tokenizer, context_tokens=material.held_out_context, image_rows=rows)
    if cut := sum(example.truncated for example in (*training, *held_out)):
        say(f"{cut:,} of {len(training) + len(held_out):,} answers are longer than {settings.context()} tokens and "
            "were cut there.")  # fmt: skip
    features = _features(model, material, rows)
    remove_lora(model.network)
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
    preflight.check_modules(model)
    memory = _recorded_memory(before, variant) or choose_memory(
        model,
        settings,
        prompt_tokens=max(len(example.prompt) for example in training),
        suffix_tokens=max(len(example.suffix) for example in training),
        check=material.stop.check,
    )
    set_checkpointing(model.network, memory.checkpointing)
    few = min(4, memory.micro_batch_size, len(training))
    batch = micro_batches(model, training[:few], few)[0]
    preflight.run_gate(model, batch, features(batch.images))
    start = material.start.get(model.quantization)
    if start is None:
        try:
            start = measure(model, held_out, features, memory, material.stop)
        except RunFailedError:
            raise MissingPartError(
                "Not one held-out example fits into memory. Use --quantization nf4 or a smaller --context."
            ) from None
        material.start[model.quantization] = start
    entropy = unigram_entropy_nats(training)
    preflight.check_start(start.loss, entropy, pretrained=not settings.is_tiny, warn=say)
    return Prepared(
        variant=variant,
        model=model,
        training=training,
        held_out=held_out,
        features=features,
        memory=memory,
        start=start,
        unigram_entropy_nats=entropy,
    )


def _features(model: LoadedModel, material: Material, rows: dict[str, int]) -> feature_cache.FeatureCache:
    """Of every image, computed once for every arithmetic: quantization leaves the tower alone."""
    if model.dtype not in material.features:
        with stage("Image features", len(rows)) as bar:

            def done(count: int) -> None:
                bar.advance(count)
                material.stop.check()

            material.features[model.dtype] = feature_cache.build(
                model, material.everything, material.work, key=_feature_key(model, material, rows), advance=done
            )
    return material.features[model.dtype]


def _feature_key(model: LoadedModel, material: Material, rows: dict[str, int]) -> str:
    digest = hashlib.sha256(f"{model.name} {model.image_size_px} {model.dtype}".encode())
    for path in rows:
        status = Path(path).stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    for file in ("tiny/complete.json",):
        if (material.work / file).exists():
            digest.update((material.work / file).read_bytes())
    return digest.hexdigest()


def _recorded_memory(before: Calibration | None, variant: Variant) -> Memory | None:
    """The micro-batch with which the configuration's runs were made so far."""
    found = None
    for run in before.runs if before else ():
        if variant.of_run(run.id):
            for event in run.events:
                if isinstance(event, Started) and event.micro_batch_size is not None:
                    found = Memory(micro_batch_size=event.micro_batch_size, checkpointing=event.checkpointing)
                elif isinstance(event, OutOfMemory) and event.next_micro_batch_size:
                    found = Memory(micro_batch_size=event.next_micro_batch_size, checkpointing=event.checkpointing)
    if found is not None:
        found.may_checkpoint = variant.settings.checkpointing == "auto"
    return found
