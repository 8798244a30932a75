"""The posterior of the law: a grid of shapes and noise, closed form in every cell, nothing that can fail.

For a fixed shape (member, b, t0), noise and discrepancy the model is a linear Gaussian one in (L, g), see
`planner.law.forms`; its evidence and moments are exact. Cells are averaged by evidence times prior. Draws keep the
whole path of a curve, so that examples to a target and the asymptote come from the same draw.

What the covariance of the points holds, relative to the loss at the last point:
    noise         sigma**2 a point; correlated within a trunk that branches share; widened in the burn-in; a dense trace
                  is averaged into bins whose variance grows with its lag-1 autocorrelation
    discrepancy   tau**2 times a Matern-3/2 covariance in ln t: real curves are not exactly of any form, and the farther
                  from the points, the less the form binds
    held-out set  all budgets share the held-out cases: draws resample those cases jointly

Priors (weak, documented in docs/law.md): Rasmussen & Williams 2006 for the covariance, Hoeting et al. 1999 for the
averaging. Legend: _n points, _s shapes, _v covariances, _g prior widths of g, _m draws, _q queried examples.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import log_ndtr

from planner.curve import Design, LossCurve
from planner.law.forms import Shapes, drop, drop_at_infinity

FloatArray = NDArray[np.float64]

DRAWS = 2000
MOST_BINS = 28
TRUNK_CORRELATION = 0.3
CORRELATION_LENGTH_LOG = 1.5
_SIGMA = np.array([0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064])
_SIGMA_LOG_PRIOR = -0.5 * ((np.log(_SIGMA) - math.log(0.006)) / 1.2) ** 2
_TAU = np.array([0.0, 0.003, 0.01, 0.03])
_TAU_LOG_PRIOR = np.log(np.array([0.4, 0.25, 0.2, 0.15]))
_BURN_IN_SHARE = np.array([0.0, 0.2, 0.4])
_BURN_IN_LOG_PRIOR = np.log(np.array([0.6, 0.25, 0.15]))
_BURN_IN_VARIANCE = 25.0
_SLOPE_SD = np.array([0.05, 0.2, 0.7])
_SLOPE_LOG_PRIOR = np.log(np.array([0.5, 0.35, 0.15]))
_EXPONENT = np.geomspace(0.03, 3.0, 24)
_EXPONENT_MEDIAN, _EXPONENT_LOG_SD = 0.5, 0.8
_SHIFT = np.array([0.001, 0.004, 0.015, 0.05, 0.15, 0.4, 1.0, 2.5])
_MEMBER_LOG_PRIOR = {"power": math.log(0.5), "shifted": math.log(0.3), "rectified": math.log(0.2)}


class Posterior(Struct, frozen=True, kw_only=True):
    """Draws of the law.

    Attributes:
        level: Loss that everything below is relative to.
        log_t_last: ln of the largest measured examples.
        shapes: One a draw.
        loss_m: L of every draw, relative.
        slope_m: g of every draw, relative, >= 0.
        tau_m: Discrepancy of every draw, relative.
        weight_mn: Kriging: how the discrepancy at the points carries over, solved with the covariance.
        points_log_t: ln of the (binned) points.
        inverse_vnn: Inverse covariances, for the kriging variance.
        covariance_m: Which of them a draw uses.
        discrepancy_m: One standard normal a draw: a path leaves the form to one side.
        sigma_m: Noise of every draw, relative.
        exponent_prior_log_sd: Of ln b, before the data.
    """

    level: float
    log_t_last: float
    shapes: Shapes
    loss_m: FloatArray
    slope_m: FloatArray
    tau_m: FloatArray
    weight_mn: FloatArray
    points_log_t: FloatArray
    inverse_vnn: FloatArray
    covariance_m: NDArray[np.intp]
    discrepancy_m: FloatArray
    sigma_m: FloatArray
    exponent_prior_log_sd: float = _EXPONENT_LOG_SD

    def paths(self, examples_q: FloatArray) -> FloatArray:
        """Loss of every draw at `examples_q`, shape (m, q), nats."""
        log_t = np.log(np.asarray(examples_q, dtype=np.float64))
        form = self.loss_m[:, None] - self.slope_m[:, None] * drop(self.shapes, log_t, self.log_t_last)
        mean, sd = self._discrepancy(log_t)
        return np.asarray(self.level * np.maximum(form + mean + self.discrepancy_m[:, None] * sd, 1e-9))

    def asymptotes(self) -> FloatArray:
        """Draws of c, shape (m,), nats."""
        c = self.loss_m - self.slope_m * drop_at_infinity(self.shapes, self.log_t_last)
        return np.asarray(self.level * np.maximum(c + self.discrepancy_m * self.tau_m, 0.0))

    def _discrepancy(self, log_t_q: FloatArray) -> tuple[FloatArray, FloatArray]:
        cross = _matern(np.abs(log_t_q[:, None] - self.points_log_t[None, :]))
        tau2 = self.tau_m[:, None] ** 2
        mean = tau2 * (self.weight_mn @ cross.T)
        explained_vq = np.einsum("qi,vij,qj->vq", cross, self.inverse_vnn, cross, optimize=True)
        variance = tau2 - tau2**2 * explained_vq[self.covariance_m]
        return mean, np.sqrt(np.maximum(variance, 0.0))


class _Points(Struct, frozen=True, kw_only=True):
    """The points as the grid sees them, relative to `level`."""

    level: float
    log_t: FloatArray
    y: FloatArray
    variance: FloatArray
    same_trunk: NDArray[np.bool_]
    held_out_mn: FloatArray | None


def posterior(curve: LossCurve, *, seed: int = 0, draws: int = DRAWS) -> Posterior:
    """Average the members over the grid and draw.

    Args:
        curve: At least one point.
        seed: Of the draws; the same curve and seed give the same draws.
        draws: Number of draws m.
    """
    rng = np.random.default_rng(seed)
    points = _points(curve, rng, draws)
    log_t_last = float(points.log_t[-1])
    shapes, shape_prior = _shape_grid(log_t_last)
    h = drop(shapes, points.log_t, log_t_last)
    covariance, sigma_v, tau_v, prior_v = _covariances(points)
    inverse = np.linalg.inv(covariance)
    _, log_det = np.linalg.slogdet(covariance)

    ones = np.ones(len(points.y))
    kh = np.einsum("vij,sj->vsi", inverse, h, optimize=True)
    k1 = inverse @ ones
    s11 = k1.sum(axis=1)[:, None]
    s1h = kh.sum(axis=2)
    shh = np.einsum("vsi,si->vs", kh, h, optimize=True)
    s1y = (k1 @ points.y)[:, None]
    shy = kh @ points.y
    syy = np.einsum("i,vij,j->v", points.y, inverse, points.y, optimize=True)[:, None]

    # (L, g) given the cell, with y = L - g h and g ~ N(0, sd**2): precision [[s11, -s1h], [-s1h, shh + 1/sd**2]].
    ridge = 1.0 / _SLOPE_SD**2
    a, b, d = s11[..., None], -s1h[..., None], shh[..., None] + ridge
    determinant = np.maximum(a * d - b * b, 1e-300)
    p, q = s1y[..., None], -shy[..., None]
    mean_l = (d * p - b * q) / determinant
    mean_g = (a * q - b * p) / determinant
    var_l, var_g, cov_lg = d / determinant, a / determinant, -b / determinant
    quadratic = syy[..., None] - (p * mean_l + q * mean_g)
    h_inf = drop_at_infinity(shapes, log_t_last)[None, :, None]
    mean_c = mean_l - mean_g * h_inf
    var_c = np.maximum(var_l + var_g * h_inf**2 - 2 * cov_lg * h_inf, 1e-300)
    log_weight = (
        -0.5 * (quadratic + log_det[:, None, None] + np.log(determinant) - np.log(ridge))
        + log_ndtr(mean_g / np.sqrt(var_g))
        + log_ndtr(mean_c / np.sqrt(var_c))
        + prior_v[:, None, None]
        + shape_prior[None, :, None]
        + _SLOPE_LOG_PRIOR
    )
    weight = np.exp(log_weight - log_weight.max())
    cumulative = np.cumsum(weight.ravel())
    cell = np.searchsorted(cumulative, (np.arange(draws) + rng.random()) / draws * cumulative[-1])
    cell = rng.permutation(np.minimum(cell, weight.size - 1))
    v, s, g = np.unravel_index(cell, weight.shape)

    held_out = points.held_out_mn
    if held_out is None:
        shift_l = shift_g = np.zeros(draws)
    else:  # the held-out cases drawn again: (L, g) are linear in the losses
        moved = np.einsum("mn,mni->mi", held_out, inverse[v], optimize=True)
        right_l, right_g = moved.sum(axis=1), -(moved * h[s]).sum(axis=1)
        a_m, b_m, d_m, det_m = a[v, 0, 0], b[v, s, 0], d[v, s, g], determinant[v, s, g]
        shift_l = (d_m * right_l - b_m * right_g) / det_m
        shift_g = (a_m * right_g - b_m * right_l) / det_m
    loss_m, slope_m = _truncated(
        rng,
        mean_l[v, s, g] + shift_l,
        mean_g[v, s, g] + shift_g,
        var_l[v, s, g],
        np.broadcast_to(var_g, weight.shape)[v, s, g],
        cov_lg[v, s, g],
        h_inf[0, s, 0],
    )
    drawn = shapes.take(s)
    residual = points.y[None, :] - (loss_m[:, None] - slope_m[:, None] * h[s])
    return Posterior(
        level=points.level,
        log_t_last=log_t_last,
        shapes=drawn,
        loss_m=loss_m,
        slope_m=slope_m,
        tau_m=tau_v[v],
        weight_mn=np.einsum("mn,mni->mi", residual, inverse[v], optimize=True),
        points_log_t=points.log_t,
        inverse_vnn=np.asarray(inverse, dtype=np.float64),
        covariance_m=v,
        discrepancy_m=rng.standard_normal(draws),
        sigma_m=sigma_v[v],
    )


def _truncated(
    rng: np.random.Generator,
    mean_l: FloatArray,
    mean_g: FloatArray,
    var_l: FloatArray,
    var_g: FloatArray,
    cov: FloatArray,
    h_inf: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Draw (L, g) with g >= 0 and c >= 0: the first of 16 tries that obeys, else the nearest edge."""
    sd_g = np.sqrt(var_g)
    rest = np.sqrt(np.maximum(var_l - cov**2 / var_g, 0.0))
    z = rng.standard_normal((2, 16, len(mean_l)))
    g = mean_g + sd_g * z[0]
    loss = mean_l + cov / var_g * (g - mean_g) + rest * z[1]
    good = (g >= 0) & (loss - g * h_inf >= 0)
    first = good.argmax(axis=0)
    columns = np.arange(len(mean_l))
    loss_m, g_m = loss[first, columns], g[first, columns]
    none = ~good.any(axis=0)
    loss_m = np.where(none, np.maximum(mean_l, 1e-9), loss_m)
    g_m = np.where(none, np.clip(mean_g, 0.0, loss_m / h_inf), g_m)
    return loss_m, g_m


