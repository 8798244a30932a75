"""Seconds an example (training) and a study (serving) take, as draws with their basis.

Measured: probes of the calibration on the same GPU. Extrapolated: probes on another GPU, or of other bits, through the
step model of both, wider. Unprobed: the step model alone, with the spread of published runs around it, which is wider
towards more seconds: training code is slowed down in many ways and sped up in few. Seconds of a CPU are never
transferred to a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import (
    ModelArchitecture,
    decode_flops_per_token,
    key_value_bytes_per_token,
    prefill_flops,
    vision_flops,
)
from planner.hardware.basis import TimingBasis
from planner.hardware.probes import gpu_probes, shape_of_probe
from planner.hardware.step_time import matmul_flops_per_s, micro_step_time, ratios_from_probes, slower_than_16_bits
from planner.hardware.training_shape import TrainingShape
from planner.record import Calibration, Probe

__all__ = ["Seconds", "TimingBasis", "answering_seconds_per_study", "training_seconds_per_example"]

FloatArray = NDArray[np.float64]
_P90 = 1.2815515655446004


class Seconds(Struct, frozen=True, kw_only=True):
    """Draws of seconds, shape (m,), with their basis and a sentence on it.

    Attributes:
        once_per_image_s: What every different image costs once, beside: decoding it and caching its features.
    """

    seconds_m: FloatArray
    basis: TimingBasis
    sentence: str
    once_per_image_s: float = 0.0


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
    """GPU-seconds of one example in training, without evaluation and start-up: of all GPUs that train together."""
    normal = rng.standard_normal(draws)
    factors = {row.name: row.value for row in catalog.parameters}
    effective = calibration.header.configuration.effective_batch_size or shape.micro_batch_size
    shape = structs.replace(shape, accumulation=max(effective / (shape.micro_batch_size * shape.gpus), 1.0))
    step = micro_step_time(architecture, quantization, shape, gpu, factors)
    uniform = rng.random(draws)
    slower = slower_than_16_bits(quantization, gpu, factors, uniform)
    once = _once_per_image_s(architecture, gpu, factors) if shape.cached_features else 0.0
    origin = catalog.gpu_of_driver(calibration.header.hardware.gpu)
    own = [probe for probe in gpu_probes(calibration, quantization.quantization) if probe.kind == "train"]
    others = [probe for probe in gpu_probes(calibration) if probe.kind == "train"]
    probes, known = own or others, {row.quantization: row for row in catalog.quantizations}
    if origin is not None and probes and all(probe.quantization in known for probe in probes):
        same = bool(own) and origin.gpu == gpu.gpu
        expected = [
            micro_step_time(
                architecture, known[probe.quantization], shape_of_probe(shape, architecture, probe), origin, factors
            )
            for probe in probes
        ]
        ratios = ratios_from_probes(expected, [probe.seconds_median for probe in probes], factors, same_machine=same)
        middle = step.corrected(ratios) / shape.micro_batch_size
        if same and shape.gpus == 1:
            return Seconds(
                seconds_m=middle * np.exp(factors["probe_log_sd"] * normal),
                basis=TimingBasis.MEASURED,
                sentence=f"Measured on {gpu.gpu} by {len(probes)} probes of this calibration.",
                once_per_image_s=once,
            )
        bits = "" if own else f" in {probes[0].quantization}"
        together = f"{shape.gpus} x " if shape.gpus > 1 else ""
        slower = slower / slower_than_16_bits(known[probes[0].quantization], origin, factors, uniform)
        return Seconds(
            seconds_m=middle * slower * np.exp(factors["transfer_log_sd"] * normal),
            basis=TimingBasis.EXTRAPOLATED,
            sentence=f"Extrapolated from {len(probes)} probes on {origin.gpu}{bits} by the step model; not measured on "
            f"{together}{gpu.gpu}{'' if own else ' in ' + quantization.quantization}.",
            once_per_image_s=once,
        )
    spread = np.where(normal < 0.0, factors["unprobed_log_p10"] / -_P90, factors["unprobed_log_p90"] / _P90)
    seconds = step.seconds / shape.micro_batch_size * np.exp(spread * normal) * slower
    flops = step.flops / shape.micro_batch_size
    low, high = flops / (gpu.training_tflops * 1e12 * np.quantile(seconds, [0.9, 0.1]))
    return Seconds(
        seconds_m=seconds,
        basis=TimingBasis.UNPROBED,
        sentence=(
            f"Unprobed: {flops / 1e12:.2f} TFLOP an example at {100 * low:.0f} to {100 * high:.0f} % (8 in 10) of "
            f"{gpu.training_tflops:g} TFLOP/s (dense), as published runs of such a shape reach. "
            f"{_why_unprobed(calibration, gpu)}"
        ),
        once_per_image_s=once,
    )


def _once_per_image_s(architecture: ModelArchitecture, gpu: GpuSpec, factors: Mapping[str, float]) -> float:
    """Decoding an image and running it through the vision tower once."""
    if not architecture.vision_layers:
        return 0.0
    rate = matmul_flops_per_s(gpu, factors) * factors["compute_share"]
    return factors["host_s_per_image"] + vision_flops(architecture) / rate


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
    basis, spread = TimingBasis.UNPROBED, factors["unprobed_log_p90"] / _P90
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
    rate = matmul_flops_per_s(gpu, factors) * factors["compute_share"]
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
    for probe in gpu_probes(calibration, quantization.quantization):
        known = largest.get(probe.kind)
        if known is None or probe.micro_batch_size >= known.micro_batch_size:
            largest[probe.kind] = probe
    found = largest.get("prefill"), largest.get("decode")
    if found[0] is None or found[1] is None or found[0].micro_batch_size != found[1].micro_batch_size:
        return None
    return found[0], found[1]


def _why_unprobed(calibration: Calibration, gpu: GpuSpec) -> str:
    if calibration.header.hardware.device == "cpu":
        return "The calibration ran on a CPU, whose seconds say nothing about a GPU."
    return f"A probe on {gpu.gpu} (calibrate run, minutes) narrows this."
