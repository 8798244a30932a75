"""Interval calibration: draws are spread, never reordered."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import Design, curve_from_arrays
from planner.law import fit_law
from planner.law.interval import COLUMNS, FILE, curve_kind, stretches, widened
from planner.resources import data_directory

KINDS = ("budgets", "budgets_below_one", "trace", "trace_below_one")


def draws(seed: int, spread: float) -> np.ndarray:
    return np.exp(spread * np.random.default_rng(seed).standard_t(4, size=(500, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_median_stays_and_farther_ahead_is_wider(kind: str) -> None:
    loss = draws(0, 0.03)
    widths = []
    for ratio in (2.0, 4.0, 8.0, 64.0):
        spread = widened(loss, np.array([ratio]), kind)[:, 0]
        assert np.median(spread) == pytest.approx(np.median(loss), rel=1e-3)
        widths.append(np.ptp(np.quantile(spread, [0.05, 0.95])))
    assert widths == sorted(widths)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-6, 1), st.floats(1, 1000), st.sampled_from(KINDS))
def test_the_order_of_the_draws_is_kept(seed: int, spread: float, ratio: float, kind: str) -> None:
    loss = draws(seed, spread)
    order = np.argsort(loss[:, 0], kind="stable")
    moved = widened(loss, np.array([ratio]), kind)[order, 0]
    assert (np.diff(moved) >= -1e-12 * moved[1:]).all()
    assert np.isfinite(moved).all() and (moved > 0).all()


def test_nothing_changes_where_it_was_measured() -> None:
    loss = draws(3, 0.1)
    assert np.array_equal(widened(loss, np.array([0.5]), "budgets"), loss)


def test_the_noise_of_a_run_widens_what_it_will_show() -> None:
    loss = draws(3, 0.02)
    quiet, noisy = (widened(loss, np.array([2.0]), "budgets", noise) for noise in (0.0, 0.04))
    assert np.ptp(np.quantile(noisy, [0.05, 0.95])) > 1.5 * np.ptp(np.quantile(quiet, [0.05, 0.95]))


def test_equal_draws_are_no_error() -> None:
    assert np.isfinite(widened(np.ones((50, 2)), np.array([2.0, 8.0]), "trace")).all()


def test_every_row_of_the_table_has_a_source_a_date_and_positive_numbers() -> None:
    with (data_directory() / FILE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == set(COLUMNS)
    assert {row["curve_kind"] for row in rows} == set(KINDS)
    assert all(row["source"] and row["as_of"] for row in rows)
    for table in stretches().values():
        assert (np.diff(table.least_spread) >= 0).all()
        inner = table.stretch * np.array([1.2816, 1.6449, 1.9600])
        assert (np.diff(inner, axis=1) >= 0).all(), "the 90 % interval lies inside the 80 % one"


def test_the_kind_follows_the_design_and_the_size_of_the_losses() -> None:
    t = np.array([1.0, 2.0, 4.0])
    assert curve_kind(curve_from_arrays(t, np.array([3.0, 2.0, 1.5]))) == "budgets"
    assert curve_kind(curve_from_arrays(t, np.array([0.3, 0.2, 0.15]), design=Design.TRACE)) == "trace_below_one"


def test_a_law_is_spread_by_the_table() -> None:
    t = 256 * 2.0 ** np.arange(7)
    law = fit_law(curve_from_arrays(t, 5 * t**-0.4 + 1))
    ahead = np.array([8 * t[-1]])
    plain, spread = law.draws.paths(ahead)[:, 0], law.paths(ahead)[:, 0]
    assert np.ptp(np.quantile(spread, [0.05, 0.95])) > np.ptp(np.quantile(plain, [0.05, 0.95]))
