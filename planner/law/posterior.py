"""The posterior of the law: a grid of shapes and noise, closed form in every cell, nothing that can fail.

For a fixed shape (member, b, t0, R*), noise and discrepancy the model is a linear Gaussian one in (L, g), see
`planner.law.forms`; its evidence and moments are exact (`planner.law.evidence`). Cells of all families are averaged by
evidence times prior (Hoeting et al. 1999). Draws keep the whole path of a curve, so that examples to a target and the
asymptote come from the same draw.

Legend: _n points, _m draws, _q queried examples.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import stdtrit

from planner.curve import LossCurve
from planner.law.evidence import Block, block_of, log_t_last, log_t_of
from planner.law.forms import Shapes, drop, drop_at_infinity, effective_log_t
from planner.law.points import Basis, Points, bases_of, matern, points_of
from planner.law.prior import EXACT, FAMILIES
from planner.law.truncated import demand_of, free_draw, truncated_draw

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

DRAWS = 2000
_TAIL_FREEDOM = 4.0
_TRIES = 8
# Where a smaller share of the first draws obeys, draws come from normals that are cut off.
_FEW_OBEY = 0.4
_LARGEST_LOG = 50.0


class Posterior(Struct, frozen=True, kw_only=True):
    """Draws of the law.

    Attributes:
        points: What was fitted, relative to the last loss.
        bases: Eigenbases of the covariances, one a scale and burn-in.
        shapes: Those of the grid.
        shape_m: Which shape a draw has.
        logarithmic_m: Whether L and g of a draw are those of ln(loss).
        loss_m: L of every draw, relative.
        slope_m: g of every draw, relative, >= 0.
        sigma_m: Noise of every draw, relative.
        tau_m: Discrepancy of every draw, relative.
        basis_m: Which basis a draw uses.
        discrepancy_m: One standardised heavy-tailed number a draw: a path leaves the form to one side.
        unique_available: Different examples there are for more budgets; inf: as many as are processed.
        exponent_prior_log_sd: Of ln b, before the data.
    """

    points: Points
    bases: list[Basis]
    shapes: Shapes
    shape_m: IntArray
    logarithmic_m: NDArray[np.bool_]
    loss_m: FloatArray
    slope_m: FloatArray
    sigma_m: FloatArray
    tau_m: FloatArray
    basis_m: IntArray
    discrepancy_m: FloatArray
    unique_available: float
    exponent_prior_log_sd: float = EXACT.exponent[1]

    @property
    def exponent_m(self) -> FloatArray:
        """Exponent b of every draw, shape (m,)."""
        return self.shapes.exponent_s[self.shape_m]

    def paths(self, examples_q: FloatArray) -> FloatArray:
        """Loss of every draw at `examples_q`, shape (m, q), nats."""
        log_t = np.log(np.asarray(examples_q, dtype=np.float64))
        effective = log_t
        if self.points.unique_n is not None:
            effective = effective_log_t(log_t, np.minimum(np.exp(log_t), self.unique_available), self.shapes.worth_s)
        fall = drop(self.shapes, effective, log_t_last(self.points, self.shapes))[self.shape_m]
        mean, sd = self._discrepancy(log_t)
        form = self.loss_m[:, None] - self.slope_m[:, None] * fall
        return self._nats(form + mean + self.discrepancy_m[:, None] * sd, 1e-9)

    def asymptotes(self) -> FloatArray:
        """Draws of c, shape (m,), nats."""
        farthest = drop_at_infinity(self.shapes, log_t_last(self.points, self.shapes))[self.shape_m]
        c = self.loss_m - self.slope_m * farthest + self.discrepancy_m * self.tau_m
        return self._nats(c[:, None], 0.0)[:, 0]

    def residuals(self) -> FloatArray:
        """Distance of the points from the form of every draw, relative to the point, shape (m, n)."""
        own = self._own_residuals()
        return np.where(self.logarithmic_m[:, None], own, own / self.points.y)

    def _nats(self, value_mq: FloatArray, least: float) -> FloatArray:
        """From the scale of every draw to nats."""
        logs = self.logarithmic_m
        relative = np.maximum(value_mq, least)
        relative[logs] = np.exp(np.clip(value_mq[logs], -_LARGEST_LOG, _LARGEST_LOG))
        return np.asarray(self.points.level * relative)

    def _own_residuals(self) -> FloatArray:
        """Points minus form, on the scale of every draw, shape (m, n)."""
        fall_s = drop(self.shapes, log_t_of(self.points, self.shapes), log_t_last(self.points, self.shapes))
        values = np.stack([self.points.on(logarithmic=logarithmic) for logarithmic in (False, True)])
        form = self.loss_m[:, None] - self.slope_m[:, None] * fall_s[self.shape_m]
        return np.asarray(values[self.logarithmic_m.astype(int)] - form)

    def _discrepancy(self, log_t_q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Kriging: mean and sd of the discrepancy given the residuals, shape (m, q)."""
        mean = np.zeros((len(self.tau_m), len(log_t_q)))
        variance = np.zeros_like(mean)
        rough = self.tau_m > 0
        if not rough.any():
            return mean, variance
        cross = matern(np.abs(self.points.log_t[:, None] - log_t_q[None, :]))
        residual = self._own_residuals()
        for number in np.unique(self.basis_m[rough]).tolist():
            basis = self.bases[number]
            mine = np.flatnonzero(rough & (self.basis_m == number))
            precision = basis.precision(self.sigma_m[mine], self.tau_m[mine])
            along = basis.transform @ cross
            tau2 = self.tau_m[mine, None] ** 2
            mean[mine] = tau2 * ((residual[mine] @ basis.transform.T * precision) @ along)
            variance[mine] = tau2 - tau2**2 * (precision @ along**2)
        return mean, np.sqrt(np.maximum(variance, 0.0))


