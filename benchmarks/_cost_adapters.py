"""Memory and hours behind the plain signatures of DESIGN section 10."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks._setup import (
    architecture_of,
    gpu_of,
    mean_tokens_of,
    metric_of,
    micro_steps_of,
    number,
    quantization_of,
    shape_of,
    text,
)
from planner.catalog import GpuSpec, read_catalog
from planner.hardware.memory_components import GIB, memory_components
from planner.hardware.memory_probes import fit_correction
from planner.hardware.step_time import StepTime, micro_step_time, ratios_from_probes

Setup = Mapping[str, Any]
Factors = Mapping[str, float]
# What must agree for a probe to be one of the very setting that is asked for; its tokens may differ.
MEMORY_SETTINGS = ("model", "method", "quant", "lora_rank", "lora_targets", "grad_ckpt", "attn", "compile", "gpu",
                   "optimizer", "precision")  # fmt: skip
MACHINE = ("gpu", "n_gpus", "model", "method", "quant", "grad_ckpt", "attn", "compile")


@functools.cache
def shipped_factors() -> dict[str, float]:
    """`data/hardware_model.csv`."""
    return {row.name: row.value for row in read_catalog().parameters}


def peak_memory_gib(setup: Setup, probes: Sequence[Setup] | None = None, *, factors: Factors | None = None) -> float:
    """Peak memory in the setup's own metric.

    Args:
        setup: Input columns of a row.
        probes: Measured rows, each with its peak under `measured`: the estimate is mapped through them.
        factors: Other factors than the shipped ones (for leave-one-source-out).
    """
    used = shipped_factors() if factors is None else factors
    own = counted_gib(setup, used)
    measured = [(counted_gib(probe, used), number(probe, "measured")) for probe in probes or ()]
    measured = [pair for pair in measured if pair[1] > 0.0]
    if not measured:
        return own * math.exp(used["memory_log_bias"])
    same = all(_agree(setup, probe, MEMORY_SETTINGS) for probe in probes or ())
    correction = fit_correction([pair[0] for pair in measured], [pair[1] for pair in measured], same_settings=same)
    return correction.expected_gib(own)


def counted_gib(setup: Setup, factors: Factors) -> float:
    """Memory as the setup's metric counts it, without the shift."""
    model = architecture_of(setup)
    parts = memory_components(model, quantization_of(setup), shape_of(setup, model), factors, metric_of(setup))
    return sum(parts.values()) / GIB


def predicted_seconds(setup: Setup, factors: Factors, gpu: GpuSpec | None = None) -> float:
    """Seconds of a step in the setup's own way of counting steps; on `gpu` where the catalog has no such card."""
    return step_of(setup, factors, gpu).seconds * micro_steps_of(setup)


def step_of(setup: Setup, factors: Factors, gpu: GpuSpec | None = None) -> StepTime:
    """Terms of one micro-step."""
    model = architecture_of(setup)
    shape = shape_of(setup, model, tokens=mean_tokens_of(setup))
    return micro_step_time(model, quantization_of(setup), shape, gpu or gpu_of(setup), factors)


def seconds_per_step(
    setup: Setup, probes: Sequence[Setup] | None = None, *, factors: Factors | None = None
) -> dict[str, float]:
    """Median and 80 % interval of the seconds of a step.

    Args:
        setup: Input columns of a row.
        probes: Measured rows, each with its seconds under `measured`.
        factors: Other factors than the shipped ones (for leave-one-source-out).
    """
    used = shipped_factors() if factors is None else factors
    timed = [probe for probe in probes or () if number(probe, "measured") > 0.0]
    if not timed:
        return unprobed_interval(predicted_seconds(setup, used), used)
    same = all(_agree(setup, probe, MACHINE) for probe in timed)
    measured = [number(probe, "measured") / micro_steps_of(probe) for probe in timed]
    ratios = ratios_from_probes([step_of(probe, used) for probe in timed], measured, used, same_machine=same)
    middle = step_of(setup, used).corrected(ratios) * micro_steps_of(setup)
    width = math.exp(_P90 * used["probe_log_sd" if same else "transfer_log_sd"])
    return {"median": middle, "lo80": middle / width, "hi80": middle * width}


def unprobed_interval(median: float, factors: Factors) -> dict[str, float]:
    """80 % interval around the step model: what published runs left on both sides of it."""
    return {
        "median": median,
        "lo80": median * math.exp(factors["unprobed_log_p10"]),
        "hi80": median * math.exp(factors["unprobed_log_p90"]),
    }


def _agree(setup: Setup, probe: Setup, columns: Sequence[str]) -> bool:
    return all(text(setup, column) == text(probe, column) for column in columns)


_P90 = 1.2815515655446004
