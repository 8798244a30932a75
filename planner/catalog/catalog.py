"""All catalogs of `data/` together, and what they hold by name."""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from planner.catalog.rows import (
    ArchitectureRow,
    ElectricityPrice,
    ExchangeRate,
    GpuSpec,
    GridCarbon,
    LabourCost,
    ListedGpu,
    ModelParameter,
    Price,
    PriceIndex,
    Provider,
    PurchasePrice,
    Quantization,
    Row,
    Utilisation,
)
from planner.catalog.spelling import by_spelling, meant_by, spelled
from planner.catalog.table import read_rows
from planner.errors import CatalogError, Mistake
from planner.reading import read_bytes
from planner.resources import data_directory

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All catalogs. Rows are found by name through dictionaries that are built once.

    Attributes:
        own: Rows that come from a user's files and not from those that ship.
    """

    gpus: tuple[GpuSpec, ...]
    prices: tuple[Price, ...]
    purchases: tuple[PurchasePrice, ...]
    electricity: tuple[ElectricityPrice, ...]
    labour: tuple[LabourCost, ...]
    carbon: tuple[GridCarbon, ...]
    currency: tuple[ExchangeRate, ...]
    quantizations: tuple[Quantization, ...]
    utilisation: tuple[Utilisation, ...]
    indices: tuple[PriceIndex, ...]
    providers: tuple[Provider, ...]
    listed_gpus: tuple[ListedGpu, ...]
    parameters: tuple[ModelParameter, ...]
    cost_parameters: tuple[ModelParameter, ...]
    architectures: tuple[ArchitectureRow, ...]
    own: frozenset[Row] = frozenset()

    @functools.cached_property
    def _parameters(self) -> dict[str, ModelParameter]:
        return {row.name: row for row in (*self.parameters, *self.cost_parameters)}

    @functools.cached_property
    def _prices(self) -> dict[tuple[str, str], list[Price]]:
        grouped: dict[tuple[str, str], list[Price]] = {}
        for row in self.prices:
            grouped.setdefault((row.gpu, row.tenure), []).append(row)
        return grouped

    @functools.cached_property
    def _gpus(self) -> dict[tuple[str, ...], GpuSpec]:
        return by_spelling(self.gpus)

    def gpu(self, name: str) -> GpuSpec:
        """A GPU by name, as the catalog, its driver or people write it (`planner.catalog.spelling`).

        Raises:
            CatalogError: Unknown, or one of several; names the nearest.
        """
        found = self.gpu_of_driver(name)
        if found is not None:
            return found
        several = [spec.gpu for spec in meant_by(name, self.gpus)]
        if not several:
            return _find(self.gpus, "gpu", name, file="gpus.csv")
        raise CatalogError(
            Mistake(
                file="gpus.csv",
                field="gpu",
                reason=f"{name[:40]!r} is not known as one card",
                remedy=f"Did you mean {' or '.join(several)}? Known: {', '.join(spec.gpu for spec in self.gpus)}",
            )
        )

    def gpu_of_driver(self, name: str | None) -> GpuSpec | None:
        """The GPU that a calibration or a log names; None where it is unknown or could be several."""
        return self._gpus.get(spelled(name or ""))

    def quantization(self, name: str) -> Quantization:
        """A quantization by name.

        Raises:
            CatalogError: Unknown; names the nearest.
        """
        return _find(self.quantizations, "quantization", name, file="quantizations.csv")

    def architecture(self, model: str) -> ArchitectureRow:
        """A model's numbers by hub name.

        Raises:
            CatalogError: Unknown; names the nearest.
        """
        return _find(self.architectures, "model", model, file="architectures.csv")

    def parameter(self, name: str) -> ModelParameter:
        """A factor of the memory, hours or cost model by name."""
        found = self._parameters.get(name)
        return found if found is not None else _find(self.parameters, "name", name, file="hardware_model.csv")

    def listed_gpu(self, listed_name: str, memory_gib: float, instance: str) -> str | None:
        """The GPU behind a name of a public price list; None where it is not certain which card that is."""
        for row in self.listed_gpus:
            if row.listed_name.lower() != listed_name.lower() or abs(row.memory_gib - memory_gib) > 1.0:
                continue
            if row.instance_prefix is None or instance.lower().startswith(row.instance_prefix.lower()):
                return row.gpu
        return None

    def index(self, name: str) -> PriceIndex:
        """The growth of a kind of price by name.

        Raises:
            CatalogError: Unknown; names the nearest.
        """
        return _find(self.indices, "name", name, file="indices.csv")

    def provider(self, name: str) -> Provider | None:
        """Who bills a provider's hours; None where the catalog does not say."""
        return next((row for row in self.providers if row.provider.lower() == name.lower()), None)

    def grid(self, code: str) -> GridCarbon:
        """Carbon intensity by code of a country or cloud region.

        Raises:
            CatalogError: Unknown; names the nearest.
        """
        return _find(self.carbon, "country", code, file="carbon.csv")

    def rented(
        self, gpu: str, tenure: str, provider: str | None = None, region: str | None = None
    ) -> tuple[Price, ...]:
        """Prices of a GPU-hour for a tenure: of each provider the rows of its newest date, older ones are history."""
        key = (gpu, tenure, provider, region)
        if key not in self._rented:
            self._rented[key] = self._newest(*key)
        return self._rented[key]

    @functools.cached_property
    def _rented(self) -> dict[tuple[str, str, str | None, str | None], tuple[Price, ...]]:
        """What `rented` found before: a table of options asks the same many times."""
        return {}

    def _newest(self, gpu: str, tenure: str, provider: str | None, region: str | None) -> tuple[Price, ...]:
        rows = [
            price
            for price in self._prices.get((gpu, tenure), ())
            if (provider is None or provider.lower() == price.provider.lower())
            and (region is None or region.lower() == price.region.lower())
        ]
        newest: dict[str, str] = {}
        for price in rows:
            newest[price.provider] = max(price.as_of, newest.get(price.provider, ""))
        return tuple(price for price in rows if price.as_of == newest[price.provider])


