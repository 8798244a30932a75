"""Charts as plain data: every position is a share (0 to 1) of its axis, every label is text.

The template that draws them knows nothing about losses or euro.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from planner.cost.plan import Influence, Option, Plan
from planner.report.words import numbers

Point = tuple[float, float]


class Tick(Struct, frozen=True, kw_only=True):
    """A labelled place on an axis."""

    at: float
    label: str


class CurveChart(Struct, frozen=True, kw_only=True):
    """Loss against examples (logarithmic): measured points, forecast with band, target, floor, horizon."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    measured: list[Point]
    fitted_line: list[Point]
    forecast_line: list[Point]
    band_low: list[Point]
    band_high: list[Point]
    target: float
    asymptote: tuple[float, float] | None
    horizon: float


class RangeBar(Struct, frozen=True, kw_only=True):
    """A range with its middle, as shares of a common axis."""

    low: float
    middle: float
    high: float


def curve_chart(plan: Plan, language: str = "en") -> CurveChart:
    """The curve of a plan in unit coordinates. The axes hold points, forecast, target and an identified floor."""
    curve, band, target = plan.curve, plan.curve.band, plan.scenario.target_loss
    floor = _floor(plan)
    x_all = [x for x in (*curve.measured_examples, *band.examples, curve.horizon_examples) if x > 0] or [1.0]
    x_low, x_high = min(x_all), max(max(x_all), 1.01 * min(x_all))
    y_all = [*curve.measured_loss, *band.p50, target, *(floor or ()), *band.p05[-1:]]
    y_ticks = _linear_ticks(min(y_all), max(y_all))
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def x(value: float) -> float:
        return _share(math.log(max(value, x_low)), math.log(x_low), math.log(x_high))

    def y(value: float) -> float:
        return _share(value, y_low, y_high)

    def line(values: Sequence[float], keep: Sequence[bool]) -> list[Point]:
        return [(x(t), y(v)) for t, v, kept in zip(band.examples, values, keep, strict=False) if kept]

    everywhere = [True] * len(band.examples)
    before = [t <= curve.largest_examples for t in band.examples]
    after = [t >= curve.largest_examples for t in band.examples]
    fitted, forecast = line(band.p50, before), line(band.p50, after)
    decimals = _decimals(y_ticks[1] - y_ticks[0])
    return CurveChart(
        x_ticks=[Tick(at=x(t), label=numbers.decimal(t, _decimals(t), language)) for t in _log_ticks(x_low, x_high)],
        y_ticks=[Tick(at=y(v), label=numbers.decimal(v, decimals, language)) for v in y_ticks],
        measured=[(x(t), y(v)) for t, v in zip(curve.measured_examples, curve.measured_loss, strict=False)],
        fitted_line=fitted,
        forecast_line=[*fitted[-1:], *forecast],
        band_low=line(band.p05, everywhere),
        band_high=line(band.p95, everywhere),
        target=y(target),
        asymptote=None if floor is None else (y(floor[0]), y(floor[1])),
        horizon=x(curve.horizon_examples),
    )


def option_bars(options: Sequence[Option]) -> list[RangeBar | None]:
    """P10, P50 and P90 of the yearly cost of every option on one axis; None where one of them is not reached."""
    costs = [option.cost_per_year for option in options]
    finite = [c for c in costs if c.p10 is not None and c.p50 is not None and c.p90 is not None]
    low = min((c.p10 for c in finite if c.p10 is not None), default=0.0)
    high = max((c.p90 for c in finite if c.p90 is not None), default=1.0)
    return [
        None
        if c.p10 is None or c.p50 is None or c.p90 is None
        else RangeBar(low=_share(c.p10, low, high), middle=_share(c.p50, low, high), high=_share(c.p90, low, high))
        for c in costs
    ]


def influence_bars(influences: Sequence[Influence], middle_eur: float | None) -> list[RangeBar]:
    """The bars of the tornado on one axis; the middle is the yearly cost with every input at its median."""
    ends = [end for item in influences for end in (item.cost_low_eur, item.cost_high_eur)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    centre = 0.5 * (low + high) if middle_eur is None else min(max(middle_eur, low), high)
    return [
        RangeBar(
            low=_share(min(item.cost_low_eur, item.cost_high_eur), low, high),
            middle=_share(centre, low, high),
            high=_share(max(item.cost_low_eur, item.cost_high_eur), low, high),
        )
        for item in influences
    ]


def _floor(plan: Plan) -> tuple[float, float] | None:
    low, high = plan.asymptote.p05, plan.asymptote.p95
    if plan.asymptote.status.value != "IDENTIFIED" or low is None or high is None:
        return None
    return low, high


def _share(value: float, low: float, high: float) -> float:
    """Where a value lies on an axis, cut at its ends; six decimals keep a file the same on every machine."""
    return round(min(1.0, max(0.0, (value - low) / (high - low))), 6) if high > low else 0.5


def _linear_ticks(low: float, high: float) -> list[float]:
    """Round values from below `low` to above `high`, four to eight of them."""
    span = max(high - low, 1e-3 * abs(high), 1e-9)
    magnitude = 10.0 ** math.floor(math.log10(span / 4))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if span / (factor * magnitude) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, max(last, first + 1) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten within the axis; also 2 and 5 times them where there are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [factor * 10.0**power for power in decades for factor in factors]
        inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(inside) >= 4:
            return inside
    return inside or [low, high]


def _decimals(step: float) -> int:
    """Decimals that tell values a step apart."""
    if step >= 1:
        return 0 if float(step).is_integer() else 1
    return next(n for n in range(1, 13) if abs(round(step, n) - step) < 1e-9 * step or n == 12)
