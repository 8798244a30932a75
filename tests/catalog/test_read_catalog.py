"""Broken catalog files: every mistake at once, with file, row, column and what to do."""

from __future__ import annotations

import contextlib
import datetime
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog import ElectricityPrice, Price, read_catalog, read_rows
from planner.errors import CatalogError, PlannerError
from planner.resources import data_directory

HEADER = "gpu,tenure,provider,region,instance,gpus,price_per_gpu_hour,currency,source,as_of\n"
GOOD = "L4,on_demand,Own,eu,x,1,0.80,EUR,quote of our supplier,2026-01-31\n"
TODAY = datetime.date(2026, 11, 24)


def read(text: str) -> tuple[Price, ...]:
    return read_rows(text.encode(), Price, file="prices.csv", today=TODAY)


def mistakes(text: str) -> list[tuple[int | None, str | None]]:
    with pytest.raises(CatalogError) as caught:
        read(text)
    assert all(mistake.file == "prices.csv" and mistake.remedy for mistake in caught.value.mistakes)
    return [(mistake.row, mistake.field) for mistake in caught.value.mistakes]


def test_a_good_row_is_read() -> None:
    (row,) = read(HEADER + GOOD)
    assert (row.gpu, row.price_per_gpu_hour, row.note) == ("L4", 0.8, "")


def test_all_mistakes_of_a_file_come_at_once() -> None:
    bad = [
        GOOD.replace("0.80", "-0.80"),
        GOOD.replace("0.80", "nan"),
        GOOD.replace("2026-01-31", "31-01-2026"),
        GOOD.replace("quote of our supplier", ""),
        GOOD.replace(",1,", ",1.5,"),
    ]
    assert mistakes(HEADER + GOOD + "".join(bad)) == [
        (3, "price_per_gpu_hour"),
        (4, "price_per_gpu_hour"),
        (5, "as_of"),
        (6, "source"),
        (7, "gpus"),
    ]


@pytest.mark.parametrize("spelling", ["", "0,80", "inf", "-inf", "1e999", "1_000", "0x10", "free", "0", "-0.0", "٣"])
def test_what_is_not_a_price_is_refused(spelling: str) -> None:
    assert mistakes(HEADER + GOOD.replace("0.80", f'"{spelling}"')) == [(2, "price_per_gpu_hour")]


def test_a_date_in_the_future_is_refused() -> None:
    assert mistakes(HEADER + GOOD.replace("2026-01-31", "2027-01-31")) == [(2, "as_of")]


def test_an_unknown_column_is_refused_because_a_typo_would_be_ignored() -> None:
    assert mistakes(HEADER.replace("as_of\n", "as_of,nots\n") + GOOD.replace("\n", ",x\n")) == [(1, "nots")]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(CatalogError, match="price_per_gpu_hour"):
        read(HEADER.replace("price_per_gpu_hour,", "") + GOOD.replace("0.80,", ""))


def test_an_unclosed_quote_and_a_nul_byte_are_named() -> None:
    for text in (HEADER + GOOD.replace("Own", '"Own'), HEADER + GOOD + "\0"):
        with pytest.raises(CatalogError):
            read(text)


def test_mistakes_of_several_files_come_together(tmp_path: Path) -> None:
    for path in data_directory().glob("*.csv"):
        shutil.copy(path, tmp_path)
    (tmp_path / "electricity.csv").write_text("country\nEU27\n", "utf-8")
    (tmp_path / "carbon.csv").unlink()
    with pytest.raises(CatalogError) as caught:
        read_catalog(tmp_path)
    assert {mistake.file for mistake in caught.value.mistakes} == {"electricity.csv", "carbon.csv"}


@pytest.mark.parametrize(
    ("wrong", "meant"), [("L4S", "L4"), ("a100-80gb-sxn", "A100-80GB-SXM"), ("RTX 40900", "RTX-4090"), ("H100", "H100")]
)
def test_an_unknown_gpu_gets_the_nearest_name_and_the_list(wrong: str, meant: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_catalog().gpu(wrong)
    message = str(caught.value)
    assert f"Did you mean {meant}" in message
    assert "RTX-A6000" in message
    assert caught.value.exit_code == 2


def test_an_unknown_quantization_gets_the_list() -> None:
    with pytest.raises(CatalogError, match="bf16"):
        read_catalog().quantization("nf5")


def test_names_are_found_whatever_the_case() -> None:
    assert read_catalog().gpu("l40s").gpu == "L40S"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(HEADER + GOOD) - 1), st.text(max_size=6))
def test_a_damaged_file_raises_nothing_but_a_planner_error(place: int, text: str) -> None:
    whole = HEADER + GOOD
    with contextlib.suppress(PlannerError):
        read(whole[:place] + text + whole[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing_but_a_planner_error(data: bytes) -> None:
    with contextlib.suppress(PlannerError):
        read_rows(data, ElectricityPrice, file="electricity.csv")
