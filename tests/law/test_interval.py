"""Interval calibration: draws are spread, never reordered."""

import csv

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import curve_from_arrays
from planner.law import fit_law
from planner.law.interval import ANY_CURVE, COLUMNS, FILE, KINDS, SIDES, VISION_LANGUAGE_ADAPTER, spreads, widened
from planner.law.median import moved
from planner.record import Configuration
from planner.resources import data_directory


def draws(seed: int, spread: float) -> np.ndarray:
    return np.exp(spread * np.random.default_rng(seed).standard_t(4, size=(500, 1)))


def spread_of(
    loss: np.ndarray, ratio: float, *, noise: float = 0.005, last_loss: float = 1.2, kind: str = ANY_CURVE
) -> np.ndarray:
    return widened(loss, np.array([ratio]), last_loss=last_loss, noise=noise, kind=kind)


def width(loss: np.ndarray) -> float:
    return float(np.ptp(np.log(np.quantile(loss, [0.05, 0.95]))))


@pytest.mark.parametrize("last_loss", [1.2, 3.0, 0.4])
def test_the_median_stays_and_farther_ahead_is_wider(last_loss: float) -> None:
    loss = draws(0, 0.03)
    widths = []
    for ratio in (2.0, 4.0, 8.0, 64.0):
        spread = spread_of(loss, ratio, last_loss=last_loss)
        assert np.median(spread) == pytest.approx(np.median(loss), rel=1e-3)
        widths.append(width(spread))
    assert widths == sorted(widths)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-6, 1), st.floats(1, 1000), st.floats(0.0005, 0.1), st.floats(1e-3, 20))
def test_the_order_of_the_draws_is_kept(seed: int, spread: float, ratio: float, noise: float, last_loss: float) -> None:
    loss = draws(seed, spread)
    order = np.argsort(loss[:, 0], kind="stable")
    moved = spread_of(loss, ratio, noise=noise, last_loss=last_loss)[order, 0]
    assert (np.diff(moved) >= -1e-12 * moved[1:]).all()
    assert np.isfinite(moved).all() and (moved > 0).all()


def test_nothing_changes_where_it_was_measured() -> None:
    loss = draws(3, 0.1)
    assert np.array_equal(spread_of(loss, 0.5), loss)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("side", "level"), [(side, level) for side in SIDES for level in (80, 90, 95)])
def test_the_ends_of_the_intervals_are_those_of_the_table(side: str, level: int, kind: str) -> None:
    """Twice the multiples, twice the distance of every end from the median."""
    loss = draws(1, 0.05)
    rank = 0.5 + level / 200 if side == "above" else 0.5 - level / 200
    moved = spread_of(loss, 8.0, kind=kind)
    middle = float(np.log(np.median(loss)))
    table = spreads()[kind, side]
    tenth, ninetieth = np.quantile(np.log(loss[:, 0]), [0.1, 0.9])
    sd = (ninetieth - middle if side == "above" else middle - tenth) / 1.2815515655446004
    features = [1, np.log(sd), np.log(8), np.log(0.005), np.log(np.log(1.2) - middle), 0.0, 0.0]
    spread = float(np.exp(np.array(features) @ table.coefficients))
    expected = spread * table.ends[(80, 90, 95).index(level)]
    assert abs(float(np.quantile(np.log(moved[:, 0]), rank)) - middle) == pytest.approx(expected, rel=0.05)


def test_the_noise_of_a_run_widens_what_it_will_show() -> None:
    loss = draws(3, 0.02)
    assert width(spread_of(loss, 2.0, noise=0.04)) > 1.2 * width(spread_of(loss, 2.0, noise=0.001))


def test_losses_near_zero_are_less_well_known() -> None:
    loss = draws(3, 0.02)
    assert width(spread_of(loss, 4.0, last_loss=0.2)) > width(spread_of(loss, 4.0, last_loss=1.0))


def test_equal_draws_are_no_error() -> None:
    assert np.isfinite(widened(np.ones((50, 2)), np.array([2.0, 8.0]), last_loss=1.0, noise=0.0)).all()


def test_every_row_of_the_table_has_a_source_a_date_and_nested_ends() -> None:
    with (data_directory() / FILE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == set(COLUMNS)
    assert [(row["kind"], row["side"]) for row in rows] == [(kind, side) for kind in KINDS for side in SIDES]
    assert all(row["source"] and row["as_of"] for row in rows)
    for table in spreads().values():
        assert table.ends[0] > 0
        assert (np.diff(table.ends) > 0).all(), "a wider interval holds the narrower one"


def test_a_law_is_spread_by_the_table() -> None:
    t = 256 * 2.0 ** np.arange(7)
    law = fit_law(curve_from_arrays(t, 5 * t**-0.4 + 1))
    ahead = np.array([8 * t[-1]])
    plain, spread = law.draws.paths(ahead)[:, 0], law.paths(ahead)[:, 0]
    assert width(spread) > width(plain)


def test_an_adapter_of_a_vision_language_model_has_its_own_rows() -> None:
    t = 256 * 2.0 ** np.arange(7)
    plain = curve_from_arrays(t, 5 * t**-0.4 + 1)
    adapter = msgspec.structs.replace(plain, configuration=Configuration(image_tokens=256, lora_rank=8))
    ahead = np.array([8 * t[-1]])
    draws = fit_law(plain).draws.paths(ahead)
    for curve, kind in ((plain, ANY_CURVE), (adapter, VISION_LANGUAGE_ADAPTER)):
        law = fit_law(curve)
        noise = float(np.median(law.draws.sigma_m))
        told = draws * np.exp(moved(law.draws, ahead, t[-1]))
        expected = widened(told, np.array([8.0]), last_loss=law.draws.points.level, noise=noise, kind=kind)
        assert np.array_equal(law.paths(ahead), expected)
