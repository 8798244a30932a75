"""What is computed once and shared between sessions: fits by calibration, plans by scenario.

Values are immutable and of our own types; they are cached as they are, never pickled. Streamlit computes a key once,
however many sessions ask for it at the same time.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import streamlit as st
from msgspec import Struct

from planner.catalog import read_catalog
from planner.cost.plan import Plan, encode_plan
from planner.cost.scenario import Scenario
from planner.curve import LossCurve, loss_curves
from planner.dashboard.background import DESK, Job
from planner.dashboard.link import Bounds
from planner.dashboard.planning import Planner
from planner.importers import ImportFacts, parse_log
from planner.law import (
    Comparison,
    Contender,
    Law,
    Prospect,
    compare,
    contenders_of,
    fit_law,
    forecast,
    loss_to_quality,
)
from planner.outcome import Forecast, Quality
from planner.record import Calibration, pack, parse_packed, read_calibration
from planner.report.letterhead import Letterhead
from planner.report.pdf import render_pages
from planner.resources import data_directory

RECORD_VARIABLE = "PLATEAU_RECORD"
EXAMPLE = "example"
STUDIES_PER_DAY = 40.0
"""Of the small hospital that the page opens with."""
EXAMPLE_HOSPITAL: dict[str, float] = {
    "unique_studies": 365 * STUDIES_PER_DAY,
    "staff_hours_per_year": 80.0,
    "storage_gib": 500.0,
}
"""The hospital of the bundled example learns from all it reads in a year; with any other calibration it is asked."""


class Origin(StrEnum):
    """How the calibration came here; the words for it are in `FrameWords.origins`, by name."""

    EXAMPLE = "example"
    COMMAND_LINE = "command_line"
    UPLOAD = "upload"
    LIBRARY = "library"


class Loaded(Struct, frozen=True, kw_only=True):
    """A calibration with the digest that caches go by."""

    calibration: Calibration
    digest: str
    origin: Origin


class Fitted(Struct, frozen=True, kw_only=True):
    """The curves of a calibration and the law of the chosen one."""

    curves: tuple[LossCurve, ...]
    law: Law


_HASHES: dict[str | type[Any], Callable[[Any], Any]] = {
    Loaded: lambda value: value.digest,
    Scenario: msgspec.json.encode,
}


def loaded(calibration: Calibration, origin: Origin) -> Loaded:
    """A calibration under the digest of its packed bytes."""
    return Loaded(calibration=calibration, digest=hashlib.sha256(pack(calibration)).hexdigest(), origin=origin)


def first_calibration(*, example: bool = False) -> Loaded:
    """The record named by the environment variable `PLATEAU_RECORD`, else (or if asked) the bundled example.

    Raises:
        RecordError: It is not there or cannot be read.
    """
    bundled = data_directory() / "example" / "calibration.jsonl"
    named = os.environ.get(RECORD_VARIABLE, "")
    if example or named in ("", EXAMPLE) or Path(named).resolve() == bundled:
        return _bundled(bundled)
    return loaded(read_calibration(Path(named)), Origin.COMMAND_LINE)


@st.cache_resource(show_spinner=False)
def _bundled(path: Path) -> Loaded:
    """The bundled example, which never changes: read once for all visitors."""
    return loaded(read_calibration(path), Origin.EXAMPLE)


def packed_calibration(data: bytes, name: str) -> Loaded:
    """An uploaded packed record.

    Raises:
        RecordError: It is not one.
    """
    return loaded(parse_packed(data, file=name), Origin.UPLOAD)


def foreign_calibration(data: bytes, name: str, facts: ImportFacts) -> Loaded:
    """An uploaded log of another trainer.

    Raises:
        PlannerError: It cannot be read; the message names the file as the user does.
    """
    return loaded(parse_log(data, file=name, facts=facts), Origin.UPLOAD)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=_HASHES)
def fitted(calibration: Loaded, configuration: int = 0) -> Fitted:
    """The law of one configuration.

    Raises:
        CurveError: The record has no point yet.
    """
    curves = loss_curves(calibration.calibration)
    return Fitted(curves=curves, law=fit_law(curves[min(configuration, len(curves) - 1)]))


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=_HASHES)
def plan_of(calibration: Loaded, scenario: Scenario, configuration: int = 0) -> Plan:
    """The plan of a scenario, without what takes longer than a moved slider may (`details_of`).

    Raises:
        PlannerError: The scenario cannot be planned.
    """
    return _planner(calibration, scenario, configuration).quick()


def details_of(calibration: Loaded, scenario: Scenario, configuration: int = 0, *, urgent: bool = False) -> Job | None:
    """The job that makes everything else; None where others wait already and this is not urgent."""
    planner = _planner(calibration, scenario, configuration)
    key = (calibration.digest, configuration, msgspec.json.encode(scenario))
    return DESK.ask(key, planner.with_options, planner.whole, urgent=urgent)


def whole_plan(calibration: Loaded, scenario: Scenario, configuration: int = 0) -> Plan:
    """The plan with everything that papers and files hold; waits for it.

    Raises:
        PlannerError: The scenario cannot be planned.
    """
    job = details_of(calibration, scenario, configuration, urgent=True)
    assert job is not None
    return job.whole.result()


def _planner(calibration: Loaded, scenario: Scenario, configuration: int) -> Planner:
    prediction, quality = _forecast(calibration, configuration, scenario.target_loss, scenario.unique_studies)
    law = fitted(calibration, configuration).law
    return Planner(law, calibration.calibration, scenario, prediction, quality)


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=_HASHES)
def _forecast(
    calibration: Loaded, configuration: int, target_loss: float, unique_studies: float | None
) -> tuple[Forecast, tuple[Quality, ...]]:
    """What the law says about a target; does not depend on GPUs and prices."""
    return (
        _prospect(calibration, configuration, unique_studies).forecast(target_loss),
        loss_to_quality(calibration.calibration, target_loss),
    )


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs=_HASHES)
def _prospect(calibration: Loaded, configuration: int, unique_studies: float | None) -> Prospect:
    """What the law says whatever the target: a moved slider does not draw its curves again."""
    return Prospect(fitted(calibration, configuration).law, unique_examples=unique_studies)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=_HASHES)
def _contenders(calibration: Loaded) -> tuple[Contender, ...]:
    """The configurations of a calibration with their laws."""
    return contenders_of(calibration.calibration, calibration.calibration.header.calibration_id)


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs=_HASHES)
def compared_configurations(
    calibration: Loaded, names: tuple[str, ...]
) -> tuple[tuple[Contender, ...], tuple[Comparison, ...]]:
    """The configurations of a calibration with their laws, and every other one against the first.

    Args:
        calibration: Whose they are.
        names: What they are called in the sentences, in their order.
    """
    contenders = tuple(
        msgspec.structs.replace(contender, name=name)
        for contender, name in zip(_contenders(calibration), names, strict=True)
    )
    return contenders, tuple(compare(contenders[0], other) for other in contenders[1:])


@st.cache_resource(
    max_entries=32, show_spinner=False, hash_funcs={**_HASHES, Plan: encode_plan, Letterhead: msgspec.json.encode}
)
def paper_pages(plan: Plan, language: str, letterhead: Letterhead) -> list[bytes]:
    """The pages of the board paper as pictures (PNG)."""
    return render_pages(plan, language, letterhead)


class Opening(Struct, frozen=True, kw_only=True):
    """What the page opens with, and what its inputs may be."""

    limits: Bounds
    scenario: Scenario


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=_HASHES)
def opening(calibration: Loaded, configuration: int, *, example: bool) -> Opening:
    """The inputs that every visitor of a calibration starts with; made once, not a visit.

    Args:
        calibration: What is open.
        configuration: Index of its curve.
        example: Whether the hospital is the one of the bundled example; else it is asked for what only it knows.

    Raises:
        CurveError: The record has no point yet.
    """
    fit = fitted(calibration, configuration)
    limits = _bounds(fit)
    return Opening(limits=limits, scenario=_opening_scenario(fit, limits, example=example))


def _bounds(fit: Fitted) -> Bounds:
    """The losses a slider offers: from clearly below what the data support to the largest that was measured."""
    law = fit.law
    measured = law.curve.loss_n
    supported = forecast(law, float(measured.max())).loss_at_horizon.p05
    low = max(0.97 * min(supported, law.asymptote.p05, float(measured.min())), 0.6 * float(measured.min()), 0.01)
    high = max(float(measured.max()), low + 0.1)
    names = read_catalog()
    return Bounds(
        gpus=tuple(row.gpu for row in names.gpus),
        quantizations=tuple(row.quantization for row in names.quantizations),
        target_loss_low=math.floor(low * 100) / 100,
        target_loss_high=math.ceil(high * 100) / 100,
    )


def _opening_scenario(fit: Fitted, limits: Bounds, *, example: bool) -> Scenario:
    """What the page opens with: a small hospital, and a loss that the data support half-way to their horizon."""
    law = fit.law
    own = EXAMPLE_HOSPITAL if example else {}
    studies = own.get("unique_studies")
    largest = float(law.curve.examples_n.max())
    horizon = forecast(law, limits.target_loss_high, unique_examples=studies).verdict.horizon_examples
    halfway = forecast(
        law, limits.target_loss_high, horizon_examples=math.sqrt(largest * horizon), unique_examples=studies
    )
    target = math.ceil(halfway.loss_at_horizon.p95 * 100) / 100
    return Scenario(
        target_loss=min(max(target, limits.target_loss_low), limits.target_loss_high),
        gpu="L4" if "L4" in limits.gpus else limits.gpus[0],
        quantization="bf16" if "bf16" in limits.quantizations else limits.quantizations[0],
        studies_per_day=STUDIES_PER_DAY,
        budget_eur=10_000.0,
        **own,  # type: ignore[arg-type]
    )
