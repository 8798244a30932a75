"""What is computed once and shared between sessions: fits by calibration, plans by scenario.

Values are immutable and of our own types; they are cached as they are, never pickled. Streamlit computes a key once,
however many sessions ask for it at the same time.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from enum import StrEnum
from pathlib import Path

import msgspec
import streamlit as st
from msgspec import Struct

from planner.catalog import Catalog, read_catalog
from planner.cost import cost_plan
from planner.cost.plan import Plan
from planner.cost.scenario import Scenario
from planner.curve import LossCurve, loss_curves
from planner.dashboard.link import Bounds
from planner.errors import Mistake, RecordError
from planner.importers import import_log
from planner.law import Law, fit_law, forecast
from planner.law.quality import loss_to_quality
from planner.record import Calibration, pack, parse_packed, read_calibration
from planner.resources import data_directory

RECORD_VARIABLE = "PLATEAU_RECORD"
EXAMPLE = "example"


class Origin(StrEnum):
    """How the calibration came here."""

    EXAMPLE = "bundled example"
    COMMAND_LINE = "named at the start"
    UPLOAD = "uploaded in this session"


class Loaded(Struct, frozen=True, kw_only=True):
    """A calibration with the digest that caches go by."""

    calibration: Calibration
    digest: str
    origin: Origin


class Fitted(Struct, frozen=True, kw_only=True):
    """The curves of a calibration and the law of the chosen one."""

    curves: tuple[LossCurve, ...]
    law: Law


def loaded(calibration: Calibration, origin: Origin) -> Loaded:
    """A calibration under the digest of its packed bytes."""
    return Loaded(calibration=calibration, digest=hashlib.sha256(pack(calibration)).hexdigest(), origin=origin)


def first_calibration() -> Loaded:
    """The record named by the environment variable `PLATEAU_RECORD`, else the bundled example.

    Raises:
        RecordError: It is not there or cannot be read.
    """
    named = os.environ.get(RECORD_VARIABLE, "")
    if named and named != EXAMPLE:
        return loaded(read_calibration(Path(named)), Origin.COMMAND_LINE)
    example = data_directory() / "example" / "calibration.jsonl"
    return loaded(read_calibration(example), Origin.EXAMPLE)


def packed_calibration(data: bytes, name: str) -> Loaded:
    """An uploaded packed record.

    Raises:
        RecordError: It is not one.
    """
    return loaded(parse_packed(data, file=name), Origin.UPLOAD)


def foreign_calibration(data: bytes, name: str, facts: object) -> Loaded:
    """An uploaded log of another trainer.

    Raises:
        PlannerError: It cannot be read; the message names the file as the user does.
    """
    safe = Path(name.replace("\\", "/")).name[-100:]
    if not safe or safe.startswith("."):
        raise RecordError(Mistake(file="upload", reason="the file has no usable name", remedy="Rename it and try again"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / safe
        path.write_bytes(data)
        return loaded(import_log(path, facts), Origin.UPLOAD)  # type: ignore[arg-type]


@st.cache_resource(show_spinner=False)
def catalog() -> Catalog:
    """The catalogs that ship with Plateau."""
    return read_catalog()


def fitted(calibration: Loaded, configuration: int = 0) -> Fitted:
    """The law of one configuration, fitted once a calibration.

    Raises:
        CurveError: The record has no point yet.
    """
    return _fitted(calibration.digest, configuration, calibration)


@st.cache_resource(max_entries=32, show_spinner="Fitting the law to the runs …")
def _fitted(digest: str, configuration: int, _calibration: Loaded) -> Fitted:
    curves = loss_curves(_calibration.calibration)
    return Fitted(curves=curves, law=fit_law(curves[min(configuration, len(curves) - 1)]))


def plan_of(calibration: Loaded, scenario: Scenario, configuration: int = 0) -> Plan:
    """The plan of a scenario, computed once."""
    return _plan(calibration.digest, configuration, msgspec.json.encode(scenario), calibration, scenario)


@st.cache_resource(max_entries=512, show_spinner=False)
def _plan(
    digest: str, configuration: int, scenario_json: bytes, _calibration: Loaded, _scenario: Scenario
) -> Plan:
    law = fitted(_calibration, configuration).law
    prediction = forecast(law, _scenario.target_loss, horizon_examples=_scenario.unique_studies)
    return cost_plan(
        prediction,
        _calibration.calibration,
        _scenario,
        catalog(),
        quality=loss_to_quality(_calibration.calibration, _scenario.target_loss),
    )


def bounds(fit: Fitted) -> Bounds:
    """The losses a slider offers: from clearly below what the data support to the largest that was measured."""
    measured = fit.law.curve.loss_n
    horizon = 64.0 * float(fit.law.curve.examples_n.max())
    lowest = min(fit.law.loss_at(horizon).p05, float(measured.min()))
    low = max(0.6 * float(measured.min()), 0.97 * lowest, 0.01)
    high = max(float(measured.max()), low + 0.1)
    names = catalog()
    return Bounds(
        gpus=tuple(names.gpus),
        quantizations=tuple(names.quantizations),
        target_loss_low=math.floor(low * 100) / 100,
        target_loss_high=math.ceil(high * 100) / 100,
    )


def opening_scenario(fit: Fitted, limits: Bounds) -> Scenario:
    """What the page opens with: the loss that twice the largest budget should give, and a small hospital."""
    curve = fit.law.curve
    expected = fit.law.loss_at(2.0 * float(curve.examples_n.max())).p50
    target = math.ceil(min(expected, float(curve.loss_n.min())) * 100) / 100
    return Scenario(
        target_loss=min(max(target, limits.target_loss_low), limits.target_loss_high),
        gpu="L4" if "L4" in limits.gpus else limits.gpus[0],
        quantization="bf16" if "bf16" in limits.quantizations else limits.quantizations[0],
        studies_per_day=40.0,
        budget_eur=10_000.0,
    )


