"""The curve of one law as an SVG picture: points, median and 90 % band, on a logarithmic axis of examples.

A picture of its own, without scripts or fonts, so that it opens anywhere and can lie in a repository.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from planner.law import Law
from planner.outcome import AsymptoteStatus, CurveBand
from planner.record import XUnit

WIDTH_PX, HEIGHT_PX = 720, 420
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 64, 16, 34, 52
FORECAST_RATIO = 8.0
MOST_POINTS = 400
_BAND_POINTS = 80
_TICKS = 5


def curve_svg(law: Law, *, target_loss: float | None = None) -> str:
    """The picture as text.

    Where the diagnosis blocks, the points are drawn alone: a band would be a claim that the data do not support.

    Args:
        law: From `fit_law`.
        target_loss: Drawn as a line, nats per suffix token.
    """
    curve = law.curve
    t, y = curve.examples_n.tolist(), curve.loss_n.tolist()
    last = t[-1]
    band = None if law.blocked else law.band(t[0], FORECAST_RATIO * last, _BAND_POINTS)
    right = t[-1] if band is None else band.examples[-1]
    levels = [*y, *(band.p05 if band else ()), *(band.p95 if band else ())]
    if target_loss is not None:
        levels.append(target_loss)
    low, high = min(levels), max(levels)
    margin = 0.05 * (high - low or high)
    x_of = _scale(math.log(t[0]), math.log(max(right, t[0] * 1.01)), LEFT_PX, WIDTH_PX - RIGHT_PX)
    y_of = _scale(low - margin, high + margin, HEIGHT_PX - BOTTOM_PX, TOP_PX)

    def path(examples: Sequence[float], loss: Sequence[float]) -> str:
        return " ".join(f"{x_of(math.log(a)):.1f},{y_of(b):.1f}" for a, b in zip(examples, loss, strict=True))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" role="img" '
        'font-family="sans-serif" font-size="12" fill="#222222">',
        f"<title>{escape(law.sentence)}</title>",
        f'<rect width="{WIDTH_PX}" height="{HEIGHT_PX}" fill="#ffffff"/>',
        f'<text x="{LEFT_PX}" y="20">{escape(_caption(law, band))}</text>',
        *_axes(t[0], right, low - margin, high + margin, x_of, y_of, _unit(law)),
    ]
    if band:
        outline = f"{path(band.examples, band.p05)} {path(band.examples[::-1], band.p95[::-1])}"
        parts.append(f'<polygon points="{outline}" fill="#9ecae1" fill-opacity="0.6"/>')
        line = path(band.examples, band.p50)
        parts.append(f'<polyline points="{line}" fill="none" stroke="#08519c" stroke-width="1.5"/>')
        at = x_of(math.log(last))
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP_PX}" y2="{HEIGHT_PX - BOTTOM_PX}" stroke="#888888" '
            'stroke-dasharray="2 4"/>'
        )
    if target_loss is not None:
        at = y_of(target_loss)
        parts.append(
            f'<line x1="{LEFT_PX}" x2="{WIDTH_PX - RIGHT_PX}" y1="{at:.1f}" y2="{at:.1f}" stroke="#b30000" '
            f'stroke-dasharray="6 3"/><text x="{WIDTH_PX - RIGHT_PX}" y="{at - 4:.1f}" text-anchor="end" '
            f'fill="#b30000">target {target_loss:g}</text>'
        )
    step = max(1, math.ceil(len(t) / MOST_POINTS))
    radius = 3.5 if len(t) <= 60 else 1.5
    parts += [
        f'<circle cx="{x_of(math.log(a)):.1f}" cy="{y_of(b):.1f}" r="{radius}"/>'
        for a, b in zip(t[::step], y[::step], strict=True)
    ]
    return "\n".join([*parts, "</svg>", ""])


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _unit(law: Law) -> str:
    return "examples" if law.curve.x_unit is XUnit.EXAMPLES else "steps"


def _caption(law: Law, band: CurveBand | None) -> str:
    if band is None:
        return "Points alone: the diagnosis forbids a forecast from these data."
    status = "identified" if law.asymptote.status is AsymptoteStatus.IDENTIFIED else "not identified"
    return f"Median and 90 % of what a run will show; asymptote {status}. Right of the dotted line: forecast."


def _axes(
    t_low: float,
    t_high: float,
    low: float,
    high: float,
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
    unit: str,
) -> list[str]:
    bottom, right = HEIGHT_PX - BOTTOM_PX, WIDTH_PX - RIGHT_PX
    parts = [f'<path d="M{LEFT_PX} {TOP_PX} V{bottom} H{right}" fill="none" stroke="#444444"/>']
    for decade in range(math.ceil(math.log10(t_low) - 1e-9), math.floor(math.log10(t_high) + 1e-9) + 1):
        at = x_of(math.log(10.0) * decade)
        parts.append(f'<path d="M{at:.1f} {bottom} v5" stroke="#444444"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 19}" text-anchor="middle">{10.0**decade:,.0f}</text>')
    for i in range(_TICKS):
        value = low + (high - low) * (i + 0.5) / _TICKS
        at = y_of(value)
        parts.append(f'<path d="M{LEFT_PX} {at:.1f} h-5" stroke="#444444"/>')
        parts.append(f'<text x="{LEFT_PX - 9}" y="{at + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    middle = (LEFT_PX + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT_PX - 10}" text-anchor="middle">{unit} (logarithmic)</text>')
    across = (TOP_PX + bottom) / 2
    parts.append(
        f'<text transform="translate(16 {across:.0f}) rotate(-90)" text-anchor="middle">loss, nats a token</text>'
    )
    return parts
