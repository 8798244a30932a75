"""The header of a record, and what a resume must agree with."""

from __future__ import annotations

import datetime
import os
import secrets
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

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
    trainable, _ = parameter_counts(model.network)
    texts = [example.answer for example in dataset.training]
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
            loss_mask=settings.loss_mask,
            dataset_digest=digest,
        ),
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


def refuse_other_configuration(before: CalibrationHeader, now: CalibrationHeader) -> None:
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
