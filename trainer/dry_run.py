"""`calibrate run --dry-run`: what would be done, how long it takes, what it needs. No weights are loaded."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from planner.errors import Mistake, shown_name
from planner.hardware.architecture import (
    ModelArchitecture,
    architecture_from_config,
    training_flops_per_example,
    vision_flops,
)
from trainer.config import Settings
from trainer.dataset import Dataset, Example
from trainer.dataset.image_file import ImageRefusedError, check_header
from trainer.dataset.text_file import raise_all, read_json
from trainer.progress import duration
from trainer.schedule import make_budgets, total_steps
from trainer.shape import PALIGEMMA_CONFIG, TinyShape

# What the estimate rests on before anything is measured; every figure made from it is called assumed.
TOKENS_PER_WORD = 1.4
SHARE_OF_MATMUL_RATE = (0.1, 0.3)
PROMPT_TOKENS = 12
BYTES_PER_PARAMETER = {"fp32": 4.0, "bf16": 2.0, "int8": 1.0, "nf4": 0.52}
ACTIVATION_BYTES = 123  # a token, layer and unit of width: PaliGemma with float32 adapters, saved-tensor hooks
LIBRARIES_GIB = 0.6


class DryRun(Struct, frozen=True, kw_only=True):
    """Sentences and figures."""

    text: str
    figures: dict[str, Any]


def dry_run(settings: Settings) -> DryRun:
    """Read the dataset's texts and image headers, and estimate.

    Raises:
        InputError: All rows that cannot be used.
    """
    dataset = settings.read_dataset()
    images = _check_images(dataset)
    batch = settings.effective_batch()
    budgets = make_budgets(settings.budget_examples(), batch)
    steps = total_steps(budgets, trunk=settings.schedule == "trunk")
    lengths = [TOKENS_PER_WORD * len(example.answer.split()) + 1 for example in dataset.training]
    kept = [min(length, settings.context()) for length in lengths]
    model = architecture(settings)
    suffix = round(sum(kept) / len(kept))
    low, high = _seconds(model, settings, steps * batch, len(dataset.held_out) * len(budgets), suffix, images)
    features = images * model.image_tokens * model.vision_hidden * 4
    figures: dict[str, Any] = {
        "images": images,
        "training_examples": len(dataset.training),
        "training_cases": len({example.case for example in dataset.training}),
        "held_out_examples": len(dataset.held_out),
        "held_out_cases": len({example.case for example in dataset.held_out}),
        "answers_cut_share_assumed": sum(length > settings.context() for length in lengths) / len(lengths),
        "budgets": [budget.examples for budget in budgets],
        "steps": steps,
        "examples_processed": steps * batch,
        "passes_at_largest_budget": budgets[-1].examples / len(dataset.training),
        "seconds_assumed_low": low,
        "seconds_assumed_high": high,
        "memory_gib_assumed": _memory_gib(model, settings),
        "disk_gib": (features + 3 * _adapter_bytes(model, settings)) / 2**30,
    }
    return DryRun(text=_text(figures, settings, dataset), figures=figures)


def architecture(settings: Settings) -> ModelArchitecture:
    """Of the tiny model, of a local folder's config.json, else of PaliGemma-3B at 224 px."""
    if settings.is_tiny:
        shape = TinyShape()
        return architecture_from_config(shape.config(shape.vocabulary))
    file = Path(settings.model) / "config.json"
    config = read_json(file) if file.is_file() else {}
    merged = {name: PALIGEMMA_CONFIG[name] | config.get(name, {}) for name in ("text_config", "vision_config")}
    return architecture_from_config(merged)


