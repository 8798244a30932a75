"""The catalogs that ship: enough rows, every one sourced and dated, and the traps of public price tables avoided."""

from __future__ import annotations

import dataclasses
import datetime
import math
import statistics

import pytest

from planner.catalog import Catalog, GpuSpec, read_catalog

TODAY = datetime.datetime.now(datetime.UTC).date()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog()


def test_at_least_thirty_gpus_and_a_thousand_dated_prices(catalog: Catalog) -> None:
    assert len(catalog.gpus) >= 30
    assert len(catalog.prices) >= 1000
    assert {price.tenure for price in catalog.prices} == {
        "on_demand",
        "spot",
        "commitment_1_year",
        "commitment_3_years",
    }


def test_every_row_has_a_source_and_a_date_that_is_not_in_the_future(catalog: Catalog) -> None:
    for field in dataclasses.fields(catalog):
        for row in getattr(catalog, field.name):
            assert row.source, row
            assert row.age_days(TODAY) >= 0, row


def test_every_price_is_for_a_gpu_of_the_catalog(catalog: Catalog) -> None:
    known = {gpu.gpu for gpu in catalog.gpus}
    assert {price.gpu for price in catalog.prices} <= known
    assert {row.gpu for row in catalog.purchases} <= known
    assert len(known) == len(catalog.gpus), "a GPU stands there twice"


def test_gpus_typed_from_datasheets_are_marked(catalog: Catalog) -> None:
    assert {gpu.basis for gpu in catalog.gpus} <= {"datasheet", "catalog"}
    for gpu in catalog.gpus:
        if "by hand" in gpu.source:
            assert gpu.basis == "datasheet", gpu.gpu


@pytest.mark.parametrize(
    ("name", "dense_tflops"),
    [("A100-80GB-SXM", 312), ("H100-SXM", 989), ("L4", 121), ("L40S", 362), ("RTX-4090", 165.2), ("RTX-3090", 71)],
)
def test_rates_are_dense_with_fp32_accumulation_not_sparse(catalog: Catalog, name: str, dense_tflops: float) -> None:
    assert catalog.gpu(name).bf16_dense_tflops == pytest.approx(dense_tflops, rel=0.01)


@pytest.mark.parametrize("name", ["T4", "V100-16GB", "V100-32GB"])
def test_gpus_without_bf16_have_their_own_class(catalog: Catalog, name: str) -> None:
    gpu = catalog.gpu(name)
    assert gpu.bf16_dense_tflops is None
    assert gpu.precision_class == "fp16"
    assert gpu.training_tflops == gpu.fp16_dense_tflops


def test_no_gpu_is_faster_than_its_memory_could_plausibly_feed(catalog: Catalog) -> None:
    def intensity(gpu: GpuSpec) -> float:
        return gpu.training_tflops * 1e12 / (gpu.bandwidth_gb_s * 1e9)

    for gpu in catalog.gpus:
        assert 60 < intensity(gpu) < 500, f"{gpu.gpu}: {intensity(gpu):.0f} FLOP a byte looks like a sparse rate"


def test_no_price_lies_far_outside_the_prices_of_its_gpu_and_tenure(catalog: Catalog) -> None:
    groups: dict[tuple[str, str], list[float]] = {}
    for price in catalog.prices:
        groups.setdefault((price.gpu, price.tenure), []).append(price.price_per_gpu_hour)
    for key, prices in groups.items():
        middle = statistics.median(prices)
        for price in prices:
            assert middle / 25 < price < middle * 5, (key, price, middle)


def test_a_commitment_is_cheaper_than_on_demand_at_the_same_place(catalog: Catalog) -> None:
    def place(tenure: str) -> dict[tuple[str, str, str, str], float]:
        return {
            (row.gpu, row.provider, row.region, row.instance): row.price_per_gpu_hour
            for row in catalog.prices
            if row.tenure == tenure
        }

    listed, three_years = place("on_demand"), place("commitment_3_years")
    shared = listed.keys() & three_years.keys()
    assert len(shared) > 100
    assert all(three_years[key] < listed[key] for key in shared)


