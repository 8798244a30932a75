"""Today's list prices through gpuhunt, as a file that `plateau plan --prices` reads.

The only command of `plateau` that uses the network, and only when it is asked.
"""

from __future__ import annotations

import csv
import datetime
import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import MissingPartError

if TYPE_CHECKING:
    from planner.catalog import Catalog

COLUMNS = (
    "gpu", "tenure", "provider", "region", "instance", "gpus", "price_per_gpu_hour", "currency", "source", "as_of",
)  # fmt: skip
PROVIDERS = {
    "aws": "AWS",
    "azure": "Azure",
    "gcp": "GCP",
    "verda": "Verda (DataCrunch)",
    "lambdalabs": "Lambda",
    "nebius": "Nebius",
    "oci": "Oracle Cloud",
    "runpod": "RunPod",
    "cloudrift": "CloudRift",
}
"""gpuhunt's names of the providers whose lists it publishes, and ours."""
_OWN = "Give prices of your own with `plateau plan --prices FILE` or `--price-eur-per-hour`."


def updated_prices(catalog: Catalog, today: datetime.date) -> list[dict[str, str]]:
    """One row for every offer of a GPU that the catalog knows for certain.

    Raises:
        MissingPartError: The extra is not installed, or the network is not there.
    """
    version, offers = _offers()
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for offer in offers:
        count, price = int(offer.gpu_count or 0), float(offer.price or 0.0)
        if count < 1 or price <= 0 or not offer.gpu_name or not offer.gpu_memory:
            continue
        gpu = catalog.listed_gpu(str(offer.gpu_name), float(offer.gpu_memory), str(offer.instance_name))
        if gpu is None:
            continue
        row = {
            "gpu": gpu,
            "tenure": "spot" if offer.spot else "on_demand",
            "provider": PROVIDERS.get(str(offer.provider), str(offer.provider)),
            "region": str(offer.location),
            "instance": str(offer.instance_name),
            "gpus": str(count),
            "price_per_gpu_hour": f"{price / count:.4f}",
            "currency": "USD",
            "source": f"gpuhunt {version}, list of {offer.provider}",
            "as_of": today.isoformat(),
        }
        key = tuple(row[name] for name in ("gpu", "tenure", "provider", "region", "instance"))
        if key not in rows or float(row["price_per_gpu_hour"]) < float(rows[key]["price_per_gpu_hour"]):
            rows[key] = row
    if not rows:
        raise MissingPartError(f"The price lists hold no GPU that Plateau knows. {_OWN}")
    return [rows[key] for key in sorted(rows)]


def write_prices(rows: Iterable[dict[str, str]], out: Path) -> None:
    """Write the rows as a price file, whole or not at all."""
    from planner.record import write_atomically

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, text.getvalue().encode())


def _offers() -> tuple[str, list[Any]]:
    """All offers of the published lists, and gpuhunt's version."""
    try:
        import gpuhunt
    except ImportError:
        raise MissingPartError(
            "Updating prices needs gpuhunt, which is not installed: pip install 'plateau-planner[prices]'. " + _OWN
        ) from None
    from importlib.metadata import version

    logging.getLogger("gpuhunt").setLevel(logging.CRITICAL)  # it logs the traceback of every list that it cannot fetch
    try:
        lists = gpuhunt.Catalog(balance_resources=False, auto_reload=False)
        lists.load()
        found = lists.query(provider=list(PROVIDERS), min_gpu_count=1)
    except (OSError, gpuhunt.GPUHuntError) as problem:
        raise MissingPartError(
            "The price lists could not be fetched: updating prices needs the network "
            f"({type(problem).__name__}). {_OWN}"
        ) from None
    return version("gpuhunt"), found
