"""The catalogs in `data/`: opinions as tested data. Every row has a source and a date.

A file is read as a list of rows of one type below; every mistake of a file is reported at once.
"""

from __future__ import annotations

import datetime
import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct

from planner.errors import CatalogError, Mistake
from planner.reading import parse_number, read_bytes, read_table
from planner.resources import data_directory

STALE_AFTER_DAYS = 180
MAY_BE_NEGATIVE = frozenset({"value"})


class Row(Struct, frozen=True, kw_only=True):
    """What every catalog row has.

    Attributes:
        source: Where the figure comes from.
        as_of: ISO date at which the source stated it.
        note: What to know before using it.
    """

    source: str
    as_of: str
    note: str = ""

    def age_days(self, today: datetime.date) -> int:
        """Days since the source stated it."""
        return (today - datetime.date.fromisoformat(self.as_of)).days


class GpuSpec(Row, frozen=True, kw_only=True):
    """A GPU. Rates are dense (without sparsity), tensor cores, fp32 accumulation where the card distinguishes it.

    Attributes:
        driver_names: What its driver calls it, separated by `|`; a calibration on a GPU records such a name.
    """

    gpu: str
    memory_gib: float
    bf16_dense_tflops: float | None
    fp16_dense_tflops: float
    bandwidth_gb_s: float
    tdp_w: float
    precision_class: str
    launch_year: int
    basis: str
    driver_names: str | None = None

    @property
    def training_tflops(self) -> float:
        """Dense rate of the arithmetic that it trains in: bf16, or fp16 where it has no bf16."""
        return self.bf16_dense_tflops or self.fp16_dense_tflops


class Price(Row, frozen=True, kw_only=True):
    """A rented GPU-hour, without VAT."""

    gpu: str
    tenure: str
    provider: str
    region: str
    instance: str
    gpus: int
    price_per_gpu_hour: float
    currency: str


class PurchasePrice(Row, frozen=True, kw_only=True):
    """A bare card, without VAT; host, rack and support come on top."""

    gpu: str
    price: float
    price_low: float
    price_high: float
    currency: str
    kind: str


class ElectricityPrice(Row, frozen=True, kw_only=True):
    """Electricity for non-household consumers, without VAT."""

    country: str
    price_per_kwh: float
    currency: str
    basis: str


class GridCarbon(Row, frozen=True, kw_only=True):
    """Carbon intensity of a country's electricity."""

    country: str
    name: str
    g_co2e_per_kwh: float


class ExchangeRate(Row, frozen=True, kw_only=True):
    """`rate` units of `quote` for one `base`; its logarithm has a standard deviation of `annual_volatility` a year."""

    base: str
    quote: str
    rate: float
    annual_volatility: float


class Quantization(Row, frozen=True, kw_only=True):
    """How weights are held; step times relative to bf16."""

    quantization: str
    bytes_per_linear_parameter: float
    bytes_per_other_parameter: float
    precision_class: str
    relative_step_time: float
    relative_step_time_high: float


class Utilisation(Row, frozen=True, kw_only=True):
    """Measured share of the dense peak (model FLOPs utilisation, MFU) of fine-tuning runs, by source and GPU."""

    origin: str
    gpu: str
    runs: int
    mfu_p10: float
    mfu_p50: float
    mfu_p90: float


class ModelParameter(Row, frozen=True, kw_only=True):
    """A factor of the memory or hours model."""

    name: str
    value: float
    unit: str


