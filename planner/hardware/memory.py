"""Peak memory of fine-tuning as a visible sum, with P50 and P95.

Every component is counted from the architecture: weights by quantization, adapters with their optimizer, activations,
logits, evaluation, the reserve of the allocator, runtime. The factors stand in `data/hardware_model.csv`: counted
from what autograd keeps, then moved by published measurements within narrow bounds (`benchmarks/_memory_learning.py`).
`memory_log_sd` is the spread that was left on sources which the factors had not seen. "Fits" means that P95 fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

import msgspec
from msgspec import Struct

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import ModelArchitecture, key_value_bytes_per_token

GIB = 2.0**30
MICRO_BATCHES = (8, 4, 2, 1)
_P95 = NormalDist().inv_cdf(0.95)


class TrainingShape(Struct, frozen=True, kw_only=True):
    """What is held at once. The defaults are those of Plateau's own trainer.

    Attributes:
        prompt_tokens, suffix_tokens: Of one example, beside its image tokens.
        lora_parameters: Trainable adapter weights.
        checkpointing: Layer inputs are kept and everything else is computed again in the backward pass.
        full: All weights are trained, in bf16 with Adam.
        head_on_all_tokens: Logits for every token instead of the suffix.
        lean_head: Logits are not copied to fp32 (litgpt).
        chunked_head: Loss in chunks, so that logits are never held at once.
        upcast: Embedding, head and the stream between layers in fp32 (`prepare_model_for_kbit_training` of peft).
        stored_head: Embedding and head are held twice although the model ties them (litgpt).
        eager_attention: Attention scores are materialised.
        compiled: `torch.compile` fuses some activations away.
    """

    prompt_tokens: int
    suffix_tokens: int
    lora_parameters: int
    micro_batch_size: int = 1
    checkpointing: bool = False
    full: bool = False
    head_on_all_tokens: bool = False
    lean_head: bool = False
    chunked_head: bool = False
    upcast: bool = False
    stored_head: bool = False
    eager_attention: bool = False
    compiled: bool = False


class MemoryEstimate(Struct, frozen=True, kw_only=True):
    """Peak in GiB. `components_gib` adds up to the sum before the learned bias."""

    gib_p50: float
    gib_p95: float
    components_gib: dict[str, float]


def training_memory(
    architecture: ModelArchitecture, quantization: Quantization, shape: TrainingShape, catalog: Catalog
) -> MemoryEstimate:
    """Peak memory of one training process on one GPU, as the driver reports it."""
    factors = {row.name: row.value for row in catalog.parameters}
    components = allocated_bytes(architecture, quantization, shape, factors)
    held = sum(components.values())
    components["allocator reserve"] = held * (factors["reserved_ratio"] - 1.0)
    components["runtime"] = (factors["workspace_gib"] + factors["runtime_gib"]) * GIB
    middle = sum(components.values()) / GIB * math.exp(factors["memory_log_bias"])
    return MemoryEstimate(
        gib_p50=middle,
        gib_p95=middle * math.exp(_P95 * factors["memory_log_sd"]),
        components_gib={name: size / GIB for name, size in components.items()},
    )


def allocated_bytes(
    architecture: ModelArchitecture, quantization: Quantization, shape: TrainingShape, factors: Mapping[str, float]
) -> dict[str, float]:
    """Bytes of every component that PyTorch allocates, by name."""
    tokens = shape.micro_batch_size * (architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens)
    rows = tokens if shape.head_on_all_tokens else shape.micro_batch_size * shape.suffix_tokens
    activations = _activation_bytes(architecture, quantization, shape, tokens, factors)
    logits = rows * architecture.vocabulary * factors[_logit_factor(shape)]
    # Evaluation keeps no activations: it needs more than training only where its key-value cache is larger than them.
    evaluation = rows * architecture.vocabulary * factors["logit_bytes_lean"] + tokens * key_value_bytes_per_token(
        architecture, 2.0
    )
    return {
        "weights": _weight_bytes(architecture, quantization, shape),
        "adapters and optimizer": architecture.parameters * factors["full_training_bytes"]
        if shape.full
        else shape.lora_parameters * factors["adapter_bytes"],
        "activations": activations,
        "logits": logits,
        "evaluation beyond training": 0.0 if shape.chunked_head else max(evaluation - activations - logits, 0.0),
    }


def _weight_bytes(architecture: ModelArchitecture, quantization: Quantization, shape: TrainingShape) -> float:
    others = architecture.parameters - architecture.linear_parameters
    if shape.stored_head and architecture.tied:
        others += architecture.embedding_parameters
    each = 4.0 if shape.upcast else quantization.bytes_per_other_parameter
    return architecture.linear_parameters * quantization.bytes_per_linear_parameter + others * each


def _activation_bytes(
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    tokens: int,
    factors: Mapping[str, float],
) -> float:
    """What autograd keeps between forward and backward."""
    kind = "" if architecture.gated else "_ungated"
    layer = tokens * (
        factors[f"activation_bytes_residual{kind}"] * architecture.hidden
        + factors["activation_bytes_query"] * architecture.query_size
        + factors["activation_bytes_key_value"] * architecture.key_value_size
        + factors[f"activation_bytes_mlp{kind}"] * architecture.intermediate
    )
    scores = 0.0
    if shape.eager_attention:
        scores = factors["score_bytes"] * architecture.heads * float(tokens) ** 2 / shape.micro_batch_size
    fused = factors["compiled_share"] if shape.compiled else 1.0
    if shape.checkpointing:
        kept = factors["checkpoint_bytes"] * (2.0 if shape.upcast else 1.0) * tokens * architecture.hidden
        return fused * (kept * architecture.layers + factors["live_layers"] * layer + scores)
    # Outputs of quantized linear layers are kept beside their inputs.
    copies = 1.0 + factors["quantized_activation_share"] * (quantization.bytes_per_linear_parameter < 1.0)
    return fused * architecture.layers * (copies * layer + 0.5 * scores)


def _logit_factor(shape: TrainingShape) -> str:
    if shape.chunked_head:
        return "logit_bytes_chunked"
    if shape.lean_head:
        return "logit_bytes_lean"
    return "logit_bytes_upcast" if shape.upcast else "logit_bytes"


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
            candidate = msgspec.structs.replace(shape, micro_batch_size=size, checkpointing=checkpointing)
            tried = candidate, training_memory(architecture, quantization, candidate, catalog)
            if tried[1].gib_p95 <= limit:
                return *tried, True
    return *tried, False