def test_fractions_of_a_gpu_sold_as_one_are_left_out(catalog: Catalog) -> None:
    assert not [row for row in catalog.prices if "NC36ds" in row.instance]


def test_prices_of_low_trust_articles_are_left_out(catalog: Catalog) -> None:
    assert not [row for row in catalog.prices if "low trust" in row.source]


def test_undated_prices_say_so(catalog: Catalog) -> None:
    for price in catalog.prices:
        if "undated" in price.source:
            assert "undated" in price.note, price


def test_quantizations_hold_their_constants(catalog: Catalog) -> None:
    assert catalog.quantization("nf4").bytes_per_linear_parameter > 0.5
    assert catalog.quantization("int8").bytes_per_linear_parameter > 1.0
    assert catalog.quantization("bf16").bytes_per_linear_parameter == 2.0
    assert {row.quantization for row in catalog.quantizations} >= {"fp32", "bf16", "int8", "nf4"}


def test_assumptions_in_the_hardware_model_are_called_so(catalog: Catalog) -> None:
    for parameter in catalog.parameters:
        assert parameter.unit, parameter.name
        assert len(parameter.source) > 15, f"{parameter.name} needs a source that can be checked"


def test_the_catalog_is_read_in_a_moment() -> None:
    import time

    from planner.catalog.catalog import _read

    _read.cache_clear()
    start = time.perf_counter()
    read_catalog()
    assert time.perf_counter() - start < 1.0


def test_no_row_stands_there_twice(catalog: Catalog) -> None:
    for field in dataclasses.fields(catalog):
        rows = getattr(catalog, field.name)
        assert len(set(rows)) == len(rows), field.name


def test_the_newest_exchange_rate_is_the_one_that_counts(catalog: Catalog) -> None:
    newest = max(row.as_of for row in catalog.currency)
    assert [row.rate for row in catalog.currency if row.as_of == newest] == [1.1739]


def test_there_is_an_index_for_every_kind_of_price(catalog: Catalog) -> None:
    assert {row.name for row in catalog.indices} == {"inflation", "wage", "energy", "price", "gpu"}
    assert all(-0.5 < row.growth_per_year < 0.5 and 0 <= row.annual_sd < 0.5 for row in catalog.indices)


def test_the_growth_of_gpu_prices_is_the_median_drift_of_the_listed_cards(catalog: Catalog) -> None:
    slopes = []
    for gpu in catalog.gpus:
        rows = [row for row in catalog.purchases if row.gpu == gpu.gpu and row.kind == "retail listing"]
        if len(rows) >= 6:
            years = [datetime.date.fromisoformat(row.as_of).toordinal() / 365.25 for row in rows]
            slopes.append(statistics.linear_regression(years, [math.log(row.price) for row in rows]).slope)
    assert len(slopes) == 11
    assert catalog.index("gpu").growth_per_year == pytest.approx(statistics.median(slopes), abs=0.01)


def test_who_bills_from_abroad_leaves_the_vat_to_the_hospital(catalog: Catalog) -> None:
    google, amazon = catalog.provider("gcp"), catalog.provider("AWS")
    assert google is not None and amazon is not None
    assert google.reverse_charged_in("NLD") and not google.reverse_charged_in("IRL")
    assert not amazon.reverse_charged_in("NLD") and amazon.reverse_charged_in("HUN")
    priced = {row.provider for row in catalog.prices}
    assert {row.provider for row in catalog.providers} <= priced


def test_carbon_is_known_for_countries_and_cloud_regions(catalog: Catalog) -> None:
    codes = [row.country for row in catalog.carbon]
    assert len(set(codes)) == len(codes) >= 250
    assert catalog.grid("NLD").g_co2e_per_kwh > catalog.grid("gcp:europe-west9").g_co2e_per_kwh > 0


def test_every_listed_name_leads_to_a_gpu_of_the_catalog(catalog: Catalog) -> None:
    known = {gpu.gpu for gpu in catalog.gpus}
    assert {row.gpu for row in catalog.listed_gpus} <= known
    for row in catalog.listed_gpus:
        assert catalog.listed_gpu(row.listed_name, row.memory_gib, row.instance_prefix or "x") == row.gpu