class ArchitectureRow(Row, frozen=True, kw_only=True):
    """The numbers of `planner.hardware.architecture.ModelArchitecture` for a named model."""

    model: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    head_size: int
    vocabulary: int
    gated: bool
    tied: bool
    norms_per_layer: int
    attention_bias: bool
    vision_hidden: int
    vision_intermediate: int
    vision_layers: int
    image_size_px: int
    patch_size_px: int
    output_bias: bool = False
    query_key_norm: bool = False
    vision_pooling_head: bool = False


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All catalogs. Rows are found by name through dictionaries that are built once."""

    gpus: tuple[GpuSpec, ...]
    prices: tuple[Price, ...]
    purchases: tuple[PurchasePrice, ...]
    electricity: tuple[ElectricityPrice, ...]
    carbon: tuple[GridCarbon, ...]
    currency: tuple[ExchangeRate, ...]
    quantizations: tuple[Quantization, ...]
    utilisation: tuple[Utilisation, ...]
    parameters: tuple[ModelParameter, ...]
    architectures: tuple[ArchitectureRow, ...]

    @functools.cached_property
    def _parameters(self) -> dict[str, ModelParameter]:
        return {row.name: row for row in self.parameters}

    @functools.cached_property
    def _prices(self) -> dict[tuple[str, str], list[Price]]:
        grouped: dict[tuple[str, str], list[Price]] = {}
        for row in self.prices:
            grouped.setdefault((row.gpu, row.tenure), []).append(row)
        return grouped

    def gpu(self, name: str) -> GpuSpec:
        """A GPU by name, whatever the case.

        Raises:
            CatalogError: Unknown; names the nearest.
        """
        return _find(self.gpus, "gpu", name, file="gpus.csv")

    def gpu_of_driver(self, name: str | None) -> GpuSpec | None:
        """The GPU that a calibration names, as in the catalog or as its driver calls it; None where unknown."""
        wanted = (name or "").lower()
        for spec in self.gpus:
            if wanted in {spec.gpu.lower(), *(spec.driver_names or "").lower().split("|")} - {""}:
                return spec
        return None

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
        """A factor of the memory or hours model by name."""
        found = self._parameters.get(name)
        return found if found is not None else _find(self.parameters, "name", name, file="hardware_model.csv")

    def rented(self, gpu: str, tenure: str, provider: str | None = None) -> tuple[Price, ...]:
        """Prices of a GPU-hour for a tenure: of each provider the rows of its newest date, older ones are history."""
        rows = [
            price
            for price in self._prices.get((gpu, tenure), ())
            if provider is None or provider.lower() == price.provider.lower()
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
    "carbon": ("carbon.csv", GridCarbon),
    "currency": ("currency.csv", ExchangeRate),
    "quantizations": ("quantizations.csv", Quantization),
    "utilisation": ("utilisation.csv", Utilisation),
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


def read_rows(data: bytes, kind: type[R], *, file: str, today: datetime.date | None = None) -> tuple[R, ...]:
    """Read one CSV file as rows of a type; unknown columns are refused, because a typo would be silently ignored.

    Raises:
        CatalogError: Every mistake of the file at once.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    types = get_type_hints(kind)
    required = [name for name, field in fields.items() if field.default is msgspec.NODEFAULT]
    columns, table = read_table(data, file=file, required=required, error=CatalogError)
    mistakes = [
        Mistake(
            file=file,
            row=1,
            field=column,
            reason="an unknown column",
            remedy=f"The columns are {', '.join(fields)}",
        )
        for column in columns
        if column not in fields
    ]
    if mistakes:
        raise CatalogError(mistakes)
    rows: list[R] = []
    last_day = (today or datetime.datetime.now(datetime.UTC).date()).isoformat()
    for number, texts in table:
        values: dict[str, Any] = {}
        for column in columns:
            try:
                values[column] = _value(texts[column], types[column], file=file, row=number, field=column)
            except CatalogError as problem:
                mistakes.extend(problem.mistakes)
        mistakes.extend(_dating(values, last_day, file=file, row=number))
        if not mistakes:
            rows.append(kind(**values))
    if mistakes:
        raise CatalogError(mistakes)
    return tuple(rows)


def _value(text: str, kind: Any, *, file: str, row: int, field: str) -> Any:
    """One cell as its type; an empty cell is None where the type allows it."""
    stripped = text.strip()
    inner = [part for part in get_args(kind) if part is not NoneType] if isinstance(kind, UnionType) else [kind]
    if not stripped and isinstance(kind, UnionType):
        return None
    if inner[0] is str:
        if not stripped and field != "note":
            raise CatalogError(
                Mistake(file=file, row=row, field=field, reason="the field is empty", remedy="Fill it in")
            )
        return stripped
    if inner[0] is bool:
        if stripped not in ("true", "false"):
            raise CatalogError(
                Mistake(file=file, row=row, field=field, reason=f"expected true or false, got {stripped[:20]!r}",
                        remedy="Write true or false")
            )  # fmt: skip
        return stripped == "true"
    number = parse_number(stripped, file=file, row=row, field=field, error=CatalogError)
    if number < 0 and field not in MAY_BE_NEGATIVE:
        raise CatalogError(
            Mistake(
                file=file,
                row=row,
                field=field,
                reason=f"expected a number that is not negative, got {stripped}",
                remedy="Correct the row",
            )
        )
    if number == 0 and "price" in field:
        raise CatalogError(
            Mistake(file=file, row=row, field=field, reason="a price of 0", remedy="Leave the row out or correct it")
        )
    if inner[0] is int:
        if number != int(number):
            raise CatalogError(
                Mistake(file=file, row=row, field=field, reason=f"expected a whole number, got {stripped}",
                        remedy="Correct the row")
            )  # fmt: skip
        return int(number)
    return number


def _dating(values: dict[str, Any], last_day: str, *, file: str, row: int) -> Iterable[Mistake]:
    text = values.get("as_of")
    if text is None:
        return
    try:
        stated = datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        yield Mistake(
            file=file,
            row=row,
            field="as_of",
            reason=f"expected a date, got {text[:20]!r}",
            remedy="Write it as 2026-11-24",
        )
        return
    if stated > last_day:
        yield Mistake(
            file=file, row=row, field="as_of", reason=f"{stated} lies in the future", remedy="Correct the date"
        )


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
