"""What takes longer is made beside the pages, once for all who ask, and never promised to a crowd."""

from __future__ import annotations

import threading

import pytest
from streamlit.testing.v1 import AppTest

from planner.cost.plan import Plan
from planner.dashboard.background import MOST_WAITING, Desk
from planner.errors import Mistake, ScenarioError
from planner.report.words import words
from tests.dashboard.conftest import OpenApp
from tests.factories import example_plan

WAIT_S = 30


def whole(plan: Plan) -> Plan:
    return plan


def test_twenty_who_ask_the_same_get_one_computation() -> None:
    desk, made, gate = Desk(), [], threading.Event()

    def options() -> Plan:
        gate.wait(WAIT_S)
        made.append(1)
        return example_plan()

    jobs = [desk.ask("key", options, whole, urgent=False) for _ in range(20)]
    gate.set()
    assert all(job is jobs[0] for job in jobs)
    assert jobs[0] is not None
    assert jobs[0].whole.result(WAIT_S) == example_plan()
    assert made == [1]


def test_a_crowd_is_told_that_others_come_first_and_who_insists_is_served() -> None:
    desk, gate = Desk(), threading.Event()

    def options() -> Plan:
        gate.wait(WAIT_S)
        return example_plan()

    first = desk.ask("running", options, whole, urgent=False)
    assert first is not None
    while desk._waiting:  # until the worker has taken it
        threading.Event().wait(0.01)
    waiting = [desk.ask(number, options, whole, urgent=False) for number in range(MOST_WAITING)]
    assert None not in waiting
    assert desk.ask("too many", options, whole, urgent=False) is None
    insisting = desk.ask("too many", options, whole, urgent=True)
    gate.set()
    assert insisting is not None
    assert insisting.whole.result(WAIT_S) == example_plan()


@pytest.mark.parametrize("problem", [ScenarioError(Mistake(file="a", reason="b", remedy="c")), RuntimeError("odd")])
def test_whoever_waits_is_told_what_went_wrong_and_the_next_is_served(problem: Exception) -> None:
    desk = Desk()

    def fails() -> Plan:
        raise problem

    job = desk.ask("bad", fails, whole, urgent=False)
    assert job is not None
    assert job.whole.exception(WAIT_S) is problem
    assert job.plan is None
    good = desk.ask("good", example_plan, whole, urgent=False)
    assert good is not None
    assert good.whole.result(WAIT_S) == example_plan()


def settled(app: AppTest) -> AppTest:
    """Runs until the details of the scenario are on screen, as the browser's timer would."""
    here = app.session_state["plateau"]
    for _ in range(4):
        if here.job is None or here.job_scenario != here.scenario:
            here.ask_for_details(urgent=True)
        here.job.whole.result(WAIT_S)
        here.details, here.detailed = here.job.plan, here.scenario
        app.run()
    return app


def test_the_table_the_front_and_the_comparison_follow_once_the_inputs_rest(open_app: OpenApp) -> None:
    app = open_app()
    assert words("en").screen.frame.being_computed in [caption.value for caption in app.caption]
    settled(app)
    assert not app.exception
    assert words("en").screen.frame.being_computed not in [caption.value for caption in app.caption]
    table = app.dataframe[0].value
    assert {"GPU", "Quantization", "Feasible"} <= set(table.columns)
    assert len(table) > 50
    assert app.session_state["plateau"].details.front


def test_the_table_can_also_show_what_is_not_feasible(open_app: OpenApp) -> None:
    app = settled(open_app())
    feasible = len(app.dataframe[0].value)
    app.toggle(key="only_feasible").set_value(False).run()
    everything = app.dataframe[0].value
    assert len(everything) > feasible
    assert any("GiB" in reason for reason in everything["Feasible"])


def test_a_crowded_desk_offers_a_button(open_app: OpenApp) -> None:
    app = open_app()
    here = app.session_state["plateau"]
    here.must_ask, here.job, here.job_scenario = True, None, here.scenario
    app.run()
    assert words("en").screen.frame.others_first in [caption.value for caption in app.caption]
    app.button(key="compute_options").click().run()
    assert here.job is not None
    assert not app.exception
