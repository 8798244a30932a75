"""What is believed before the data: the families of the law and their priors.

A family is a scale (nats, or the logarithm of the loss), whether it leaves the form (discrepancy), and prior weights
for all that the closed form does not solve: member and shift, exponent, noise, discrepancy, burn-in, width of the
slope. The weights were found by the score of forecasts on public curves and on drawn laws together; docs/law.md says
how it was checked on sources that took no part.

Legend: _s shapes, _k pairs of (noise, discrepancy), _w burn-ins, _g widths of the slope.
"""

from __future__ import annotations

import functools
import math

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.law.forms import Shapes

FloatArray = NDArray[np.float64]

EXPONENT_MIN, EXPONENT_MAX = 0.03, 3.0
SIGMA = np.array([0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064])
SIGMA_ROUGH = np.array([0.0005, 0.0013, 0.0035, 0.009, 0.024, 0.064])
BURN_IN_SHARE = (0.0, 0.2, 0.4, 0.6)
# R* of repeated passes, equally likely: worth little soon, as in language pretraining, as good as new.
# Exponents and shifts of a grid that was laid out again.
FINE, FINE_SHIFTS = 24, 8
WORTH = (4.0, 15.0, math.inf)


Pairs = tuple[tuple[float, float], ...]


class Family(Struct, frozen=True, kw_only=True):
    """One family with its prior; weights need not add up to one.

    Attributes:
        weight: Prior probability of the family.
        logarithmic: The form holds for ln(loss): loss = c * exp(a * t**(-b)); else for the loss itself.
        power: Prior of no shift.
        shifted: Prior by shift t0 / t_r of (t + t0)**(-b).
        rectified: Prior by shift t0 / t_r of 1 / (t0**b + t**b).
        exponent: Median and standard deviation of ln b.
        sigma: Median and standard deviation of ln sigma.
        tau: Prior by relative discrepancy.
        burn_in: Prior by `BURN_IN_SHARE`.
        slope: Prior by standard deviation of g, relative to the last loss.
    """

    weight: float
    weight_trace: float
    logarithmic: bool
    power: float
    shifted: Pairs
    rectified: Pairs
    exponent: tuple[float, float]
    exponents: tuple[float, float, int]
    sigma: tuple[float, float]
    tau: Pairs
    burn_in: tuple[float, ...]
    slope: Pairs

    @property
    def exact(self) -> bool:
        """Whether there is no discrepancy."""
        return all(tau == 0.0 for tau, _ in self.tau)


EXACT = Family(
    weight=0.53,
    weight_trace=0.26,
    logarithmic=False,
    power=0.6,
    shifted=(
        (0.003, 0.06),
        (0.006, 0.06),
        (0.012, 0.06),
        (0.025, 0.05),
        (0.05, 0.04),
        (0.1, 0.03),
        (0.2, 0.02),
        (0.4, 0.015),
        (0.8, 0.01),
        (2.0, 0.01),
    ),
    rectified=((0.15, 0.03), (1.0, 0.02)),
    exponent=(0.5, 0.8),
    exponents=(0.03, 3.0, 16),
    sigma=(0.012, 1.2),
    tau=((0.0, 1.0),),
    burn_in=(0.45, 0.3, 0.2, 0.05),
    slope=((0.03, 0.4), (0.2, 0.4), (0.6, 0.2)),
)
ROUGH = Family(
    weight=0.66,
    weight_trace=0.66,
    logarithmic=False,
    power=0.3,
    shifted=((0.004, 0.1), (0.02, 0.1), (0.1, 0.03), (0.6, 0.03)),
    rectified=((0.01, 0.09), (0.1, 0.1), (0.3, 0.15), (1.0, 0.1)),
    exponent=(0.22, 0.5),
    exponents=(0.05, 0.9, 8),
    sigma=(0.0025, 1.3),
    tau=((0.005, 0.12), (0.013, 0.3), (0.035, 0.54), (0.1, 0.04)),
    burn_in=(0.25, 0.15, 0.45, 0.15),
    slope=((0.03, 0.5), (0.5, 0.5)),
)
LOGARITHMIC = Family(
    weight=0.35,
    weight_trace=0.4,
    logarithmic=True,
    power=0.48,
    shifted=((0.02, 0.1), (0.1, 0.04)),
    rectified=((0.3, 0.15), (0.6, 0.1), (1.5, 0.1)),
    exponent=(0.57, 0.2),
    exponents=(0.35, 0.95, 5),
    sigma=(0.002, 1.3),
    tau=((0.015, 0.05), (0.035, 0.5), (0.1, 0.3), (0.3, 0.15)),
    burn_in=(0.15, 0.24, 0.3, 0.3),
    slope=((0.1, 0.1), (0.5, 0.9)),
)
# Steep learning between a slow start and a plateau, as adapters do: an S in ln(loss) over ln t.
STEEP = Family(
    weight=0.3,
    weight_trace=0.3,
    logarithmic=True,
    power=0.0,
    shifted=((1.0, 0.04), (4.0, 0.03)),
    rectified=((0.1, 0.2), (0.3, 0.35), (0.7, 0.3), (1.5, 0.15)),
    exponent=(1.5, 0.4),
    exponents=(0.5, 2.5, 6),
    sigma=(0.01, 1.2),
    tau=((0.015, 0.3), (0.05, 0.5), (0.15, 0.2)),
    burn_in=(0.25, 0.15, 0.45, 0.15),
    slope=((0.03, 0.5), (0.5, 0.5)),
)
FAMILIES = (EXACT, ROUGH, LOGARITHMIC, STEEP)