def _points(curve: LossCurve, rng: np.random.Generator, draws: int) -> _Points:
    order = np.lexsort((curve.loss_n, curve.examples_n))
    t, y = curve.examples_n[order], curve.loss_n[order]
    trunks = np.array(curve.trunk_n)[order]
    runs = np.array(curve.run_n)[order]
    variance = np.ones(len(y))
    if curve.design is Design.TRACE and len(t) > MOST_BINS:
        t, y, variance = _binned(t, y)
        trunks = runs = np.arange(len(t)).astype(str)
    level = float(y[-1])
    held_out = None
    if curve.case_loss_sums_nk is not None and curve.case_tokens_k is not None and len(t) == len(order):
        cases = len(curve.case_tokens_k)
        times = rng.multinomial(cases, np.full(cases, 1.0 / cases), size=draws).astype(np.float64)
        resampled = (times @ curve.case_loss_sums_nk[order].T) / (times @ curve.case_tokens_k)[:, None]
        whole = curve.case_loss_sums_nk[order].sum(axis=1) / curve.case_tokens_k.sum()
        held_out = (resampled - whole) / level
    relative = y / level
    return _Points(
        level=level,
        log_t=np.log(t),
        y=relative,
        variance=variance * relative**2,
        same_trunk=(trunks[:, None] == trunks[None, :]) & (runs[:, None] != runs[None, :]),
        held_out_mn=held_out,
    )


