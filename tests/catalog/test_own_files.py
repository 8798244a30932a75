"""A hospital's own prices and tariffs as files: checked like a catalog, and used in its place."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from planner.catalog import Catalog, read_catalog, with_own_files
from planner.catalog.catalog import FILES
from planner.catalog.own import REPLACED_BY
from planner.catalog.rows import Row
from planner.errors import CatalogError

PRICES = "gpu,tenure,provider,price_per_gpu_hour,currency,source,as_of\n"
TARIFF = "country,price_per_kwh,currency,basis,source,as_of\n"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog()


def file(folder: Path, text: str, name: str = "own.csv") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_a_price_of_your_own_takes_the_place_of_the_catalogs_for_its_gpu_and_tenure(
    catalog: Catalog, tmp_path: Path
) -> None:
    own = file(tmp_path, PRICES + "L4,on_demand,Framework contract,0.71,EUR,contract 12,2026-05-01\n")
    mine = with_own_files(catalog, [own])
    assert [row.price_per_gpu_hour for row in mine.rented("L4", "on_demand")] == [0.71]
    assert mine.rented("L4", "spot") == catalog.rented("L4", "spot")
    assert mine.rented("T4", "on_demand") == catalog.rented("T4", "on_demand")
    assert {row.source for row in mine.own} == {"contract 12"}
    spaced = file(tmp_path, PRICES + "NVIDIA RTX 4090,on_demand,Framework contract,0.5,EUR,contract 13,2026-05-01\n")
    assert [r.price_per_gpu_hour for r in with_own_files(catalog, [spaced]).rented("RTX-4090", "on_demand")] == [0.5]
    assert not catalog.own


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (TARIFF + "NLD,0.21,EUR,contract,our contract,2026-05-01\n", "electricity"),
        ("country,cost_per_hour,currency,source,as_of\nNLD,71,EUR,pay scale,2026-01-01\n", "labour"),
        ("base,quote,rate,annual_volatility,source,as_of\nEUR,USD,1.2,0.08,bank,2026-11-20\n", "currency"),
        (
            "gpu,price,price_low,price_high,currency,kind,source,as_of\nL4,2500,2400,2600,EUR,offer,shop,2026-01-01\n",
            "purchases",
        ),
        ("name,growth_per_year,annual_sd,source,as_of\nwage,-0.01,0.01,agreement,2026-01-01\n", "indices"),
        ("provider,billing_country,source,as_of\nSURF,NLD,invoice,2026-01-01\n", "providers"),
        ("country,name,g_co2e_per_kwh,source,as_of\nNLD,green contract,12,supplier,2026-01-01\n", "carbon"),
    ],
)
def test_the_catalog_of_a_file_follows_from_its_columns(
    catalog: Catalog, tmp_path: Path, text: str, table: str
) -> None:
    mine = with_own_files(catalog, [file(tmp_path, text)])
    assert len(mine.own) == 1
    assert mine.own <= set(getattr(mine, table))


def test_every_mistake_of_every_file_comes_at_once_with_row_and_column(catalog: Catalog, tmp_path: Path) -> None:
    prices = file(
        tmp_path,
        PRICES + "L4,on_demand,A,0.7,EUR,x,2026-05-01\n"
        "L5,on-demand,A,-1,GBP,x,2026-05-01\nL4,spot,A,0.7,EUR,,2031-05-01\n",
    )
    tariff = file(tmp_path, TARIFF + 'NLD,"0,21",USD,contract,x,2026-05-01\n', "tariff.csv")
    with pytest.raises(CatalogError) as caught:
        with_own_files(catalog, [prices, tariff])
    assert {(m.file, m.row, m.field) for m in caught.value.mistakes} == {
        ("own.csv", 3, "gpu"),
        ("own.csv", 3, "tenure"),
        ("own.csv", 3, "price_per_gpu_hour"),
        ("own.csv", 3, "currency"),
        ("own.csv", 4, "source"),
        ("own.csv", 4, "as_of"),
        ("tariff.csv", 2, "price_per_kwh"),
        ("tariff.csv", 2, "currency"),
    }
    assert "Did you mean L4?" in str(caught.value)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", PRICES, "\x00"])
def test_what_is_no_price_file_is_said(catalog: Catalog, tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogError, match=r"own\.csv"):
        with_own_files(catalog, [file(tmp_path, text)])


def test_the_page_on_plans_shows_the_columns_of_every_kind_of_file() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "plan.md").read_text("utf-8")
    shown = [
        set(cell.split(",")) for cell in re.findall(r"^\| `([a-z0-9_,]+)`.* \|.*\|$", page, re.MULTILINE) if "," in cell
    ]
    for name in REPLACED_BY:
        fields = [field for field in msgspec.structs.fields(FILES[name][1]) if field.name not in Row.__struct_fields__]
        required = {field.name for field in fields if field.required}
        assert any(required <= columns <= {field.name for field in fields} for columns in shown), name
