"""The catalogs in `data/`: opinions as tested data. Every row has a source and a date."""

from planner.catalog.catalog import Catalog, read_catalog
from planner.catalog.own import with_own_files
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
from planner.catalog.table import read_rows

STALE_AFTER_DAYS = 180

__all__ = [
    "STALE_AFTER_DAYS",
    "ArchitectureRow",
    "Catalog",
    "ElectricityPrice",
    "ExchangeRate",
    "GpuSpec",
    "GridCarbon",
    "LabourCost",
    "ListedGpu",
    "ModelParameter",
    "Price",
    "PriceIndex",
    "Provider",
    "PurchasePrice",
    "Quantization",
    "Row",
    "Utilisation",
    "read_catalog",
    "read_rows",
    "with_own_files",
]
