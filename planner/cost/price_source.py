"""Where the price of a GPU comes from, in words, with its date."""

from __future__ import annotations

import datetime

from planner.catalog import Catalog, GpuSpec
from planner.cost.figures import Basis
from planner.cost.given import ServerQuote
from planner.cost.price_rows import purchase_row, quote_for, rented_rows
from planner.cost.scenario import Scenario, Tenure

NAMED_PROVIDERS = 4


def price_source(scenario: Scenario, gpu: GpuSpec, catalog: Catalog) -> tuple[Basis, str, str | None]:
    """Basis, source and date of the scenario's rent or server price; the oldest date of the rows it is drawn from."""
    if scenario.tenure is Tenure.BUY:
        quote = quote_for(gpu, scenario)
        if quote is not None:
            return Basis.TYPED, quote_source(quote), quote.quoted_on.isoformat()
        row = purchase_row(gpu, catalog)
        if scenario.server_quote_eur is not None or row is None:
            return Basis.TYPED, "Server quote typed by the user", None
        host = catalog.parameter("host_price_share")
        source = f"{row.source} ({row.kind}), plus {host.value:.0%} for server, rack and network ({host.source})"
        return Basis.TYPED if row in catalog.own else Basis.CATALOG, source, row.as_of
    if scenario.price_eur_per_hour is not None:
        return Basis.TYPED, "Typed by the user", None
    rows = rented_rows(gpu, scenario, catalog)
    oldest = min(row.as_of for row in rows)
    if all(row in catalog.own for row in rows):
        return Basis.TYPED, "Own price list: " + "; ".join(sorted({row.source for row in rows})), oldest
    providers = sorted({row.provider for row in rows})
    more = len(providers) - NAMED_PROVIDERS
    named = ", ".join(providers[:NAMED_PROVIDERS]) + (f" and {more} more" if more > 0 else "")
    return Basis.CATALOG, f"Median over providers of {len(rows)} dated prices ({named}), data/prices.csv", oldest


def quote_source(quote: ServerQuote) -> str:
    """A supplier's offer in words."""
    gpus = f"{quote.gpus} x {quote.gpu}" if quote.gpus > 1 else quote.gpu
    return f"Quote of {quote.supplier} for a server with {gpus}, valid until {quote.valid_until.isoformat()}"


def is_expired(quote: ServerQuote, day: datetime.date) -> bool:
    """Whether an offer is no longer valid on the day of the plan."""
    return day > quote.valid_until
