"""The members of the law: how the excess loss falls with examples.

Every member is linear in two numbers once its shape is fixed. With t_r the last measured budget it is written

    loss(t) = L - g * drop(t),    drop(t_r) = 0,  d drop / d ln t (t_r) = 1

so that L is the loss and g the drop per e-fold at t_r, which the data know well; all ignorance sits in the shape. The
asymptote is c = L - g * drop(inf). For the power law this is loss(t) = a * t**(-b) + c with
a = g * t_r**b / b.

Legend: _s shapes, _n points.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Member(StrEnum):
    """Functional forms that are averaged by evidence.

    POWER: a * t**(-b) + c.
    SHIFTED: a * (t + t0)**(-b) + c; adapters start at zero and begin slowly.
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
    """

    rectified_s: NDArray[np.bool_]
    exponent_s: FloatArray
    log_shift_s: FloatArray

    def take(self, index: NDArray[np.intp]) -> Shapes:
        """The shapes at `index`, repeats allowed."""
        return Shapes(
            rectified_s=self.rectified_s[index],
            exponent_s=self.exponent_s[index],
            log_shift_s=self.log_shift_s[index],
        )

    @property
    def member_s(self) -> list[Member]:
        """The member of every shape."""
        names = np.where(
            self.rectified_s, Member.RECTIFIED, np.where(np.isneginf(self.log_shift_s), Member.POWER, Member.SHIFTED)
        )
        return [Member(str(name)) for name in names]


def drop(shapes: Shapes, log_t_n: FloatArray, log_t_last: float) -> FloatArray:
    """`drop` of every shape at every point, shape (s, n); see the head of the module."""
    b = shapes.exponent_s[:, None]
    log_decay_n = _log_decay(shapes, log_t_n[None, :])
    log_decay_last = _log_decay(shapes, np.full((1, 1), log_t_last))
    return np.asarray(-np.expm1(log_decay_n - log_decay_last) / (b * _share(shapes, log_t_last)[:, None]))


def drop_at_infinity(shapes: Shapes, log_t_last: float) -> FloatArray:
    """What is left to gain beyond t_r, in units of g, shape (s,)."""
    return np.asarray(1.0 / (shapes.exponent_s * _share(shapes, log_t_last)))


def _log_decay(shapes: Shapes, log_t: FloatArray) -> FloatArray:
    """Logarithm of the excess up to a constant."""
    b, shift = shapes.exponent_s[:, None], shapes.log_shift_s[:, None]
    return np.where(shapes.rectified_s[:, None], -np.logaddexp(b * log_t, b * shift), -b * np.logaddexp(log_t, shift))


def _share(shapes: Shapes, log_t_last: float) -> FloatArray:
    """-d ln(excess) / d ln t at t_r, divided by b: 1 without a shift, smaller while the slow start lasts."""
    gap = shapes.log_shift_s - log_t_last
    return 1.0 / (1.0 + np.exp(np.where(shapes.rectified_s, shapes.exponent_s * gap, gap)))
