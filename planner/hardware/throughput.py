"""Seconds an example (training) and a study (serving) take, as draws with their basis.

Measured: probes of the calibration on the same GPU. Extrapolated: probes on another GPU, scaled by the ratio of dense
rates, wider. Unprobed: closed-form FLOPs over the distribution of measured utilisation. Seconds of a CPU are never
transferred to a GPU.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import (
    ModelArchitecture,
    decode_flops_per_token,
    key_value_bytes_per_token,
    prefill_flops,
    training_flops_per_example,
)
from planner.hardware.memory import TrainingShape
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
    probes = _usable_probes(calibration, quantization)
    hardware = calibration.header.hardware
    if probes and hardware.gpu:
        measured = _seconds_at(probes, architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens)
        if hardware.gpu.lower() == gpu.gpu.lower():
            spread = catalog.parameter("probe_log_sd").value
            return Seconds(
                seconds_m=measured * np.exp(spread * normal),
                basis=TimingBasis.MEASURED,
                sentence=f"Measured on {gpu.gpu} by {len(probes)} probes of this calibration.",
            )
        known = {spec.gpu.lower(): spec for spec in catalog.gpus}
        origin = known.get(hardware.gpu.lower())
        if origin is not None:
            ratio = origin.training_tflops / gpu.training_tflops
            spread = catalog.parameter("transfer_log_sd").value
            return Seconds(
                seconds_m=measured * ratio * np.exp(spread * normal),
                basis=TimingBasis.EXTRAPOLATED,
                sentence=f"Extrapolated from probes on {origin.gpu} by the ratio of dense rates; not measured here.",
            )
    flops = training_flops_per_example(
        architecture,
        tokens=architecture.image_tokens + shape.prompt_tokens + shape.suffix_tokens,
        head_rows=shape.suffix_tokens,
        lora_parameters=shape.lora_parameters,
        checkpointing=shape.checkpointing,
    )
    slower = rng.uniform(quantization.relative_step_time, quantization.relative_step_time_high, draws)
    mfu = utilisation_draws(catalog, rng, draws)
    return Seconds(
        seconds_m=flops / (gpu.training_tflops * 1e12 * mfu) * slower,
        basis=TimingBasis.UNPROBED,
        sentence=(
            f"Unprobed: {flops / 1e12:.2f} TFLOP an example over {gpu.training_tflops:g} TFLOP/s (dense) at the "
            f"utilisation of published runs ({100 * np.quantile(mfu, 0.1):.0f} to {100 * np.quantile(mfu, 0.9):.0f} %, "
            f"8 in 10). {_why_unprobed(calibration, gpu)}"
        ),
    )


def utilisation_draws(catalog: Catalog, rng: np.random.Generator, draws: int) -> FloatArray:
    """Shares of the dense peak (MFU): a source at random, then the spread within a source."""
    middle = np.array([row.mfu_p50 for row in catalog.utilisation])
    spread = catalog.parameter("utilisation_log_sd_within").value
    drawn = middle[rng.integers(0, len(middle), draws)] * np.exp(spread * rng.standard_normal(draws))
    return np.asarray(np.minimum(drawn, catalog.parameter("largest_utilisation").value))


def answering_seconds_per_study(
    architecture: ModelArchitecture,
    prompt_tokens: int,
    answer_tokens: int,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    rng: np.random.Generator,
    draws: int,
) -> Seconds:
    """Seconds of one study in batch serving: prefill bound by arithmetic, decoding by memory bandwidth."""
    mfu = utilisation_draws(catalog, rng, draws)
    rate = gpu.training_tflops * 1e12 * mfu
    batch = catalog.parameter("serving_batch").value
    context = architecture.image_tokens + prompt_tokens + answer_tokens
    weights = (
        architecture.linear_parameters * quantization.bytes_per_linear_parameter
        + (architecture.language_parameters - architecture.linear_parameters) * quantization.bytes_per_other_parameter
    )
    cache = key_value_bytes_per_token(architecture, 2.0) * context
    bandwidth = gpu.bandwidth_gb_s * 1e9 * catalog.parameter("decode_bandwidth_share").value
    per_token = np.maximum((weights / batch + cache) / bandwidth, decode_flops_per_token(architecture, context) / rate)
    return Seconds(
        seconds_m=prefill_flops(architecture, prompt_tokens) / rate + answer_tokens * per_token,
        basis=TimingBasis.UNPROBED,
        sentence=f"Unprobed: prefill from FLOPs, decoding from the memory bandwidth, {batch:g} studies at a time.",
    )


def _usable_probes(calibration: Calibration, quantization: Quantization) -> list[Probe]:
    """Training probes of a GPU at this quantization; none of a CPU and none of a stand-in model."""
    if calibration.header.illustration or calibration.header.hardware.device != "cuda":
        return []
    probes: list[Probe] = [probe for run in calibration.runs for probe in run.of(Probe)]
    return [probe for probe in probes if probe.kind == "train" and probe.quantization == quantization.quantization]


def _seconds_at(probes: list[Probe], tokens: int) -> float:
    """Seconds an example at a length: an affine map of tokens an example with slope >= 0 through the probes."""
    x = np.array([probe.image_tokens + probe.prompt_tokens + probe.suffix_tokens for probe in probes], dtype=np.float64)
    y = np.array([probe.seconds_median / probe.micro_batch_size for probe in probes])
    if len(np.unique(x)) < 2:
        return float(np.median(y) * tokens / np.median(x))
    slope, intercept = np.polyfit(x, y, 1)
    if slope <= 0 or slope * tokens + intercept <= 0:
        return float(np.median(y))
    return float(slope * tokens + intercept)


def _why_unprobed(calibration: Calibration, gpu: GpuSpec) -> str:
    if calibration.header.hardware.device == "cpu":
        return "The calibration ran on a CPU, whose seconds say nothing about a GPU."
    return f"A probe on {gpu.gpu} (calibrate run, minutes) narrows this."
