"""`calibrate run --dry-run`: what would be done, how long it takes, what it needs. No weights are loaded."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, to_builtins

from planner.errors import MissingPartError, shown_name
from planner.hardware.architecture import (
    ModelArchitecture,
    architecture_from_config,
    training_flops_per_example,
    vision_flops,
)
from trainer.conditioning import Conditioning, Encode, condition, report
from trainer.config import Settings
from trainer.dataset import Dataset
from trainer.dataset.fingerprint import Gallery
from trainer.dataset.text_file import read_json
from trainer.held_out import evaluated, held_out_limit
from trainer.progress import duration
from trainer.schedule import make_budgets
from trainer.series import series_of
from trainer.shape import CONFIGS, PALIGEMMA_CONFIG, REVISIONS, TinyShape
from trainer.variation import variants_of

# What the estimate rests on before anything is measured; every figure made from it is called assumed.
SHARE_OF_MATMUL_RATE = (0.1, 0.3)
PROMPT_TOKENS = 12
BYTES_PER_PARAMETER = {"fp32": 4.0, "bf16": 2.0, "int8": 1.0, "nf4": 0.52}
# A token, layer and unit of width, by saved-tensor hooks: adapters in the step's own arithmetic.
ACTIVATION_BYTES = {"fp32": 172, "bf16": 86, "int8": 86, "nf4": 86}
LOGITS_GIB = 0.8  # of one chunk: bf16, float32 and its softmax
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
    gallery = Gallery()
    dataset = settings.read_dataset(gallery)
    variants = variants_of(settings)
    base = variants[0].settings
    budgets = make_budgets(base.budget_examples(), base.effective_batch())
    series = series_of(settings, variants, dataset.training)
    trunk = settings.schedule == "trunk"
    steps = sum(each.steps(trunk=trunk) for each in series)
    processed = sum(each.steps(trunk=trunk) * each.variant.settings.effective_batch() for each in series)
    held_out = len(evaluated(dataset.held_out, held_out_limit(base, budgets)))
    model = architecture(settings)
    encode = tokenizer(settings, dataset)
    found = condition(
        dataset,
        gallery,
        encode=encode,
        context_tokens=settings.context(),
        image_size_px=image_size_px(settings),
        budgets=[budget.examples for budget in budgets],
    )
    images, suffix = found.images, round(found.kept_tokens_mean)
    evaluations = 1 + sum(len(each.budgets) for each in series)
    low, high = _seconds(model, settings, processed, held_out * evaluations, suffix, images)
    features = images * model.image_tokens * model.vision_hidden * 4
    figures: dict[str, Any] = {
        "images": images,
        "training_examples": len(dataset.training),
        "training_cases": len({example.case for example in dataset.training}),
        "held_out_examples": len(dataset.held_out),
        "held_out_cases": len({example.case for example in dataset.held_out}),
        "held_out_examples_evaluated": held_out,
        "configurations": [variant.tag or "base" for variant in variants],
        "conditioning": to_builtins(found),
        "budgets": [budget.examples for budget in budgets],
        "steps": steps,
        "examples_processed": processed,
        "passes_at_largest_budget": budgets[-1].examples / len(dataset.training),
        "seconds_assumed_low": low,
        "seconds_assumed_high": high,
        "memory_gib_assumed": _memory_gib(model, settings),
        "disk_gib": (features + 3 * _adapter_bytes(model, settings)) / 2**30,
    }
    return DryRun(text=_text(figures, settings, dataset, found), figures=figures)


def architecture(settings: Settings) -> ModelArchitecture:
    """Of the tiny model, of a local folder's config.json, else of PaliGemma-3B at 224 px."""
    if settings.is_tiny:
        shape = TinyShape()
        return architecture_from_config(shape.config(shape.vocabulary))
    file = Path(settings.model) / "config.json"
    config = read_json(file) if file.is_file() else {}
    known = CONFIGS.get(settings.model, PALIGEMMA_CONFIG)
    merged = {name: known[name] | config.get(name, {}) for name in ("text_config", "vision_config")}
    return architecture_from_config(merged)


