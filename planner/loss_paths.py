"""Draws of a loss curve on a grid: what the cost model asks of the law beyond one target.

Plain data with two look-ups. The law makes it (`planner.law.loss_paths`); nothing here knows how.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.outcome import Interval

FloatArray = NDArray[np.float64]


class LossPaths(Struct, frozen=True, kw_only=True):
    """Loss of every draw along examples; it never rises (a worse later state is not used).

    Attributes:
        examples_q: Grid, ascending, from the smallest measured budget to the horizon, shape (q,).
        loss_mq: Nats per suffix token, shape (m, q).
        horizon_examples: How far any statement reaches.
        limited_by: `studies` or `extrapolation`.
        unique_studies: Different studies that are there; None: unknown.
        data_axis_measured: Whether the calibration itself varied how many different studies it saw.
    """

    examples_q: FloatArray
    loss_mq: FloatArray
    horizon_examples: float
    limited_by: str
    unique_studies: float | None
    data_axis_measured: bool

    def examples_to(self, target_loss: float) -> FloatArray:
        """Examples at which every draw first reaches a loss, shape (m,); inf where not within the horizon."""
        reached = self.loss_mq <= target_loss
        after = reached.argmax(axis=1)
        rows = np.arange(len(self.loss_mq))
        before = np.maximum(after - 1, 0)
        high, low = self.loss_mq[rows, before], self.loss_mq[rows, after]
        fall = np.maximum(high - low, 1e-15 * high)
        share = np.where(after > 0, np.clip((high - target_loss) / fall, 0.0, 1.0), 1.0)
        log_q = np.log(self.examples_q)
        examples = np.exp(log_q[before] + share * (log_q[after] - log_q[before]))
        return np.where(reached.any(axis=1), examples, np.inf)

    def loss_at(self, examples_m: FloatArray, draw_m: NDArray[np.intp] | None = None) -> FloatArray:
        """Loss after so many examples, one for each draw, shape (m,); beyond the horizon that of the horizon.

        Args:
            examples_m: inf where below the smallest measured budget gives inf: no statement reaches there.
            draw_m: Which draw of the law belongs to each; None: in order.
        """
        rows = np.arange(len(examples_m)) if draw_m is None else draw_m
        log_q = np.log(self.examples_q)
        with np.errstate(divide="ignore"):
            place = np.interp(np.log(examples_m), log_q, np.arange(len(log_q)))
        left = np.minimum(place.astype(int), len(log_q) - 2)
        share = place - left
        loss = self.loss_mq[rows, left] * (1.0 - share) + self.loss_mq[rows, left + 1] * share
        return np.where(examples_m < self.examples_q[0] * (1.0 - 1e-9), np.inf, loss)

    @property
    def at_horizon(self) -> Interval:
        """Lowest loss that the data support, 90 % interval and median."""
        low, middle, high = np.quantile(self.loss_mq[:, -1], [0.05, 0.5, 0.95])
        return Interval(p05=float(low), p50=float(middle), p95=float(high))


LossPathsOf = Callable[[float | None], LossPaths]
"""From a number of different studies (None: those of the calibration) to the draws of the curve with them."""
