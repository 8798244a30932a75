"""What one visitor has open: a calibration, a scenario, the plans that are kept beside it, and the way back.

The scenario is the truth; widgets are views of it, and the address bar is a copy of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import streamlit as st
from msgspec import Struct

from planner.cost.plan import Plan
from planner.cost.scenario import Scenario
from planner.dashboard.background import Job
from planner.dashboard.link import Bounds, language_of, read_link, write_link
from planner.dashboard.work import (
    Fitted,
    Loaded,
    Origin,
    details_of,
    first_calibration,
    fitted,
    opening,
    plan_of,
    whole_plan,
)
from planner.errors import PlannerError
from planner.report.letterhead import Letterhead
from planner.report.words import numbers, words
from planner.report.words.language import spoken
from planner.report.words.screen import ScreenWords

MOST_KEPT = 2
_KEY = "plateau"
_T = TypeVar("_T")
_UNDO_DEPTH = 10
_LAG_SECONDS = 3.0


class Kept(Struct, frozen=True, kw_only=True):
    """A plan that was put aside to be compared; `name` is what the visitor knows it by."""

    name: str
    plan: Plan


@dataclass(kw_only=True)
class Session:
    """Mutable, one a visitor.

    Attributes:
        tag: Language and, where the browser has one, region: it writes words, numbers and dates.
        chosen_language: Code of the language that the visitor has chosen here or by a link; None: the browser's.
        calibration: None when there is none to show; `problem` says why.
        configuration: Index of the curve that is planned with.
        scenario: What the inputs say.
        opening: What they said first; reset goes there.
        generation: Counts the changes of the scenario that did not come from a widget.
        past: Scenarios before the last changes.
        notices: To be shown on top of the page, with its next run.
        said: Notices that are there now; they go with the visitor's next step.
        refreshed: The page runs again by itself and not for a step of the visitor.
        shown: The scenario of the page's last whole run; its parts may be ahead of it (`planner.dashboard.plan_page`).
        made: What takes long to write and is the same in the next run (`memo`).
        written: The address as it was last written, at `written_at`, for the scenario `addressed`.
        kept: Plans to compare with, at most `MOST_KEPT`.
        opened: A plan that was dropped on the page Board paper.
        letterhead: The hospital's name and logo for its papers.
        details: The fullest plan of the scenario `detailed`, which was on screen when the inputs last came to rest.
        job: That makes more of it in the background, for the scenario `job_scenario`.
        must_ask: Others wait at the desk already: the visitor has to say that it is wanted.
        inputs_at_rest: True once the fragment that asks for it has run since the last run of the page.
        pending: An uploaded log that waits for the facts it lacks (`planner.dashboard.upload.Pending`).
        deleting: Name of a saved plan that waits for a yes.
        upload_problem: Why the last upload could not be read; `reopen_problem` for a dropped plan, `compare_problem`
            for one to compare with, `given_problem` for figures of the hospital, `library_problem` for the library
            of saved plans, `logo_problem` for a logo.
    """

    tag: str = "en"
    chosen_language: str | None = None
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
    said: list[str] = field(default_factory=list)
    refreshed: bool = False
    shown: Scenario | None = None
    made: dict[str, tuple[object, Any]] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    opened: Plan | None = None
    letterhead: Letterhead = field(default_factory=Letterhead)
    details: Plan | None = None
    detailed: Scenario | None = None
    job: Job | None = None
    job_scenario: Scenario | None = None
    must_ask: bool = False
    inputs_at_rest: bool = False
    pending: Any = None
    deleting: str | None = None
    upload_problem: PlannerError | None = None
    reopen_problem: PlannerError | None = None
    library_problem: PlannerError | None = None
    compare_problem: PlannerError | None = None
    given_problem: PlannerError | None = None
    logo_problem: PlannerError | None = None
    written: dict[str, str] = field(default_factory=dict)
    written_at: float = 0.0
    addressed: tuple[Scenario | None, str | None] = (None, None)

    @property
    def words(self) -> ScreenWords:
        """The dashboard's words in the visitor's language."""
        return words(self.tag).screen

    @property
    def language(self) -> str:
        """Code of the visitor's language."""
        return words(self.tag).language

    def memo(self, name: str, key: object, make: Callable[[], _T]) -> _T:
        """What was made for this key the last time, else made now; one value a name."""
        known = self.made.get(name)
        if known is None or known[0] != key:
            known = self.made[name] = (key, make())
        value: _T = known[1]
        return value

    def speak(self, code: str) -> None:
        """Take a language that the visitor chose."""
        self.tag = self.chosen_language = code

    def open(self, calibration: Loaded, configuration: int = 0) -> None:
        """Make a calibration the one that is planned with; the hospital's decisions stay.

        Raises:
            PlannerError: It has no curve; what was open stays open.
        """
        fit = fitted(calibration, configuration)
        start = opening(calibration, configuration, example=calibration.origin is Origin.EXAMPLE)
        limits = start.limits
        self.calibration, self.configuration, self.fit, self.limits = calibration, configuration, fit, limits
        self.problem = self.details = self.detailed = self.job = self.job_scenario = None
        self.past.clear()
        if self.scenario is None:
            self.scenario = start.scenario
        elif not limits.target_loss_low <= self.scenario.target_loss <= limits.target_loss_high:
            self.scenario = msgspec.structs.replace(self.scenario, target_loss=start.scenario.target_loss)
        self.opening = start.scenario
        self.generation += 1

    def change(self, scenario: Scenario) -> None:
        """Take a new scenario and remember the old one."""
        if self.scenario is None or scenario == self.scenario:
            return
        self.past = [*self.past, self.scenario][-_UNDO_DEPTH:]
        self.scenario = scenario
        self.said = []

    def adopt(self, scenario: Scenario) -> None:
        """Take a scenario from elsewhere; a target that this calibration cannot speak about is named and left out."""
        limits = self.limits
        if limits is None or self.scenario is None:
            return
        say = self.words.link
        if not limits.target_loss_low <= scenario.target_loss <= limits.target_loss_high:
            self.notices.append(
                say.target_left_out.format(
                    target=numbers.loss(scenario.target_loss, self.tag),
                    low=numbers.loss(limits.target_loss_low, self.tag),
                    high=numbers.loss(limits.target_loss_high, self.tag),
                    kept=numbers.loss(self.scenario.target_loss, self.tag),
                )
            )
            scenario = msgspec.structs.replace(scenario, target_loss=self.scenario.target_loss)
        for name, known in (("gpu", limits.gpus), ("quantization", limits.quantizations)):
            if getattr(scenario, name) not in known:
                kept = getattr(self.scenario, name)
                self.notices.append(say.name_left_out.format(name=getattr(scenario, name), kept=kept))
                scenario = msgspec.structs.replace(scenario, **{name: kept})
        self.change(scenario)
        self.generation += 1

    def adopt_plan(self, plan: Plan) -> None:
        """Take the scenario of a plan; where it rests on another calibration, say that its figures will differ."""
        self.adopt(plan.scenario)
        own = self.calibration
        if own is not None and plan.calibration.calibration_id != own.calibration.header.calibration_id:
            said = self.words.link.other_plan
            date = numbers.date(plan.created, self.tag)
            self.notices.append(said.format(date=date, calibration=plan.calibration.calibration_id))

    def keep(self, name: str, plan: Plan) -> None:
        """Put a plan aside to be compared; the oldest makes room."""
        others = [kept for kept in self.kept if kept.plan != plan and kept.name != name]
        self.kept = [*others, Kept(name=name, plan=plan)][-MOST_KEPT:]

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

    def plan(self) -> Plan:
        """The plan of what is open, without other GPUs and comparisons (`whole_plan`).

        Raises:
            PlannerError: The scenario cannot be planned.
        """
        assert self.calibration is not None and self.scenario is not None
        return plan_of(self.calibration, self.scenario, self.configuration)

    def whole_plan(self) -> Plan:
        """The plan with everything that papers and files hold; waits for it.

        Raises:
            PlannerError: The scenario cannot be planned.
        """
        assert self.calibration is not None and self.scenario is not None
        return whole_plan(self.calibration, self.scenario, self.configuration)

    def ask_for_details(self, *, urgent: bool = False) -> None:
        """Have everything else made in the background; `waiting` says that others come first."""
        assert self.calibration is not None and self.scenario is not None
        job = details_of(self.calibration, self.scenario, self.configuration, urgent=urgent)
        self.job, self.job_scenario, self.must_ask = job, self.scenario, job is None

    def curve_plan(self) -> Plan:
        """The plan of the opening scenario, which can always be made: for what does not depend on the inputs."""
        assert self.calibration is not None and self.opening is not None
        return plan_of(self.calibration, self.opening, self.configuration)


