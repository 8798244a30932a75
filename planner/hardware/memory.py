"""Peak memory of fine-tuning as a visible sum, with P50 and P95; what fits, and the largest micro-batch that does.

What is counted (`memory_components`) is corrected by a calibration's probes where they measured peaks on a GPU
(`memory_probes`). "Fits" means that P95 fits. The spreads are what was left on published runs whose source the factors
had not seen (`benchmarks/memory.py`).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import msgspec
from msgspec import Struct

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import ModelArchitecture
from planner.hardware.basis import TimingBasis
from planner.hardware.memory_components import GIB, MemoryMetric, memory_components
from planner.hardware.memory_probes import ProbedPeaks
from planner.hardware.training_shape import Head, TrainingShape

__all__ = ["GIB", "Head", "MemoryEstimate", "TrainingShape", "largest_fitting_shape", "training_memory", "usable_gib"]

MICRO_BATCHES = (64, 32, 16, 8, 4, 2, 1)
# Where nothing says how many examples make an optimizer step.
USUAL_EFFECTIVE_BATCH = 8
_P95 = NormalDist().inv_cdf(0.95)
_LOG_SD = {
    TimingBasis.UNPROBED: "memory_log_sd",
    TimingBasis.EXTRAPOLATED: "memory_transfer_log_sd",
    TimingBasis.MEASURED: "memory_probe_log_sd",
}


class MemoryEstimate(Struct, frozen=True, kw_only=True):
    """Peak in GiB. `components_gib` adds up to `gib_p50`."""

    gib_p50: float
    gib_p95: float
    components_gib: dict[str, float]
    basis: TimingBasis = TimingBasis.UNPROBED


def training_memory(
    architecture: ModelArchitecture,
    quantization: Quantization,
    shape: TrainingShape,
    catalog: Catalog,
    *,
    probed: ProbedPeaks | None = None,
    gpu: GpuSpec | None = None,
) -> MemoryEstimate:
    """Peak memory of one training process on one GPU, as the driver reports it.

    Args:
        architecture: The model.
        quantization: How the frozen weights are held.
        shape: What the step holds.
        catalog: For the factors.
        probed: What probes measured; see `planner.hardware.memory_probes.probed_peaks`.
        gpu: Where; probes of another one count as extrapolated. None: the probes' own.
    """
    factors = {row.name: row.value for row in catalog.parameters}
    counted = memory_components(architecture, quantization, shape, factors, MemoryMetric.RESERVED)
    total = sum(counted.values()) / GIB
    basis, ratio = TimingBasis.UNPROBED, math.exp(factors["memory_log_bias"])
    found = probed.correction(quantization.quantization, shape) if probed is not None else None
    if probed is not None and found is not None:
        correction, basis = found
        ratio = correction.expected_gib(total) / total
        if gpu is not None and gpu.gpu != probed.gpu:
            basis = TimingBasis.EXTRAPOLATED
    components = {name: size * ratio / GIB for name, size in counted.items()}
    components["CUDA context"] = factors["runtime_gib"]
    middle = sum(components.values())
    return MemoryEstimate(
        gib_p50=middle,
        gib_p95=middle * math.exp(_P95 * factors[_LOG_SD[basis]]),
        components_gib=components,
        basis=basis,
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
    probed: ProbedPeaks | None = None,
) -> tuple[TrainingShape, MemoryEstimate, bool]:
    """The fastest shape whose P95 fits: large micro-batches first, checkpointing only when nothing else fits.

    GPUs that train together share the effective batch; they never raise it.

    Returns:
        The shape, its memory, and whether it fits; when nothing fits, the smallest shape.
    """
    limit = usable_gib(gpu, catalog)
    most = (effective_batch_size or USUAL_EFFECTIVE_BATCH) // shape.gpus
    batches = [size for size in MICRO_BATCHES if size <= max(most, 1)]
    tried = shape, training_memory(architecture, quantization, shape, catalog, probed=probed, gpu=gpu)
    for checkpointing in (False, True):
        for size in batches:
            candidate = msgspec.structs.replace(shape, micro_batch_size=size, checkpointing=checkpointing)
            tried = candidate, training_memory(architecture, quantization, candidate, catalog, probed=probed, gpu=gpu)
            if tried[1].gib_p95 <= limit:
                return *tried, True
    return *tried, False