class Outer(Struct, frozen=True, kw_only=True):
    """Every member with every shift, and the log of its prior mass; _o of them."""

    log_shift_o: FloatArray
    rectified_o: NDArray[np.bool_]
    log_mass_o: FloatArray


class Grid(Struct, frozen=True, kw_only=True):
    """A family laid out: shapes run over R*, then `outer`, then the exponent.

    Attributes:
        log_b: Exponents, evenly spaced in ln b.
        shapes: With shifts relative to the last point.
        log_prior_s: Of every shape: the member, the shift and the exponent.
        log_prior_w: Of every burn-in: the family's weight and the burn-in's.
    """

    outer: Outer
    log_b: FloatArray
    shapes: Shapes
    log_prior_s: FloatArray
    sigma_k: FloatArray
    tau_k: FloatArray
    log_prior_k: FloatArray
    log_prior_w: FloatArray
    slope_sd_g: FloatArray
    log_prior_g: FloatArray


@functools.cache
def family_grid(family: Family, *, repeated: bool, burn_ins: int, trace: bool) -> Grid:
    """The grid of a family on its own exponents and shifts."""
    low, high, count = family.exponents
    sigma_median, sigma_sd = family.sigma
    sigma = SIGMA if family.exact else SIGMA_ROUGH
    log_prior_sigma = -0.5 * ((np.log(sigma) - math.log(sigma_median)) / sigma_sd) ** 2
    log_prior_sigma -= math.log(np.exp(log_prior_sigma).sum())
    tau, log_prior_tau = _values_and_log_shares(family.tau)
    slope_sd, log_prior_slope = _values_and_log_shares(family.slope)
    burn_in = np.array(family.burn_in[:burn_ins])
    rows = [(0.0, False, family.power)] if family.power else []
    rows += [(t0, False, p) for t0, p in family.shifted] + [(t0, True, p) for t0, p in family.rectified]
    shift, rectified, mass = (np.array(column) for column in zip(*rows, strict=True))
    with np.errstate(divide="ignore"):
        log_shift = np.log(shift)
    outer = Outer(log_shift_o=log_shift, rectified_o=rectified.astype(bool), log_mass_o=np.log(mass / mass.sum()))
    log_b = np.linspace(math.log(low), math.log(high), count)
    shapes, log_prior_s = _shapes(family, outer, log_b, WORTH if repeated else (math.inf,))
    return Grid(
        outer=outer,
        log_b=log_b,
        shapes=shapes,
        log_prior_s=log_prior_s,
        sigma_k=np.repeat(sigma, len(tau)),
        tau_k=np.tile(tau, len(sigma)),
        log_prior_k=np.repeat(log_prior_sigma, len(tau)) + np.tile(log_prior_tau, len(sigma)),
        log_prior_w=np.log(burn_in / burn_in.sum()) + math.log(family.weight_trace if trace else family.weight),
        slope_sd_g=slope_sd,
        log_prior_g=log_prior_slope,
    )