FILES: dict[str, tuple[str, type[Row]]] = {
    "gpus": ("gpus.csv", GpuSpec),
    "prices": ("prices.csv", Price),
    "purchases": ("purchase.csv", PurchasePrice),
    "electricity": ("electricity.csv", ElectricityPrice),
    "labour": ("labour.csv", LabourCost),
    "carbon": ("carbon.csv", GridCarbon),
    "currency": ("currency.csv", ExchangeRate),
    "quantizations": ("quantizations.csv", Quantization),
    "utilisation": ("utilisation.csv", Utilisation),
    "indices": ("indices.csv", PriceIndex),
    "providers": ("providers.csv", Provider),
    "listed_gpus": ("listed_gpus.csv", ListedGpu),
    "cost_parameters": ("cost_model.csv", ModelParameter),
    "parameters": ("hardware_model.csv", ModelParameter),
    "architectures": ("architectures.csv", ArchitectureRow),
}


def read_catalog(directory: Path | None = None) -> Catalog:
    """Read every catalog file.

    Args:
        directory: Where they lie; None: those that ship with Plateau.

    Raises:
        CatalogError: Every mistake of every file, each with file, row and column.
    """
    return _read(directory or data_directory())


@functools.lru_cache(maxsize=4)
def _read(folder: Path) -> Catalog:
    tables: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for name, (file, kind) in FILES.items():
        try:
            tables[name] = read_rows(read_bytes(folder / file, error=CatalogError), kind, file=file)
        except CatalogError as problem:
            mistakes.extend(problem.mistakes)
    if mistakes:
        raise CatalogError(mistakes)
    return Catalog(**tables)


def _find(rows: tuple[R, ...], field: str, name: str, *, file: str) -> R:
    by_name = {str(getattr(row, field)).lower(): row for row in rows}
    found = by_name.get(name.lower())
    if found is not None:
        return found
    known = [str(getattr(row, field)) for row in rows]
    near = difflib.get_close_matches(name.lower(), by_name, n=1, cutoff=0.5)
    hint = f"Did you mean {getattr(by_name[near[0]], field)}? " if near else ""
    raise CatalogError(
        Mistake(file=file, field=field, reason=f"{name[:40]!r} is not known", remedy=f"{hint}Known: {', '.join(known)}")
    )
