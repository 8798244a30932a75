"""The points of a curve as the grid sees them: relative, thinned, with the covariance of their errors.

What the covariance holds, relative to the loss at the last point:
    noise         sigma**2 a point; correlated within a trunk that branches share; widened in the burn-in; a dense trace
                  is averaged into bins whose variance grows with its lag-1 autocorrelation
    discrepancy   tau**2 times a Matern-3/2 covariance in ln t (Rasmussen & Williams 2006, 4.2.1): real curves are not
                  exactly of any form, and the farther from the points, the less the form binds
    held-out set  all budgets share the held-out cases: those are drawn again, jointly, for every draw

For one burn-in the covariances of all (sigma, tau) share an eigenbasis, so that a whole grid of them costs one
decomposition. Legend: _n points, _m draws, _w burn-ins, _k pairs of (sigma, tau).
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.curve import Design, LossCurve

FloatArray = NDArray[np.float64]

MOST_BINS = 28
MOST_BUDGETS = 64
TRUNK_CORRELATION = 0.3
CORRELATION_LENGTH_LOG = 1.5
BURN_IN_SHARE = np.array([0.0, 0.2, 0.4])
BURN_IN_VARIANCE = 25.0
FEWEST_FOR_BURN_IN = 6


class Points(Struct, frozen=True, kw_only=True):
    """Losses relative to `level`, with their relative variances at sigma = 1.

    Attributes:
        unique_n: Different examples seen at every point, or None.
        held_out_mn: Shift of every loss when the held-out cases are drawn again, or None.
    """

    level: float
    log_t: FloatArray
    y: FloatArray
    variance: FloatArray
    same_trunk: NDArray[np.bool_]
    unique_n: FloatArray | None
    held_out_mn: FloatArray | None


class Basis(Struct, frozen=True, kw_only=True):
    """Eigenbasis of the covariances of one burn-in: inverse = T' diag(1 / (sigma**2 + tau**2 * eigenvalue)) T."""

    transform: FloatArray
    eigenvalue_n: FloatArray
    log_det_noise: float

    def precision(self, sigma_k: FloatArray, tau_k: FloatArray) -> FloatArray:
        """Precision along every eigenvector, shape (k, n)."""
        return np.asarray(1.0 / (sigma_k[:, None] ** 2 + tau_k[:, None] ** 2 * self.eigenvalue_n))


def points_of(curve: LossCurve, rng: np.random.Generator, draws: int) -> Points:
    """Sort, thin a dense trace, express relative to the last loss."""
    order = np.lexsort((curve.loss_n, curve.examples_n))
    t, y = curve.examples_n[order], curve.loss_n[order]
    unique = None if curve.unique_examples_n is None else curve.unique_examples_n[order]
    trunks, runs = np.array(curve.trunk_n)[order], np.array(curve.run_n)[order]
    variance = np.ones(len(y))
    held_out = None
    if len(t) > (MOST_BINS if curve.design is Design.TRACE else MOST_BUDGETS):
        t, y, variance, unique = _binned(t, y, unique)
        trunks = runs = np.arange(len(t)).astype(str)
    elif curve.case_loss_sums_nk is not None and curve.case_tokens_k is not None:
        held_out = _held_out_again(curve.case_loss_sums_nk[order], curve.case_tokens_k, rng, draws)
    level = float(y[-1])
    relative = y / level
    return Points(
        level=level,
        log_t=np.log(t),
        y=relative,
        variance=variance * relative**2,
        same_trunk=(trunks[:, None] == trunks[None, :]) & (runs[:, None] != runs[None, :]),
        unique_n=unique,
        held_out_mn=None if held_out is None else held_out / level,
    )


def bases_of(points: Points) -> list[Basis]:
    """One basis a burn-in; a curve of few points has none to spare."""
    n = len(points.y)
    shares = BURN_IN_SHARE if n >= FEWEST_FOR_BURN_IN else BURN_IN_SHARE[:1]
    span = max(float(points.log_t[-1] - points.log_t[0]), 1e-9)
    place = (points.log_t - points.log_t[0]) / span
    correlation = np.where(points.same_trunk, TRUNK_CORRELATION, 0.0) + np.eye(n)
    discrepancy = matern(np.abs(points.log_t[:, None] - points.log_t[None, :]))
    root_of_correlation = np.linalg.cholesky(correlation) if points.same_trunk.any() else np.eye(n)
    bases = []
    for share in shares:
        sd = np.sqrt(points.variance * np.where(place < share, BURN_IN_VARIANCE, 1.0))
        whiten = np.linalg.inv(sd[:, None] * root_of_correlation)
        eigenvalue, vectors = np.linalg.eigh(whiten @ discrepancy @ whiten.T)
        bases.append(
            Basis(
                transform=vectors.T @ whiten,
                eigenvalue_n=np.maximum(eigenvalue, 0.0),
                log_det_noise=2.0 * float(np.log(sd).sum() + np.log(np.diag(root_of_correlation)).sum()),
            )
        )
    return bases


def matern(distance_log: FloatArray) -> FloatArray:
    """Matern-3/2 correlation at a distance in ln t."""
    scaled = math.sqrt(3.0) * distance_log / CORRELATION_LENGTH_LOG
    return np.asarray((1.0 + scaled) * np.exp(-scaled))


def _held_out_again(sums_nk: FloatArray, tokens_k: FloatArray, rng: np.random.Generator, draws: int) -> FloatArray:
    cases = len(tokens_k)
    times = rng.multinomial(cases, np.full(cases, 1.0 / cases), size=draws).astype(np.float64)
    again = (times @ sums_nk.T) / (times @ tokens_k)[:, None]
    return np.asarray(again - sums_nk.sum(axis=1) / tokens_k.sum())


def _binned(
    t: FloatArray, y: FloatArray, unique: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | None]:
    """Bins of equal width in ln t, each with its mean and the variance of that mean in units of a point."""
    u = np.log(t)
    edges = np.linspace(u[0], u[-1], MOST_BINS + 1)
    index = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, MOST_BINS - 1)
    count = np.bincount(index, minlength=MOST_BINS)
    used = count > 0
    inside = count[used].astype(np.float64)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(index, values, MOST_BINS)[used] / inside)

    mean_u, mean_y = mean(u), mean(y)
    residual = y - np.interp(u, mean_u, mean_y)
    lag = float(np.clip(residual[1:] @ residual[:-1] / max(float(residual @ residual), 1e-300), 0.0, 0.95))
    effective = np.maximum(inside * (1 - lag) / (1 + lag), 1.0)
    return np.exp(mean_u), mean_y, 1.0 / effective, None if unique is None else mean(unique)
