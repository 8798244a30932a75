"""Seconds of one micro-step in terms that scale with different rates of a GPU.

Arithmetic scales with the rate that matrix products were measured to reach; activations, logits and scores with the
memory bandwidth, and so do weights, which are read (4-bit ones unpacked) once a pass however many tokens there are;
launching kernels costs the host a fixed time a layer, however fast the GPU is. Device and host overlap: the slower one
shows. Images that the main process decodes come on top. Factors stand in `data/hardware_model.csv`, counted or
measured, moved within bounds by published step times (`benchmarks/_hours_learning.py`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import least_squares

from planner.catalog import GpuSpec, Quantization
from planner.hardware.architecture import (
    ModelArchitecture,
    attention_flops,
    training_flops_per_example,
    vision_flops,
)
from planner.hardware.architecture.flops import head_flops
from planner.hardware.training_shape import Head, TrainingShape

Factors = Mapping[str, float]
# Sharpness of "the slower one shows": 1 would add host and device, infinity would take the larger one.
_OVERLAP = 3.0


class StepRatios(Struct, frozen=True, kw_only=True):
    """What a machine really needs over what the model expects of it."""

    device: float = 1.0
    weights: float = 1.0
    host: float = 1.0


class StepTime(Struct, frozen=True, kw_only=True):
    """One micro-step (forward and backward of a micro-batch, without evaluation).

    Attributes:
        flops: Arithmetic of the micro-step, recomputation included.
        arithmetic_s, traffic_s, weights_s: Terms of the device; they add up.
        host_s: What the host needs to launch it all.
        loading_s: What decoding images in the main process adds.
        exchange_s: What GPUs that train together wait for each other's gradients or weights.
    """

    flops: float
    arithmetic_s: float
    traffic_s: float
    weights_s: float
    host_s: float
    loading_s: float
    exchange_s: float = 0.0

    @property
    def device_s(self) -> float:
        """What the device needs."""
        return self.arithmetic_s + self.traffic_s + self.weights_s

    @property
    def seconds(self) -> float:
        """What a clock shows."""
        return self.corrected(StepRatios())

    def corrected(self, ratios: StepRatios) -> float:
        """What a clock shows on a machine that needs more or less than expected."""
        device = ratios.device * (self.arithmetic_s + self.traffic_s) + ratios.weights * self.weights_s
        host = ratios.host * self.host_s
        return float((device**_OVERLAP + host**_OVERLAP) ** (1.0 / _OVERLAP)) + self.loading_s + self.exchange_s


def ratios_from_probes(
    expected: Sequence[StepTime], measured_s: Sequence[float], factors: Factors, *, same_machine: bool = True
) -> StepRatios:
    """What arithmetic and traffic, weights and host really need: most probable under a spread around the model.

    Probes that show one side only (all short: the host; all long: the device) leave the others near the model.

    Args:
        expected: The model's terms at the shape of every probe.
        measured_s: Seconds of every probe.
        factors: `data/hardware_model.csv` by name.
        same_machine: Whether the ratios are for the probed GPU, model and software; on another one they say less.
    """
    noise = factors["probe_noise_log_sd" if same_machine else "transfer_noise_log_sd"]
    spreads = tuple(factors[name] for name in ("device_log_sd", "weights_log_sd", "host_log_sd"))
    return _most_probable(tuple(expected), tuple(float(seconds) for seconds in measured_s), noise, spreads)


@functools.lru_cache(maxsize=1024)
def _most_probable(
    expected: tuple[StepTime, ...], measured_s: tuple[float, ...], noise: float, spreads: tuple[float, ...]
) -> StepRatios:
    device_p = np.array([step.arithmetic_s + step.traffic_s for step in expected])
    weights_p = np.array([step.weights_s for step in expected])
    host_p = np.array([step.host_s for step in expected])
    beside_p = np.array([step.loading_s + step.exchange_s for step in expected])
    logs_p = np.log(np.array(measured_s))

    def residuals(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        device, weights, host = np.exp(logs)
        on_device = device * device_p + weights * weights_p
        seconds = (on_device**_OVERLAP + (host * host_p) ** _OVERLAP) ** (1.0 / _OVERLAP) + beside_p
        return np.concatenate([(np.log(seconds) - logs_p) / noise, logs / np.array(spreads)])

    found = least_squares(residuals, np.zeros(3)).x
    return StepRatios(device=math.exp(found[0]), weights=math.exp(found[1]), host=math.exp(found[2]))


def micro_step_time(
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    gpu: GpuSpec,
    factors: Factors,
) -> StepTime:
    """Expected terms of a micro-step of `shape.micro_batch_size` examples.

    Args:
        architecture: The model; a vision tower is counted where its features are not cached.
        quantization: Bytes of the frozen weights.
        shape: Tokens, micro-batch and what the training code does.
        gpu: Dense rate and bandwidth.
        factors: `data/hardware_model.csv` by name.
    """
    flops, arithmetic = _arithmetic(architecture, shape, gpu, factors)
    bandwidth = gpu.bandwidth_gb_s * 1e9 * factors["bandwidth_share"]
    quantized = quantization.bytes_per_linear_parameter < 1.0
    unpacking = factors["dequantization_bytes_gptq" if shape.dequantized_kept else "dequantization_bytes"]
    weights = architecture.linear_parameters * shape.passes * (factors["weight_traffic_bytes"] + unpacking * quantized)
    # By default bitsandbytes packs the tower's weights as well.
    weights += (
        architecture.vision_parameters * _tower_passes(shape) * unpacking * (quantized and shape.adapters_in_tower)
    )
    launch = factors["host_s_per_layer"] + factors["host_quantized_s_per_layer"] * quantized
    launch += factors["host_s_per_adapter"] * (0 if shape.full else len(shape.adapted))
    # A layer of the tower launches about half as many kernels: no rotation, no gate, no adapters.
    towers = 0.5 * architecture.vision_layers * _tower_passes(shape) * factors["host_s_per_layer"]
    compiled = factors["compiled_host_share"] if shape.compiled else 1.0
    images = shape.micro_batch_size * (architecture.vision_layers > 0) * (not shape.cached_features)
    return StepTime(
        flops=flops,
        arithmetic_s=arithmetic,
        traffic_s=_traffic_bytes(architecture, shape, factors) / bandwidth,
        weights_s=weights / bandwidth,
        host_s=(architecture.layers * shape.passes * launch + towers) * compiled
        + factors["host_s_per_step"] / shape.accumulation,
        loading_s=images * factors["host_s_per_image"],
        exchange_s=_exchanged_bytes(architecture, shape) / _link_bytes_per_s(gpu, factors),
    )


def _exchanged_bytes(architecture: ModelArchitecture, shape: TrainingShape) -> float:
    """Bytes a micro-step that every GPU sends: gathered weights and scattered gradients, or gradients alone."""
    others = (shape.gpus - 1.0) / shape.gpus
    if shape.sharded:
        return 2.0 * architecture.parameters * (shape.passes + shape.full) * others
    trained = 2.0 * architecture.parameters if shape.full else 4.0 * shape.lora_parameters
    return 2.0 * trained * others / shape.accumulation


def _link_bytes_per_s(gpu: GpuSpec, factors: Factors) -> float:
    return (gpu.interconnect_gb_s or factors["pcie_gb_s"]) * 1e9 * factors["interconnect_share"]


def matmul_flops_per_s(gpu: GpuSpec, factors: Factors) -> float:
    """What large matrix products reach: measured, or the usual share of the dense rate."""
    measured = gpu.matmul_tflops or factors["matmul_share"] * gpu.training_tflops
    return measured * 1e12


def slower_than_16_bits(
    quantization: Quantization, gpu: GpuSpec, factors: Factors, uniform: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much longer a step takes than in 16 bits, beyond what the step model counts, shape of `uniform` (0 to 1).

    On Volta and Turing float32 does not run on tensor cores at all.
    """
    low, high = quantization.relative_step_time, quantization.relative_step_time_high
    if quantization.precision_class == "fp32" and gpu.precision_class == "fp16":
        low, high = high, 1.0 / factors["float32_rate_share"]
    return low + (high - low) * uniform


