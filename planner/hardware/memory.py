"""Peak memory of LoRA fine-tuning as a visible sum of components, zero-shot.

The components are computed; how far real runs lie from the sum (`memory_log_bias`, `memory_log_sd` of
`data/hardware_model.csv`) was learned on published measurements. "Fits" means that P95 fits.
"""

from __future__ import annotations

import math

from msgspec import Struct
from scipy.stats import norm

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import ModelArchitecture, key_value_bytes_per_token

GIB = 2.0**30
MICRO_BATCHES = (8, 4, 2, 1)


class TrainingShape(Struct, frozen=True, kw_only=True):
    """What is held at once.

    Attributes:
        prompt_tokens, suffix_tokens: Of one example, beside its image tokens.
        lora_parameters: Trainable adapter weights.
    """

    prompt_tokens: int
    suffix_tokens: int
    lora_parameters: int
    micro_batch_size: int = 1
    checkpointing: bool = False


class MemoryEstimate(Struct, frozen=True, kw_only=True):
    """Peak in GiB. `components_gib` adds up to the sum before the learned bias."""

    gib_p50: float
    gib_p95: float
    components_gib: dict[str, float]


def training_memory(
    architecture: ModelArchitecture, quantization: Quantization, shape: TrainingShape, catalog: Catalog
) -> MemoryEstimate:
    """Peak memory of one training process on one GPU."""

    def factor(name: str) -> float:
        return catalog.parameter(name).value

    tokens = architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens
    batch_tokens = shape.micro_batch_size * tokens
    layer = batch_tokens * (
        factor("activation_bytes_attention") * architecture.hidden
        + factor("activation_bytes_mlp") * architecture.intermediate
    )
    kept = factor("checkpoint_bytes") * batch_tokens * architecture.hidden * architecture.layers
    others = architecture.parameters - architecture.linear_parameters
    components = {
        "weights": architecture.linear_parameters * quantization.bytes_per_linear_parameter
        + others * quantization.bytes_per_other_parameter,
        "adapters and optimizer": shape.lora_parameters * factor("adapter_bytes"),
        "activations": kept + layer if shape.checkpointing else layer * architecture.layers,
        "logits": factor("logit_bytes") * shape.micro_batch_size * shape.suffix_tokens * architecture.vocabulary,
        "key-value cache of evaluation": batch_tokens * key_value_bytes_per_token(architecture, 2.0),
        "runtime": factor("runtime_gib") * GIB,
    }
    total_gib = sum(components.values()) / GIB
    middle = total_gib * math.exp(factor("memory_log_bias"))
    return MemoryEstimate(
        gib_p50=middle,
        gib_p95=middle * math.exp(float(norm.ppf(0.95)) * factor("memory_log_sd")),
        components_gib={name: size / GIB for name, size in components.items()},
    )


def usable_gib(gpu: GpuSpec, catalog: Catalog) -> float:
    """Memory that a process can have."""
    return gpu.memory_gib * catalog.parameter("usable_share").value


def largest_fitting_shape(
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    gpu: GpuSpec,
    catalog: Catalog,
    *,
    effective_batch_size: int | None = None,
) -> tuple[TrainingShape, MemoryEstimate, bool]:
    """The fastest shape whose P95 fits: large micro-batches first, checkpointing only when nothing else fits.

    Returns:
        The shape, its memory, and whether it fits; when nothing fits, the smallest shape.
    """
    limit = usable_gib(gpu, catalog)
    batches = [size for size in MICRO_BATCHES if effective_batch_size is None or size <= effective_batch_size] or [1]
    tried = shape, training_memory(architecture, quantization, shape, catalog)
    for checkpointing in (False, True):
        for size in batches:
            candidate = TrainingShape(
                prompt_tokens=shape.prompt_tokens,
                suffix_tokens=shape.suffix_tokens,
                lora_parameters=shape.lora_parameters,
                micro_batch_size=size,
                checkpointing=checkpointing,
            )
            tried = candidate, training_memory(architecture, quantization, candidate, catalog)
            if tried[1].gib_p95 <= limit:
                return *tried, True
    return *tried, False
