"""What a lower loss costs: the yearly cost of the cheapest option at every loss."""

from __future__ import annotations

from planner.cost.analyses import FrontPoint
from planner.cost.plan import Plan
from planner.dashboard.charts.layout import Data, axis_title, base_layout, figure, note, vertical
from planner.dashboard.palette import Palette
from planner.report.words import numbers, sentences
from planner.report.words.screen import ChartWords


def front_chart(plan: Plan, colours: Palette, say: ChartWords, language: str, *, height: int) -> Data:
    """Bars from P10 to P90 at every loss; filled where it is reached with nine in ten, hollow elsewhere."""
    points = [point for point in plan.front if point.cost_per_year.p50 is not None]
    layout = base_layout(
        colours,
        language,
        height=height,
        x={"title": axis_title(say.target_axis)},
        y={"title": axis_title(say.euro_a_year), "tickformat": ",.0f", "rangemode": "tozero"},
    )
    layout["hovermode"] = "closest"
    target = plan.scenario.target_loss
    layout["shapes"].append(vertical(target, colours.target, "dot"))
    said = say.target.format(target=numbers.loss(target, language))
    layout["annotations"].append(
        note(said, colours.target, x=target, y=0, yref="paper", yanchor="bottom", xanchor="left", xshift=4)
    )
    reached = [point for point in points if sentences.is_confident(point.probability)]
    others = [point for point in points if not sentences.is_confident(point.probability)]
    traces = [
        _trace(reached, say.reachable, colours, say, language, filled=True),
        _trace(others, say.not_reachable, colours, say, language, filled=False),
    ]
    return figure(traces, layout)


def _trace(
    points: list[FrontPoint], name: str, colours: Palette, say: ChartWords, language: str, *, filled: bool
) -> Data:
    costs = [point.cost_per_year for point in points]
    return {
        "type": "scatter",
        "x": [point.target_loss for point in points],
        "y": [cost.p50 for cost in costs],
        "error_y": {
            "type": "data",
            "symmetric": False,
            # A P90 that is not there is infinite: the bar then only reaches down.
            "array": [(cost.p90 or cost.p50 or 0.0) - (cost.p50 or 0.0) for cost in costs],
            "arrayminus": [(cost.p50 or 0.0) - (cost.p10 or 0.0) for cost in costs],
            "color": colours.forecast,
            "thickness": 2,
        },
        "mode": "markers",
        "marker": {
            "size": 10,
            "color": colours.measured if filled else colours.background,
            "line": {"color": colours.measured, "width": 2},
        },
        "name": name,
        "customdata": [
            [
                numbers.span(point.cost_per_year, numbers.eur, language),
                numbers.chance(point.probability, language),
                numbers.loss(point.target_loss, language),
                f"{point.option.gpu}, {point.option.quantization}, {sentences.tenure(point.option.tenure, language)}",
            ]
            for point in points
        ],
        "hovertemplate": f"{say.front_hover}<extra></extra>",
    }
