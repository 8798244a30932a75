"""The inputs of the Plan page: widgets that show the scenario and change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import streamlit as st

from planner.catalog import read_catalog
from planner.cost.scenario import Scenario, ServingMode, Tenure
from planner.dashboard.session import Session, session

TENURES = {
    Tenure.ON_DEMAND: "Rent by the hour",
    Tenure.SPOT: "Rent, spot (can be taken away)",
    Tenure.COMMITMENT_1_YEAR: "Rent, 1-year commitment",
    Tenure.COMMITMENT_3_YEARS: "Rent, 3-year commitment",
    Tenure.BUY: "Buy a server",
}
SERVING_MODES = {ServingMode.BATCH: "In batches (hours used)", ServingMode.ALWAYS_ON: "Always on (8,760 hours)"}
NOT_COSTED = "not costed"


def target_input(here: Session) -> None:
    """The target loss: the main control."""
    assert here.limits is not None and here.scenario is not None
    low, high = here.limits.target_loss_low, here.limits.target_loss_high
    key = _key(here, "target_loss")
    st.slider(
        "Target loss (lower is better)",
        min_value=low,
        max_value=high,
        value=here.scenario.target_loss,
        step=0.01,
        format="%.2f",
        key=key,
        on_change=_take,
        args=("target_loss", key),
        help="Held-out loss to reach, in nats per answer token. It is measured on cases the model has not seen.",
    )


def decision_inputs(here: Session) -> None:
    """What the hospital decides, the questions asked most first."""
    assert here.limits is not None
    catalog = read_catalog()
    gpus = {row.gpu: f"{row.gpu.replace('-', ' ')}, {row.memory_gib:.0f} GiB" for row in catalog.gpus}
    quantizations = {
        row.quantization: f"{row.quantization}, {8 * row.bytes_per_linear_parameter:.2g} bits a weight"
        for row in catalog.quantizations
    }
    _choice(here, "gpu", "GPU", here.limits.gpus, gpus.get)
    _choice(here, "quantization", "Quantization of the frozen model", here.limits.quantizations, quantizations.get)
    _choice(here, "tenure", "Rent or buy", tuple(Tenure), TENURES.get)
    _number(here, "studies_per_day", "Studies answered a day", step=10.0, placeholder=NOT_COSTED, optional=True)
    _number(
        here, "unique_studies", "Different studies to learn from, within a year", step=1000.0, optional=True,
        placeholder="those of the calibration", help="Limits how far the forecast may reach: repeats teach less.",
    )  # fmt: skip
    _number(here, "retunings_per_year", "Re-tunings a year", step=1.0, low=0.0)
    _number(
        here,
        "budget_eur",
        "Yearly budget, €",
        step=500.0,
        format_="%.0f",
        placeholder="no budget given",
        optional=True,
    )


def more_inputs(here: Session) -> None:
    """The rest of the scenario; every one has a default that the Assumptions page lists."""
    with st.grid(3, min_column_width=230):
        _number(here, "trials", "Trials until one is accepted", step=1.0, low=1.0)
        _number(
            here, "retuning_share", "Examples of a re-tuning, share of the first", step=0.1, low=0.0, high=1.0,
            format_="%.2f",
        )  # fmt: skip
        _choice(here, "serving_mode", "Answering studies", tuple(ServingMode), SERVING_MODES.get)
        _number(here, "staff_hours_per_year", "Staff hours a year", step=10.0, placeholder=NOT_COSTED, optional=True)
        _number(
            here, "staff_eur_per_hour", "Full cost of a staff hour, €", step=5.0, placeholder="not given", optional=True
        )
        _number(
            here, "price_eur_per_hour", "Your own price of a GPU-hour, €", step=0.1, optional=True, format_="%.2f",
            placeholder="catalog price", help="Without VAT. Replaces the catalog's price.",
        )  # fmt: skip
        _number(
            here, "server_quote_eur", "Your own server quote, €", step=1000.0, optional=True,
            placeholder="catalog price", help="Without VAT. Used when you buy.",
        )  # fmt: skip
        _number(
            here, "electricity_eur_per_kwh", "Electricity, € per kWh", step=0.01, optional=True, format_="%.3f",
            placeholder="catalog figure",
        )  # fmt: skip
        _number(here, "vat_rate", "VAT rate", step=0.01, low=0.0, high=1.0, format_="%.2f")
        _number(here, "usd_per_eur", "US dollars for a euro", step=0.01, optional=True, format_="%.3f",
                placeholder="catalog rate")  # fmt: skip
        _number(here, "storage_gib", "Storage kept, GiB", step=100.0, optional=True, placeholder=NOT_COSTED)


def undo_and_reset(here: Session) -> None:
    """The way back."""
    with st.container(horizontal=True, gap="small"):
        st.button("Undo", on_click=here.undo, disabled=not here.past, help="Takes the last change back.")
        st.button("Reset", on_click=here.reset, disabled=here.scenario == here.opening)


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


def _choice(
    here: Session,
    field: str,
    label: str,
    options: tuple[Any, ...],
    name: Callable[[Any], str | None] | None = None,
) -> None:
    key = _key(here, field)
    st.selectbox(
        label,
        options,
        index=options.index(getattr(here.scenario, field)),
        format_func=lambda option: (name(option) if name else None) or str(option),
        key=key,
        on_change=_take,
        args=(field, key),
    )


def _number(
    here: Session,
    field: str,
    label: str,
    *,
    step: float,
    low: float | None = None,
    high: float | None = None,
    optional: bool = False,
    placeholder: str | None = None,
    format_: str = "%g",
    help: str | None = None,
) -> None:
    """A number; an optional one may be empty, which means "not given"."""
    key, value = _key(here, field), getattr(here.scenario, field)
    lowest = low if low is not None else (step / 10 if optional else 0.0)
    if optional:
        # Only a widget without default can be emptied; it is told its value in every run, so that none gets lost.
        st.session_state[key] = value
    st.number_input(
        label,
        min_value=lowest if value is None else min(lowest, value),
        max_value=high,
        value=None if optional else value,
        step=step,
        format=format_,
        placeholder=placeholder,
        key=key,
        on_change=_take,
        args=(field, key),
        help=help,
    )
