"""Plans side by side, saved plans, and figures that only the hospital has."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from planner import store
from planner.cost.plan import encode_plan
from planner.dashboard.library import plain_name
from planner.report.words import words
from tests.dashboard.conftest import OpenApp
from tests.dashboard.test_pages import labelled
from tests.factories import example_plan

SAY = words("en").screen


def press(app: AppTest, label: str) -> AppTest:
    button = next(button for button in app.button if button.label == label)
    assert not button.disabled
    return button.click().run()


def test_a_kept_plan_stands_beside_the_changed_one_with_what_changed_and_by_how_much(open_app: OpenApp) -> None:
    app = press(open_app("Compare"), SAY.compare.keep)
    here = app.session_state["plateau"]
    assert len(here.kept) == 1
    assert "costs the same" in app.title[0].value
    before = here.plan()
    here.change(type(here.scenario)(**{**_fields(here.scenario), "staff_hours_per_year": 100.0}))
    app.run()
    assert not app.exception
    assert "less a year" in app.title[0].value
    shown = " ".join(str(table.value.to_numpy().tolist()) for table in app.table)
    assert "Staff hours a year" in shown
    assert re.search(r"\(−€[\d,]+\.\d\d\)", shown)
    assert before == here.kept[0].plan


def test_at_most_three_plans_stand_side_by_side(open_app: OpenApp) -> None:
    app = open_app("Compare")
    for hours in (10.0, 20.0, 30.0):
        here = app.session_state["plateau"]
        here.change(type(here.scenario)(**{**_fields(here.scenario), "staff_hours_per_year": hours}))
        app.run()
        press(app, SAY.compare.keep)
    assert len(app.session_state["plateau"].kept) == 2
    press(app, SAY.compare.remove.format(name=app.session_state["plateau"].kept[0].name))
    assert len(app.session_state["plateau"].kept) == 1


def test_a_dropped_paper_of_another_hospital_can_be_compared(open_app: OpenApp) -> None:
    app = open_app("Compare")
    app.file_uploader(key="compare_file").upload("their.json", encode_plan(example_plan()), "application/json").run()
    assert not app.exception
    assert not app.error
    assert "their.json" in app.title[0].value
    app.file_uploader(key="compare_file").upload("their.json", b"{}", "application/json").run()
    assert len(app.error) == 1


def test_a_plan_is_saved_opened_compared_and_deleted_only_after_a_yes(open_app: OpenApp) -> None:
    app = open_app(gpu="T4")
    app.session_state["library"] = True
    app.run()
    app.text_input(key="library_name").set_value("Pilot Café 1")
    press(app, SAY.library.save)
    assert [entry.name for entry in store.saved()] == ["pilot-cafe-1"]
    saved = store.load_plan("pilot-cafe-1")
    assert saved is not None
    assert saved.scenario.gpu == "T4"
    labelled(app.selectbox, SAY.inputs.labels["gpu"]).set_value("L4").run()
    press(app, SAY.library.open)
    assert app.session_state["plateau"].scenario.gpu == "T4"
    press(app, SAY.library.compare)
    assert app.session_state["plateau"].kept[0].name == "pilot-cafe-1"
    press(app, SAY.library.delete)
    assert len(store.saved()) == 1
    press(app, SAY.library.delete_yes)
    assert store.saved() == ()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("L4 Pilot", "l4-pilot"),
        ("../../etc/passwd", "etc-passwd"),
        ("  ", ""),
        ("Ärzte & Co.", "arzte-co"),
        ("x" * 99, "x" * 64),
    ],
)
def test_what_is_typed_as_a_name_becomes_a_plain_one(typed: str, name: str) -> None:
    assert plain_name(typed) == name


def test_a_line_that_nobody_can_compute_is_costed_once_it_is_given(open_app: OpenApp) -> None:
    app = open_app("Assumptions")
    before = app.session_state["plateau"].plan()
    app.selectbox(key="cost_code").set_value("clinical_validation")
    app.number_input(key="cost_yearly").set_value(2500.0)
    app.text_input(key="cost_source").set_value("Study office")
    next(button for button in app.button if button.form_id == "give_cost").click().run()
    assert not app.exception
    after = app.session_state["plateau"].plan()
    assert len(after.not_costed) == len(before.not_costed) - 1
    line = next(line for line in after.lines if line.code == "clinical_validation")
    assert (line.amount_eur, line.source) == (2500.0, "Study office")
    app.button(key="remove_cost_0").click().run()
    assert app.session_state["plateau"].plan().not_costed == before.not_costed


def test_a_risk_and_a_quote_reach_the_plan(open_app: OpenApp) -> None:
    app = open_app("Assumptions")
    app.text_input(key="risk_name").set_value("Vendor leaves")
    app.number_input(key="risk_impact").set_value(8000.0)
    next(button for button in app.button if button.form_id == "give_risk").click().run()
    assert [risk.name for risk in app.session_state["plateau"].plan().risks] == ["Vendor leaves"]
    app.text_input(key="quote_supplier").set_value("Dell")
    app.number_input(key="quote_price").set_value(9000.0)
    next(button for button in app.button if button.form_id == "give_quote").click().run()
    assert app.session_state["plateau"].scenario.quote.supplier == "Dell"
    assert not app.exception


def test_an_incomplete_form_changes_nothing_and_says_so(open_app: OpenApp) -> None:
    app = open_app("Assumptions")
    before = app.session_state["plateau"].scenario
    for form in ("give_cost", "give_risk", "give_quote"):
        next(button for button in app.button if button.form_id == form).click().run()
        assert not app.exception
        assert app.error or app.info, form
        assert app.session_state["plateau"].scenario == before


def test_an_assumption_is_edited_where_it_stands_and_goes_back_to_the_catalog(open_app: OpenApp) -> None:
    app = open_app("Assumptions")
    key = "input_price_eur_per_hour"
    app.number_input(key=key).set_value(3.25).run()
    price = next(row for row in app.session_state["plateau"].plan().assumptions if row.code == "price")
    assert (price.value, price.basis.value) == ("3.25", "typed")
    app.number_input(key=key).set_value(None).run()
    price = next(row for row in app.session_state["plateau"].plan().assumptions if row.code == "price")
    assert price.basis.value == "catalog"


def _fields(scenario: object) -> dict[str, object]:
    import msgspec

    return msgspec.structs.asdict(scenario)
