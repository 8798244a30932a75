"""Figures that only the hospital has: lines that nobody can compute, risks, and a supplier's quote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import streamlit as st

from planner.catalog import read_catalog
from planner.cost.given import NEVER_COMPUTED
from planner.cost.scenario import Scenario
from planner.cost.scenario_file import check_scenario
from planner.dashboard.frame import escape, show_problem
from planner.dashboard.session import Session, session
from planner.errors import PlannerError
from planner.report.words import numbers, sentences

_MOST_LETTERS = 80
_QUOTE_VALID_DAYS = 30
_DATES = {"nl": "DD-MM-YYYY", "de": "DD.MM.YYYY"}
"""How a date is typed; English readers on both sides of the ocean read the ISO form alike."""


def given_figures(here: Session) -> None:
    """Forms for lines, risks and a quote; what was given can be taken away again."""
    say = here.words.given
    st.subheader(say.title, anchor=False)
    st.markdown(say.lead)
    if here.given_problem is not None:
        show_problem(here.given_problem)
    lines, risks, quote = st.columns(3, gap="medium")
    with lines, st.container(border=True, height="stretch"):
        _costs(here)
    with risks, st.container(border=True, height="stretch"):
        _risks(here)
    with quote, st.container(border=True, height="stretch"):
        _quote(here)


def _costs(here: Session) -> None:
    say, scenario = here.words.given, _scenario(here)
    st.markdown(f"**{say.lines}**")
    for place, cost in enumerate(scenario.costs):
        label = sentences.label(cost.code, cost.label or cost.code, here.tag)
        shown = say.line.format(
            label=label,
            yearly=numbers.eur_cents(cost.eur_per_year, here.tag),
            once=numbers.eur_cents(cost.eur_once, here.tag),
        )
        _with_removal(here, shown, f"cost_{place}", _remove_cost, place)
    open_ = [code for code in NEVER_COMPUTED if code not in {cost.code for cost in scenario.costs}]
    labels = {code: sentences.label(code, NEVER_COMPUTED[code], here.tag) for code in open_}
    if not open_:
        return
    with st.form("give_cost", border=False, clear_on_submit=True):
        st.selectbox(say.which, open_, format_func=labels.__getitem__, key="cost_code")
        st.number_input(say.eur_per_year, min_value=0.0, step=500.0, format="%.0f", key="cost_yearly")
        st.number_input(say.eur_once, min_value=0.0, step=500.0, format="%.0f", key="cost_once")
        st.text_input(say.source, max_chars=_MOST_LETTERS, key="cost_source", placeholder=say.source_placeholder)
        st.form_submit_button(say.add, on_click=_add_cost)


def _risks(here: Session) -> None:
    say, scenario = here.words.given, _scenario(here)
    st.markdown(f"**{say.risks}**")
    for place, risk in enumerate(scenario.risks):
        shown = say.risk.format(
            name=risk.name,
            chance=numbers.percent(risk.probability, here.tag),
            impact=numbers.eur_cents(risk.impact_eur, here.tag),
        )
        _with_removal(here, shown, f"risk_{place}", _remove_risk, place)
    with st.form("give_risk", border=False, clear_on_submit=True):
        st.text_input(say.risk_name, max_chars=_MOST_LETTERS, key="risk_name")
        st.number_input(
            say.risk_chance, min_value=0.0, max_value=1.0, value=0.1, step=0.05, format="%.2f", key="risk_chance"
        )
        st.number_input(say.risk_impact, min_value=0.0, step=1000.0, format="%.0f", key="risk_impact")
        st.text_input(say.source, max_chars=_MOST_LETTERS, key="risk_source", placeholder=say.source_placeholder)
        st.form_submit_button(say.add, on_click=_add_risk)


def _quote(here: Session) -> None:
    say, scenario = here.words.given, _scenario(here)
    st.markdown(f"**{say.quote}**")
    if scenario.quote is not None:
        shown = say.quoted.format(
            supplier=scenario.quote.supplier,
            gpus=scenario.quote.gpus,
            gpu=scenario.quote.gpu,
            price=numbers.eur_cents(scenario.quote.price_eur, here.tag),
            date=numbers.short_date(scenario.quote.valid_until.isoformat(), here.tag),
        )
        _with_removal(here, shown, "quote", _remove_quote, 0)
        return
    gpus = [row.gpu for row in read_catalog().gpus]
    today = dt.datetime.now(tz=dt.UTC).date()
    with st.form("give_quote", border=False):
        st.text_input(say.supplier, max_chars=_MOST_LETTERS, key="quote_supplier")
        st.selectbox(say.quote_gpu, gpus, index=gpus.index(scenario.gpu), key="quote_gpu")
        st.number_input(say.quote_gpus, min_value=1, max_value=64, step=1, key="quote_gpus")
        st.number_input(say.quote_price, min_value=0.0, step=1000.0, format="%.0f", key="quote_price")
        st.number_input(say.quote_watts, min_value=0.0, value=800.0, step=50.0, format="%.0f", key="quote_watts")
        written = _DATES.get(here.language, "YYYY-MM-DD")
        st.date_input(say.quoted_on, value=today, format=written, key="quote_on")
        until = today + dt.timedelta(days=_QUOTE_VALID_DAYS)
        st.date_input(say.valid_until, value=until, format=written, key="quote_until")
        st.form_submit_button(say.add, on_click=_add_quote)


def _with_removal(here: Session, shown: str, key: str, remove: Callable[[int], None], place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(escape(shown))
        st.button(here.words.given.remove, key=f"remove_{key}", on_click=remove, args=(place,), type="tertiary")


def _scenario(here: Session) -> Scenario:
    assert here.scenario is not None
    return here.scenario


def _add_cost() -> None:
    state, here = st.session_state, session()
    unnamed = here.words.given.unnamed_source
    _give(
        lambda scenario: {
            "costs": [
                *scenario["costs"],
                {
                    "code": state["cost_code"],
                    "eur_per_year": state["cost_yearly"],
                    "eur_once": state["cost_once"],
                    "source": state["cost_source"].strip() or unnamed,
                },
            ]
        }
    )


def _add_risk() -> None:
    state, here = st.session_state, session()
    unnamed = here.words.given.unnamed_source
    _give(
        lambda scenario: {
            "risks": [
                *scenario["risks"],
                {
                    "name": state["risk_name"].strip(),
                    "probability": state["risk_chance"],
                    "impact_eur": state["risk_impact"],
                    "source": state["risk_source"].strip() or unnamed,
                },
            ]
        }
    )


def _add_quote() -> None:
    state = st.session_state
    _give(
        lambda _: {
            "quote": {
                "supplier": state["quote_supplier"].strip(),
                "gpu": state["quote_gpu"],
                "gpus": state["quote_gpus"],
                "price_eur": state["quote_price"],
                "quoted_on": state["quote_on"].isoformat(),
                "valid_until": state["quote_until"].isoformat(),
                "watts_at_wall": state["quote_watts"],
            }
        }
    )


def _give(fields: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Take what a form holds into the scenario, checked as a scenario file is."""
    here = session()
    here.given_problem = None
    if here.scenario is None:
        return
    values = msgspec.to_builtins(here.scenario)
    try:
        here.change(check_scenario(msgspec.convert({**values, **fields(values)}, Scenario)))
    except PlannerError as problem:
        here.given_problem = problem
    except msgspec.ValidationError:
        here.notices.append(here.words.given.incomplete)


def _remove_cost(place: int) -> None:
    _without(lambda scenario: {"costs": scenario.costs[:place] + scenario.costs[place + 1 :]})


def _remove_risk(place: int) -> None:
    _without(lambda scenario: {"risks": scenario.risks[:place] + scenario.risks[place + 1 :]})


def _remove_quote(_place: int) -> None:
    _without(lambda _: {"quote": None})


def _without(fields: Callable[[Scenario], dict[str, Any]]) -> None:
    here = session()
    if here.scenario is not None:
        here.change(msgspec.structs.replace(here.scenario, **fields(here.scenario)))
