"""The charts, as plotly figures of a plan. Titles say the finding; measured is solid, forecast dashed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from planner.cost.plan import Plan
from planner.dashboard.palette import Palette
from planner.outcome import AsymptoteStatus

CONFIG = {
    "displaylogo": False,
    "displayModeBar": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "scrollZoom": False,
}
_FONT = '"Source Sans", sans-serif'


def layout(colours: Palette, *, height: int) -> go.Layout:
    """What all charts share: no box, horizontal grid, legend above, space that no label needs."""
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "color": colours.text,
        "ticks": "outside",
        "tickcolor": colours.grid,
        "automargin": True,
        "fixedrange": True,
    }
    return go.Layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": _FONT, "size": 14, "color": colours.text},
        xaxis=axis | {"showgrid": False},
        yaxis=axis,
        legend={
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "x": 0,
            "font": {"color": colours.text, "size": 13},
        },
        hoverlabel={"font": {"family": _FONT, "size": 14}},
        hovermode="x",
        dragmode=False,
    )


def curve_chart(plan: Plan, colours: Palette, *, target: bool = True, height: int = 400) -> go.Figure:
    """Loss against examples: the measured points, the law with its interval, the target and the asymptote."""
    curve = plan.curve
    band = curve.band
    figure = go.Figure(layout=layout(colours, height=height))
    figure.add_scatter(
        x=[*band.examples, *reversed(band.examples)],
        y=[*band.p95, *reversed(band.p05)],
        fill="toself",
        fillcolor=colours.band,
        line={"width": 0},
        hoverinfo="skip",
        name="Interval (9 in 10)",
    )
    inside = [i for i, x in enumerate(band.examples) if x <= curve.largest_examples]
    split = len(inside)
    for name, part, dash in (
        ("Law, where measured", slice(0, split), "solid"),
        ("Forecast", slice(max(split - 1, 0), None), "dash"),
    ):
        figure.add_scatter(
            x=band.examples[part],
            y=band.p50[part],
            mode="lines",
            line={"color": colours.forecast, "width": 2.5, "dash": dash},
            name=name,
            hovertemplate="%{y:.3f}<extra></extra>",
            hoverinfo=None,
        )
    figure.add_scatter(
        x=curve.measured_examples,
        y=curve.measured_loss,
        mode="markers",
        marker={
            "color": colours.measured,
            "size": 9 if len(curve.measured_loss) <= 60 else 4,
            "line": {"color": colours.background, "width": 1.5},
        },
        name="Measured",
        hovertemplate="measured %{y:.3f}<extra></extra>",
    )
    low, high = _loss_range(plan, target=target)
    _add_asymptote(figure, plan, colours, floor=low)
    if target:
        _add_target(figure, plan, colours)
    ticks = log_ticks(band.examples[0], band.examples[-1])
    figure.update_xaxes(
        type="log",
        range=[math.log10(band.examples[0]) - 0.03, math.log10(band.examples[-1]) + 0.03],
        tickvals=ticks,
        ticktext=[short_count(tick) for tick in ticks],
        title={"text": "image–text pairs processed (log scale)", "font": {"size": 13}},
        hoverformat=",.0f",
    )
    figure.update_yaxes(range=[low, high], title={"text": "loss, nats per token", "font": {"size": 13}})
    return figure


def _add_target(figure: go.Figure, plan: Plan, colours: Palette) -> None:
    target = plan.scenario.target_loss
    figure.add_hline(y=target, line={"color": colours.target, "width": 2, "dash": "dot"})
    figure.add_annotation(
        x=1, xref="paper", xanchor="right", y=target, yanchor="bottom", showarrow=False,
        text=f"target {target:.3g}", font={"color": colours.target, "size": 14},
    )  # fmt: skip
    reached, band = plan.if_reached.examples.p50, plan.curve.band
    if reached is not None and band.examples[0] <= reached <= band.examples[-1]:
        figure.add_scatter(
            x=[reached],
            y=[target],
            mode="markers",
            showlegend=False,
            marker={
                "color": colours.target,
                "size": 13,
                "symbol": "diamond",
                "line": {"color": colours.background, "width": 1.5},
            },
            hovertemplate="target reached, if it is: %{x:,.0f} examples<extra></extra>",
        )


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


def _add_asymptote(figure: go.Figure, plan: Plan, colours: Palette, *, floor: float) -> None:
    asymptote = plan.asymptote
    if asymptote.status is not AsymptoteStatus.IDENTIFIED or asymptote.p50 is None:
        return
    if asymptote.p05 is not None and asymptote.p95 is not None:
        figure.add_hrect(
            y0=max(asymptote.p05, floor),
            y1=asymptote.p95,
            fillcolor=colours.asymptote_band,
            line_width=0,
            layer="below",
        )
    figure.add_hline(y=asymptote.p50, line={"color": colours.asymptote, "width": 2, "dash": "longdashdot"})
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=asymptote.p50, yanchor="top", showarrow=False,
        text=f"asymptote {asymptote.p50:.3g}", font={"color": colours.asymptote, "size": 14},
    )  # fmt: skip


def quality_chart(
    losses: Sequence[float],
    shares: Sequence[float],
    colours: Palette,
    *,
    label: str,
    target: float | None = None,
    height: int = 320,
) -> go.Figure:
    """Answer quality against held-out loss at the recorded budgets; better is up and to the left."""
    figure = go.Figure(layout=layout(colours, height=height))
    order = sorted(range(len(losses)), key=lambda i: losses[i])
    figure.add_scatter(
        x=[losses[i] for i in order],
        y=[shares[i] for i in order],
        mode="lines+markers",
        line={"color": colours.measured, "width": 2},
        marker={"size": 9, "color": colours.measured},
        showlegend=False,
        hovertemplate="%{y:.0%} at a loss of %{x:.3f}<extra></extra>",
    )
    if target is not None:
        figure.add_vline(x=target, line={"color": colours.target, "width": 2, "dash": "dot"})
        figure.add_annotation(
            x=target, y=1, yref="paper", yanchor="top", xanchor="left", showarrow=False, xshift=4,
            text=f"target {target:.3g}", font={"color": colours.target, "size": 14},
        )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(title={"text": "held-out loss, nats per token", "font": {"size": 13}})
    figure.update_yaxes(title={"text": label, "font": {"size": 13}}, tickformat=".0%", rangemode="tozero")
    return figure


def influence_chart(plan: Plan, colours: Palette, *, height: int | None = None) -> go.Figure:
    """The tornado: yearly cost with one input at its P10 and P90, the widest on top."""
    bars = sorted(plan.influences, key=lambda bar: abs(bar.cost_high_eur - bar.cost_low_eur))[-8:]
    figure = go.Figure(layout=layout(colours, height=height or 90 + 40 * max(len(bars), 1)))
    figure.add_bar(
        base=[min(bar.cost_low_eur, bar.cost_high_eur) for bar in bars],
        x=[abs(bar.cost_high_eur - bar.cost_low_eur) for bar in bars],
        y=[bar.label for bar in bars],
        orientation="h",
        marker={"color": colours.measured},
        customdata=[[bar.cost_low_eur, bar.cost_high_eur] for bar in bars],
        hovertemplate="%{y}: €%{customdata[0]:,.0f} to €%{customdata[1]:,.0f}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(bargap=0.4, hovermode="closest")
    figure.update_xaxes(title={"text": "euro a year", "font": {"size": 13}}, tickprefix="€", showgrid=True)
    return figure


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers of a log axis: 1, 10, 100 and, where that leaves fewer than four, 1-3-10 or 1-2-5-10."""
    for steps in ((1,), (1, 3), (1, 2, 5)):
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low * 0.97 <= tick <= high * 1.03]
        if len(inside) >= 4:
            return inside
    return inside


def short_count(value: float) -> str:
    """A count for an axis: 300, 3k, 2.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