def refined_grid(family: Family, grid: Grid, held_ob: NDArray[np.bool_], held_k: NDArray[np.bool_]) -> Grid:
    """The grid laid out again over the members, shifts and exponents that hold mass, one more to each side.

    Prior masses stay those of the density, so that a finer grid is no better believed.

    Args:
        family: The family of the grid.
        grid: A coarser one.
        held_ob: Whether an outer row at an exponent holds mass.
        held_k: Whether a pair of noise and discrepancy does; the others are left out.
    """
    low, high = _around(np.flatnonzero(held_ob.any(axis=0)), len(grid.log_b))
    log_b = np.linspace(grid.log_b[low], grid.log_b[high], FINE)
    outer = grid.outer
    parts = []
    plain = np.asarray(np.isneginf(outer.log_shift_o))
    held_o = np.asarray(held_ob.any(axis=1))
    if (plain & held_o).any():
        parts.append((outer.log_shift_o[plain], outer.rectified_o[plain], outer.log_mass_o[plain]))
    for rectified in (False, True):
        index = np.flatnonzero(~plain & (outer.rectified_o == rectified))
        held = np.flatnonzero(held_o[index])
        if not len(held):
            continue
        at, mass = outer.log_shift_o[index], outer.log_mass_o[index]
        first, last = _around(held, len(index))
        fine = np.linspace(at[first], at[last], FINE_SHIFTS)
        density = np.interp(fine, at, mass - np.log(np.gradient(at)))
        parts.append((fine, np.full(FINE_SHIFTS, rectified), density + math.log(fine[1] - fine[0])))
    log_shift, rectified_o, log_mass = (np.concatenate(column) for column in zip(*parts, strict=True))
    outer = Outer(log_shift_o=log_shift, rectified_o=rectified_o, log_mass_o=log_mass)
    worths = tuple(dict.fromkeys(grid.shapes.worth_s.tolist()))
    shapes, log_prior_s = _shapes(family, outer, log_b, worths)
    return msgspec.structs.replace(
        grid,
        outer=outer,
        log_b=log_b,
        shapes=shapes,
        log_prior_s=log_prior_s,
        sigma_k=grid.sigma_k[held_k],
        tau_k=grid.tau_k[held_k],
        log_prior_k=grid.log_prior_k[held_k],
    )


def _around(held: NDArray[np.intp], size: int) -> tuple[int, int]:
    """First and last of those that hold mass, one more to each side."""
    return max(int(held[0]) - 1, 0), min(int(held[-1]) + 1, size - 1)


def _shapes(family: Family, outer: Outer, log_b: FloatArray, worths: tuple[float, ...]) -> tuple[Shapes, FloatArray]:
    """Every member with every shift and exponent, and the log prior of each."""
    median, sd = family.exponent
    density = -0.5 * ((log_b - math.log(median)) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))
    log_prior_b = density + math.log((log_b[-1] - log_b[0]) / (len(log_b) - 1))
    rows = len(outer.log_shift_o)
    shapes = Shapes(
        rectified_s=np.tile(np.repeat(outer.rectified_o, len(log_b)), len(worths)),
        exponent_s=np.tile(np.exp(log_b), rows * len(worths)),
        log_shift_s=np.tile(np.repeat(outer.log_shift_o, len(log_b)), len(worths)),
        worth_s=np.repeat(np.array(worths), rows * len(log_b)),
    )
    log_prior = (outer.log_mass_o[:, None] + log_prior_b).ravel() - math.log(len(worths))
    return shapes, np.tile(log_prior, len(worths))


def _values_and_log_shares(prior: Pairs) -> tuple[FloatArray, FloatArray]:
    value, weight = (np.array(column) for column in zip(*prior, strict=True))
    return value, np.log(weight / weight.sum())
