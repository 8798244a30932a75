"""Everything uncertain of a yearly cost, as draws: one struct through one formula, for a plan and for a tornado."""

from __future__ import annotations

import datetime
import math
from collections import Counter

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, ElectricityPrice, ExchangeRate, GpuSpec, LabourCost, Price, PurchasePrice
from planner.cost.scenario import Scenario, Tenure
from planner.errors import Mistake, ScenarioError

FloatArray = NDArray[np.float64]


class Drivers(Struct, frozen=True, kw_only=True):
    """Draws, each of shape (m,) or a scalar array.

    Attributes:
        examples: Of one fine-tuning; inf where the target is not reached.
        training_s_per_example, answering_s_per_study: Seconds.
        rent_eur_per_hour: A GPU-hour without VAT; nan for bought hardware.
        equipment_eur: Server without VAT; nan for rented hardware.
        electricity_eur_per_kwh: Without VAT.
        eur_per_usd: For the rest that is priced in dollars.
    """

    examples: FloatArray
    training_s_per_example: FloatArray
    answering_s_per_study: FloatArray
    rent_eur_per_hour: FloatArray
    equipment_eur: FloatArray
    electricity_eur_per_kwh: FloatArray
    eur_per_usd: FloatArray

    def replaced(self, name: str, value: FloatArray) -> Drivers:
        """The same drivers with one exchanged."""
        return msgspec.structs.replace(self, **{name: value})

    def medians(self) -> Drivers:
        """Every driver at its median; that of examples is infinite when most draws miss the target."""
        return Drivers(
            **{
                field: np.quantile(getattr(self, field), [0.5], method="inverted_cdf")
                for field in self.__struct_fields__
            }
        )


def exchange_rate(catalog: Catalog) -> ExchangeRate:
    """The newest dated USD rate."""
    rates = [rate for rate in catalog.currency if (rate.base, rate.quote) == ("EUR", "USD")]
    return max(rates, key=lambda rate: rate.as_of)


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


def electricity_row(scenario: Scenario, catalog: Catalog) -> ElectricityPrice:
    """The country's dated price, or the European average."""
    by_country = {row.country: row for row in catalog.electricity}
    return by_country.get(scenario.country) or by_country["EU27"]


def labour_row(scenario: Scenario, catalog: Catalog) -> LabourCost:
    """The country's dated cost of an hour of work, or the European average."""
    by_country = {row.country: row for row in catalog.labour}
    return by_country.get(scenario.country) or by_country["EU27"]


def staff_eur_per_hour(scenario: Scenario, catalog: Catalog) -> float:
    """Full cost of an hour of staff: typed, or the dated average of the country."""
    return scenario.staff_eur_per_hour or labour_row(scenario, catalog).cost_per_hour


def rented_rows(gpu: GpuSpec, scenario: Scenario, catalog: Catalog) -> tuple[Price, ...]:
    """Catalog rows that a rented GPU-hour is drawn from."""
    return catalog.rented(gpu.gpu, scenario.tenure.value, scenario.provider)


def purchase_row(gpu: GpuSpec, catalog: Catalog) -> PurchasePrice | None:
    """The newest price of a bare card."""
    rows = [row for row in catalog.purchases if row.gpu == gpu.gpu]
    return max(rows, key=lambda row: row.as_of) if rows else None


def rent_draws(
    gpu: GpuSpec, scenario: Scenario, catalog: Catalog, eur_per_usd: FloatArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    """Price of a GPU-hour in euro: typed, or a provider and then one of its regions at random, with next year's drift.

    Providers count alike: one that lists forty regions is no more likely to be chosen than one that lists two.

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
                + (f" at {scenario.provider}" if scenario.provider else ""),
                remedy=_other_prices(gpu, catalog),
            )
        )
    chosen = np.searchsorted(np.cumsum(provider_shares(rows)), pick * (1.0 - 1e-12))
    native = np.array([row.price_per_gpu_hour for row in rows])[chosen]
    in_eur = np.array([row.currency == "EUR" for row in rows])[chosen]
    return np.asarray(native * np.where(in_eur, 1.0, eur_per_usd) * drift)


def _other_prices(gpu: GpuSpec, catalog: Catalog) -> str:
    known = sorted({f"{row.tenure} at {row.provider}" for row in catalog.prices if row.gpu == gpu.gpu})
    there = f"Dated prices for {gpu.gpu}: {', '.join(known)}. " if known else ""
    return f"{there}Type your own with --price-eur-per-hour, or choose another GPU or tenure"


def provider_shares(rows: tuple[Price, ...]) -> FloatArray:
    """Probability of every row: alike for each provider, then for each row of it; adds up to 1."""
    providers = [row.provider for row in rows]
    counts = Counter(providers)
    return np.array([1.0 / (len(counts) * counts[provider]) for provider in providers])


def equipment_draws(
    gpu: GpuSpec, scenario: Scenario, catalog: Catalog, eur_per_usd: FloatArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    """Price of a server in euro: the typed quote, or a bare card with a share for the host around it.

    Raises:
        ScenarioError: Nothing typed and no row.
    """
    uniform = rng.random(draws)
    if scenario.server_quote_eur is not None:
        return np.full(draws, scenario.server_quote_eur)
    row = purchase_row(gpu, catalog)
    if row is None:
        raise ScenarioError(
            Mistake(
                file="scenario",
                field="server_quote_eur",
                reason=f"no dated purchase price for {gpu.gpu}",
                remedy="Type your supplier's quote with --server-quote-eur, or rent",
            )
        )
    card = row.price_low + uniform * (row.price_high - row.price_low)
    return np.asarray(card * eur_per_usd * (1.0 + catalog.parameter("host_price_share").value))


def has_price(gpu: GpuSpec, scenario: Scenario, catalog: Catalog) -> bool:
    """Whether the scenario's tenure of a GPU can be priced."""
    if scenario.tenure is Tenure.BUY:
        return scenario.server_quote_eur is not None or purchase_row(gpu, catalog) is not None
    return scenario.price_eur_per_hour is not None or bool(rented_rows(gpu, scenario, catalog))
