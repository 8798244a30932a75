"""`plateau prices`: what a GPU-hour costs, with source and date of every row."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli import text
from planner.cli.frame import finish, with_json

if TYPE_CHECKING:
    from planner.catalog import Catalog, Price

_TENURES = ["on_demand", "spot", "commitment_1_year", "commitment_3_years"]


@click.command(short_help="What a GPU-hour costs, with source and date.")
@click.argument("gpu", required=False)
@click.option("--tenure", type=click.Choice(_TENURES), help="Only this way to have a GPU.")
@click.option("--provider", help="Only this provider.")
@click.option("--all", "every", is_flag=True, help="Every row; otherwise the cheapest of each provider.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("prices.csv"),
    show_default=True,
    help="File of `plateau prices update`.",
)
@with_json
def prices(*, gpu: str | None, tenure: str | None, provider: str | None, every: bool, out: Path, as_json: bool) -> None:
    """List the prices of a GPU-hour that plans are made with: without VAT, each with its source and date.

    Without GPU: one line for each GPU. The prices are the rows of data/prices.csv; prices of your own go into a plan
    with `plateau plan --prices FILE` or `--price-eur-per-hour`.

    `plateau prices update` fetches today's list prices (extra `prices`, needs the network) into a file for --prices.
    """
    if gpu == "update":
        _update(out, as_json=as_json)
        return
    from planner.catalog import read_catalog

    catalog = read_catalog()
    name = catalog.gpu(gpu).gpu if gpu else None
    rows = [
        row
        for row in catalog.prices
        if name in (None, row.gpu)
        and tenure in (None, row.tenure)
        and (provider or row.provider).lower() == row.provider.lower()
    ]
    shown = _overview(catalog, rows) if name is None else _of_one(catalog, name, rows if every else _cheapest(rows))
    finish(shown, {"prices": rows}, as_json=as_json)


def _update(out: Path, *, as_json: bool) -> None:
    from planner.catalog import read_catalog
    from planner.cli.price_update import updated_prices, write_prices

    rows = updated_prices(read_catalog(), datetime.datetime.now(datetime.UTC).date())
    write_prices(rows, out)
    gpus = len({row["gpu"] for row in rows})
    finish(
        text.join(
            text.headline(f"{len(rows):,} prices of {gpus} GPUs written to {out}."),
            f"Plan with them: plateau plan RECORD --prices {out} ...",
        ),
        {"prices": len(rows), "gpus": gpus, "file": str(out)},
        as_json=as_json,
    )


def _cheapest(rows: list[Price]) -> list[Price]:
    """The cheapest row of every tenure and provider."""
    found: dict[tuple[str, str], Price] = {}
    for row in rows:
        key = (row.tenure, row.provider)
        if key not in found or row.price_per_gpu_hour < found[key].price_per_gpu_hour:
            found[key] = row
    return sorted(found.values(), key=lambda row: (_TENURES.index(row.tenure), row.price_per_gpu_hour))


def _of_one(catalog: Catalog, name: str, rows: list[Price]) -> str:
    spec = catalog.gpu(name)
    lines = [
        (
            row.tenure.replace("_", " "),
            _money(row.price_per_gpu_hour, row.currency),
            row.provider,
            row.region,
            row.as_of,
        )
        for row in rows
    ]
    bought = sorted((row for row in catalog.purchases if row.gpu == name), key=lambda row: row.as_of)[-1:]
    return text.join(
        text.headline(f"{name}: {spec.memory_gib:g} GiB, {spec.training_tflops:g} TFLOP/s dense, {len(rows)} prices."),
        text.table(["tenure", "a GPU-hour", "provider", "region", "as of"], lines, right=[1])
        if lines
        else "No price of a GPU-hour is known; give your own with `plateau plan --price-eur-per-hour`.",
        "\n".join(
            text.paragraph(
                f"Bare card: {_money(row.price, row.currency)} ({_money(row.price_low, row.currency)} to "
                f"{_money(row.price_high, row.currency)}), {row.kind}, {row.source}, {row.as_of}.",
                hanging=2,
            )
            for row in bought
        ),
        _sources(rows),
    )


def _overview(catalog: Catalog, rows: list[Price]) -> str:
    lines = []
    for spec in catalog.gpus:
        own = [row for row in rows if row.gpu == spec.gpu]
        cheapest = {
            t: min((r.price_per_gpu_hour, r.currency) for r in own if r.tenure == t)
            for t in _TENURES
            if any(r.tenure == t for r in own)
        }
        lines.append(
            (
                spec.gpu,
                f"{spec.memory_gib:g} GiB",
                *(_money(*cheapest[tenure]) if tenure in cheapest else "-" for tenure in _TENURES[:2]),
                str(len(own)) if own else "none",
                max((row.as_of for row in own), default="-"),
            )
        )
    return text.join(
        text.headline(
            f"{len(rows):,} prices of {sum(line[4] != 'none' for line in lines)} GPUs; lowest of each, without VAT."
        ),
        text.table(["GPU", "memory", "on demand", "spot", "rows", "newest"], lines, right=[1, 2, 3, 4]),
        _stale(rows),
        "One GPU in full: plateau prices L4",
    )


def _money(amount: float, currency: str) -> str:
    return f"{amount:,.2f} {currency}"


def _sources(rows: list[Price]) -> str:
    found = sorted({row.source for row in rows})
    shown = "\n".join(text.paragraph(source, indent=2, hanging=4) for source in found)
    return text.join(f"Sources, without VAT:\n{shown}" if found else "", _stale(rows))


def _stale(rows: list[Price]) -> str:
    from planner.catalog import STALE_AFTER_DAYS

    today = datetime.datetime.now(datetime.UTC).date()
    old = sum(row.age_days(today) > STALE_AFTER_DAYS for row in rows)
    return f"{old} of these prices are older than {STALE_AFTER_DAYS} days." if old else ""
