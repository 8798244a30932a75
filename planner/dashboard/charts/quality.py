"""Answer quality against held-out loss at the recorded budgets; better is to the left."""

from __future__ import annotations

from collections.abc import Sequence

from planner.dashboard.charts.layout import Data, axis_title, base_layout, figure, note, vertical
from planner.dashboard.palette import Palette
from planner.report.words import numbers
from planner.report.words.screen import ChartWords

_ROOM = 0.05
"""Below zero and above the highest, as a share of it, so that no marker is cut."""
_LABEL_PX = 26


def quality_chart(
    losses: Sequence[float],
    shares: Sequence[float],
    colours: Palette,
    say: ChartWords,
    language: str,
    *,
    label: str,
    target: float | None = None,
    height: int = 320,
) -> Data:
    """Shares of answers at the losses of the recorded budgets, with the target."""
    top = max(shares, default=0.0) or 1.0
    order = sorted(range(len(losses)), key=lambda i: losses[i])
    layout = base_layout(
        colours,
        language,
        height=height,
        x={"title": axis_title(say.held_out_axis)},
        y={"title": axis_title(label), "tickformat": ".0%", "range": [-_ROOM * top, (1 + _ROOM) * top]},
    )
    layout["hovermode"] = "closest"
    layout["margin"] |= {"t": _LABEL_PX}
    if target is not None:
        layout["shapes"].append(vertical(target, colours.target, "dot"))
        said = say.target.format(target=numbers.loss(target, language))
        layout["annotations"].append(
            note(said, colours.target, x=target, y=1, yref="paper", yanchor="bottom", xanchor="left", xshift=-4)
        )
    trace = {
        "type": "scatter",
        "x": [losses[i] for i in order],
        "y": [shares[i] for i in order],
        "mode": "markers",
        "marker": {"size": 9, "color": colours.measured},
        "showlegend": False,
        "hovertemplate": f"%{{y:.0%}} · {say.loss} %{{x:.3f}}<extra></extra>",
    }
    return figure([trace], layout)
