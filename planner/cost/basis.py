"""What a plan rests on: the model that is fine-tuned, its token counts and adapters, and what of it is assumed."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from planner.catalog import Catalog
from planner.hardware.architecture import LINEAR_OF_TARGETS, ModelArchitecture, architecture_from_numbers
from planner.hardware.memory import TrainingShape
from planner.hardware.memory_probes import ProbedPeaks, probed_peaks
from planner.record import UNKNOWN, Calibration, LossKind, Started, XUnit

STAND_IN = "google/paligemma-3b-pt-224"


class PlannedModel(Struct, frozen=True, kw_only=True):
    """The model that hours and memory are computed for.

    Attributes:
        assumed: None when the calibration measured this very model, else the sentence that says what is assumed.
        probed: Peaks of memory that the calibration measured on a GPU.
    """

    name: str
    architecture: ModelArchitecture
    shape: TrainingShape
    source: str
    as_of: str | None
    assumed: str | None
    probed: ProbedPeaks | None = None


def planned_model(calibration: Calibration, catalog: Catalog) -> PlannedModel:
    """The calibration's own model, or PaliGemma-3B where a stand-in was calibrated or the log does not say."""
    header = calibration.header
    configuration = header.configuration
    known = {row.model: row for row in catalog.architectures}
    source, as_of, assumed = "the calibration record", header.created, None
    if not header.illustration and header.architecture is not None:
        name = configuration.model
        architecture = msgspec.convert(header.architecture, ModelArchitecture)
    else:
        name = configuration.model if configuration.model in known else STAND_IN
        row = known[name]
        architecture = architecture_from_numbers(row)
        source, as_of = row.source, row.as_of
        if header.illustration:
            assumed = f"The loss curve comes from a small stand-in model; hours and memory are those of {name}."
        elif name != configuration.model:
            unknown = configuration.model == UNKNOWN
            why = (
                "The log does not say which model was trained"
                if unknown
                else f"The record has no shape of {configuration.model}"
            )
            assumed = f"{why}: hours and memory are those of {name}, an assumption."
    if assumed is None and configuration.image_size_px and not architecture.image_token_count:
        architecture = msgspec.structs.replace(architecture, image_size_px=configuration.image_size_px)
    dataset = header.dataset
    own = not header.illustration
    targets = (configuration.lora_targets if own else None) or "all-linear"
    rank = (configuration.lora_rank if own else None) or int(catalog.parameter("default_lora_rank").value)
    prompt = (dataset.prompt_tokens_mean if own else None) or catalog.parameter("default_prompt_tokens").value
    suffix = (dataset.suffix_tokens_mean if own else None) or catalog.parameter("default_suffix_tokens").value
    shape = TrainingShape(
        prompt_tokens=round(prompt),
        suffix_tokens=round(suffix),
        lora_parameters=architecture.lora_parameters(targets, rank),
        adapted=LINEAR_OF_TARGETS[targets],
    )
    return PlannedModel(
        name=name,
        architecture=architecture,
        shape=shape,
        source=source,
        as_of=as_of,
        assumed=assumed,
        probed=probed_peaks(calibration, architecture, shape, catalog) if assumed is None else None,
    )


def calibration_examples(calibration: Calibration) -> float:
    """Examples that all runs of the calibration processed."""
    if calibration.header.x_unit is not XUnit.EXAMPLES:
        return 0.0
    largest: dict[str, float] = {}
    for run in calibration.runs:
        begun = sum(event.resumed_examples for event in run.of(Started)[:1])
        seen = [event.examples for event in run.events if hasattr(event, "examples")]
        largest[run.id] = max(seen, default=0.0) - begun
    return sum(largest.values())


def marks(calibration: Calibration) -> list[str]:
    """Sentences that stand wherever a figure of this calibration is shown."""
    header = calibration.header
    found = []
    if header.illustration:
        found.append("illustration, not PaliGemma-3B")
    if header.loss_kind is LossKind.TRAINING:
        found.append("training loss only")
    elif header.loss_kind is LossKind.UNKNOWN:
        found.append("kind of loss unknown")
    if header.x_unit is not XUnit.EXAMPLES:
        found.append("x counts steps, examples unknown")
    if header.configuration.model == UNKNOWN:
        found.append("model unknown")
    return found
