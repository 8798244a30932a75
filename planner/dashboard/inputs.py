"""The inputs of a scenario: widgets that show it and change it, on the pages Plan and Assumptions alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
import streamlit as st
from msgspec import Struct

from planner.catalog import read_catalog
from planner.cost.scenario import Layout, Money, Scenario, ServingMode, Tenure
from planner.dashboard.session import Session, session
from planner.hardware.memory import USUAL_EFFECTIVE_BATCH
from planner.report.words import numbers


class NumberInput(Struct, frozen=True, kw_only=True):
    """How a number of the scenario is typed.

    Attributes:
        optional: May be empty, which means "not given".
        help: Whether the words have a help text for it.
    """

    step: float
    low: float | None = None
    high: float | None = None
    optional: bool = False
    format: str = "%g"
    help: bool = False


_GROWTH = NumberInput(step=0.005, low=-0.5, high=1.0, optional=True, format="%.3f")
NUMBERS: dict[str, NumberInput] = {
    "studies_per_day": NumberInput(step=10.0, optional=True),
    "unique_studies": NumberInput(step=1000.0, optional=True, help=True),
    "retunings_per_year": NumberInput(step=1.0, low=0.0),
    "gpus": NumberInput(step=1, low=1, help=True),
    "budget_eur": NumberInput(step=500.0, optional=True, format="%.0f"),
    "trials": NumberInput(step=1.0, low=1.0),
    "retuning_share": NumberInput(step=0.1, low=0.0, high=1.0, format="%.2f"),
    "answer_tokens": NumberInput(step=8, low=1),
    "staff_hours_per_year": NumberInput(step=10.0, optional=True),
    "staff_eur_per_hour": NumberInput(step=5.0, optional=True),
    "price_eur_per_hour": NumberInput(step=0.1, optional=True, format="%.2f", help=True),
    "server_quote_eur": NumberInput(step=1000.0, optional=True, format="%.0f", help=True),
    "electricity_eur_per_kwh": NumberInput(step=0.01, optional=True, format="%.3f"),
    "vat_rate": NumberInput(step=0.01, low=0.0, high=1.0, format="%.2f"),
    "vat_recoverable_share": NumberInput(step=0.1, low=0.0, high=1.0, format="%.2f"),
    "usd_per_eur": NumberInput(step=0.01, optional=True, format="%.3f"),
    "storage_gib": NumberInput(step=100.0, optional=True),
    "power_usage_effectiveness": NumberInput(step=0.1, low=1.0, format="%.2f"),
    "lifetime_years": NumberInput(step=1.0, low=1.0),
    "residual_share": NumberInput(step=0.05, low=0.0, high=1.0, format="%.2f"),
    "maintenance_share_per_year": NumberInput(step=0.01, low=0.0, high=1.0, format="%.2f"),
    "discount_rate": NumberInput(step=0.005, low=0.0, high=1.0, format="%.3f"),
    "egress_gib_per_year": NumberInput(step=100.0, optional=True),
    "support_eur_per_year": NumberInput(step=500.0, optional=True, format="%.0f"),
    "horizon_years": NumberInput(step=1, low=1, high=10),
    "fiscal_year_start_month": NumberInput(step=1, low=1, high=12),
    "wage_growth_per_year": _GROWTH,
    "energy_growth_per_year": _GROWTH,
    "price_growth_per_year": _GROWTH,
    "gpu_price_growth_per_year": _GROWTH,
    "inflation_per_year": _GROWTH,
    "studies_arriving_per_year": NumberInput(step=1000.0, optional=True),
    "studies_growth_per_year": NumberInput(step=0.01, low=-0.5, high=1.0, format="%.3f"),
    "smaller_models_per_year": NumberInput(step=0.05, low=0.0, high=0.9, format="%.2f"),
    "modality_count": NumberInput(step=1, low=1, high=20),
    "modality_transfer": NumberInput(step=0.1, low=0.0, high=1.0, optional=True, format="%.2f", help=True),
}
"""Every number that a visitor may type, by its field of `Scenario`."""
CHOICES: dict[str, type[StrEnum]] = {"serving_mode": ServingMode, "money": Money, "layout": Layout}
"""Fields with few values, beside GPU, quantization and tenure."""
SWITCHES = frozenset(["prepaid", "carry_over"])
FIRST = ("studies_per_day", "unique_studies", "retunings_per_year", "budget_eur", "horizon_years")
MORE = (
    "trials", "retuning_share", "gpus", "serving_mode", "answer_tokens", "staff_hours_per_year", "staff_eur_per_hour",
    "price_eur_per_hour", "server_quote_eur", "electricity_eur_per_kwh", "vat_rate", "vat_recoverable_share",
    "usd_per_eur", "storage_gib", "egress_gib_per_year", "support_eur_per_year",
)  # fmt: skip
YEARS = (
    "fiscal_year_start_month", "money", "discount_rate", "wage_growth_per_year", "energy_growth_per_year",
    "price_growth_per_year", "gpu_price_growth_per_year", "inflation_per_year", "prepaid", "carry_over",
)  # fmt: skip
STUDIES = (
    "studies_arriving_per_year", "studies_growth_per_year", "smaller_models_per_year", "layout", "modality_count",
    "modality_transfer",
)  # fmt: skip


def target_input(here: Session) -> None:
    """The target loss: the main control."""
    assert here.limits is not None and here.scenario is not None
    say = here.words.inputs
    key = _key(here, "target_loss")
    st.slider(
        say.labels["target_loss"],
        min_value=here.limits.target_loss_low,
        max_value=here.limits.target_loss_high,
        value=here.scenario.target_loss,
        step=0.01,
        format="%.2f",
        key=key,
        on_change=_take,
        args=("target_loss", key),
        help=say.help["target_loss"],
    )


def decision_inputs(here: Session) -> None:
    """What the hospital decides, the questions asked most first."""
    assert here.limits is not None
    say = here.words.inputs
    catalog = read_catalog()
    gpus = {
        row.gpu: say.gpu.format(name=row.gpu.replace("-", " "), gib=numbers.decimal(row.memory_gib, 0, here.tag))
        for row in catalog.gpus
    }
    bits = {
        row.quantization: say.quantization.format(
            name=row.quantization, bits=numbers.count(8 * row.bytes_per_linear_parameter, here.tag)
        )
        for row in catalog.quantizations
    }
    _choice(here, "gpu", here.limits.gpus, gpus.get)
    _choice(here, "quantization", here.limits.quantizations, bits.get)
    _choice(here, "tenure", tuple(Tenure), say.tenures.get)
    for field in FIRST:
        number_input(here, field)
    for title, fields in ((say.more, MORE), (say.years, YEARS), (say.studies, STUDIES)):
        # Thirty closed widgets would cost a third of a moved slider.
        more = st.expander(title, on_change="rerun", key=f"more_{fields[0]}")
        if more.open:
            with more:
                for field in fields:
                    _input(here, field)


def _input(here: Session, field: str) -> None:
    """Any field of the scenario by its name."""
    say = here.words.inputs
    if field in CHOICES:
        names = {"serving_mode": say.serving_modes, "money": say.moneys, "layout": say.layouts}[field]
        _choice(here, field, tuple(CHOICES[field]), names.get)
    elif field in SWITCHES:
        key = _key(here, field)
        st.checkbox(say.labels[field], value=getattr(here.scenario, field), key=key, on_change=_take, args=(field, key))
    else:
        number_input(here, field)


def undo_and_reset(here: Session) -> None:
    """The way back."""
    say = here.words.inputs
    with st.container(horizontal=True, gap="small"):
        st.button(say.undo, on_click=here.undo, disabled=not here.past, help=say.undo_help)
        st.button(say.reset, on_click=here.reset, disabled=here.scenario == here.opening, help=say.reset_help)


def number_input(here: Session, field: str, *, label_visible: bool = True) -> None:
    """A number of the scenario; an optional one may be empty, which means "not given"."""
    how, say = NUMBERS[field], here.words.inputs
    key, value = _key(here, field), getattr(here.scenario, field)
    lowest = how.low if how.low is not None else (how.step / 10 if how.optional else 0.0)
    if value is not None and not math.isfinite(value):
        value = None
    high = _most_gpus(here) if field == "gpus" else how.high
    if high is not None and value is not None:
        high = max(high, value)
    whole = isinstance(how.step, int)
    if how.optional:
        # Only a widget without default can be emptied; it is told its value in every run, so that none gets lost.
        st.session_state[key] = value
    st.number_input(
        say.labels[field],
        min_value=lowest if value is None else min(lowest, value),
        max_value=high,
        value=None if how.optional else value,
        step=how.step,
        format="%d" if whole else how.format,
        placeholder=say.placeholders.get(field),
        key=key,
        on_change=_take,
        args=(field, key),
        help=say.help[field] if how.help else None,
        label_visibility="visible" if label_visible else "collapsed",
    )


def _most_gpus(here: Session) -> int:
    """As many as the effective batch of the calibration has examples to share out."""
    assert here.fit is not None
    return here.fit.law.curve.configuration.effective_batch_size or USUAL_EFFECTIVE_BATCH


def _key(here: Session, field: str) -> str:
    """The key of a widget; a new one after every change that did not come from the widget.

    A widget starts from its default, so it never has to be told a value: Streamlit loses such a message when a run is
    interrupted, and the widget would then show another value than the plan is made of.
    """
    return f"input_{field}" + (f"_{here.generation}" if here.generation else "")


def _take(field: str, key: str) -> None:
    """Take a changed widget into the scenario."""
    here = session()
    if here.scenario is None:
        return
    fields: dict[str, Any] = {**msgspec.to_builtins(here.scenario), field: st.session_state[key]}
    here.change(msgspec.convert(fields, Scenario))


def _choice(here: Session, field: str, options: tuple[Any, ...], name: Callable[[Any], str | None]) -> None:
    key = _key(here, field)
    st.selectbox(
        here.words.inputs.labels[field],
        options,
        index=options.index(getattr(here.scenario, field)),
        format_func=lambda option: name(option) or str(option),
        key=key,
        on_change=_take,
        args=(field, key),
    )
