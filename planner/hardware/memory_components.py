"""Bytes of everything that a training step holds, counted from what autograd keeps.

Checked against PyTorch itself: `tests/hardware/test_allocations.py` follows every storage of a real step. The factors
stand in `data/hardware_model.csv`, moved by published measurements within narrow bounds
(`benchmarks/_memory_learning.py`).

Logits and the layer that is computed again are not held at the same time: the larger one counts. The allocator though
keeps the blocks of both, since neither fits into the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from planner.catalog import Quantization
from planner.hardware.architecture import ModelArchitecture, key_value_bytes_per_token
from planner.hardware.training_shape import Head, TrainingShape

GIB = 2.0**30
Factors = Mapping[str, float]
_LOGIT_FACTOR = {
    Head.BOUNDED: "logit_bytes",
    Head.PLAIN: "logit_bytes",
    Head.LEAN: "logit_bytes_lean",
    Head.UPCAST: "logit_bytes_upcast",
    Head.CHUNKED: "logit_bytes_chunked",
}


class MemoryMetric(StrEnum):
    """Which memory: what tensors take, what PyTorch's allocator holds, what the driver reports of the process."""

    ALLOCATED = "allocated"
    RESERVED = "reserved"
    DRIVER = "driver"


def memory_components(
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    factors: Factors,
    metric: MemoryMetric = MemoryMetric.DRIVER,
) -> dict[str, float]:
    """Bytes by component; they add up to the peak of a process in the metric.

    Args:
        architecture: The model.
        quantization: How the frozen weights are held.
        shape: What the step holds.
        factors: `data/hardware_model.csv` by name.
        metric: What is asked for.
    """
    tokens = shape.micro_batch_size * (architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens)
    rows = tokens if shape.head_on_all_tokens else shape.micro_batch_size * shape.suffix_tokens
    layer, mlp = _layer_bytes(architecture, shape, tokens, factors)
    scores = _scores(architecture, shape, tokens)
    # Gemma 2 caps its logits as it caps its scores, and keeps what that needs.
    each = factors[_LOGIT_FACTOR[shape.head]] + factors["logit_bytes_capped"] * architecture.softcapped_attention
    logits = rows * architecture.vocabulary * each
    if shape.head is Head.BOUNDED:
        logits = min(logits, factors["logit_chunk_gib"] * GIB)
    # The MLP's backward pass comes first; when that of attention begins, what the MLP kept is gone.
    of_mlp = factors["backward_bytes_mlp"] * tokens * architecture.intermediate * _fused(shape, factors)
    of_attention = (factors["score_bytes"] - factors["score_bytes_kept"]) * scores - mlp
    whole = layer + factors["score_bytes_kept"] * scores
    live = max(of_mlp, of_attention)
    if shape.checkpointing:
        wide = 2.0 if shape.head is Head.UPCAST else 1.0
        kept = factors["checkpoint_bytes"] * wide * tokens * architecture.hidden * architecture.layers
        live += whole
    else:
        kept = architecture.layers * whole
    live += _dequantized_bytes(architecture, quantization, shape, factors)
    spread = 1.0 / shape.gpus if shape.sharded else 1.0
    weights = _weight_bytes(architecture, quantization, shape)
    gathered = factors["gathered_layers"] * 2.0 * architecture.linear_parameters / architecture.layers
    found = {
        "weights": weights * spread + gathered * (spread < 1.0),
        "adapters and optimizer": _optimizer_bytes(architecture, shape, factors) * spread,
        "activations": kept,
        "logits": logits,
        "backward pass of a layer, beyond the logits": max(live - logits, 0.0),
    }
    training = kept + max(logits, live)
    if shape.full:
        # Gradients of all layers are there when only the last layer's activations are left.
        gradients = architecture.parameters * factors["gradient_bytes"] * spread + live
        found["gradients, beyond the activations"] = max(gradients - training, 0.0)
        training = max(training, gradients)
    # Without gradients no activations are kept: only where the head or the cache is larger than them.
    evaluation = logits if shape.head in (Head.BOUNDED, Head.CHUNKED) else rows * architecture.vocabulary * 10.0
    cache = tokens * key_value_bytes_per_token(architecture, 2.0)
    found["evaluation, beyond training"] = max(evaluation - training, 0.0)
    found["answers, beyond training and evaluation"] = max(cache - max(evaluation, training), 0.0)
    found["library workspaces"] = factors["workspace_gib"] * GIB
    if metric is not MemoryMetric.ALLOCATED:
        held = sum(found.values())
        second = factors["second_stage_share"] * min(logits, live)
        found["allocator reserve"] = (held + second) * factors["reserved_ratio"] - held
    if metric is MemoryMetric.DRIVER:
        found["CUDA context"] = factors["runtime_gib"] * GIB
    return found