def image_size_px(settings: Settings) -> int:
    """Side of the image that the model sees."""
    if settings.is_tiny:
        return TinyShape().image_size_px
    file = Path(settings.model) / "config.json"
    vision = read_json(file).get("vision_config", {}) if file.is_file() else {}
    known = CONFIGS.get(settings.model, PALIGEMMA_CONFIG)
    return int(vision.get("image_size", known["vision_config"]["image_size"]))


def tokenizer(settings: Settings, dataset: Dataset) -> Encode | None:
    """The model's tokenizer, without the model: of the tiny one, a folder or the local cache; None: not here."""
    from tokenizers import Tokenizer

    if settings.is_tiny:
        from trainer.tiny_tokenizer import tokenizer_of

        found = tokenizer_of(dataset, TinyShape())
    else:
        file = Path(settings.model) / "tokenizer.json"
        if not file.is_file():
            from huggingface_hub import try_to_load_from_cache

            revision = REVISIONS.get(settings.model)
            cached = try_to_load_from_cache(settings.model, "tokenizer.json", revision=revision) if revision else None
            if not isinstance(cached, str):
                return None
            file = Path(cached)
        try:
            found = Tokenizer.from_file(str(file))
        except Exception as problem:  # the library raises nothing narrower
            raise MissingPartError(
                f"tokenizer.json of {shown_name(settings.model)} cannot be read ({type(problem).__name__}). "
                "Copy it again from where the model was downloaded."
            ) from None
    return lambda text: found.encode(text, add_special_tokens=False).ids


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
    activations = ACTIVATION_BYTES[quantization] * tokens * model.layers * model.hidden
    logits = min(12 * micro * settings.context() * model.vocabulary, LOGITS_GIB * 2**30)
    return (weights + activations + logits + _adapter_bytes(model, settings)) / 2**30 + LIBRARIES_GIB


def _adapter_bytes(model: ModelArchitecture, settings: Settings) -> float:
    """float32 adapter, gradient and two moments."""
    return 16.0 * model.lora_parameters(settings.lora_targets, settings.lora_rank)


def _text(figures: dict[str, Any], settings: Settings, dataset: Dataset, found: Conditioning) -> str:
    budgets = ", ".join(f"{budget:,}" for budget in figures["budgets"])
    low, high = duration(figures["seconds_assumed_low"]), duration(figures["seconds_assumed_high"])
    lines = [
        "Nothing is trained and no weights are loaded.",
        *dataset.notes,
        report(found),
        f"Budgets: {budgets} examples, {figures['steps']:,} steps in all, {figures['examples_processed']:,} examples "
        f"processed ({settings.schedule}); the largest is {figures['passes_at_largest_budget']:.1f} passes.",
        f"{figures['held_out_examples_evaluated']:,} held-out examples are evaluated at each budget.",
        *_more(figures, settings),
        f"Training on this processor ({os.cpu_count()} cores): {low} to {high} (assumed: "
        f"{SHARE_OF_MATMUL_RATE[0]:.0%} to {SHARE_OF_MATMUL_RATE[1]:.0%} of the measured matrix rate). "
        + ("Pretraining of the tiny model comes on top." if settings.is_tiny else "On a GPU, the probes will tell."),
        f"Memory: about {figures['memory_gib_assumed']:.1f} GiB (assumed). Disk: {figures['disk_gib']:.2f} GiB in the "
        "record's work folder, freed at the end.",
    ]
    return "\n".join(lines)


def _more(figures: dict[str, Any], settings: Settings) -> list[str]:
    """What multiplies the runs."""
    found = []
    if len(figures["configurations"]) > 1:
        found.append(f"Configurations: {', '.join(figures['configurations'])}.")
    if len(settings.all_seeds()) > 1:
        found.append(f"Replicates: seeds {', '.join(map(str, settings.all_seeds()))}.")
    if settings.subsets:
        found.append(f"Subsets of the cases: {', '.join(f'{share:.0%}' for share in settings.subsets)}.")
    return found
