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
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_TICKS = 5


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
    step = next(step for step in _STEPS if top <= _MOST_TICKS * step)
    ticks = [step * place for place in range(int((1 + _ROOM) * top / step) + 1)]
    layout = base_layout(
        colours,
        language,
        height=height,
        x={"title": axis_title(say.held_out_axis)},
        y={
            "title": axis_title(label),
            "tickvals": ticks,
            "ticktext": [numbers.percent(tick, language) for tick in ticks],
            "range": [-_ROOM * top, (1 + _ROOM) * top],
        },
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
        "customdata": [numbers.percent(round(shares[i], 2), language) for i in order],
        "hovertemplate": f"%{{customdata}} · {say.loss} %{{x:.3f}}<extra></extra>",
    }
    return figure([trace], layout)
