"""Draws of what is paid for a GPU-hour, a server and a dollar."""

from __future__ import annotations

import datetime
import math

import numpy as np
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec
from planner.cost.price_rows import exchange_rate, provider_shares, purchase_row, quote_for, rented_rows
from planner.cost.scenario import Scenario
from planner.errors import Mistake, ScenarioError

FloatArray = NDArray[np.float64]


def eur_per_usd_draws(
    scenario: Scenario, catalog: Catalog, today: datetime.date, rng: np.random.Generator, draws: int
) -> FloatArray:
    """Euro for one dollar: typed, or the dated rate with a spread that grows with its age."""
    normal = rng.standard_normal(draws)
    if scenario.usd_per_eur is not None:
        return np.full(draws, 1.0 / scenario.usd_per_eur)
    row = exchange_rate(catalog)
    spread = row.annual_volatility * math.sqrt(max(row.age_days(today), 0) / 365.25)
    return np.asarray(np.exp(spread * normal) / row.rate)


def rent_draws(
    gpu: GpuSpec,
    scenario: Scenario,
    catalog: Catalog,
    eur_per_usd: FloatArray,
    rng: np.random.Generator,
    draws: int,
    *,
    day: datetime.date,
) -> FloatArray:
    """Price of a GPU-hour in euro: typed, or a provider and then one of its regions at random, with next year's drift.

    Providers count alike: one that lists forty regions is no more likely to be chosen than one that lists two. A price
    that a contract fixes on the day of the plan does not drift.

    Raises:
        ScenarioError: Nothing typed and no row.
    """
    drift = np.exp(catalog.parameter("price_drift_log_sd").value * rng.standard_normal(draws))
    pick = rng.random(draws)
    if scenario.price_eur_per_hour is not None:
        return np.full(draws, scenario.price_eur_per_hour)
    rows = rented_rows(gpu, scenario, catalog)
    if not rows:
        raise ScenarioError(
            Mistake(
                file="scenario",
                field="tenure",
                reason=f"no dated price for {gpu.gpu} {scenario.tenure.value.replace('_', ' ')}"
                + (f" at {scenario.provider}" if scenario.provider else "")
                + (f" in {scenario.region}" if scenario.region else ""),
                remedy=_other_prices(gpu, catalog),
            )
        )
    chosen = np.searchsorted(np.cumsum(provider_shares(rows)), pick * (1.0 - 1e-12))
    native = np.array([row.price_per_gpu_hour for row in rows])[chosen]
    in_eur = np.array([row.currency == "EUR" for row in rows])[chosen]
    fixed = np.array([row.valid_until is not None and not row.expired(day) for row in rows])[chosen]
    return np.asarray(native * np.where(in_eur, 1.0, eur_per_usd) * np.where(fixed, 1.0, drift))


def _other_prices(gpu: GpuSpec, catalog: Catalog) -> str:
    known = sorted({f"{row.tenure} at {row.provider}" for row in catalog.prices if row.gpu == gpu.gpu})
    there = f"Dated prices for {gpu.gpu}: {', '.join(known)}. " if known else ""
    return f"{there}Type your own with --price-eur-per-hour, or choose another GPU or tenure"


def equipment_draws(
    gpu: GpuSpec, scenario: Scenario, catalog: Catalog, eur_per_usd: FloatArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    """Price of a server in euro: the supplier's quote, or a bare card with a share for the host around it.

    Raises:
        ScenarioError: Nothing typed and no row.
    """
    uniform = rng.random(draws)
    quote = quote_for(gpu, scenario)
    if quote is not None:
        return np.full(draws, quote.price_eur + quote.installation_eur)
    if scenario.server_quote_eur is not None:
        return np.full(draws, scenario.server_quote_eur)
    row = purchase_row(gpu, catalog)
    if row is None:
        raise ScenarioError(
            Mistake(
                file="scenario",
                field="server_quote_eur",
                reason=f"no dated purchase price for {gpu.gpu}",
                remedy="Give your supplier's quote with --quote or --server-quote-eur, or rent",
            )
        )
    card = row.price_low + uniform * (row.price_high - row.price_low)
    in_eur = eur_per_usd if row.currency == "USD" else np.ones(draws)
    return np.asarray(card * in_eur * (1.0 + catalog.parameter("host_price_share").value))
