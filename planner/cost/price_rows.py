"""Which dated rows of the catalog a scenario is priced with, and how their VAT is accounted for."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from planner.catalog import (
    Catalog,
    ElectricityPrice,
    ExchangeRate,
    GpuSpec,
    GridCarbon,
    LabourCost,
    Price,
    PurchasePrice,
)
from planner.cost.given import ServerQuote
from planner.cost.scenario import Scenario, Tenure
from planner.errors import CatalogError

FloatArray = NDArray[np.float64]

COMMITMENT_YEARS = {Tenure.COMMITMENT_1_YEAR: 1, Tenure.COMMITMENT_3_YEARS: 3}


def exchange_rate(catalog: Catalog) -> ExchangeRate:
    """The newest dated USD rate."""
    rates = [rate for rate in catalog.currency if (rate.base, rate.quote) == ("EUR", "USD")]
    return max(rates, key=lambda rate: rate.as_of)


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
    return catalog.rented(gpu.gpu, scenario.tenure.value, scenario.provider, scenario.region)


def purchase_row(gpu: GpuSpec, catalog: Catalog) -> PurchasePrice | None:
    """The newest price of a bare card."""
    rows = [row for row in catalog.purchases if row.gpu == gpu.gpu]
    return max(rows, key=lambda row: row.as_of) if rows else None


def quote_for(gpu: GpuSpec, scenario: Scenario) -> ServerQuote | None:
    """The supplier's offer, where it is for this GPU."""
    quote = scenario.quote
    return quote if quote is not None and quote.gpu == gpu.gpu else None


def has_price(gpu: GpuSpec, scenario: Scenario, catalog: Catalog) -> bool:
    """Whether the scenario's tenure of a GPU can be priced."""
    if scenario.tenure is Tenure.BUY:
        typed = scenario.server_quote_eur is not None or quote_for(gpu, scenario) is not None
        return typed or purchase_row(gpu, catalog) is not None
    return scenario.price_eur_per_hour is not None or bool(rented_rows(gpu, scenario, catalog))


def provider_shares(rows: tuple[Price, ...]) -> FloatArray:
    """Probability of every row: alike for each provider, then for each row of it; adds up to 1."""
    providers = [row.provider for row in rows]
    counts = Counter(providers)
    return np.array([1.0 / (len(counts) * counts[provider]) for provider in providers])


def reverse_charged_share(gpu: GpuSpec, scenario: Scenario, catalog: Catalog) -> float:
    """Share of the providers that bill from abroad, so that the hospital accounts for the VAT of the rent itself.

    A provider of which the catalog does not know who bills counts as one from abroad; a typed price without provider
    counts as one from the hospital's own country.
    """
    if scenario.reverse_charge is not None:
        return float(scenario.reverse_charge)
    if scenario.price_eur_per_hour is not None and scenario.provider is None:
        return 0.0
    names = {row.provider for row in rented_rows(gpu, scenario, catalog)} or {scenario.provider or ""}
    known = [catalog.provider(name) for name in sorted(names)]
    return sum(row is None or row.reverse_charged_in(scenario.country) for row in known) / len(known)


def grid_row(scenario: Scenario, catalog: Catalog) -> GridCarbon | None:
    """Carbon of the place of the computer: as typed, of the provider's region, or of the country; None where unknown.

    Raises:
        CatalogError: A typed place that the catalog does not know.
    """
    if scenario.grid is not None:
        return catalog.grid(scenario.grid)
    places = [scenario.country]
    if scenario.tenure is not Tenure.BUY and scenario.provider and scenario.region:
        places.insert(0, f"{scenario.provider}:{scenario.region}".lower())
    for place in places:
        try:
            return catalog.grid(place)
        except CatalogError:
            continue
    return None
