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
from scipy.linalg import solveh_banded

from planner.curve import Design, LossCurve
from planner.law.prior import BURN_IN_SHARE

FloatArray = NDArray[np.float64]

MOST_BINS = 24
MOST_BUDGETS = 64
TRUNK_CORRELATION = 0.3
CORRELATION_LENGTH_LOG = 4.0
BURN_IN_VARIANCE = 25.0
FEWEST_FOR_BURN_IN = 6
FEWEST_FOR_AUTOCORRELATION, SMOOTH_TERMS, STRONGEST_AUTOCORRELATION = 40, 6, 0.95


class Points(Struct, frozen=True, kw_only=True):
    """Losses relative to `level`, with the correlations of their relative errors.

    Attributes:
        trace: Whether all points come from the middle of one run.
        noise_nn: Covariance of the relative errors at sigma = 1; a bin of many points has a small variance.
        unique_n: Different examples seen at every point, or None.
        held_out_mn: Shift of every loss when the held-out cases are drawn again, or None.
    """

    level: float
    trace: bool
    log_t: FloatArray
    y: FloatArray
    noise_nn: FloatArray
    unique_n: FloatArray | None
    held_out_mn: FloatArray | None

    def on(self, *, logarithmic: bool) -> FloatArray:
        """Values on the scale of a family: relative nats, or their logarithm."""
        return np.log(self.y) if logarithmic else self.y


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
    # Of runs at one budget, those on all of the cases last: their loss is the level.
    seen = curve.examples_n if curve.unique_examples_n is None else curve.unique_examples_n
    order = np.lexsort((curve.loss_n, seen, curve.examples_n))
    t, y = curve.examples_n[order], curve.loss_n[order]
    unique = None if curve.unique_examples_n is None else curve.unique_examples_n[order]
    held_out = None
    if len(t) > (MOST_BINS if curve.design is Design.TRACE else MOST_BUDGETS):
        t, y, noise, unique = _binned(t, y, unique)
    else:
        trunks, runs = np.array(curve.trunk_n)[order], np.array(curve.run_n)[order]
        same_trunk = (trunks[:, None] == trunks[None, :]) & (runs[:, None] != runs[None, :])
        noise = np.where(same_trunk, TRUNK_CORRELATION, 0.0) + np.eye(len(t))
        if curve.case_loss_sums_nk is not None and curve.case_tokens_k is not None:
            held_out = _held_out_again(curve.case_loss_sums_nk[order], curve.case_tokens_k, rng, draws)
    level = float(y[-1])
    return Points(
        level=level,
        trace=curve.design is Design.TRACE,
        log_t=np.log(t),
        y=y / level,
        noise_nn=noise,
        unique_n=unique,
        held_out_mn=None if held_out is None else held_out / level,
    )


def bases_of(points: Points, *, logarithmic: bool) -> list[Basis]:
    """One basis a burn-in on a scale; a curve of few points has no point to spare."""
    n = len(points.y)
    shares = BURN_IN_SHARE if n >= FEWEST_FOR_BURN_IN else BURN_IN_SHARE[:1]
    span = max(float(points.log_t[-1] - points.log_t[0]), 1e-9)
    place = (points.log_t - points.log_t[0]) / span
    root = np.linalg.cholesky(points.noise_nn)
    inverse_root = np.linalg.inv(root)
    discrepancy = matern(np.abs(points.log_t[:, None] - points.log_t[None, :]))
    scale = np.ones(n) if logarithmic else points.y
    sd_wn = scale * np.where(place < np.array(shares)[:, None], math.sqrt(BURN_IN_VARIANCE), 1.0)
    whiten_wnn = inverse_root / sd_wn[:, None, :]
    eigenvalue_wn, vectors_wnn = np.linalg.eigh(whiten_wnn @ discrepancy @ whiten_wnn.transpose(0, 2, 1))
    transform_wnn = vectors_wnn.transpose(0, 2, 1) @ whiten_wnn
    log_det = 2.0 * (np.log(sd_wn).sum(axis=1) + float(np.log(np.diag(root)).sum()))
    return [
        Basis(transform=transform, eigenvalue_n=np.maximum(eigenvalue, 0.0), log_det_noise=float(det))
        for transform, eigenvalue, det in zip(transform_wnn, eigenvalue_wn, log_det, strict=True)
    ]


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
    """Bins of equal width in ln t: their means, and the covariance of these means in units of a point's variance."""
    u = np.log(t)
    edges = np.linspace(u[0], u[-1], MOST_BINS + 1)
    index = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, MOST_BINS - 1)
    _, index, count = np.unique(index, return_inverse=True, return_counts=True)
    average = np.zeros((len(count), len(t)))
    average[index, np.arange(len(t))] = 1.0 / count[index]
    rho = _lag_one(u, y)
    return (
        np.exp(average @ u),
        average @ y,
        np.asarray(_correlated(average, rho) @ average.T),
        None if unique is None else average @ unique,
    )


def _correlated(rows_bn: FloatArray, rho: float) -> FloatArray:
    """Rows times the matrix rho**|i - j|, whose inverse has three diagonals."""
    if rho == 0.0:
        return rows_bn
    inverse = np.empty((2, rows_bn.shape[1]))
    inverse[0] = -rho
    inverse[1] = 1.0 + rho**2
    inverse[1, [0, -1]] = 1.0
    return np.asarray((1.0 - rho**2) * solveh_banded(inverse, rows_bn.T).T)


def _lag_one(u: FloatArray, y: FloatArray) -> float:
    """Autocorrelation of neighbouring points around a smooth curve, corrected for the curve's freedom."""
    n = len(u)
    if n < FEWEST_FOR_AUTOCORRELATION:
        return 0.0
    smooth = np.vander((u - u.mean()) / u.std(), SMOOTH_TERMS)
    residual = y - smooth @ np.linalg.lstsq(smooth / y[:, None], np.ones(n), rcond=None)[0]
    residual = residual / y
    variance = float(residual @ residual)
    if variance <= 1e-24:
        return 0.0
    lag = float(residual[1:] @ residual[:-1]) / variance
    return float(np.clip((n * lag + SMOOTH_TERMS) / (n - SMOOTH_TERMS - 3), 0.0, STRONGEST_AUTOCORRELATION))
