"""Prices and rates: whose price is drawn, and how an old exchange rate widens."""

from __future__ import annotations

import datetime
from collections import Counter

import numpy as np
import pytest

from planner.catalog import Catalog
from planner.cost.drivers import Drivers
from planner.cost.price_draws import eur_per_usd_draws, rent_draws
from planner.cost.price_rows import exchange_rate, provider_shares, rented_rows
from planner.cost.scenario import Scenario
from tests.cost.conftest import TODAY

DAY = datetime.date(2026, 11, 24)
L4 = Scenario(target_loss=1.3, gpu="L4")


def test_providers_count_alike_however_many_regions_they_list(catalog: Catalog) -> None:
    rows = rented_rows(catalog.gpu("L4"), L4, catalog)
    shares = provider_shares(rows)
    assert shares.sum() == pytest.approx(1.0)
    by_provider: Counter[str] = Counter()
    for row, share in zip(rows, shares, strict=True):
        by_provider[row.provider] += float(share)
    assert len(by_provider) >= 4
    assert max(by_provider.values()) == pytest.approx(min(by_provider.values()))


def test_only_a_providers_newest_prices_are_drawn(catalog: Catalog) -> None:
    for gpu in catalog.gpus:
        for tenure in ("on_demand", "spot"):
            dates: dict[str, set[str]] = {}
            for row in catalog.rented(gpu.gpu, tenure):
                dates.setdefault(row.provider, set()).add(row.as_of)
            for provider, found in dates.items():
                assert found == {
                    max(
                        row.as_of
                        for row in catalog.prices
                        if (row.gpu, row.tenure, row.provider) == (gpu.gpu, tenure, provider)
                    )
                }


def test_a_provider_is_found_whatever_the_case(catalog: Catalog) -> None:
    assert {row.provider for row in catalog.rented("L4", "on_demand", "aws")} == {"AWS"}


def test_draws_stay_near_the_listed_prices(catalog: Catalog) -> None:
    rows = rented_rows(catalog.gpu("L4"), L4, catalog)
    ones = np.ones(4000)
    drawn = rent_draws(catalog.gpu("L4"), L4, catalog, ones, np.random.default_rng(0), 4000, day=TODAY)
    listed = [row.price_per_gpu_hour for row in rows]
    assert min(listed) * 0.6 < drawn.min()
    assert drawn.max() < max(listed) * 1.6


def test_an_older_exchange_rate_is_less_certain_and_a_typed_one_is_certain(catalog: Catalog) -> None:
    def spread(day: datetime.date, scenario: Scenario = L4) -> float:
        return float(np.std(np.log(eur_per_usd_draws(scenario, catalog, day, np.random.default_rng(0), 4000))))

    stated = datetime.date.fromisoformat(exchange_rate(catalog).as_of)
    assert spread(stated) == pytest.approx(0.0, abs=1e-12)
    assert spread(stated + datetime.timedelta(days=400)) > spread(stated + datetime.timedelta(days=40)) > 0
    assert spread(DAY, Scenario(target_loss=1.3, gpu="L4", usd_per_eur=1.1)) == pytest.approx(0.0, abs=1e-12)


def test_every_different_image_is_prepared_once_however_often_it_is_seen() -> None:
    numbers = {name: np.array([1.0]) for name in Drivers.__struct_fields__}
    drivers = Drivers(
        **(
            numbers
            | {
                "training_s_per_example": np.array([2.0]),
                "once_per_image_s": np.array([10.0]),
                "images": np.array([100.0]),
            }
        )
    )
    seconds = drivers.training_s(np.array([0.0, 50.0, 100.0, 1000.0, np.inf]))
    assert seconds.tolist() == [0.0, 600.0, 1200.0, 3000.0, np.inf]
    endless = drivers.replaced("images", np.array([np.inf])).training_s(np.array([1000.0, np.inf]))
    assert endless.tolist() == [12_000.0, np.inf]
