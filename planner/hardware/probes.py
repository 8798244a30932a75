"""The timed shapes of a calibration, where they say something about a GPU."""

from __future__ import annotations

from msgspec import structs

from planner.hardware.architecture import ModelArchitecture
from planner.hardware.training_shape import TrainingShape
from planner.record import Calibration, Probe


def gpu_probes(calibration: Calibration, quantization: str | None = None) -> list[Probe]:
    """Probes that ran on a GPU, at one quantization or at any; none of a CPU and none of a stand-in model."""
    if calibration.header.illustration or calibration.header.hardware.device != "cuda":
        return []
    probes: list[Probe] = [probe for run in calibration.runs for probe in run.of(Probe)]
    return [probe for probe in probes if quantization in (None, probe.quantization)]


def shape_of_probe(shape: TrainingShape, architecture: ModelArchitecture, probe: Probe) -> TrainingShape:
    """The step that a training probe ran; its optimizer moved after every micro-batch.

    Tokens of a larger or smaller image than the architecture's count as prompt: a decoder layer treats them alike.
    """
    return structs.replace(
        shape,
        prompt_tokens=probe.prompt_tokens + probe.image_tokens - architecture.image_tokens,
        suffix_tokens=probe.suffix_tokens,
        micro_batch_size=probe.micro_batch_size,
        checkpointing=probe.checkpointing,
        accumulation=1.0,
        gpus=1,
    )
