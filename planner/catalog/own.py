"""A user's own prices and tariffs as files: the columns of a catalog file, checked like one, put in its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from planner.catalog.catalog import FILES, Catalog
from planner.catalog.rows import Row
from planner.catalog.table import read_rows
from planner.errors import CatalogError, Mistake, shown_name
from planner.reading import read_bytes, read_table

REPLACED_BY = {
    "prices": ("gpu", "tenure"),
    "purchases": ("gpu",),
    "electricity": ("country",),
    "labour": ("country",),
    "carbon": ("country",),
    "currency": ("base", "quote"),
    "indices": ("name",),
    "providers": ("provider",),
}
"""Which files a user may bring, and what a row of theirs takes the place of."""
MAX_OWN_BYTES = 8 * 1024 * 1024


def with_own_files(catalog: Catalog, files: Iterable[Path]) -> Catalog:
    """The catalog with the rows of a user's files in place of those they replace.

    Which catalog a file belongs to follows from its columns: those of `data/prices.csv`, `purchase.csv`,
    `electricity.csv`, `labour.csv`, `carbon.csv`, `currency.csv`, `indices.csv` or `providers.csv`.

    Raises:
        CatalogError: Every mistake of every file, each with file, row and column.
    """
    mistakes: list[Mistake] = []
    for path in files:
        try:
            name, rows = _read(path, catalog)
        except CatalogError as problem:
            mistakes.extend(problem.mistakes)
        else:
            catalog = _replaced(catalog, name, rows)
    if mistakes:
        raise CatalogError(mistakes)
    return catalog


def _read(path: Path, catalog: Catalog) -> tuple[str, tuple[Row, ...]]:
    file = shown_name(path)
    data = read_bytes(path, error=CatalogError, limit=MAX_OWN_BYTES)
    columns, _ = read_table(data, file=file, error=CatalogError)
    name = _catalog_of(columns, file)
    known: dict[str, Sequence[str]] = {"gpu": [row.gpu for row in catalog.gpus]}
    if name in ("electricity", "labour"):
        known["currency"] = ("EUR",)
    rows = read_rows(data, FILES[name][1], file=file, known=known, written={"gpu": partial(_as_listed, catalog)})
    if not rows:
        raise CatalogError(
            Mistake(file=file, reason="has no row below its header", remedy="Add a row, or leave it out")
        )
    return name, rows


def _as_listed(catalog: Catalog, gpu: str) -> str:
    """The catalog's name of a GPU; what it does not know stays as it is written."""
    spec = catalog.gpu_of_driver(gpu)
    return gpu if spec is None else spec.gpu


def _catalog_of(columns: Sequence[str], file: str) -> str:
    """The catalog whose own columns (beside source and date) the file has most of."""

    def missing(name: str) -> tuple[int, int]:
        fields = msgspec.structs.fields(FILES[name][1])
        required = {field.name for field in fields if field.required}
        return len(required - set(columns)), len(set(columns) - {field.name for field in fields})

    best = min(REPLACED_BY, key=missing)
    own = {field.name for field in msgspec.structs.fields(FILES[best][1])} - set(Row.__struct_fields__)
    if not own & set(columns):
        raise CatalogError(
            Mistake(
                file=file,
                row=1,
                reason=f"its columns {', '.join(columns)[:80]} are those of no price file",
                remedy="A price list has the columns gpu, tenure, provider, price_per_gpu_hour, currency, source, "
                "as_of; docs/plan.md shows every kind",
            )
        )
    return best


def _replaced(catalog: Catalog, name: str, rows: tuple[Row, ...]) -> Catalog:
    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(getattr(row, field)).lower() for field in REPLACED_BY[name])

    taken = {key(row) for row in rows}
    kept = tuple(row for row in getattr(catalog, name) if key(row) not in taken)
    return dataclasses.replace(catalog, own=catalog.own | frozenset(rows), **{name: kept + rows})
