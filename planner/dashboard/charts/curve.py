"""Loss against examples: the measured points, the law with its interval, the target and the asymptote."""

from __future__ import annotations

import math

from planner.cost.plan import Plan
from planner.dashboard.charts.layout import (
    Data,
    axis_title,
    base_layout,
    figure,
    horizontal,
    log_ticks,
    note,
)
from planner.dashboard.palette import Palette
from planner.outcome import AsymptoteStatus
from planner.report.words import numbers, sentences
from planner.report.words.screen import ChartWords

_MANY_POINTS = 60


def curve_chart(
    plan: Plan, colours: Palette, say: ChartWords, language: str, *, target: bool = True, height: int = 400
) -> Data:
    """The curve of a plan; without `target` it shows the calibration alone."""
    band = plan.curve.band
    low, high = _loss_range(plan, target=target)
    ticks = log_ticks(band.examples[0], band.examples[-1])
    layout = base_layout(
        colours,
        language,
        height=height,
        x={
            "type": "log",
            "range": [math.log10(band.examples[0]) - 0.03, math.log10(band.examples[-1]) + 0.03],
            "tickvals": ticks,
            "ticktext": [numbers.examples(tick, language) for tick in ticks],
            "title": axis_title(say.x_axis.format(unit=sentences.axis(plan, language))),
            "hoverformat": ",.0f",
        },
        y={"range": [low, high], "title": axis_title(say.y_axis)},
    )
    traces = [_band(plan, colours, say), *_law(plan, colours, say), _measured(plan, colours, say)]
    _add_asymptote(layout, plan, colours, say, language, floor=low)
    if target:
        layout["shapes"].append(horizontal(plan.scenario.target_loss, colours.target, "dot"))
        said = say.target.format(target=numbers.loss(plan.scenario.target_loss, language))
        place = "left" if _is_reached_late(plan) else "right"
        layout["annotations"].append(
            note(
                said,
                colours.target,
                x=0 if place == "left" else 1,
                xref="paper",
                xanchor=place,
                y=plan.scenario.target_loss,
                yanchor="bottom",
            )
        )
        traces += _reached(plan, colours, say)
    return figure(traces, layout)


def _band(plan: Plan, colours: Palette, say: ChartWords) -> Data:
    band = plan.curve.band
    return {
        "type": "scatter",
        "x": [*band.examples, *reversed(band.examples)],
        "y": [*band.p95, *reversed(band.p05)],
        "fill": "toself",
        "fillcolor": colours.band,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "name": say.interval,
    }


def _law(plan: Plan, colours: Palette, say: ChartWords) -> list[Data]:
    """Solid where it was measured, dashed beyond."""
    band = plan.curve.band
    split = sum(1 for x in band.examples if x <= plan.curve.largest_examples)
    parts = ((say.law, slice(0, split), "solid"), (say.forecast, slice(max(split - 1, 0), None), "dash"))
    return [
        {
            "type": "scatter",
            "x": band.examples[part],
            "y": band.p50[part],
            "mode": "lines",
            "line": {"color": colours.forecast, "width": 2.5, "dash": dash},
            "name": name,
            "hovertemplate": "%{y:.3f}<extra></extra>",
        }
        for name, part, dash in parts
    ]


def _measured(plan: Plan, colours: Palette, say: ChartWords) -> Data:
    curve = plan.curve
    return {
        "type": "scatter",
        "x": curve.measured_examples,
        "y": curve.measured_loss,
        "mode": "markers",
        "marker": {
            "color": colours.measured,
            "size": 9 if len(curve.measured_loss) <= _MANY_POINTS else 4,
            "line": {"color": colours.background, "width": 1.5},
        },
        "name": say.measured,
        "hovertemplate": f"{say.measured}: %{{y:.3f}}<extra></extra>",
    }


def _reached(plan: Plan, colours: Palette, say: ChartWords) -> list[Data]:
    """A diamond where the target is reached, if it is."""
    reached, band = plan.if_reached.examples.p50, plan.curve.band
    if reached is None or not band.examples[0] <= reached <= band.examples[-1]:
        return []
    return [
        {
            "type": "scatter",
            "x": [reached],
            "y": [plan.scenario.target_loss],
            "mode": "markers",
            "showlegend": False,
            "marker": {
                "color": colours.target,
                "size": 13,
                "symbol": "diamond",
                "line": {"color": colours.background, "width": 1.5},
            },
            "hovertemplate": f"{say.reached}: %{{x:,.0f}}<extra></extra>",
        }
    ]


def _is_reached_late(plan: Plan) -> bool:
    """Whether target and law meet in the right half, or nowhere: there the name of the target would cover them."""
    reached, band = plan.if_reached.examples.p50, plan.curve.band
    return reached is None or reached > math.sqrt(band.examples[0] * band.examples[-1])


def _loss_range(plan: Plan, *, target: bool) -> tuple[float, float]:
    """Limits that show every measured point, the target and the interval, but not a floor that nobody knows."""
    curve = plan.curve
    aims = [plan.scenario.target_loss] if target else []
    values = [*curve.measured_loss, *aims, curve.band.p50[-1], curve.band.p05[-1]]
    if plan.asymptote.status is AsymptoteStatus.IDENTIFIED and plan.asymptote.p05 is not None:
        values.append(plan.asymptote.p05)
    low, high = min(values), max([*curve.measured_loss, *aims, curve.band.p50[0]])
    room = 0.06 * (high - low)
    return max(0.0, low - room), high + room


def _add_asymptote(layout: Data, plan: Plan, colours: Palette, say: ChartWords, language: str, *, floor: float) -> None:
    asymptote = plan.asymptote
    if asymptote.status is not AsymptoteStatus.IDENTIFIED or asymptote.p50 is None:
        return
    if asymptote.p05 is not None and asymptote.p95 is not None:
        layout["shapes"].append(
            {
                "type": "rect",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": max(asymptote.p05, floor),
                "y1": asymptote.p95,
                "fillcolor": colours.asymptote_band,
                "line": {"width": 0},
                "layer": "below",
            }
        )
    layout["shapes"].append(horizontal(asymptote.p50, colours.asymptote, "longdashdot"))
    said = say.asymptote.format(asymptote=numbers.loss(asymptote.p50, language))
    layout["annotations"].append(
        note(said, colours.asymptote, x=0, xref="paper", xanchor="left", y=asymptote.p50, yanchor="top")
    )