def posterior(curve: LossCurve, *, seed: int = 0, draws: int = DRAWS) -> Posterior:
    """Average the families over their grids and draw.

    Args:
        curve: At least one point.
        seed: Of the draws; the same curve and seed give the same draws.
        draws: Number of draws m.
    """
    rng = np.random.default_rng(seed)
    points = points_of(curve, rng, draws)
    scales = {scale: bases_of(points, logarithmic=scale) for scale in (False, True)}
    blocks = [block_of(points, scales[family.logarithmic], family) for family in FAMILIES]
    bases = [basis for scale in scales.values() for basis in scale]
    shapes = Shapes.joined([block.shapes for block in blocks])
    drawn = _Draws.obeying(blocks, drop_at_infinity(shapes, log_t_last(points, shapes)), rng, draws)
    if points.held_out_mn is not None:
        drawn = _on_other_cases(points, bases, shapes, drawn)
    return Posterior(
        points=points,
        bases=bases,
        shapes=shapes,
        shape_m=drawn.shape,
        logarithmic_m=drawn.logarithmic,
        loss_m=drawn.loss,
        slope_m=drawn.slope,
        sigma_m=drawn.sigma,
        tau_m=drawn.tau,
        basis_m=drawn.basis,
        discrepancy_m=_heavy_tailed(rng, draws),
        unique_available=_unique_available(curve, points),
    )


def _unique_available(curve: LossCurve, points: Points) -> float:
    """What there is, as far as it is known; else what the runs that repeated their examples had."""
    if points.unique_n is None:
        return math.inf
    seen = float(points.unique_n.max())
    if curve.training_examples_available:
        return max(float(curve.training_examples_available), seen)
    return seen if bool((np.exp(points.log_t) > 1.05 * points.unique_n).any()) else math.inf


