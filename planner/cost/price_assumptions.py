"""The inputs of a plan that are prices, with source and date."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from planner.catalog import Catalog, GpuSpec, Row
from planner.cost.figures import Basis
from planner.cost.plan import Assumption
from planner.cost.price_rows import (
    electricity_row,
    exchange_rate,
    labour_row,
    purchase_row,
    quote_for,
    rented_rows,
)
from planner.cost.price_source import is_expired, quote_source
from planner.cost.scenario import Scenario, Tenure


def price_assumptions(scenario: Scenario, gpu: GpuSpec, catalog: Catalog, day: datetime.date) -> Iterator[Assumption]:
    """GPU-hour or server, electricity where it is bought, and the exchange rate."""
    rows = rented_rows(gpu, scenario, catalog)
    purchase = purchase_row(gpu, catalog)
    if scenario.tenure is Tenure.BUY:
        quote = quote_for(gpu, scenario)
        if quote is not None:
            expired = "; EXPIRED" if is_expired(quote, day) else ""
            yield Assumption(
                code="quote",
                label=f"Server quote of {quote.supplier}, without VAT",
                value=f"{quote.price_eur + quote.installation_eur:,.0f}",
                unit="EUR",
                uncertainty=f"valid until {quote.valid_until.isoformat()}{expired}",
                basis=Basis.TYPED,
                source=f"{quote_source(quote)}; {quote.watts_at_wall:g} W at the wall, {quote.warranty_years:g} years "
                "of warranty",
                as_of=quote.quoted_on.isoformat(),
            )
        elif scenario.server_quote_eur is not None:
            yield typed("server_quote_eur", "Server quote, without VAT", f"{scenario.server_quote_eur:,.0f}", "EUR")
        elif purchase is not None:
            yield Assumption(
                code="purchase",
                label=f"Bare card {gpu.gpu}, without VAT",
                value=f"{purchase.price:,.0f}",
                unit=purchase.currency,
                uncertainty=f"{purchase.price_low:,.0f} to {purchase.price_high:,.0f}, host on top",
                basis=basis_of(purchase, catalog),
                source=purchase.source,
                as_of=purchase.as_of,
            )
        tariff = electricity_row(scenario, catalog)
        if scenario.electricity_eur_per_kwh is not None:
            yield typed("electricity", "Electricity, without VAT", f"{scenario.electricity_eur_per_kwh:g}", "EUR/kWh")
        else:
            yield Assumption(
                code="electricity",
                label="Electricity, without VAT",
                value=f"{tariff.price_per_kwh:g}",
                unit="EUR/kWh",
                uncertainty=_sure(tariff, catalog, "a public average, not your contract"),
                basis=basis_of(tariff, catalog),
                source=tariff.source,
                as_of=tariff.as_of,
            )
    elif scenario.price_eur_per_hour is not None:
        yield typed("price", f"GPU-hour of {gpu.gpu}, without VAT", f"{scenario.price_eur_per_hour:g}", "EUR/h")
    elif rows:
        prices = sorted(row.price_per_gpu_hour for row in rows)
        yield Assumption(
            code="price",
            label=f"GPU-hour of {gpu.gpu}, {scenario.tenure.value.replace('_', ' ')}, without VAT",
            value=f"{prices[len(prices) // 2]:.2f}",
            unit=f"{rows[0].currency}/h",
            uncertainty=f"{prices[0]:.2f} to {prices[-1]:.2f} over {len(rows)} dated prices; one is drawn",
            basis=Basis.TYPED if all(row in catalog.own for row in rows) else Basis.CATALOG,
            source="data/prices.csv: " + ", ".join(sorted({row.provider for row in rows}))
            if not all(row in catalog.own for row in rows)
            else "own price list: " + "; ".join(sorted({row.source for row in rows})),
            as_of=min(row.as_of for row in rows),
        )
    if scenario.usd_per_eur is not None:
        yield typed("usd_per_eur", "US dollars for one euro", f"{scenario.usd_per_eur:g}", "USD")
    else:
        rate = exchange_rate(catalog)
        yield Assumption(
            code="usd_per_eur",
            label="US dollars for one euro",
            value=f"{rate.rate:g}",
            unit="USD",
            uncertainty=f"{rate.annual_volatility:.0%} a year since then, drawn (the volatility is an assumption)",
            basis=basis_of(rate, catalog),
            source=rate.source,
            as_of=rate.as_of,
        )


def staff_assumption(scenario: Scenario, catalog: Catalog) -> Iterator[Assumption]:
    """The wage, where none was typed."""
    if scenario.staff_hours_per_year is None or scenario.staff_eur_per_hour is not None:
        return
    row = labour_row(scenario, catalog)
    yield Assumption(
        code="staff_eur_per_hour",
        label="Full cost of an hour of staff",
        value=f"{row.cost_per_hour:g}",
        unit="EUR",
        uncertainty=_sure(row, catalog, "a whole-economy average, not your pay scale: type your own"),
        basis=basis_of(row, catalog),
        source=row.source,
        as_of=row.as_of,
    )


def basis_of(row: Row, catalog: Catalog) -> Basis:
    """Whether a row comes from the catalog or from a file of the user's own."""
    return Basis.TYPED if row in catalog.own else Basis.CATALOG


def _sure(row: Row, catalog: Catalog, public: str) -> str:
    return "as in your own file" if row in catalog.own else public


def typed(code: str, label: str, value: str, unit: str) -> Assumption:
    """An input that the user typed."""
    return Assumption(
        code=code,
        label=label,
        value=value,
        unit=unit,
        uncertainty="as typed",
        basis=Basis.TYPED,
        source="Typed by the user",
    )
