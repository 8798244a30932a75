"""What one visitor has open: a calibration, a scenario and the way back.

The scenario is the truth; widgets are views of it, and the address bar is a copy of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import streamlit as st

from planner.cost.plan import Plan
from planner.cost.scenario import Scenario
from planner.dashboard.link import Bounds, read_link, write_link
from planner.dashboard.work import Fitted, Loaded, Origin, bounds, first_calibration, fitted, opening_scenario, plan_of
from planner.errors import PlannerError

_KEY = "plateau"
_UNDO_DEPTH = 10


@dataclass(kw_only=True)
class Session:
    """Mutable, one a visitor.

    Attributes:
        calibration: None when there is none to show; `problem` says why.
        configuration: Index of the curve that is planned with.
        scenario: What the inputs say.
        opening: What they said first; reset goes there.
        past: Scenarios before the last changes.
        notices: To be shown once, on top of the page.
        opened: A plan that was dropped here and rests on another calibration.
    """

    calibration: Loaded | None = None
    problem: str | None = None
    configuration: int = 0
    fit: Fitted | None = None
    limits: Bounds | None = None
    scenario: Scenario | None = None
    opening: Scenario | None = None
    past: list[Scenario] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    opened: Plan | None = None
    written: dict[str, str] = field(default_factory=dict)

    def open(self, calibration: Loaded, configuration: int = 0) -> None:
        """Make a calibration the one that is planned with; the hospital's decisions stay.

        Raises:
            PlannerError: It has no curve; what was open stays open.
        """
        fit = fitted(calibration, configuration)
        limits = bounds(fit)
        opening = opening_scenario(fit, limits)
        self.calibration, self.configuration, self.fit, self.limits = calibration, configuration, fit, limits
        self.problem = None
        self.past.clear()
        if self.scenario is None:
            self.scenario = opening
        elif not limits.target_loss_low <= self.scenario.target_loss <= limits.target_loss_high:
            self.scenario = msgspec.structs.replace(self.scenario, target_loss=opening.target_loss)
        self.opening = opening

    def change(self, scenario: Scenario) -> None:
        """Take a new scenario and remember the old one."""
        if self.scenario is None or scenario == self.scenario:
            return
        self.past = [*self.past, self.scenario][-_UNDO_DEPTH:]
        self.scenario = scenario

    def undo(self) -> None:
        """Back by one change."""
        if self.past:
            self.scenario = self.past.pop()

    def reset(self) -> None:
        """Back to the opening scenario; can be undone."""
        if self.opening is not None:
            self.change(self.opening)

    def plan(self) -> Plan:
        """The plan of what is open.

        Raises:
            PlannerError: The scenario cannot be planned.
        """
        assert self.calibration is not None and self.scenario is not None
        return plan_of(self.calibration, self.scenario, self.configuration)


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
        new.problem = str(problem)
    return new


def follow_link() -> None:
    """Take the scenario from the address bar where someone else wrote it: a shared link, the Back button."""
    here = session()
    parameters = st.query_params.to_dict()
    if not parameters or parameters == here.written:
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
    here.written = wanted


__all__ = ["Origin", "Session", "follow_link", "session", "write_address"]
