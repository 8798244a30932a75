"""What one visitor has open: a calibration, a scenario and the way back.

The scenario is the truth; widgets are views of it, and the address bar is a copy of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import msgspec
import streamlit as st

from planner.cost.plan import Plan
from planner.cost.scenario import Scenario
from planner.dashboard.link import Bounds, read_link, write_link
from planner.dashboard.work import (
    EXAMPLE_UNIQUE_STUDIES,
    Fitted,
    Loaded,
    Origin,
    bounds,
    first_calibration,
    fitted,
    opening_scenario,
    plan_of,
)
from planner.errors import PlannerError

_KEY = "plateau"
_UNDO_DEPTH = 10
_LAG_SECONDS = 3.0


@dataclass(kw_only=True)
class Session:
    """Mutable, one a visitor.

    Attributes:
        calibration: None when there is none to show; `problem` says why.
        configuration: Index of the curve that is planned with.
        scenario: What the inputs say.
        opening: What they said first; reset goes there.
        generation: Counts the changes of the scenario that did not come from a widget.
        past: Scenarios before the last changes.
        notices: To be shown once, on top of the page.
        written: The address as it was last written, at `written_at`, for the scenario `addressed`.
        opened: A plan that was dropped on the page Board paper.
        tabulated: The scenario whose options are on screen, `options_plan` their plan.
        inputs_at_rest: True once the table's fragment has run since the last run of the page.
        pending: Name and bytes of an uploaded log that waits for the facts it lacks.
        upload_problem: Why the last upload could not be read; `reopen_problem` for a dropped plan.
    """

    calibration: Loaded | None = None
    problem: PlannerError | None = None
    configuration: int = 0
    fit: Fitted | None = None
    limits: Bounds | None = None
    scenario: Scenario | None = None
    opening: Scenario | None = None
    generation: int = -1
    past: list[Scenario] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    opened: Plan | None = None
    tabulated: Scenario | None = None
    options_plan: Plan | None = None
    inputs_at_rest: bool = False
    pending: tuple[str, bytes] | None = None
    upload_problem: PlannerError | None = None
    reopen_problem: PlannerError | None = None
    written: dict[str, str] = field(default_factory=dict)
    written_at: float = 0.0
    addressed: Scenario | None = None

    def open(self, calibration: Loaded, configuration: int = 0) -> None:
        """Make a calibration the one that is planned with; the hospital's decisions stay.

        Raises:
            PlannerError: It has no curve; what was open stays open.
        """
        fit = fitted(calibration, configuration)
        limits = bounds(fit)
        example = calibration.origin is Origin.EXAMPLE
        opening = opening_scenario(fit, limits, unique_studies=EXAMPLE_UNIQUE_STUDIES if example else None)
        self.calibration, self.configuration, self.fit, self.limits = calibration, configuration, fit, limits
        self.problem = self.tabulated = self.options_plan = None
        self.past.clear()
        if self.scenario is None:
            self.scenario = opening
        elif not limits.target_loss_low <= self.scenario.target_loss <= limits.target_loss_high:
            self.scenario = msgspec.structs.replace(self.scenario, target_loss=opening.target_loss)
        self.opening = opening
        self.generation += 1

    def change(self, scenario: Scenario) -> None:
        """Take a new scenario and remember the old one."""
        if self.scenario is None or scenario == self.scenario:
            return
        self.past = [*self.past, self.scenario][-_UNDO_DEPTH:]
        self.scenario = scenario

    def adopt(self, scenario: Scenario) -> None:
        """Take a scenario from elsewhere; a target that this calibration cannot speak about is named and left out."""
        limits = self.limits
        if limits is None or self.scenario is None:
            return
        if not limits.target_loss_low <= scenario.target_loss <= limits.target_loss_high:
            self.notices.append(
                f"The target loss {scenario.target_loss:g} lies outside {limits.target_loss_low:g} to "
                f"{limits.target_loss_high:g}, which this calibration can speak about; {self.scenario.target_loss:g} "
                "is used instead."
            )
            scenario = msgspec.structs.replace(scenario, target_loss=self.scenario.target_loss)
        for name, known in (("gpu", limits.gpus), ("quantization", limits.quantizations)):
            if getattr(scenario, name) not in known:
                kept = getattr(self.scenario, name)
                self.notices.append(f"The catalog has no {name} {getattr(scenario, name)}; {kept} is used instead.")
                scenario = msgspec.structs.replace(scenario, **{name: kept})
        self.change(scenario)
        self.generation += 1

    def undo(self) -> None:
        """Back by one change."""
        if self.past:
            self.scenario = self.past.pop()
            self.generation += 1

    def reset(self) -> None:
        """Back to the opening scenario; can be undone."""
        if self.opening is not None:
            self.change(self.opening)
            self.generation += 1

    def plan(self, *, with_options: bool = False) -> Plan:
        """The plan of what is open; the table of options takes longer.

        Raises:
            PlannerError: The scenario cannot be planned.
        """
        assert self.calibration is not None and self.scenario is not None
        return plan_of(self.calibration, self.scenario, self.configuration, with_options=with_options)


def session() -> Session:
    """The visitor's session; the first call opens the first calibration and reads the link."""
    state: Any = st.session_state
    if _KEY not in state:
        state[_KEY] = _opened()
    return state[_KEY]  # type: ignore[no-any-return]


def _opened() -> Session:
    new = Session()
    try:
        new.open(first_calibration())
    except PlannerError as problem:
        new.problem = problem
    return new


def follow_link() -> None:
    """Take the scenario from the address bar where someone else wrote it: a shared link, the Back button.

    The browser's copy of the address lags behind ours, so an address that differs within moments of a change is an
    old one of ours and would take that change back.
    """
    here = session()
    parameters = st.query_params.to_dict()
    if not parameters or parameters == here.written:
        return
    if here.written and (here.addressed != here.scenario or time.monotonic() - here.written_at < _LAG_SECONDS):
        return
    if here.calibration is None or here.opening is None or here.limits is None:
        return
    scenario, notices = read_link(
        parameters,
        opening=here.opening,
        bounds=here.limits,
        calibration_id=here.calibration.calibration.header.calibration_id,
    )
    if here.written:
        here.change(scenario)
        here.generation += 1
    else:
        here.scenario = scenario
    here.notices.extend(notices)
    here.written = parameters


def write_address() -> None:
    """Copy the scenario into the address bar, so that the link in it is the plan."""
    here = session()
    if here.calibration is None or here.scenario is None or here.opening is None:
        return
    wanted = write_link(
        here.scenario, opening=here.opening, calibration_id=here.calibration.calibration.header.calibration_id
    )
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
        here.written_at = time.monotonic()
    here.written, here.addressed = wanted, here.scenario


__all__ = ["Origin", "Session", "follow_link", "session", "write_address"]
