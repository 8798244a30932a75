"""An imported log that was timed on a named GPU: its seconds count, where they can."""

from __future__ import annotations

import msgspec
import pytest

from planner.catalog import Catalog
from planner.cost.plan import Basis
from planner.hardware.log_seconds import log_seconds
from planner.record import Calibration, Hardware, Imported, XUnit
from tests.cost.test_cost_plan import plan, replaced_header

SECONDS = 0.11
"""Of an example, in `tests.factories`."""


@pytest.fixture
def timed(own: Calibration) -> Calibration:
    """The calibration as a log: no probes, seconds on an L4."""
    log = replaced_header(own, hardware=Hardware(device="cuda", gpu="L4"))
    runs = tuple(run for run in log.runs if run.id != "probes")
    whole = msgspec.structs.replace(runs[-1], events=tuple(event for run in runs for event in run.events))
    return msgspec.structs.replace(log, runs=(whole,))


def test_seconds_of_an_example_come_from_the_clock_of_the_log(timed: Calibration, catalog: Catalog) -> None:
    own = log_seconds(timed, catalog)
    assert own is not None
    assert own.seconds == pytest.approx(SECONDS)
    assert own.log_sd > 0
    assert not own.counts_steps


def test_seconds_that_are_an_even_share_of_a_total_are_called_estimated(timed: Calibration, catalog: Catalog) -> None:
    total = replaced_header(timed, imported=Imported(log="trainer_state", rows=9, seconds="estimated"))
    sentence = plan(total, catalog, gpu="L4").hours_sentence
    assert "Estimated from the log's total run time on L4, spread evenly over its steps" in sentence
    assert "Estimated" not in plan(timed, catalog, gpu="L4").hours_sentence


def test_hours_are_measured_on_that_gpu_and_extrapolated_elsewhere(timed: Calibration, catalog: Catalog) -> None:
    here, there = plan(timed, catalog, gpu="L4"), plan(timed, catalog, gpu="A100-80GB-SXM")
    assert here.hours_basis is Basis.MEASURED
    assert there.hours_basis is Basis.EXTRAPOLATED
    assert here.examples.p50 is not None
    assert here.hours.p50 is not None
    assert there.hours.p50 is not None
    assert here.hours.p50 == pytest.approx(here.examples.p50 * SECONDS * 1.15 / 3600, rel=0.05)
    assert there.hours.p50 < here.hours.p50
    assert "not measured" in there.hours_sentence


def test_another_quantization_than_the_logs_is_extrapolated(timed: Calibration, catalog: Catalog) -> None:
    assert plan(timed, catalog, gpu="L4", quantization="nf4").hours_basis is Basis.EXTRAPOLATED


def test_steps_of_unknown_size_are_hours_on_their_own_gpu_alone(timed: Calibration, catalog: Catalog) -> None:
    steps = replaced_header(timed, x_unit=XUnit.STEPS)
    here, there = plan(steps, catalog, gpu="L4"), plan(steps, catalog, gpu="L40S")
    assert here.hours_basis is Basis.MEASURED
    assert here.hours.p50 is not None
    assert here.examples.p50 is None
    assert here.probability_within_budget is not None
    assert "steps" in here.budget_scenario
    assert there.hours.p50 is None
    assert there.probability_within_budget is None
    assert "tuning" in {line.code for line in there.not_costed}
    assert "tuning_rent" not in {line.code for line in there.lines}


def test_without_a_named_gpu_or_with_a_cpu_there_are_no_such_seconds(timed: Calibration, catalog: Catalog) -> None:
    for hardware in (Hardware(device="cpu", gpu="L4"), Hardware(device="cuda"), Hardware(device="cuda", gpu="Other")):
        assert log_seconds(replaced_header(timed, hardware=hardware), catalog) is None


def test_probes_measure_better_than_the_log(own: Calibration, catalog: Catalog) -> None:
    assert log_seconds(replaced_header(own, hardware=Hardware(device="cuda", gpu="L4")), catalog) is None
