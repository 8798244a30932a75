"""Draws obey g >= 0 and c >= 0, also where the points ask for a floor below zero."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.curve import Design, curve_from_arrays
from planner.law.evidence import Moments
from planner.law.posterior import posterior
from planner.law.truncated import demand_of, free_draw, truncated_draw

CELLS = 200_000


def moments(mean_l: float, mean_g: float, sd_l: float, sd_g: float, correlation: float) -> Moments:
    each = np.ones(CELLS)
    return Moments(
        mean_l=mean_l * each,
        mean_g=mean_g * each,
        var_l=sd_l**2 * each,
        var_g=sd_g**2 * each,
        cov=correlation * sd_l * sd_g * each,
    )


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.5, 1.5), st.floats(-0.3, 1.0), st.floats(0.02, 0.3), st.floats(0.05, 0.4), st.floats(-0.9, 0.9),
    st.sampled_from([0.0, 1.0, 3.0]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_cut_off_normals_are_those_that_rejection_leaves(
    mean_l: float, mean_g: float, sd_l: float, sd_g: float, correlation: float, h_inf: float, seed: int
) -> None:
    cell = moments(mean_l, mean_g, sd_l, sd_g, correlation)
    h = np.full(CELLS, h_inf)
    rng = np.random.default_rng(seed)
    found = []
    for draw in (free_draw, truncated_draw):
        loss, slope = draw(cell, h, rng)
        good = (slope >= 0) & ((h == 0.0) | (loss >= slope * h))
        found.append(np.stack([loss[good], slope[good]]))
    plain, cut = found
    assume(plain.shape[1] >= 2000)
    assert cut.shape[1] >= 0.99 * plain.shape[1], "a demand that is met wastes no draw"
    error = plain.std(axis=1) / np.sqrt(plain.shape[1])
    assert (np.abs(plain.mean(axis=1) - cut.mean(axis=1)) < 6 * error + 1e-9).all()
    assert cut.std(axis=1) == pytest.approx(plain.std(axis=1), rel=0.15)


def test_the_chance_to_obey_is_the_share_that_rejection_leaves() -> None:
    cell = moments(1.0, 0.5, 0.05, 0.1, 0.2)
    h = np.full(CELLS, 2.2)
    loss, slope = free_draw(cell, h, np.random.default_rng(0))
    share = float(((loss >= slope * h) & (slope >= 0)).mean())
    assert float(np.exp(demand_of(cell, h).log_chance[0])) == pytest.approx(share, abs=0.01)


def test_far_in_the_tail_draws_still_obey() -> None:
    cell = moments(1.0, 8.0, 0.01, 0.1, 0.0)
    h = np.full(CELLS, 2.0)
    loss, slope = truncated_draw(cell, h, np.random.default_rng(0))
    assert np.isfinite(loss).all() and np.isfinite(slope).all()
    assert (loss - 2.0 * slope >= -1e-9).all()


@pytest.mark.parametrize("design", list(Design))
@pytest.mark.parametrize("zero_at", [700.0, 900.0, 1300.0, 2000.0])
def test_a_fall_that_heads_below_zero_is_followed(zero_at: float, design: Design) -> None:
    """Straight in ln t towards zero: every power law through it has a floor below zero."""
    t = np.geomspace(16, 512, 30 if design is Design.TRACE else 6)
    noise = 1 + 0.01 * np.random.default_rng(0).standard_normal(len(t))
    draws = posterior(curve_from_arrays(t, 0.09 * np.log(zero_at / t) * noise, design=design))
    quarter, half, last, twice = np.median(draws.paths(np.array([128.0, 256.0, 512.0, 1024.0])), axis=0)
    truth = 0.09 * np.log(zero_at / np.array([128.0, 256.0, 512.0]))
    assert np.array([quarter, half, last]) == pytest.approx(truth, rel=0.15)
    assert twice < 0.75 * last
    assert (draws.asymptotes() >= 0).all()