def _weight_bytes(architecture: ModelArchitecture, quantization: Quantization, shape: TrainingShape) -> float:
    others = architecture.parameters - architecture.linear_parameters
    if shape.stored_head and architecture.tied:
        others += architecture.embedding_parameters
    each = 4.0 if shape.head is Head.UPCAST else quantization.bytes_per_other_parameter
    return architecture.linear_parameters * quantization.bytes_per_linear_parameter + others * each


def _optimizer_bytes(architecture: ModelArchitecture, shape: TrainingShape, factors: Factors) -> float:
    if shape.full:
        return architecture.parameters * factors["optimizer_bytes"]
    return shape.lora_parameters * factors["adapter_bytes"] * (0.5 if shape.half_adapters else 1.0)


def _layer_bytes(
    architecture: ModelArchitecture, shape: TrainingShape, tokens: int, factors: Factors
) -> tuple[float, float]:
    """What autograd keeps of one layer between forward and backward, without scores; and the MLP's part of it."""
    hidden, inner = architecture.hidden, architecture.intermediate
    norms = "activation_bytes_layer_norm" if architecture.layer_normalization else "activation_bytes_norm"
    mlp = "activation_bytes_mlp" if architecture.gated else "activation_bytes_mlp_ungated"
    # Keys and values are repeated for every query head, so they are as wide as the queries.
    attention = (factors["activation_bytes_query"] + factors["activation_bytes_key_value"]) * architecture.query_size
    wider = 1.0 + factors["wide_activation_share"] * shape.wide_activations
    of_mlp = factors[mlp] * inner * wider
    each = factors[norms] * architecture.norms_per_layer * hidden + attention * wider + of_mlp
    each += 8.0 * hidden + 2.0 * inner if shape.full else _adapter_inputs(architecture, shape, factors)
    held = tokens * _fused(shape, factors)
    return each * held, of_mlp * held


def _adapter_inputs(architecture: ModelArchitecture, shape: TrainingShape, factors: Factors) -> float:
    """Bytes a token that adapters make autograd keep; frozen layers alone keep no input."""
    shapes = architecture.linear_shapes
    adapted = [name for name in shape.adapted if name in shapes]
    if shape.copied_inputs:
        return factors["adapter_input_bytes"] * sum(shapes[name][0] for name in adapted)
    # q, k and v share an input, gate and up another; that of o is kept by attention anyway.
    inputs = {"norm" if name in "qkv" else "mlp" if name in ("gate", "up") else name for name in adapted} - {"o"}
    return 2.0 * sum(architecture.intermediate if name == "down" else architecture.hidden for name in inputs)


def _scores(architecture: ModelArchitecture, shape: TrainingShape, tokens: int) -> float:
    """Attention scores of one layer where they are materialised."""
    if not (shape.eager_attention or architecture.softcapped_attention):
        return 0.0
    return architecture.heads * float(tokens) ** 2 / shape.micro_batch_size


def _dequantized_bytes(
    architecture: ModelArchitecture, quantization: Quantization, shape: TrainingShape, factors: Factors
) -> float:
    if quantization.bytes_per_linear_parameter >= 1.0:
        return 0.0
    largest = max(rows * columns for rows, columns in architecture.linear_shapes.values())
    kept = factors["dequantized_layer_bytes"] * architecture.linear_parameters / architecture.layers
    return factors["dequantization_buffer_bytes"] * largest + kept * shape.dequantized_kept


def _fused(shape: TrainingShape, factors: Factors) -> float:
    return factors["compiled_share"] if shape.compiled else 1.0