def _arithmetic(
    architecture: ModelArchitecture, shape: TrainingShape, gpu: GpuSpec, factors: Factors
) -> tuple[float, float]:
    """(FLOPs, seconds) of a micro-step: layers, head and attention at their own rates."""
    length = architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens
    rows = length if shape.head_on_all_tokens else shape.suffix_tokens
    batch, half = shape.micro_batch_size, gpu.precision_class == "fp16"
    whole = training_flops_per_example(
        architecture,
        tokens=length,
        head_rows=rows,
        lora_parameters=0 if shape.full else shape.lora_parameters,
        full=shape.full,
        checkpointing=shape.checkpointing,
        cached_features=True,
    )
    head = head_flops(architecture, rows) * (3.0 if shape.full else 2.0)
    attention = attention_flops(architecture, length) * (shape.passes + 1.0)
    image = vision_flops(architecture) * _tower_passes(shape)
    # FlashAttention needs Ampere or newer: older cards compute both triangles.
    materialised = shape.eager_attention or architecture.softcapped_attention
    needed = 0.5 if shape.causal and not materialised and not half else 1.0
    products = matmul_flops_per_s(gpu, factors)
    rate, rate_of_head = products * factors["compute_share"], products * factors["compute_share"]
    rate_of_attention = products * factors["attention_share_fp16" if half else "attention_share"]
    if half and shape.head is Head.UPCAST:
        # What peft leaves in float32 runs outside the tensor cores.
        rate_of_head = rate_of_attention = (
            gpu.fp16_dense_tflops * factors["float32_rate_share"] * 1e12 * factors["float32_share"]
        )
    seconds = (whole - head - attention + image) / rate + head / rate_of_head + needed * attention / rate_of_attention
    return batch * (whole - (1.0 - needed) * attention + image), batch * seconds


