"""Where the price of a GPU comes from, in words, with its date."""

from __future__ import annotations

from planner.catalog import Catalog, GpuSpec
from planner.cost.drivers import purchase_row, rented_rows
from planner.cost.plan import Basis
from planner.cost.scenario import Scenario, Tenure

NAMED_PROVIDERS = 4


def price_source(scenario: Scenario, gpu: GpuSpec, catalog: Catalog) -> tuple[Basis, str, str | None]:
    """Basis, source and date of the scenario's rent or server price; the oldest date of the rows it is drawn from."""
    if scenario.tenure is Tenure.BUY:
        row = purchase_row(gpu, catalog)
        if scenario.server_quote_eur is not None or row is None:
            return Basis.TYPED, "Server quote typed by the user", None
        host = catalog.parameter("host_price_share")
        source = f"{row.source} ({row.kind}), plus {host.value:.0%} for server, rack and network ({host.source})"
        return Basis.CATALOG, source, row.as_of
    if scenario.price_eur_per_hour is not None:
        return Basis.TYPED, "Typed by the user", None
    rows = rented_rows(gpu, scenario, catalog)
    providers = sorted({row.provider for row in rows})
    more = len(providers) - NAMED_PROVIDERS
    named = ", ".join(providers[:NAMED_PROVIDERS]) + (f" and {more} more" if more > 0 else "")
    return (
        Basis.CATALOG,
        f"Median over providers of {len(rows)} dated prices ({named}), data/prices.csv",
        min(row.as_of for row in rows),
    )