def session() -> Session:
    """The visitor's session; the first call opens the first calibration and reads the link."""
    state: Any = st.session_state
    if _KEY not in state:
        state[_KEY] = _opened()
    return state[_KEY]  # type: ignore[no-any-return]


def _opened() -> Session:
    new = Session(tag=spoken(st.context.locale))
    asked = language_of(st.query_params.to_dict())
    if asked is not None:
        new.speak(asked)
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
    changed = here.addressed != (here.scenario, here.chosen_language)
    if here.written and (changed or time.monotonic() - here.written_at < _LAG_SECONDS):
        return
    asked = language_of(parameters)
    if asked is not None:
        here.speak(asked)
    if here.calibration is None or here.opening is None or here.limits is None:
        return
    scenario, notices = read_link(
        parameters,
        opening=here.opening,
        bounds=here.limits,
        calibration_id=here.calibration.calibration.header.calibration_id,
        say=here.words.link,
        tag=here.tag,
    )
    if here.written:
        here.change(scenario)
        here.generation += 1
    else:
        here.scenario = scenario
    here.notices.extend(notices)
    here.written = parameters


def write_address() -> None:
    """Copy scenario and language into the address bar, so that the link in it is the plan."""
    here = session()
    if here.calibration is None or here.scenario is None or here.opening is None:
        return
    wanted = write_link(
        here.scenario,
        opening=here.opening,
        calibration_id=here.calibration.calibration.header.calibration_id,
        language=here.chosen_language,
    )
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
        here.written_at = time.monotonic()
    here.written, here.addressed = wanted, (here.scenario, here.chosen_language)


__all__ = ["MOST_KEPT", "Kept", "Origin", "Session", "follow_link", "session", "write_address"]
