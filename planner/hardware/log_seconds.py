"""Seconds that an imported log measured itself: its own clock on a named GPU, where no probe was run.

Training as it was run there, at its own length, batch and quantization. Another GPU or quantization is reached by the
ratio of the step model on both, wider. Seconds of a step of unknown size say nothing about another GPU.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.hardware.architecture import ModelArchitecture
from planner.hardware.memory import TrainingShape
from planner.hardware.step_time import micro_step_time, slower_than_16_bits
from planner.hardware.throughput import Seconds, TimingBasis
from planner.record import UNKNOWN, Calibration, Eval, Probe, Run, Train, XUnit

FloatArray = NDArray[np.float64]
FEWEST_POINTS = 4


class LogSeconds(Struct, frozen=True, kw_only=True):
    """What a log says about speed.

    Attributes:
        seconds: GPU-seconds of an example, or of a step where the log counts steps.
        log_sd: Spread of the logarithm between parts of the log.
        gpu: Catalog row of the GPU it ran on.
        quantization: Of the run, `unknown` where the log does not say.
        counts_steps: Whether `seconds` is that of a step of unknown size.
        estimated: Whether the log has only the run time of its last session, spread evenly over its steps.
    """

    seconds: float
    log_sd: float
    gpu: GpuSpec
    quantization: str
    counts_steps: bool
    estimated: bool = False


def log_seconds(calibration: Calibration, catalog: Catalog) -> LogSeconds | None:
    """The log's own seconds; None without a named GPU, without times, or where probes measured better."""
    header = calibration.header
    gpu = catalog.gpu_of_driver(header.hardware.gpu)
    timed_otherwise = any(run.of(Probe) for run in calibration.runs)
    if gpu is None or header.hardware.device == "cpu" or header.illustration or timed_otherwise:
        return None
    rates = [rate * (header.hardware.gpus or 1) for run in calibration.runs for rate in _rates(run)]
    if not rates:
        return None
    middle = float(np.median(rates))
    spread = float(np.std(np.log(rates))) if len(rates) > 1 else 0.0
    return LogSeconds(
        seconds=middle,
        log_sd=max(spread, catalog.parameter("probe_log_sd").value),
        gpu=gpu,
        quantization=header.configuration.quantization or UNKNOWN,
        counts_steps=header.x_unit is not XUnit.EXAMPLES,
        estimated=header.imported is not None and header.imported.seconds == "estimated",
    )


def _rates(run: Run) -> list[float]:
    """Seconds an example (or step) in each quarter of a run, so that a pause spoils one quarter at most."""
    timed = sorted(
        (event.examples, event.train_seconds)
        for event in (*run.of(Eval), *run.of(Train))
        if event.train_seconds is not None
    )
    if len(timed) < FEWEST_POINTS:
        return []
    marks = np.linspace(0, len(timed) - 1, min(FEWEST_POINTS, len(timed) - 1) + 1).round().astype(int)
    found = []
    for begin, end in itertools.pairwise(marks.tolist()):
        (x0, s0), (x1, s1) = timed[begin], timed[end]
        if x1 > x0 and s1 > s0:
            found.append((s1 - s0) / (x1 - x0))
    return found


def seconds_from_log(
    own: LogSeconds,
    architecture: ModelArchitecture,
    shape: TrainingShape,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    rng: np.random.Generator,
    draws: int,
) -> Seconds:
    """Draws of the seconds of an example (or step) on a GPU, from the log of the same or another one."""
    normal = rng.standard_normal(draws)
    same_bits = own.quantization in (quantization.quantization, UNKNOWN)
    unit = "a step" if own.counts_steps else "an example"
    if gpu.gpu == own.gpu.gpu and same_bits and shape.gpus == 1:
        sentence = f"Timed by the log itself on {gpu.gpu}: {own.seconds:.3g} s {unit}, at its own length, batch and "
        if own.estimated:
            sentence = (
                f"Estimated from the log's total run time on {gpu.gpu}, spread evenly over its steps (too little "
            )
            sentence += f"where the run was resumed): {own.seconds:.3g} s {unit}, at its own length, batch and "
        return Seconds(
            seconds_m=own.seconds * np.exp(own.log_sd * normal),
            basis=TimingBasis.MEASURED,
            sentence=sentence + "quantization.",
        )
    factors = {row.name: row.value for row in catalog.parameters}
    measured_at = quantization if same_bits else catalog.quantization(own.quantization)
    here = micro_step_time(architecture, quantization, shape, gpu, factors).seconds
    alone = structs.replace(shape, gpus=1)
    there = micro_step_time(architecture, measured_at, alone, own.gpu, factors).seconds
    uniform = rng.random(draws)
    here_slower = slower_than_16_bits(quantization, gpu, factors, uniform)
    slower = here_slower / slower_than_16_bits(measured_at, own.gpu, factors, uniform)
    spread = math.hypot(own.log_sd, factors["transfer_log_sd"])
    return Seconds(
        seconds_m=own.seconds * here / there * slower * np.exp(spread * normal),
        basis=TimingBasis.EXTRAPOLATED,
        sentence=f"Extrapolated from the log's own seconds on {own.gpu.gpu} by the step model of both; not measured on "
        f"{f'{shape.gpus} x ' if shape.gpus > 1 else ''}{gpu.gpu} in {quantization.quantization}.",
    )