def _binned(t: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bins of equal width in ln t, each with its mean and the variance of that mean in units of a bin of one point."""
    u = np.log(t)
    edges = np.linspace(u[0], u[-1], MOST_BINS + 1)
    index = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, MOST_BINS - 1)
    count = np.bincount(index, minlength=MOST_BINS)
    used = count > 0
    inside = count[used].astype(np.float64)
    mean_u = np.bincount(index, u, MOST_BINS)[used] / inside
    mean_y = np.bincount(index, y, MOST_BINS)[used] / inside
    residual = y - np.interp(u, mean_u, mean_y)
    lag = float(np.clip(residual[1:] @ residual[:-1] / max(float(residual @ residual), 1e-300), 0.0, 0.95))
    effective = np.maximum(inside * (1 - lag) / (1 + lag), 1.0)
    return np.exp(mean_u), mean_y, 1.0 / effective


def _covariances(points: _Points) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Covariances of the grid over noise, discrepancy and burn-in, with their log priors; shape (v, n, n)."""
    n = len(points.y)
    share = _BURN_IN_SHARE if n >= 6 else _BURN_IN_SHARE[:1]
    span = max(float(points.log_t[-1] - points.log_t[0]), 1e-9)
    place = (points.log_t - points.log_t[0]) / span
    widen = np.where(place[None, :] < share[:, None], _BURN_IN_VARIANCE, 1.0)
    sd = np.sqrt(points.variance * widen)
    correlation = np.where(points.same_trunk, TRUNK_CORRELATION, 0.0) + np.eye(n)
    noise = sd[:, :, None] * sd[:, None, :] * correlation
    matern = _matern(np.abs(points.log_t[:, None] - points.log_t[None, :]))
    sigma, tau, burn = np.indices((len(_SIGMA), len(_TAU), len(share))).reshape(3, -1)
    covariance = _SIGMA[sigma, None, None] ** 2 * noise[burn] + _TAU[tau, None, None] ** 2 * matern
    covariance = covariance + 1e-10 * np.eye(n)
    prior = _SIGMA_LOG_PRIOR[sigma] + _TAU_LOG_PRIOR[tau] + _BURN_IN_LOG_PRIOR[burn]
    return covariance, _SIGMA[sigma], _TAU[tau], prior


def _matern(distance_log: FloatArray) -> FloatArray:
    """Matern-3/2 correlation at a distance in ln t."""
    scaled = math.sqrt(3.0) * distance_log / CORRELATION_LENGTH_LOG
    return np.asarray((1.0 + scaled) * np.exp(-scaled))


@functools.cache
def _relative_grid() -> tuple[FloatArray, FloatArray, NDArray[np.bool_], FloatArray]:
    """Exponents, ln of shifts relative to the last point, members and log priors of all shapes."""
    log_prior_b = -0.5 * ((np.log(_EXPONENT) - math.log(_EXPONENT_MEDIAN)) / _EXPONENT_LOG_SD) ** 2
    log_prior_b -= np.logaddexp.reduce(log_prior_b)
    b, shift, rectified, prior = [], [], [], []
    log_shifts = np.log(_SHIFT).tolist()
    for member, shifts in (("power", [-math.inf]), ("shifted", log_shifts), ("rectified", log_shifts)):
        for log_shift in shifts:
            b.append(_EXPONENT)
            shift.append(np.full(len(_EXPONENT), log_shift))
            rectified.append(np.full(len(_EXPONENT), member == "rectified"))
            prior.append(log_prior_b + _MEMBER_LOG_PRIOR[member] - math.log(len(shifts)))
    return np.concatenate(b), np.concatenate(shift), np.concatenate(rectified), np.concatenate(prior)


def _shape_grid(log_t_last: float) -> tuple[Shapes, FloatArray]:
    b, shift, rectified, prior = _relative_grid()
    return Shapes(rectified_s=rectified, exponent_s=b, log_shift_s=shift + log_t_last), prior