def _tower_passes(shape: TrainingShape) -> int:
    """Walks through the vision tower: none where its features are cached, forward only where it is frozen."""
    if shape.cached_features:
        return 0
    return shape.passes if shape.adapters_in_tower or shape.full else 1


def _traffic_bytes(architecture: ModelArchitecture, shape: TrainingShape, factors: Factors) -> float:
    """Bytes that activations, adapters, logits, scores and the optimizer move."""
    batch, passes = shape.micro_batch_size, shape.passes
    length = architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens
    rows = length if shape.head_on_all_tokens else shape.suffix_tokens
    written = (
        factors["written_bytes_hidden"] * architecture.hidden
        + factors["written_bytes_query"] * architecture.query_size
        + factors["written_bytes_mlp"] * architecture.intermediate
    )
    moved = batch * length * architecture.layers * written * passes * factors["activation_traffic_ratio"]
    tower = factors["written_bytes_tower"] * architecture.vision_hidden
    tower += factors["written_bytes_tower_mlp"] * architecture.vision_intermediate
    tower *= architecture.patches * architecture.vision_layers * _tower_passes(shape)
    moved += batch * tower * factors["activation_traffic_ratio"]
    if not shape.full:
        widths = sum(sum(shape_) for name, shape_ in architecture.linear_shapes.items() if name in shape.adapted)
        moved += batch * length * architecture.layers * widths * passes * factors["adapter_traffic_bytes"]
    moved += batch * rows * architecture.vocabulary * factors["logit_traffic_bytes"]
    moved *= 2.0 if shape.head is Head.UPCAST else 1.0
    if shape.eager_attention or architecture.softcapped_attention:
        scores = float(batch * architecture.heads * length**2 * architecture.layers)
        moved += scores * passes * factors["score_traffic_bytes"]
    moved *= factors["compiled_traffic_share"] if shape.compiled else 1.0
    if shape.full:
        moved += architecture.parameters * factors["optimizer_traffic_bytes"] / shape.accumulation
    return moved