class _Draws(Struct, frozen=True, kw_only=True):
    """Drawn cells with (L, g) on the scale of each, shape (m,).

    Attributes:
        h_inf: `drop` at infinity, 0 on the logarithmic scale, where every floor is above zero.
    """

    shape: IntArray
    basis: IntArray
    logarithmic: NDArray[np.bool_]
    sigma: FloatArray
    tau: FloatArray
    loss: FloatArray
    slope: FloatArray
    var_l: FloatArray
    var_g: FloatArray
    cov: FloatArray
    h_inf: FloatArray

    @staticmethod
    def obeying(blocks: Sequence[Block], h_inf_s: FloatArray, rng: np.random.Generator, draws: int) -> _Draws:
        """Draws with g >= 0 and c >= 0: what disobeys is thrown away, which is exact; the edge where nothing obeys."""
        log_weight = np.concatenate([block.log_weight.ravel() for block in blocks])
        truncated = False
        kept: list[_Draws] = []
        missing = draws
        for _ in range(_TRIES):
            # Systematic resampling: cells in proportion to their weight, with the least Monte Carlo noise.
            cumulative = np.cumsum(np.exp(log_weight - log_weight.max()))
            count = missing + missing // 2 + 1
            place = (np.arange(count) + rng.random()) / count * cumulative[-1]
            cell = np.minimum(np.searchsorted(cumulative, place), len(cumulative) - 1)
            tried = _Draws._of(blocks, h_inf_s, cell, rng, truncated=truncated)
            good = (tried.slope >= 0) & (tried.logarithmic | (tried.loss >= tried.slope * tried.h_inf))
            kept.append(tried.take(np.flatnonzero(good)))
            missing -= int(good.sum())
            if missing <= 0:
                break
            if not truncated and good.mean() < _FEW_OBEY:
                truncated = True
                log_weight = log_weight + _log_chances(blocks, h_inf_s)
        else:
            kept.append(tried.take(rng.integers(0, count, missing)).at_the_edge())
        found = _Draws.joined(kept)
        return found.take(rng.permutation(len(found.loss))[:draws])

    @staticmethod
    def _of(
        blocks: Sequence[Block], h_inf_s: FloatArray, cell: IntArray, rng: np.random.Generator, *, truncated: bool
    ) -> _Draws:
        parts: list[_Draws] = []
        first_cell = first_shape = 0
        for block in blocks:
            low, high = np.searchsorted(cell, [first_cell, first_cell + block.log_weight.size])
            own = cell[low:high] - first_cell
            w, _, s, k = block.indices(own)
            moments = block.moments(own)
            h_inf = _h_inf(block, h_inf_s[s + first_shape])
            draw = truncated_draw if truncated else free_draw
            loss, slope = draw(moments, h_inf, rng)
            parts.append(
                _Draws(
                    shape=s + first_shape,
                    basis=w + len(block.s11_wk) * block.family.logarithmic,
                    logarithmic=np.full(len(own), block.family.logarithmic),
                    sigma=block.grid.sigma_k[k],
                    tau=block.grid.tau_k[k],
                    loss=loss,
                    slope=slope,
                    var_l=moments.var_l,
                    var_g=moments.var_g,
                    cov=moments.cov,
                    h_inf=h_inf,
                )
            )
            first_cell += block.log_weight.size
            first_shape += len(block.shapes.exponent_s)
        return _Draws.joined(parts)

    @staticmethod
    def joined(parts: Sequence[_Draws]) -> _Draws:
        """One after the other."""
        return _Draws(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in _Draws.__struct_fields__})

    def take(self, index: IntArray) -> _Draws:
        """Those at `index`."""
        return _Draws(**{name: getattr(self, name)[index] for name in self.__struct_fields__})

    def at_the_edge(self) -> _Draws:
        """Moved to g = 0 or c = 0 where they disobey."""
        loss = np.where(self.logarithmic, self.loss, np.maximum(self.loss, 1e-9))
        most = np.where(self.logarithmic, np.inf, loss / np.maximum(self.h_inf, 1e-300))
        return msgspec.structs.replace(self, loss=loss, slope=np.clip(self.slope, 0.0, most))


def _log_chances(blocks: Sequence[Block], h_inf_s: FloatArray) -> FloatArray:
    """Natural log of the chance of every cell to obey its less likely demand, in the order of all weights."""
    chances = []
    first_shape = 0
    for block in blocks:
        cells = np.arange(block.log_weight.size)
        shape = block.indices(cells)[2] + first_shape
        chances.append(demand_of(block.moments(cells), _h_inf(block, h_inf_s[shape])).log_chance)
        first_shape += len(block.shapes.exponent_s)
    return np.concatenate(chances)


def _h_inf(block: Block, h_inf_c: FloatArray) -> FloatArray:
    """`drop` at infinity; 0 on the logarithmic scale, where every floor is above zero."""
    return np.zeros_like(h_inf_c) if block.family.logarithmic else h_inf_c


def _on_other_cases(points: Points, bases: Sequence[Basis], shapes: Shapes, drawn: _Draws) -> _Draws:
    """Move (L, g) as the held-out cases, drawn again, ask: linearly, draw i by the cases of draw i."""
    assert points.held_out_mn is not None
    h = drop(shapes, log_t_of(points, shapes), log_t_last(points, shapes))[drawn.shape]
    shift = np.where(drawn.logarithmic[:, None], points.held_out_mn / points.y, points.held_out_mn)
    moved = np.zeros_like(shift)
    for number in np.unique(drawn.basis).tolist():
        mine = np.flatnonzero(drawn.basis == number)
        precision = bases[number].precision(drawn.sigma[mine], drawn.tau[mine])
        transform = bases[number].transform
        moved[mine] = (shift[mine] @ transform.T * precision) @ transform
    right_l, right_g = moved.sum(axis=1), -(moved * h).sum(axis=1)
    return msgspec.structs.replace(
        drawn,
        loss=drawn.loss + drawn.var_l * right_l + drawn.cov * right_g,
        slope=drawn.slope + drawn.cov * right_l + drawn.var_g * right_g,
    ).at_the_edge()


def _heavy_tailed(rng: np.random.Generator, draws: int) -> FloatArray:
    """Student t of unit variance in random order: now and then a curve leaves its form by far."""
    return np.asarray(rng.permutation(_tail_quantiles(draws)))


@functools.cache
def _tail_quantiles(draws: int) -> FloatArray:
    even = (np.arange(draws) + 0.5) / draws
    return np.asarray(stdtrit(_TAIL_FREEDOM, even) * math.sqrt((_TAIL_FREEDOM - 2) / _TAIL_FREEDOM))
