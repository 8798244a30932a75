"""What probes on a GPU measured reaches the plan: memory with its basis, and the feature cache in the hours."""

from __future__ import annotations

import msgspec
import pytest

from planner.catalog import Catalog
from planner.cost.plan import Basis
from planner.record import Calibration, Hardware, Probe
from tests.cost.test_cost_plan import plan, replaced_header


def with_peaks(calibration: Calibration, gib: float) -> Calibration:
    """The calibration on an L4, with every training probe at a peak of its own."""
    on_gpu = replaced_header(calibration, hardware=Hardware(device="cuda", gpu="NVIDIA L4"))
    runs = []
    for run in on_gpu.runs:
        events = tuple(
            msgspec.structs.replace(event, peak_memory_gib=gib + 0.3 * event.micro_batch_size)
            if isinstance(event, Probe) and event.kind == "train"
            else event
            for event in run.events
        )
        runs.append(msgspec.structs.replace(run, events=events))
    return msgspec.structs.replace(on_gpu, runs=tuple(runs))


def test_measured_peaks_move_the_verdict_on_memory_and_say_so(own: Calibration, catalog: Catalog) -> None:
    small, large = (plan(with_peaks(own, gib), catalog, gpu="L4").memory for gib in (6.0, 16.0))
    assert small.basis is large.basis is Basis.MEASURED
    assert "corrected by" in small.sentence and "on L4" in small.sentence
    assert small.gib_p95 < large.gib_p95
    assert sum(small.components_gib.values()) == pytest.approx(small.gib_p50)


def test_measured_peaks_are_extrapolated_on_another_gpu(own: Calibration, catalog: Catalog) -> None:
    memory = plan(with_peaks(own, 8.0), catalog, gpu="A100-80GB-SXM").memory
    assert memory.basis is Basis.EXTRAPOLATED
    assert "Extrapolated" in memory.sentence and "on L4" in memory.sentence


def test_without_peaks_memory_is_computed(own: Calibration, catalog: Catalog) -> None:
    memory = plan(own, catalog, gpu="L4").memory
    assert memory.basis is Basis.UNPROBED
    assert "not measured on this card" in memory.sentence


def test_hours_hold_the_feature_cache_of_every_different_image(own: Calibration, catalog: Catalog) -> None:
    few, many = (
        plan(
            replaced_header(own, dataset=msgspec.structs.replace(own.header.dataset, training_examples=images)), catalog
        )
        for images in (1, 10_000_000)
    )
    assert few.hours.p50 is not None and many.hours.p50 is not None
    assert few.hours.p50 < many.hours.p50
