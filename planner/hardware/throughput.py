"""Seconds an example (training) and a study (serving) take, as draws with their basis.

Measured: probes of the calibration on the same GPU. Extrapolated: probes on another GPU, scaled by the ratio of the
step model on both, wider. Unprobed: the step model alone, with the spread of published runs around it. Seconds of a
CPU are never transferred to a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import (
    ModelArchitecture,
    decode_flops_per_token,
    key_value_bytes_per_token,
    prefill_flops,
)
from planner.hardware.memory import TrainingShape
from planner.hardware.step_time import micro_step_time, ratios_from_probes
from planner.record import Calibration, Probe

FloatArray = NDArray[np.float64]


class TimingBasis(StrEnum):
    """Where seconds come from."""

    MEASURED = "measured"
    EXTRAPOLATED = "extrapolated"
    UNPROBED = "unprobed"


class Seconds(Struct, frozen=True, kw_only=True):
    """Draws of seconds, shape (m,), with their basis and a sentence on it."""

    seconds_m: FloatArray
    basis: TimingBasis
    sentence: str


def training_seconds_per_example(
    calibration: Calibration,
    architecture: ModelArchitecture,
    shape: TrainingShape,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    rng: np.random.Generator,
    draws: int,
) -> Seconds:
    """Seconds of one example in training, without evaluation and start-up."""
    normal = rng.standard_normal(draws)
    factors = {row.name: row.value for row in catalog.parameters}
    step = micro_step_time(architecture, quantization, shape, gpu, factors)
    probes = [probe for probe in _gpu_probes(calibration, quantization) if probe.kind == "train"]
    origin = catalog.gpu_of_driver(calibration.header.hardware.gpu) if probes else None
    if origin is not None:
        device, host = _ratios(probes, architecture, quantization, shape, origin, factors)
        middle = step.corrected(device, host) / shape.micro_batch_size
        if origin.gpu == gpu.gpu:
            return Seconds(
                seconds_m=middle * np.exp(factors["probe_log_sd"] * normal),
                basis=TimingBasis.MEASURED,
                sentence=f"Measured on {gpu.gpu} by {len(probes)} probes of this calibration.",
            )
        return Seconds(
            seconds_m=middle * np.exp(factors["transfer_log_sd"] * normal),
            basis=TimingBasis.EXTRAPOLATED,
            sentence=f"Extrapolated from {len(probes)} probes on {origin.gpu} by the step model of both GPUs; not "
            f"measured on {gpu.gpu}.",
        )
    slower = rng.uniform(quantization.relative_step_time, quantization.relative_step_time_high, draws)
    seconds = step.seconds / shape.micro_batch_size * np.exp(factors["unprobed_log_sd"] * normal) * slower
    flops = step.flops / shape.micro_batch_size
    low, high = (flops / (gpu.training_tflops * 1e12 * np.quantile(seconds, share)) for share in (0.9, 0.1))
    return Seconds(
        seconds_m=seconds,
        basis=TimingBasis.UNPROBED,
        sentence=(
            f"Unprobed: {flops / 1e12:.2f} TFLOP an example at {100 * low:.0f} to {100 * high:.0f} % (8 in 10) of "
            f"{gpu.training_tflops:g} TFLOP/s (dense), as published runs of such a shape reach. "
            f"{_why_unprobed(calibration, gpu)}"
        ),
    )


def answering_seconds_per_study(
    calibration: Calibration,
    architecture: ModelArchitecture,
    prompt_tokens: int,
    answer_tokens: int,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    rng: np.random.Generator,
    draws: int,
) -> Seconds:
    """Seconds of one study in batch serving, without the start of the batch."""
    factors = {row.name: row.value for row in catalog.parameters}
    normal = rng.standard_normal(draws)
    batch = factors["serving_batch"]
    prefill, step = _answering_terms(architecture, prompt_tokens, answer_tokens, gpu, quantization, batch, factors)
    measured = _measured_answering(calibration, quantization)
    origin = catalog.gpu_of_driver(calibration.header.hardware.gpu) if measured else None
    basis, spread = TimingBasis.UNPROBED, factors["unprobed_log_sd"]
    sentence = f"Unprobed: prefill from FLOPs, decoding from bandwidth or host, {batch:g} studies at a time."
    if measured is not None and origin is not None:
        for_probe = (origin, quantization, float(measured[0].micro_batch_size), factors)
        there, _ = _answering_terms(architecture, measured[0].prompt_tokens, 0, *for_probe)
        _, token_there = _answering_terms(architecture, measured[1].prompt_tokens, answer_tokens, *for_probe)
        prefill *= measured[0].seconds_median / (there * measured[0].micro_batch_size)
        step *= measured[1].seconds_median / token_there
        same = origin.gpu == gpu.gpu
        basis = TimingBasis.MEASURED if same else TimingBasis.EXTRAPOLATED
        spread = factors["probe_log_sd" if same else "transfer_log_sd"]
        sentence = f"Answering was timed on {origin.gpu}; here {batch:g} studies at a time on {gpu.gpu}."
    return Seconds(
        seconds_m=(prefill + answer_tokens * step / batch) * np.exp(spread * normal), basis=basis, sentence=sentence
    )


def _answering_terms(
    architecture: ModelArchitecture,
    prompt_tokens: int,
    answer_tokens: int,
    gpu: GpuSpec,
    quantization: Quantization,
    batch: float,
    factors: Mapping[str, float],
) -> tuple[float, float]:
    """Seconds of reading one study, and of one answer token of the whole batch.

    Reading is bound by arithmetic; a decoding step by reading weights and key-value cache, by arithmetic, or by the
    host that launches its kernels, whichever is slowest.
    """
    reached = factors["compute_share_fp16" if gpu.precision_class == "fp16" else "compute_share"]
    rate = gpu.training_tflops * 1e12 * reached
    context = architecture.image_tokens + prompt_tokens + answer_tokens
    weights = (
        architecture.linear_parameters * quantization.bytes_per_linear_parameter
        + (architecture.language_parameters - architecture.linear_parameters) * quantization.bytes_per_other_parameter
    )
    cache = key_value_bytes_per_token(architecture, 2.0) * context
    bandwidth = gpu.bandwidth_gb_s * 1e9 * factors["decode_bandwidth_share"]
    quantized = quantization.bytes_per_linear_parameter < 1.0
    step = max(
        (weights + batch * cache) / bandwidth,
        batch * decode_flops_per_token(architecture, context) / rate,
        architecture.layers * (factors["host_s_per_layer"] + factors["host_quantized_s_per_layer"] * quantized),
    )
    image = factors["host_s_per_image"] if architecture.vision_layers else 0.0
    return prefill_flops(architecture, prompt_tokens) / rate + image, step


def _measured_answering(calibration: Calibration, quantization: Quantization) -> tuple[Probe, Probe] | None:
    """The largest prefill and decode probes of a GPU at this quantization."""
    largest: dict[str, Probe] = {}
    for probe in _gpu_probes(calibration, quantization):
        known = largest.get(probe.kind)
        if known is None or probe.micro_batch_size >= known.micro_batch_size:
            largest[probe.kind] = probe
    found = largest.get("prefill"), largest.get("decode")
    if found[0] is None or found[1] is None or found[0].micro_batch_size != found[1].micro_batch_size:
        return None
    return found[0], found[1]


def _gpu_probes(calibration: Calibration, quantization: Quantization) -> list[Probe]:
    """Probes of a GPU at this quantization; none of a CPU and none of a stand-in model."""
    if calibration.header.illustration or calibration.header.hardware.device != "cuda":
        return []
    probes: list[Probe] = [probe for run in calibration.runs for probe in run.of(Probe)]
    return [probe for probe in probes if probe.quantization == quantization.quantization]


def _ratios(
    probes: list[Probe],
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    origin: GpuSpec,
    factors: Mapping[str, float],
) -> tuple[float, float]:
    """Device and host of the probed machine, as ratios to the step model."""
    expected = [
        micro_step_time(
            architecture,
            quantization,
            msgspec.structs.replace(
                shape,
                prompt_tokens=probe.prompt_tokens,
                suffix_tokens=probe.suffix_tokens,
                micro_batch_size=probe.micro_batch_size,
                checkpointing=probe.checkpointing,
            ),
            origin,
            factors,
        )
        for probe in probes
    ]
    return ratios_from_probes(expected, [probe.seconds_median for probe in probes], factors)


def _why_unprobed(calibration: Calibration, gpu: GpuSpec) -> str:
    if calibration.header.hardware.device == "cpu":
        return "The calibration ran on a CPU, whose seconds say nothing about a GPU."
    return f"A probe on {gpu.gpu} (calibrate run, minutes) narrows this."
