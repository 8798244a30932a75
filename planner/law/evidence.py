"""Evidence and moments of every cell of the grid, in closed form.

Given a cell the values are y = L - g h + errors with g ~ N(0, sd**2) and flat L, so that (L, g) has the precision
[[s11, -s1h], [-s1h, shh + 1 / sd**2]]. The exact family is laid out again where its mass is until the grid resolves it:
sharp data need a fine grid of b, vague data a wide one.

Legend: _n points, _s shapes, _k pairs of (noise, discrepancy), _w burn-ins, _g prior widths of the slope, _c drawn
cells.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.law.forms import Shapes, drop, effective_log_t
from planner.law.points import Basis, Points
from planner.law.prior import Family, Grid, family_grid, refined_grid

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# A cell this far below the best (in nats of log weight) holds nothing.
NEGLIGIBLE = 12.0
# Less strict than that: on a coarse grid sharp data look noisier than they are.
_NEGLIGIBLE_NOISE = 24.0
_RESOLVED, _RESOLVED_SHIFTS, _ROUNDS = 10, 4, 4


class Moments(Struct, frozen=True, kw_only=True):
    """Mean and covariance of (L, g) of drawn cells, shape (c,), on the scale of their family."""

    mean_l: FloatArray
    mean_g: FloatArray
    var_l: FloatArray
    var_g: FloatArray
    cov: FloatArray


class Block(Struct, frozen=True, kw_only=True):
    """All cells of a family.

    Attributes:
        shapes: With shifts in examples.
        log_weight: Evidence times prior, shape (w, g, s, k).
        origin: What was subtracted from the values, hence from L.
    """

    family: Family
    grid: Grid
    shapes: Shapes
    log_weight: FloatArray
    origin: float
    s11_wk: FloatArray
    s1y_wk: FloatArray
    s1h_wsk: FloatArray
    shh_wsk: FloatArray
    shy_wsk: FloatArray

    def indices(self, cell_c: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """(w, g, s, k) of cells, counted in the order of `log_weight`."""
        w, g, s, k = np.unravel_index(cell_c, self.log_weight.shape)
        return w, g, s, k

    def moments(self, cell_c: IntArray) -> Moments:
        """Mean and covariance of (L, g) given the cells."""
        w, g, s, k = self.indices(cell_c)
        s11, s1y = self.s11_wk[w, k], self.s1y_wk[w, k]
        s1h, shy = self.s1h_wsk[w, s, k], self.shy_wsk[w, s, k]
        d = self.shh_wsk[w, s, k] + 1.0 / self.grid.slope_sd_g[g] ** 2
        determinant = _determinant(s11, d, s1h)
        return Moments(
            mean_l=self.origin + (d * s1y - s1h * shy) / determinant,
            mean_g=(s1h * s1y - s11 * shy) / determinant,
            var_l=d / determinant,
            var_g=s11 / determinant,
            cov=s1h / determinant,
        )


def log_t_of(points: Points, shapes: Shapes) -> FloatArray:
    """Natural log of t as every shape sees it: shape (n,), or (s, n) where passes repeat."""
    if points.unique_n is None:
        return points.log_t
    return effective_log_t(points.log_t, points.unique_n, shapes.worth_s)


def log_t_last(points: Points, shapes: Shapes) -> FloatArray:
    """Natural log of the last t as every shape sees it, shape (s,)."""
    log_t = log_t_of(points, shapes)
    return np.broadcast_to(log_t[..., -1], (len(shapes.exponent_s),))


def block_of(points: Points, bases: list[Basis], family: Family) -> Block:
    """The cells of a family, on a grid that resolves it."""
    grid = family_grid(family, repeated=points.unique_n is not None, burn_ins=len(bases), trace=points.trace)
    block = _weighed(points, bases, family, grid)
    if not family.exact:
        return block
    for _ in range(_ROUNDS):
        best_ob = block.log_weight.max(axis=(0, 1, 3)).reshape(-1, len(grid.outer.log_shift_o), len(grid.log_b))
        best_ob = best_ob.max(axis=0)
        held_ob = best_ob >= best_ob.max() - NEGLIGIBLE
        if _resolved(grid, held_ob):
            break
        best_k = block.log_weight.max(axis=(0, 1, 2))
        grid = refined_grid(family, grid, held_ob, best_k >= best_k.max() - _NEGLIGIBLE_NOISE)
        block = _weighed(points, bases, family, grid)
    return block


def _resolved(grid: Grid, held_ob: NDArray[np.bool_]) -> bool:
    """Whether enough exponents hold mass, and enough shifts where none is not among them."""
    shifts = int(held_ob.any(axis=1).sum())
    plain = bool((held_ob.any(axis=1) & np.isneginf(grid.outer.log_shift_o)).any())
    return int(held_ob.any(axis=0).sum()) >= _RESOLVED and (plain or shifts >= _RESOLVED_SHIFTS)


def _weighed(points: Points, bases: list[Basis], family: Family, grid: Grid) -> Block:
    shapes = grid.shapes.moved(float(points.log_t[-1]))
    h = drop(shapes, log_t_of(points, shapes), log_t_last(points, shapes))
    origin = 0.0 if family.logarithmic else 1.0
    value = points.on(logarithmic=family.logarithmic) - origin
    ridge_g = 1.0 / grid.slope_sd_g**2
    jacobian = -float(np.log(points.y).sum()) if family.logarithmic else 0.0
    each = (len(bases), len(grid.log_prior_s), len(grid.sigma_k))
    s1h, shh, shy = np.empty(each), np.empty(each), np.empty(each)
    s11, s1y = np.empty((each[0], each[2])), np.empty((each[0], each[2]))
    log_weight = np.empty((each[0], len(ridge_g), *each[1:]))
    for w, basis in enumerate(bases):
        ones, y, hh = basis.transform.sum(axis=1), basis.transform @ value, h @ basis.transform.T
        precision = basis.precision(grid.sigma_k, grid.tau_k)
        s11[w], s1y[w] = precision @ (ones * ones), precision @ (ones * y)
        s1h[w], shh[w], shy[w] = (hh * ones) @ precision.T, (hh * hh) @ precision.T, (hh * y) @ precision.T
        half_log_det = 0.5 * (basis.log_det_noise - np.log(precision).sum(axis=1))
        constant_k = grid.log_prior_k - half_log_det + grid.log_prior_w[w] + jacobian - 0.5 * (precision @ (y * y))
        constant = constant_k + grid.log_prior_s[:, None]
        rest = s11[w] * shy[w] ** 2 - 2 * s1y[w] * s1h[w] * shy[w]
        for g, width in enumerate(ridge_g):
            d = shh[w] + width
            determinant = _determinant(s11[w], d, s1h[w])
            d *= s1y[w] ** 2
            d += rest
            d /= determinant
            d -= np.log(determinant, out=determinant)
            d *= 0.5
            d += constant
            d += 0.5 * math.log(width) + float(grid.log_prior_g[g])
            log_weight[w, g] = d
    return Block(
        family=family,
        grid=grid,
        shapes=shapes,
        log_weight=log_weight,
        origin=origin,
        s11_wk=s11,
        s1y_wk=s1y,
        s1h_wsk=s1h,
        shh_wsk=shh,
        shy_wsk=shy,
    )


def _determinant(s11: FloatArray, d: FloatArray, s1h: FloatArray) -> FloatArray:
    """Of the precision; kept away from zero where a shape is flat over all points."""
    return np.asarray(np.maximum(s11 * d - s1h * s1h, 1e-12 * s11 * d))
