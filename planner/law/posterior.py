"""The posterior of the law: a grid of shapes and noise, closed form in every cell, nothing that can fail.

For a fixed shape (member, b, t0, R*), noise and discrepancy the model is a linear Gaussian one in (L, g), see
`planner.law.forms`; its evidence and moments are exact. Cells are averaged by evidence times prior, first on a coarse
grid of b, then on a fine one where the mass is: sharp data need a fine grid, vague data a wide one. Draws keep the
whole path of a curve, so that examples to a target and the asymptote come from the same draw.

Priors (weak, listed in docs/law.md); Hoeting et al. 1999 for the averaging. Legend: _n points, _s shapes, _k pairs of
(noise, discrepancy), _w burn-ins, _g prior widths of g, _m draws, _q queried examples.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import log_ndtr

from planner.curve import LossCurve
from planner.law.forms import Member, Shapes, drop, drop_at_infinity, effective_log_t
from planner.law.points import Basis, Points, bases_of, matern, points_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

DRAWS = 2000
_SIGMA = np.array([0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064])
_SIGMA_MEDIAN, _SIGMA_LOG_SD = 0.006, 1.2
_TAU = np.array([0.0, 0.003, 0.01, 0.03, 0.1, 0.3])
_TAU_MEDIAN, _TAU_LOG_SD, _NO_DISCREPANCY = 0.01, 1.3, 0.6
_TAIL_FREEDOM = 4.0
_BURN_IN_PRIOR = np.array([0.6, 0.25, 0.15])
_SLOPE_SD = np.array([0.05, 0.2, 0.7])
_SLOPE_PRIOR = np.array([0.5, 0.35, 0.15])
EXPONENT_MIN, EXPONENT_MAX = 0.03, 3.0
_EXPONENT_MEDIAN, _EXPONENT_LOG_SD, _EXPONENT_LOG_SD_ROUGH = 0.5, 0.8, 0.25
_COARSE, _FINE = 16, 24
_SHIFT = np.array([0.001, 0.004, 0.015, 0.05, 0.15, 0.4, 1.0, 2.5, 8.0])
_WORTH = np.array([4.0, 15.0, math.inf])
_MEMBER_PRIOR = {Member.POWER: 0.5, Member.SHIFTED: 0.3, Member.RECTIFIED: 0.2}
_NEGLIGIBLE = 1e-5
_TRIES = 8


class Posterior(Struct, frozen=True, kw_only=True):
    """Draws of the law.

    Attributes:
        points: What was fitted, relative to the last loss.
        bases: Eigenbases of the covariances, one a burn-in.
        shapes: One a draw.
        log_t_last_m: ln of the largest measured examples, effective ones where passes repeat.
        loss_m: L of every draw, relative.
        slope_m: g of every draw, relative, >= 0.
        sigma_m: Noise of every draw, relative.
        tau_m: Discrepancy of every draw, relative.
        burn_in_m: Which basis a draw uses.
        discrepancy_m: One standardised heavy-tailed number a draw: a path leaves the form to one side.
        unique_available: Different examples there are for more budgets; inf: as many as are processed.
        exponent_prior_log_sd: Of ln b, before the data.
    """

    points: Points
    bases: list[Basis]
    shapes: Shapes
    log_t_last_m: FloatArray
    loss_m: FloatArray
    slope_m: FloatArray
    sigma_m: FloatArray
    tau_m: FloatArray
    burn_in_m: IntArray
    discrepancy_m: FloatArray
    unique_available: float
    exponent_prior_log_sd: float = _EXPONENT_LOG_SD

    def paths(self, examples_q: FloatArray) -> FloatArray:
        """Loss of every draw at `examples_q`, shape (m, q), nats."""
        log_t = np.log(np.asarray(examples_q, dtype=np.float64))
        effective = log_t
        if self.points.unique_n is not None:
            effective = effective_log_t(log_t, np.minimum(np.exp(log_t), self.unique_available), self.shapes.worth_s)
        form = self.loss_m[:, None] - self.slope_m[:, None] * drop(self.shapes, effective, self.log_t_last_m)
        mean, sd = self._discrepancy(log_t)
        return np.asarray(self.points.level * np.maximum(form + mean + self.discrepancy_m[:, None] * sd, 1e-9))

    def asymptotes(self) -> FloatArray:
        """Draws of c, shape (m,), nats."""
        c = self.loss_m - self.slope_m * drop_at_infinity(self.shapes, self.log_t_last_m)
        return np.asarray(self.points.level * np.maximum(c + self.discrepancy_m * self.tau_m, 0.0))

    def residuals(self) -> FloatArray:
        """Distance of the points from the form of every draw, relative to the point, shape (m, n)."""
        form = self.loss_m[:, None] - self.slope_m[:, None] * self._drop_at_points()
        return np.asarray((self.points.y - form) / self.points.y)

    def _discrepancy(self, log_t_q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Kriging: mean and sd of the discrepancy given the residuals, shape (m, q)."""
        cross = matern(np.abs(self.points.log_t[:, None] - log_t_q[None, :]))
        mean = np.zeros((len(self.tau_m), len(log_t_q)))
        variance = np.zeros_like(mean)
        residual = self.residuals() * self.points.y
        for w, basis in enumerate(self.bases):
            mine = np.flatnonzero((self.burn_in_m == w) & (self.tau_m > 0))
            if not len(mine):
                continue
            precision = basis.precision(self.sigma_m[mine], self.tau_m[mine])
            along = basis.transform @ cross
            tau2 = self.tau_m[mine, None] ** 2
            mean[mine] = tau2 * ((residual[mine] @ basis.transform.T * precision) @ along)
            variance[mine] = tau2 - tau2**2 * (precision @ along**2)
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def _drop_at_points(self) -> FloatArray:
        return drop(self.shapes, _log_t(self.points, self.shapes), self.log_t_last_m)


