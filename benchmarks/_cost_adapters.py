"""Memory and hours behind the plain signatures of DESIGN section 10."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np

from benchmarks._setup import (
    architecture_of,
    gpu_of,
    mean_tokens_of,
    micro_steps_of,
    quantization_of,
    shape_of,
    text,
    with_tower,
)
from planner.catalog import GpuSpec, read_catalog
from planner.hardware.memory import GIB, allocated_bytes
from planner.hardware.step_time import StepTime, micro_step_time, ratios_from_probes

Setup = Mapping[str, Any]
_P90 = NormalDist().inv_cdf(0.9)


@functools.cache
def shipped_factors() -> dict[str, float]:
    """`data/hardware_model.csv`."""
    return {row.name: row.value for row in read_catalog().parameters}


def peak_memory_gib(
    setup: Setup, probes: Sequence[Setup] | None = None, *, factors: Mapping[str, float] | None = None
) -> float:
    """Peak memory in the setup's own metric.

    Args:
        setup: Input columns of a row.
        probes: Measured rows, each with its peak under `measured`: the estimate is mapped through them.
        factors: Other factors than the shipped ones (for leave-one-source-out).
    """
    used = shipped_factors() if factors is None else factors
    own = _counted_gib(setup, used) * math.exp(used["memory_log_bias"])
    if not probes:
        return own
    counted = np.array([_counted_gib(probe, used) * math.exp(used["memory_log_bias"]) for probe in probes])
    measured = np.array([float(probe["measured"]) for probe in probes])
    return _corrected(own, counted, measured)


def _counted_gib(setup: Setup, factors: Mapping[str, float]) -> float:
    """Memory as the setup's metric counts it: allocated, reserved, or by the driver."""
    model = architecture_of(setup)
    held = sum(allocated_bytes(model, quantization_of(setup), shape_of(setup, model), factors).values()) / GIB
    metric = text(setup, "metric")
    if "per-GPU" in metric or "process" in metric or "reserved" in metric:
        held *= factors["reserved_ratio"]
    held += factors["workspace_gib"]
    return held + (factors["runtime_gib"] if "per-GPU" in metric else 0.0)


def _corrected(own: float, counted: np.ndarray, measured: np.ndarray) -> float:
    """An affine map through the probes with slope >= 0; a shift in proportion where they are too close together."""
    ratio = float(np.exp(np.mean(np.log(measured / counted))))
    spread = float(counted.max() / counted.min())
    if len(counted) < 2 or spread < 1.02:
        return own * ratio
    weights = 1.0 / measured
    slope, intercept = np.polyfit(counted, measured, 1, w=weights)
    if slope <= 0.0:
        return own * ratio
    line = float(slope * own + intercept)
    return line if line > 0.0 else own * ratio


def predicted_seconds(setup: Setup, factors: Mapping[str, float], gpu: GpuSpec | None = None) -> float:
    """Seconds of a step in the setup's own way of counting steps; on `gpu` where the catalog has no such card."""
    return step_of(setup, factors, gpu).seconds * micro_steps_of(setup)


def step_of(setup: Setup, factors: Mapping[str, float], gpu: GpuSpec | None = None) -> StepTime:
    """Terms of one micro-step."""
    model = with_tower(architecture_of(setup), setup)
    shape = msgspec.structs.replace(shape_of(setup, model), suffix_tokens=mean_tokens_of(setup))
    return micro_step_time(model, quantization_of(setup), shape, gpu or gpu_of(setup), factors)


def seconds_per_step(
    setup: Setup, probes: Sequence[Setup] | None = None, *, factors: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Median and 80 % interval of the seconds of a step.

    Args:
        setup: Input columns of a row.
        probes: Measured rows, each with its seconds under `measured`.
        factors: Other factors than the shipped ones (for leave-one-source-out).
    """
    used = shipped_factors() if factors is None else factors
    if not probes:
        return interval_around(predicted_seconds(setup, used), used["unprobed_log_sd"])
    measured = [float(probe["measured"]) / micro_steps_of(probe) for probe in probes]
    device, host = ratios_from_probes([step_of(probe, used) for probe in probes], measured, used)
    middle = step_of(setup, used).corrected(device, host) * micro_steps_of(setup)
    same = all(text(probe, column) == text(setup, column) for probe in probes for column in ("gpu", "model", "method"))
    return interval_around(middle, used["probe_log_sd" if same else "transfer_log_sd"])


def interval_around(median: float, log_sd: float) -> dict[str, float]:
    """80 % interval of a lognormal quantity."""
    width = math.exp(_P90 * log_sd)
    return {"median": median, "lo80": median / width, "hi80": median * width}
