"""The members of the law: how the excess loss falls with examples.

Every member is linear in two numbers once its shape is fixed. With t_r the last measured budget it is written

    loss(t) = L - g * drop(t),    drop(t_r) = 0,  d drop / d ln t (t_r) = 1

so that L is the loss and g the drop per e-fold at t_r, which the data know well; all ignorance sits in the shape. The
asymptote is c = L - g * drop(inf). For the power law this is loss(t) = a * t**(-b) + c with
a = g * t_r**b / b.

Repeated passes enter through t: `effective_log_t` turns processed examples into examples that are worth as much as new
ones, and every member runs on those.

Legend: _s shapes, _n points.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Member(StrEnum):
    """Functional forms that are averaged by evidence.

    POWER: a * t**(-b) + c.
    SHIFTED: a * (t + t0)**(-b) + c; adapters start at zero and begin slowly. With t0 beyond the last budget the curve
        is still in its pre-power phase: the fall per doubling grows.
    RECTIFIED: a / (t0**b + t**b) + c; loss against data size in fine-tuning (Lin et al. 2024, rectified scaling law).
    """

    POWER = "power"
    SHIFTED = "shifted"
    RECTIFIED = "rectified"


class Shapes(Struct, frozen=True, kw_only=True):
    """A list of shapes, one a row.

    Attributes:
        rectified_s: True for `RECTIFIED`; False covers `POWER` (t0 = 0) and `SHIFTED`.
        exponent_s: b > 0.
        log_shift_s: ln of t0; -inf is no shift.
        worth_s: R* of Muennighoff et al. 2023: passes after which repetition is worth little; inf: as good as new.
    """

    rectified_s: NDArray[np.bool_]
    exponent_s: FloatArray
    log_shift_s: FloatArray
    worth_s: FloatArray

    def take(self, index: NDArray[np.intp]) -> Shapes:
        """The shapes at `index`, repeats allowed."""
        return Shapes(
            rectified_s=self.rectified_s[index],
            exponent_s=self.exponent_s[index],
            log_shift_s=self.log_shift_s[index],
            worth_s=self.worth_s[index],
        )

    def moved(self, log_t: float) -> Shapes:
        """The shapes with every shift times exp(log_t)."""
        return Shapes(
            rectified_s=self.rectified_s,
            exponent_s=self.exponent_s,
            log_shift_s=self.log_shift_s + log_t,
            worth_s=self.worth_s,
        )

    @staticmethod
    def joined(parts: Sequence[Shapes]) -> Shapes:
        """One list of shapes after the other."""
        return Shapes(
            rectified_s=np.concatenate([part.rectified_s for part in parts]),
            exponent_s=np.concatenate([part.exponent_s for part in parts]),
            log_shift_s=np.concatenate([part.log_shift_s for part in parts]),
            worth_s=np.concatenate([part.worth_s for part in parts]),
        )

    @property
    def member_s(self) -> list[Member]:
        """The member of every shape."""
        names = np.where(
            self.rectified_s, Member.RECTIFIED, np.where(np.isneginf(self.log_shift_s), Member.POWER, Member.SHIFTED)
        )
        return [Member(str(name)) for name in names]


def effective_log_t(log_t_n: FloatArray, unique_n: FloatArray, worth_s: FloatArray) -> FloatArray:
    """Natural log of the new examples that repeated ones are worth, shape (s, n).

    t_eff = U + U * R* * (1 - exp(-(t / U - 1) / R*)) beyond the first pass over U different examples (Muennighoff et
    al. 2023, "Scaling data-constrained language models", equation 5); t within it.
    """
    repeats = np.maximum(np.exp(log_t_n) / unique_n - 1.0, 0.0)
    worth = worth_s[:, None]
    finite = np.isfinite(worth)
    known = np.where(finite, worth, 1.0)
    discounted = np.where(finite, known * -np.expm1(-repeats / known), repeats)
    return np.asarray(np.minimum(log_t_n, np.log(unique_n)) + np.log1p(discounted))


def drop(shapes: Shapes, log_t: FloatArray, log_t_last: FloatArray) -> FloatArray:
    """`drop` of every shape at every point, shape (s, n); see the head of the module.

    Args:
        shapes: s of them.
        log_t: ln t, shape (n,) or (s, n).
        log_t_last: ln t_r of every shape, shape (s,).
    """
    last = log_t_last[:, None]
    log_t = np.broadcast_to(log_t, (len(last), log_t.shape[-1]))
    gap = _log_decay(shapes, log_t) - _log_decay(shapes, last)
    return np.asarray(-np.expm1(gap) / (shapes.exponent_s * _share(shapes, log_t_last))[:, None])


def drop_at_infinity(shapes: Shapes, log_t_last: FloatArray) -> FloatArray:
    """What is left to gain beyond t_r, in units of g, shape (s,); more new examples, not more passes."""
    return np.asarray(1.0 / (shapes.exponent_s * _share(shapes, log_t_last)))


def _log_decay(shapes: Shapes, log_t: FloatArray) -> FloatArray:
    """Logarithm of the excess up to a constant: -ln(t0**b + t**b) or -b ln(t + t0)."""
    b = shapes.exponent_s[:, None]
    scale = np.where(shapes.rectified_s[:, None], b, 1.0)
    shifted = scale * shapes.log_shift_s[:, None]
    return np.asarray(-b / scale * np.logaddexp(scale * log_t, shifted))


def _share(shapes: Shapes, log_t_last: FloatArray) -> FloatArray:
    """-d ln(excess) / d ln t at t_r, divided by b: 1 without a shift, smaller while the slow start lasts."""
    gap = shapes.log_shift_s - log_t_last
    return np.asarray(1.0 / (1.0 + np.exp(np.where(shapes.rectified_s, shapes.exponent_s * gap, gap))))