class _Cells(Struct, frozen=True, kw_only=True):
    """Moments of (L, g) and the log weight of every cell; all of shape (c,), with the indices of the cell."""

    log_weight: FloatArray
    mean_l: FloatArray
    mean_g: FloatArray
    var_l: FloatArray
    var_g: FloatArray
    cov: FloatArray
    w: IntArray
    s: IntArray
    k: IntArray


def posterior(curve: LossCurve, *, seed: int = 0, draws: int = DRAWS) -> Posterior:
    """Average the members over the grid and draw.

    Args:
        curve: At least one point.
        seed: Of the draws; the same curve and seed give the same draws.
        draws: Number of draws m.
    """
    rng = np.random.default_rng(seed)
    points = points_of(curve, rng, draws)
    bases = bases_of(points)
    repeated = points.unique_n is not None
    sigma_k, tau_k, prior_k = _noise_grid()

    log_b = np.linspace(math.log(EXPONENT_MIN), math.log(EXPONENT_MAX), _COARSE)
    shapes, prior_s, outer = _shape_grid(log_b, float(points.log_t[-1]), repeated=repeated)
    coarse = _cells(points, bases, shapes, prior_s, sigma_k, tau_k, prior_k)
    weight = np.exp(coarse.log_weight - coarse.log_weight.max())
    log_b = _where_the_mass_is(log_b, _mass(coarse.s % _COARSE, weight, _COARSE))
    kept_k = _worth_keeping(_mass(coarse.k, weight, len(sigma_k)))
    kept_outer = _worth_keeping(_mass(coarse.s // _COARSE, weight, outer))
    sigma_k, tau_k, prior_k = sigma_k[kept_k], tau_k[kept_k], prior_k[kept_k]

    shapes, prior_s, _ = _shape_grid(log_b, float(points.log_t[-1]), repeated=repeated)
    kept_s = (kept_outer[:, None] * len(log_b) + np.arange(len(log_b))).ravel()
    shapes, prior_s = shapes.take(kept_s), prior_s[kept_s]
    fine = _cells(points, bases, shapes, prior_s, sigma_k, tau_k, prior_k)
    cell = _drawn_cells(fine.log_weight, rng, draws)
    return _draw(curve, points, bases, shapes.take(fine.s[cell]), fine, cell, sigma_k, tau_k, rng)


def _unique_available(curve: LossCurve, points: Points) -> float:
    """What there is, as far as it is known; else what the runs that repeated their examples had."""
    if points.unique_n is None:
        return math.inf
    seen = float(points.unique_n.max())
    if curve.training_examples_available:
        return max(float(curve.training_examples_available), seen)
    return seen if bool((np.exp(points.log_t) > 1.05 * points.unique_n).any()) else math.inf


def _log_t(points: Points, shapes: Shapes) -> FloatArray:
    """Natural log of t as every shape sees it: shape (n,), or (s, n) where passes repeat."""
    if points.unique_n is None:
        return points.log_t
    return effective_log_t(points.log_t, points.unique_n, shapes.worth_s)


def _log_t_last(points: Points, shapes: Shapes) -> FloatArray:
    log_t = _log_t(points, shapes)
    return np.broadcast_to(log_t[..., -1], (len(shapes.exponent_s),))


def _cells(
    points: Points,
    bases: list[Basis],
    shapes: Shapes,
    prior_s: FloatArray,
    sigma_k: FloatArray,
    tau_k: FloatArray,
    prior_k: FloatArray,
) -> _Cells:
    """Evidence and moments of every cell that matters.

    Given the cell y = L - g h with g ~ N(0, sd**2) and flat L, so that (L, g) has the precision
    [[s11, -s1h], [-s1h, shh + 1/sd**2]]; c >= 0 and g >= 0 enter the weight as the probability of obeying them.
    """
    last = _log_t_last(points, shapes)
    h = drop(shapes, _log_t(points, shapes), last)
    h_inf = drop_at_infinity(shapes, last)
    ridge = 1.0 / _SLOPE_SD**2
    prior_sk = prior_s[:, None] + _exponent_log_prior(shapes.exponent_s, tau_k)
    parts = []
    for basis, burn_in_prior in zip(bases, _BURN_IN_PRIOR, strict=False):
        ones, y, hh = basis.transform.sum(axis=1), basis.transform @ points.y, h @ basis.transform.T
        precision = basis.precision(sigma_k, tau_k)
        s11, s1y, syy = precision @ (ones * ones), precision @ (ones * y), precision @ (y * y)
        s1h, shh, shy = (hh * ones) @ precision.T, (hh * hh) @ precision.T, (hh * y) @ precision.T
        half_log_det = 0.5 * (basis.log_det_noise - np.log(precision).sum(axis=1))
        # One loop instead of a fourth axis: shape (s, k) stays in the cache.
        for width, slope_prior in zip(ridge, _SLOPE_PRIOR, strict=True):
            d = shh + width
            determinant = np.maximum(s11 * d - s1h * s1h, 1e-300)
            mean_l = (d * s1y - s1h * shy) / determinant
            mean_g = (s1h * s1y - s11 * shy) / determinant
            quadratic = syy - s1y * mean_l + shy * mean_g
            log_weight = (
                -0.5 * (quadratic + np.log(determinant / width))
                + (prior_k - half_log_det + math.log(burn_in_prior * slope_prior))
                + prior_sk
            )
            parts.append((log_weight, determinant, mean_l, mean_g, d, s1h, np.broadcast_to(s11, d.shape)))
    log_weight, determinant, mean_l, mean_g, d, s1h, s11 = (np.stack(part) for part in zip(*parts, strict=True))
    return _obeying(log_weight, determinant, mean_l, mean_g, d, s1h, s11, h_inf)


def _obeying(
    log_weight: FloatArray,
    determinant: FloatArray,
    mean_l: FloatArray,
    mean_g: FloatArray,
    d: FloatArray,
    s1h: FloatArray,
    s11: FloatArray,
    h_inf: FloatArray,
) -> _Cells:
    """Cells near the best with the probabilities of g >= 0 and c >= 0; all cells where the best disobey."""
    threshold = 18.0
    for keep_within in (threshold, math.inf):
        p, s, k = np.nonzero(log_weight >= log_weight.max() - keep_within)
        at = (p, s, k)
        det = determinant[at]
        var_l, var_g, cov = d[at] / det, s11[at] / det, s1h[at] / det
        l_mean, g_mean, h = mean_l[at], mean_g[at], h_inf[s]
        var_c = np.maximum(var_l + var_g * h**2 - 2 * cov * h, 1e-300)
        obeyed = log_weight[at] + log_ndtr(g_mean / np.sqrt(var_g)) + log_ndtr((l_mean - g_mean * h) / np.sqrt(var_c))
        if obeyed.max() > log_weight.max() - threshold / 2:
            break
    return _Cells(
        log_weight=obeyed,
        mean_l=l_mean,
        mean_g=g_mean,
        var_l=var_l,
        var_g=var_g,
        cov=cov,
        w=p // len(_SLOPE_SD),
        s=s,
        k=k,
    )


def _drawn_cells(log_weight: FloatArray, rng: np.random.Generator, draws: int) -> IntArray:
    """Systematic resampling: cells in proportion to their weight, with the least Monte Carlo noise."""
    cumulative = np.cumsum(np.exp(log_weight - log_weight.max()))
    cell = np.searchsorted(cumulative, (np.arange(draws) + rng.random()) / draws * cumulative[-1])
    return np.asarray(rng.permutation(np.minimum(cell, len(log_weight) - 1)))


def _draw(
    curve: LossCurve,
    points: Points,
    bases: list[Basis],
    shapes: Shapes,
    cells: _Cells,
    cell: IntArray,
    sigma_k: FloatArray,
    tau_k: FloatArray,
    rng: np.random.Generator,
) -> Posterior:
    """(L, g) of every drawn cell; the held-out cases, drawn again, move them linearly."""
    last = _log_t_last(points, shapes)
    var_l, var_g, cov = cells.var_l[cell], cells.var_g[cell], cells.cov[cell]
    mean_l, mean_g = cells.mean_l[cell], cells.mean_g[cell]
    sigma_m, tau_m, burn_in_m = sigma_k[cells.k[cell]], tau_k[cells.k[cell]], cells.w[cell]
    if points.held_out_mn is not None:
        h = drop(shapes, _log_t(points, shapes), last)
        moved = np.zeros_like(points.held_out_mn)
        for w, basis in enumerate(bases):
            mine = np.flatnonzero(burn_in_m == w)
            precision = basis.precision(sigma_m[mine], tau_m[mine])
            moved[mine] = (points.held_out_mn[mine] @ basis.transform.T * precision) @ basis.transform
        right_l, right_g = moved.sum(axis=1), -(moved * h).sum(axis=1)
        mean_l = mean_l + var_l * right_l + cov * right_g
        mean_g = mean_g + cov * right_l + var_g * right_g
    loss_m, slope_m = _truncated(rng, mean_l, mean_g, var_l, var_g, cov, drop_at_infinity(shapes, last))
    return Posterior(
        points=points,
        bases=bases,
        shapes=shapes,
        log_t_last_m=np.array(last),
        loss_m=loss_m,
        slope_m=slope_m,
        sigma_m=sigma_m,
        tau_m=tau_m,
        burn_in_m=burn_in_m,
        discrepancy_m=_heavy_tailed(rng, len(cell)),
        unique_available=_unique_available(curve, points),
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
    """Draw (L, g) with g >= 0 and c >= 0: the first try that obeys, else the nearest edge."""
    sd_g = np.sqrt(var_g)
    rest = np.sqrt(np.maximum(var_l - cov**2 / var_g, 0.0))
    z = rng.standard_normal((2, _TRIES, len(mean_l)))
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


def _mass(index: IntArray, weight: FloatArray, size: int) -> FloatArray:
    return np.asarray(np.bincount(index, weight, size), dtype=np.float64)


def _heavy_tailed(rng: np.random.Generator, draws: int) -> FloatArray:
    """Student t of unit variance: now and then a curve leaves its form by far."""
    return rng.standard_t(_TAIL_FREEDOM, draws) * math.sqrt((_TAIL_FREEDOM - 2) / _TAIL_FREEDOM)


def _where_the_mass_is(log_b: FloatArray, mass: FloatArray) -> FloatArray:
    """A fine grid over the coarse cells that hold mass, one more to each side."""
    held = np.flatnonzero(mass > _NEGLIGIBLE * mass.sum())
    low, high = log_b[max(held[0] - 1, 0)], log_b[min(held[-1] + 1, len(log_b) - 1)]
    return np.linspace(low, high, _FINE)


def _worth_keeping(mass: FloatArray) -> IntArray:
    return np.flatnonzero(mass > 10 * _NEGLIGIBLE * mass.sum())


@functools.cache
def _noise_grid() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pairs of noise and discrepancy with their log prior, shape (k,)."""
    sigma, tau = (grid.ravel() for grid in np.meshgrid(_SIGMA, _TAU, indexing="ij"))
    prior = -0.5 * ((np.log(sigma) - math.log(_SIGMA_MEDIAN)) / _SIGMA_LOG_SD) ** 2
    rough = np.exp(-0.5 * ((np.log(_TAU[1:]) - math.log(_TAU_MEDIAN)) / _TAU_LOG_SD) ** 2)
    prior_tau = np.concatenate([[_NO_DISCREPANCY], (1 - _NO_DISCREPANCY) * rough / rough.sum()])
    return sigma, tau, prior + np.log(np.tile(prior_tau, len(_SIGMA)))


def _exponent_log_prior(exponent_s: FloatArray, tau_k: FloatArray) -> FloatArray:
    """Log-normal; narrower where the curve leaves the form, because then its bends say less about b; shape (s, k)."""
    sd = np.where(tau_k > 0, _EXPONENT_LOG_SD_ROUGH, _EXPONENT_LOG_SD)
    distance = np.log(exponent_s) - math.log(_EXPONENT_MEDIAN)
    return np.asarray(-0.5 * (distance[:, None] / sd) ** 2 - np.log(sd))


@functools.cache
def _outer_grid(repeated: bool) -> tuple[FloatArray, NDArray[np.bool_], FloatArray, FloatArray]:
    """Log of the shift relative to the last point, member, R* and log prior of every shape but for its exponent."""
    rows = []
    for worth in _WORTH if repeated else [math.inf]:
        for member, prior in _MEMBER_PRIOR.items():
            shifts = [-math.inf] if member is Member.POWER else np.log(_SHIFT).tolist()
            rows += [(shift, member is Member.RECTIFIED, worth, math.log(prior / len(shifts))) for shift in shifts]
    shift, rectified, worths, log_prior = zip(*rows, strict=True)
    return np.array(shift), np.array(rectified), np.array(worths), np.array(log_prior)


def _shape_grid(log_b: FloatArray, log_t_last: float, *, repeated: bool) -> tuple[Shapes, FloatArray, int]:
    """All shapes with their log priors, the exponent fastest; and how many there are but for the exponent."""
    shift, rectified, worth, prior = _outer_grid(repeated)
    each = len(log_b)
    shapes = Shapes(
        rectified_s=np.repeat(rectified, each),
        exponent_s=np.tile(np.exp(log_b), len(shift)),
        log_shift_s=np.repeat(shift + log_t_last, each),
        worth_s=np.repeat(worth, each),
    )
    return shapes, np.repeat(prior, each), len(shift)
