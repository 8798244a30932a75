"""The header of a record, and what a resume must agree with."""

from __future__ import annotations

import datetime
import math
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from msgspec import structs

from planner.errors import InputError, Mistake
from planner.hardware.architecture import architecture_from_config
from planner.record import CalibrationHeader, Configuration, Hardware, LossKind, XUnit
from planner.record import Dataset as DatasetCounts
from planner.record import Schedule as ScheduleName
from trainer.config import Settings
from trainer.dataset import Dataset
from trainer.model import LoadedModel, parameter_counts
from trainer.quantize import native_arithmetic
from trainer.schedule import Budget
from trainer.tokens import Encoded, unigram_entropy_nats

PACKAGES = ("plateau-planner", "torch", "transformers", "peft", "bitsandbytes", "tokenizers")


def make_header(
    settings: Settings,
    model: LoadedModel,
    dataset: Dataset,
    training: Sequence[Encoded],
    held_out: Sequence[Encoded],
    digest: str,
    budgets: Sequence[Budget],
) -> CalibrationHeader:
    """Numbers of configuration, dataset and machine; nothing that names a patient, a file or a user."""
    texts = [example.answer for example in dataset.training]
    return CalibrationHeader(
        calibration_id=f"c{secrets.token_hex(6)}",
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        illustration=settings.is_tiny,
        loss_kind=LossKind.HELD_OUT,
        x_unit=XUnit.EXAMPLES,
        configuration=configuration_of(settings, model, digest),
        dataset=DatasetCounts(
            format=dataset.format,
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
        hardware=hardware_of(model),
        architecture=structs.asdict(architecture_from_config(model.network.config.to_dict())),
        suffix_unigram_entropy_nats=unigram_entropy_nats(training),
        vocabulary_size=model.vocabulary_size,
        environment=environment(),
        budgets_planned=[float(budget.examples) for budget in budgets],
    )


def configuration_of(settings: Settings, model: LoadedModel, digest: str | None) -> Configuration:
    """All that changes the curve; adapters are in place."""
    trainable, _ = parameter_counts(model.network)
    return Configuration(
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
        loss_mask=settings.loss_mask,
        dataset_digest=digest,
    )


def hardware_of(model: LoadedModel) -> Hardware:
    """The device, and what it reaches in a large matrix product: what utilisation is measured against."""
    device = model.device
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    native = native_arithmetic(device)
    gpu: dict[str, Any] = {}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        gpu = {"gpu": properties.name, "gpus": 1, "memory_gib": properties.total_memory / 2**30}
    return Hardware(
        device=device.type,
        cpu_cores=cores,
        native_arithmetic=None if native is None else list(native),
        matmul_tflops_per_s=matmul_tflops_per_s(device, model.dtype),
        **gpu,
    )


def matmul_tflops_per_s(device: torch.device, dtype: torch.dtype) -> float:
    """Best rate of a square product in about a fifth of a second, in 10**12 FLOP a second."""
    size = 1024 if device.type == "cpu" else 8192
    left = torch.randn(size, size, device=device).to(dtype)
    best = math.inf
    until = time.perf_counter() + 0.2
    while True:
        start = time.perf_counter()
        left @ left
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        end = time.perf_counter()
        best = min(best, end - start)
        if end > until:
            return 2 * size**3 / best / 1e12


def environment() -> dict[str, str]:
    """Versions by package."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def refuse_others(
    before: CalibrationHeader,
    configuration_before: Configuration | None,
    *,
    configuration: Configuration,
    held_out: Sequence[Encoded],
    budgets: Sequence[Budget],
) -> None:
    """Refuse to mix other configurations, held-out tokens or budgets into a record.

    `configuration_before` is what the record's runs of this configuration were made with; None: it has none yet.

    Raises:
        InputError: Everything that differs.
    """
    wanted = {field: getattr(configuration, field) for field in Configuration.__struct_fields__}
    differences = [] if configuration_before is None else _differences(configuration_before, wanted)
    tokens = sum(len(example.suffix) for example in held_out)
    if before.dataset.held_out_tokens != tokens:
        reason = (
            f"the record's losses are over {before.dataset.held_out_tokens} held-out tokens, this call's over {tokens}"
        )
        remedy = "Give the same data, vary --context from the first call on, or name another --out"
        differences.append(("held_out_tokens", reason, remedy))
    if before.budgets_planned != [float(budget.examples) for budget in budgets]:
        remedy = "Leave --budgets out to go on with those of the record"
        differences.append(("budgets_planned", "the record was planned with other budgets", remedy))
    _refuse(differences)


def refuse_other_options(before: Configuration, settings: Settings, digest: str) -> None:
    """The same without a model: a complete record is not the answer to other options or data.

    Raises:
        InputError: Everything that differs.
    """
    wanted: dict[str, object] = {
        "context_length_tokens": settings.context(),
        "lora_targets": settings.lora_targets,
        "lora_rank": settings.lora_rank,
        "effective_batch_size": settings.effective_batch(),
        "schedule": ScheduleName(settings.schedule),
        "loss_mask": settings.loss_mask,
        "dataset_digest": digest,
    }
    if not Path(settings.model).exists():
        wanted["model"] = settings.model
    if settings.quantization is not None:
        wanted["quantization"] = settings.quantization
    if settings.learning_rate is not None and not settings.learning_rate_check:
        wanted["learning_rate"] = settings.learning_rate
    _refuse(_differences(before, wanted))


def _differences(before: Configuration, wanted: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """(field, reason, remedy) of everything that is not as it was."""
    again = "Give the options of the first call again, or name another --out"
    return [
        (field, f"the record was made with {old}, this call has {new}", again)
        for field, new in wanted.items()
        if (old := getattr(before, field)) != new
    ]


def _refuse(differences: Sequence[tuple[str, str, str]]) -> None:
    if differences:
        raise InputError(
            [
                Mistake(file="calibration.json", field=field, reason=reason, remedy=remedy)
                for field, reason, remedy in differences
            ]
        )
