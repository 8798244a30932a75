"""Ranges of the yearly cost as horizontal bars: the tornado, and plans side by side."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from planner.cost.plan import CostQuantiles, Plan
from planner.dashboard.charts.layout import Data, axis_title, base_layout, figure, note
from planner.dashboard.palette import Palette
from planner.report.words import numbers, sentences
from planner.report.words.screen import ChartWords

_MOST_BARS = 8
_BAR_PX = 40
# On a phone the amounts beside the bars need as much room as half of what the bars have.
_LABEL_ROOM = 0.36
_AMOUNT_PX = 12
_LABEL_LETTERS = 18


def influence_chart(plan: Plan, colours: Palette, say: ChartWords, language: str) -> Data:
    """The tornado: yearly cost with one input at its P10 and P90, the widest on top."""
    bars = sorted(plan.influences, key=lambda bar: abs(bar.cost_high_eur - bar.cost_low_eur))[-_MOST_BARS:]
    labels = [_in_lines(sentences.label(bar.code, bar.label, language)) for bar in bars]
    ends = [sorted((bar.cost_low_eur, bar.cost_high_eur)) for bar in bars]
    chart = _ranges(labels, ends, None, colours, say, language)
    _name_ends(chart, labels, ends, colours, language)
    return chart


def _in_lines(label: str) -> str:
    """A long label in lines, so that a phone has room for the bars."""
    return "<br>".join(wrap(label, _LABEL_LETTERS, break_on_hyphens=False))


def _name_ends(
    chart: Data, labels: Sequence[str], ends: Sequence[Sequence[float]], colours: Palette, language: str
) -> None:
    """The amounts at both ends of every bar that is wide enough to have two."""
    if not ends:
        return
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    room = _LABEL_ROOM * (high - low or max(high, 1.0))
    chart["layout"]["xaxis"]["range"] = [low - room, high + room]
    for label, (first, last) in zip(labels, ends, strict=True):
        said = numbers.eur(first, language), numbers.eur(last, language)
        if said[0] == said[1]:
            continue
        for text, at, side, shift in ((said[0], first, "right", -4), (said[1], last, "left", 4)):
            chart["layout"]["annotations"].append(
                note(
                    text,
                    colours.text,
                    x=at,
                    y=label,
                    xanchor=side,
                    xshift=shift,
                    yanchor="middle",
                    font={"color": colours.text, "size": _AMOUNT_PX},
                )
            )


def ranges_chart(
    names: Sequence[str], costs: Sequence[CostQuantiles], colours: Palette, say: ChartWords, language: str
) -> Data:
    """P10 to P90 of several plans on one axis, the first on top; a plan without P90 has no bar."""
    rows = [
        (name, [cost.p10, cost.p90], cost.p50)
        for name, cost in reversed(list(zip(names, costs, strict=True)))
        if cost.p10 is not None and cost.p50 is not None and cost.p90 is not None
    ]
    middles = [middle for _, _, middle in rows]
    return _ranges([name for name, *_ in rows], [ends for _, ends, _ in rows], middles, colours, say, language)


def _ranges(
    labels: Sequence[str],
    ends: Sequence[Sequence[float]],
    middles: Sequence[float] | None,
    colours: Palette,
    say: ChartWords,
    language: str,
) -> Data:
    layout = base_layout(
        colours,
        language,
        height=90 + _BAR_PX * max(len(labels), 1),
        x={"title": axis_title(say.euro_a_year), "tickformat": ",.0f", "showgrid": True},
        y={"type": "category"},
    )
    layout |= {"bargap": 0.4, "hovermode": "closest"}
    bars = {
        "type": "bar",
        "base": [low for low, _ in ends],
        "x": [high - low for low, high in ends],
        "y": list(labels),
        "orientation": "h",
        "marker": {"color": colours.band if middles else colours.measured},
        "customdata": [[numbers.eur(low, language), numbers.eur(high, language)] for low, high in ends],
        "hovertemplate": f"%{{y}}: {say.from_to}<extra></extra>",
        "showlegend": False,
    }
    traces = [bars]
    if middles:
        traces.append(
            {
                "type": "scatter",
                "x": list(middles),
                "y": list(labels),
                "mode": "markers",
                "marker": {"symbol": "line-ns", "size": 22, "line": {"color": colours.measured, "width": 4}},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    return figure(traces, layout)
