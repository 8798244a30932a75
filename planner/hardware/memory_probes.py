"""Peaks that probes measured correct the counted peak: an affine map with slope >= 0.

Level and slope are the most probable ones under a spread around what is counted. Probes of the very settings that are
asked for are believed almost as they are; probes of other settings (rank, quantization, checkpointing, GPU) say less,
so the counted peak keeps more of its weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from planner.catalog import Catalog
from planner.hardware.architecture import ModelArchitecture
from planner.hardware.basis import TimingBasis
from planner.hardware.memory_components import GIB, MemoryMetric, memory_components
from planner.hardware.probes import gpu_probes, shape_of_probe
from planner.hardware.training_shape import TrainingShape
from planner.record import Calibration

FEWEST = 2
# Relative spreads of (measurement, level, slope) for probes of the same settings, and of others.
_SAME, _OTHER = (0.01, 0.5, 1.0), (0.06, 0.1, 0.06)


class MemoryCorrection(Struct, frozen=True, kw_only=True):
    """An affine map from counted to expected GiB, slope >= 0."""

    centre_gib: float
    level_gib: float
    slope: float

    def expected_gib(self, counted_gib: float) -> float:
        """What is expected where `counted_gib` is counted; far below all probes never less than a fifth of it."""
        return max(self.level_gib + self.slope * (counted_gib - self.centre_gib), 0.2 * counted_gib)


class ProbedPeak(Struct, frozen=True, kw_only=True):
    """One probe: what is counted at its shape and what it measured, both as PyTorch's allocator holds it."""

    quantization: str
    checkpointing: bool
    counted_gib: float
    measured_gib: float


class ProbedPeaks(Struct, frozen=True, kw_only=True):
    """All probes of a calibration that measured a peak on `gpu`."""

    gpu: str
    peaks: tuple[ProbedPeak, ...]

    def correction(self, quantization: str, shape: TrainingShape) -> tuple[MemoryCorrection, TimingBasis] | None:
        """The map for a quantization and shape; None with fewer than two probes."""
        same = [
            peak
            for peak in self.peaks
            if (peak.quantization, peak.checkpointing) == (quantization, shape.checkpointing)
        ]
        basis = TimingBasis.MEASURED if len(same) >= FEWEST else TimingBasis.EXTRAPOLATED
        chosen = same if basis is TimingBasis.MEASURED else self.peaks
        if len(chosen) < FEWEST:
            return None
        counted, measured = [peak.counted_gib for peak in chosen], [peak.measured_gib for peak in chosen]
        return fit_correction(counted, measured, same_settings=basis is TimingBasis.MEASURED), basis


def fit_correction(
    counted_gib: Sequence[float], measured_gib: Sequence[float], *, same_settings: bool
) -> MemoryCorrection:
    """The most probable affine map from counted to measured peaks, with slope >= 0.

    Args:
        counted_gib: Of every probe, in the metric that was measured.
        measured_gib: Of every probe.
        same_settings: Whether the probes differ from what is asked for in their tokens alone.
    """
    counted, measured = np.asarray(counted_gib, dtype=np.float64), np.asarray(measured_gib, dtype=np.float64)
    noise, level_sd, slope_sd = _SAME if same_settings else _OTHER
    centre = float(np.exp(np.log(counted).mean()))
    # With equal settings all is off by the same ratio, as far as nothing else is known.
    around = float(np.exp(np.log(measured / counted).mean())) if same_settings else 1.0
    measurements = np.stack([np.full_like(counted, centre), counted - centre], axis=1) / (noise * measured[:, None])
    design = np.vstack([measurements, [[1.0 / level_sd, 0.0], [0.0, 1.0 / slope_sd]]])
    target = np.append(np.full(len(counted), 1.0 / noise), [1.0 / level_sd, around / slope_sd])
    level, slope = np.linalg.lstsq(design, target, rcond=None)[0]
    if slope < 0.0:
        slope, level = 0.0, np.exp(np.log(measured).mean()) / centre
    return MemoryCorrection(centre_gib=centre, level_gib=float(level) * centre, slope=float(slope))


def probed_peaks(
    calibration: Calibration, architecture: ModelArchitecture, shape: TrainingShape, catalog: Catalog
) -> ProbedPeaks | None:
    """Peaks of a calibration's training probes on a GPU; None where none was measured.

    Args:
        calibration: The record.
        architecture: The model it measured.
        shape: How the calibration trains; every probe's tokens, batch and checkpointing take their place in it.
        catalog: For the factors.
    """
    factors = {row.name: row.value for row in catalog.parameters}
    known = {row.quantization: row for row in catalog.quantizations}
    peaks = []
    for probe in gpu_probes(calibration):
        quantization = known.get(probe.quantization)
        if probe.kind != "train" or probe.peak_memory_gib is None or quantization is None:
            continue
        at = shape_of_probe(shape, architecture, probe)
        counted = memory_components(architecture, quantization, at, factors, MemoryMetric.RESERVED)
        peaks.append(
            ProbedPeak(
                quantization=probe.quantization,
                checkpointing=probe.checkpointing,
                counted_gib=sum(counted.values()) / GIB,
                measured_gib=probe.peak_memory_gib,
            )
        )
    spec = catalog.gpu_of_driver(calibration.header.hardware.gpu)
    return ProbedPeaks(gpu=spec.gpu if spec else "", peaks=tuple(peaks)) if peaks else None