def matmul_flops_a_second() -> float:
    """Multiply-adds of a float32 matrix product on this processor, times two; measured in about 0.2 s."""
    size = 768
    left = np.ones((size, size), dtype=np.float32)
    best = float("inf")
    until = time.perf_counter() + 0.2
    while time.perf_counter() < until:
        start = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _seconds(
    model: ModelArchitecture, settings: Settings, examples: int, evaluated: int, suffix: int, images: int
) -> tuple[float, float]:
    """(low, high) seconds on this processor."""
    adapters = model.lora_parameters(settings.lora_targets, settings.lora_rank)
    step = training_flops_per_example(
        model,
        tokens=model.image_tokens + PROMPT_TOKENS + suffix,
        head_rows=suffix,
        lora_parameters=adapters,
        cached_features=True,
    )
    work = step * (examples + evaluated / 2) + vision_flops(model) * images
    rate = matmul_flops_a_second()
    return work / (rate * SHARE_OF_MATMUL_RATE[1]), work / (rate * SHARE_OF_MATMUL_RATE[0])


def _memory_gib(model: ModelArchitecture, settings: Settings) -> float:
    """Weights, activations and logits of a micro-batch, adapters with their moments, and the libraries."""
    quantization = settings.quantization or ("fp32" if settings.is_tiny else "bf16")
    unquantised = model.parameters - model.linear_parameters
    weights = model.linear_parameters * BYTES_PER_PARAMETER[quantization] + unquantised * (
        4 if quantization == "fp32" else 2
    )
    micro = settings.micro_batch_size or settings.effective_batch()
    tokens = micro * (model.image_tokens + PROMPT_TOKENS + settings.context())
    activations = ACTIVATION_BYTES * tokens * model.layers * model.hidden
    logits = 12 * micro * settings.context() * model.vocabulary
    return (weights + activations + logits + _adapter_bytes(model, settings)) / 2**30 + LIBRARIES_GIB


def _adapter_bytes(model: ModelArchitecture, settings: Settings) -> float:
    """float32 adapter, gradient and two moments."""
    return 16.0 * model.lora_parameters(settings.lora_targets, settings.lora_rank)


def _check_images(dataset: Dataset) -> int:
    """Headers only, every image once."""
    first: dict[str, Example] = {}
    for example in (*dataset.training, *dataset.held_out):
        first.setdefault(str(example.image), example)
    mistakes = []
    for example in first.values():
        try:
            check_header(example.image)
        except ImageRefusedError as problem:
            mistakes.append(
                Mistake(
                    file=shown_name(example.file),
                    row=example.row,
                    field="image",
                    reason=problem.reason,
                    remedy=problem.remedy,
                )
            )
    raise_all(mistakes)
    return len(first)


def _text(figures: dict[str, Any], settings: Settings, dataset: Dataset) -> str:
    budgets = ", ".join(f"{budget:,}" for budget in figures["budgets"])
    low, high = duration(figures["seconds_assumed_low"]), duration(figures["seconds_assumed_high"])
    lines = [
        "Nothing is trained and no weights are loaded.",
        *dataset.notes,
        f"{figures['images']:,} images; {figures['training_examples']:,} examples of {figures['training_cases']:,} "
        f"cases to learn from, {figures['held_out_examples']:,} of {figures['held_out_cases']:,} cases held out.",
        f"Budgets: {budgets} examples, {figures['steps']:,} steps of {settings.effective_batch()} in all "
        f"({settings.schedule}); the largest is {figures['passes_at_largest_budget']:.1f} passes.",
        f"About {figures['answers_cut_share_assumed']:.0%} of the answers are longer than {settings.context()} tokens "
        f"(assumed: {TOKENS_PER_WORD} tokens a word) and would be cut.",
        f"Training on this processor ({os.cpu_count()} cores): {low} to {high} (assumed: "
        f"{SHARE_OF_MATMUL_RATE[0]:.0%} to {SHARE_OF_MATMUL_RATE[1]:.0%} of the measured matrix rate). "
        + ("Pretraining of the tiny model comes on top." if settings.is_tiny else "On a GPU, the probes will tell."),
        f"Memory: about {figures['memory_gib_assumed']:.1f} GiB (assumed). Disk: {figures['disk_gib']:.2f} GiB in the "
        "record's work folder, freed at the end.",
    ]
    return "\n".join(lines)
