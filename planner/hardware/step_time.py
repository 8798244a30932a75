"""Seconds of one micro-step in terms that scale with different rates of a GPU.

Arithmetic scales with the dense rate; activations, logits and dequantization scale with the memory bandwidth; launching
kernels costs the host a fixed time a layer, however fast the GPU is. Device and host overlap: the slower one shows.
Factors stand in `data/hardware_model.csv`, learned on published step times within bounds
(`benchmarks/_hours_learning.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from planner.catalog import GpuSpec, Quantization
from planner.hardware.architecture import ModelArchitecture, training_flops_per_example
from planner.hardware.memory import TrainingShape

# Sharpness of "the slower one shows": 1 would add host and device, infinity would take the larger one.
_OVERLAP = 2.0
# Grid of ln(ratio), refined around its best cell.
_WIDEST_LOG, _GRID, _REFINEMENTS = 2.5, 41, 3


class StepTime(Struct, frozen=True, kw_only=True):
    """One micro-step (forward and backward of a micro-batch, without evaluation).

    Attributes:
        flops: Arithmetic of the micro-step, recomputation included.
        arithmetic_s, traffic_s, dequantization_s: Terms of the device; they add up.
        host_s: What the host needs to launch it all.
    """

    flops: float
    arithmetic_s: float
    traffic_s: float
    dequantization_s: float
    host_s: float

    @property
    def device_s(self) -> float:
        """What the device needs."""
        return self.arithmetic_s + self.traffic_s + self.dequantization_s

    @property
    def seconds(self) -> float:
        """What a clock shows."""
        return float((self.device_s**_OVERLAP + self.host_s**_OVERLAP) ** (1.0 / _OVERLAP))

    def corrected(self, device: float, host: float) -> float:
        """Seconds with both sides multiplied by what probes say."""
        return float(((device * self.device_s) ** _OVERLAP + (host * self.host_s) ** _OVERLAP) ** (1.0 / _OVERLAP))


def ratios_from_probes(
    expected: Sequence[StepTime], measured_s: Sequence[float], factors: Mapping[str, float]
) -> tuple[float, float]:
    """What the device and the host really need, as ratios to the model: most probable under a spread around 1.

    Probes that only show one side (all short: the host; all long: the device) leave the other side near the model.

    Args:
        expected: The model's terms at the shape of every probe.
        measured_s: Seconds of every probe.
        factors: `data/hardware_model.csv` by name.
    """
    device_p = np.array([step.device_s for step in expected])
    host_p = np.array([step.host_s for step in expected])
    logs_p = np.log(np.asarray(measured_s, dtype=np.float64))
    centre, width = np.zeros(2), _WIDEST_LOG
    for _ in range(_REFINEMENTS):
        steps = np.linspace(-width, width, _GRID)
        device, host = np.meshgrid(centre[0] + steps, centre[1] + steps, indexing="ij")
        expected_p = np.logaddexp(
            _OVERLAP * (device[..., None] + np.log(device_p)), _OVERLAP * (host[..., None] + np.log(host_p))
        )
        misfit = ((expected_p / _OVERLAP - logs_p) ** 2).sum(-1) / factors["probe_log_sd"] ** 2
        surprise = misfit + (device**2 + host**2) / factors["side_log_sd"] ** 2
        best = np.unravel_index(int(np.argmin(surprise)), surprise.shape)
        centre = np.array([device[best], host[best]])
        width = 2.0 * width / (_GRID - 1)
    return float(np.exp(centre[0])), float(np.exp(centre[1]))


def micro_step_time(
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    gpu: GpuSpec,
    factors: Mapping[str, float],
    *,
    head_rows: int | None = None,
) -> StepTime:
    """Expected terms of a micro-step of `shape.micro_batch_size` examples.

    Args:
        architecture: The model; a vision tower is counted where there is one.
        quantization: Bytes of the frozen weights.
        shape: Tokens, micro-batch and what the training code does.
        gpu: Dense rate and bandwidth.
        factors: `data/hardware_model.csv` by name.
        head_rows: Rows with logits, when not told by the shape.
    """
    batch = shape.micro_batch_size
    length = architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens
    rows = head_rows or (length if shape.head_on_all_tokens else shape.suffix_tokens)
    passes = 3.0 if shape.checkpointing else 2.0
    flops = batch * training_flops_per_example(
        architecture,
        tokens=length,
        head_rows=rows,
        lora_parameters=0 if shape.full else shape.lora_parameters,
        full=shape.full,
        checkpointing=shape.checkpointing,
    )
    half = gpu.precision_class == "fp16"
    rate = gpu.training_tflops * 1e12 * factors["compute_share_fp16" if half else "compute_share"]
    bandwidth = gpu.bandwidth_gb_s * 1e9 * factors["bandwidth_share"]
    traffic = _traffic_bytes(architecture, shape, batch, length, rows, passes, factors)
    quantized = quantization.bytes_per_linear_parameter < 1.0
    dequantized = architecture.linear_parameters * passes * factors["dequantization_bytes"] * quantized
    launch = factors["host_s_per_layer"] + factors["host_quantized_s_per_layer"] * quantized
    # The frozen tower runs forward only.
    towers = architecture.vision_layers * factors["host_s_per_layer"]
    images = batch * factors["host_s_per_image"] * (architecture.vision_layers > 0)
    compiled = factors["compiled_host_share"] if shape.compiled else 1.0
    return StepTime(
        flops=flops,
        arithmetic_s=flops / rate,
        traffic_s=traffic / bandwidth,
        dequantization_s=dequantized / bandwidth,
        host_s=(architecture.layers * passes * launch + towers) * compiled + images,
    )


def _traffic_bytes(
    architecture: ModelArchitecture,
    shape: TrainingShape,
    batch: int,
    length: int,
    rows: int,
    passes: float,
    factors: Mapping[str, float],
) -> float:
    """Bytes that activations, logits, scores and the optimizer move."""
    kept = (
        factors["activation_bytes_residual"] * architecture.hidden
        + factors["activation_bytes_query"] * architecture.query_size
        + factors["activation_bytes_key_value"] * architecture.key_value_size
        + factors["activation_bytes_mlp"] * architecture.intermediate
    )
    moved = batch * length * architecture.layers * kept * passes * factors["activation_traffic_ratio"]
    moved += batch * rows * architecture.vocabulary * factors["logit_traffic_bytes"]
    if shape.eager_attention:
        scores = float(batch * architecture.heads * length**2 * architecture.layers)
        moved += scores * passes * factors["score_traffic_bytes"]
    moved *= factors["compiled_traffic_share"] if shape.compiled else 1.0
    # Weight, gradient and two moments, read and written once a step.
    return moved + (architecture.parameters * 16.0 if shape.full else 0.0)
