"""What all charts share. A chart is plain data in plotly's own terms; `draw` puts it on screen.

Plotly would check every property of a figure each time it is built, which takes longer than the rest of a page. Here
the tests check every chart once (`go.Figure(chart)`), and the page sends it as it is.
"""

from __future__ import annotations

import math
from typing import Any

import streamlit as st
from plotly.basedatatypes import BaseFigure

from planner.dashboard.palette import Palette
from planner.report.words.language import locale_of

CONFIG = {
    "displaylogo": False,
    "displayModeBar": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "scrollZoom": False,
}
_FONT = '"Source Sans", sans-serif'
_AXIS_TITLE_PX = 13
Data = dict[str, Any]


class _Checked(BaseFigure):  # type: ignore[misc]
    """A chart in the only form that Streamlit takes without checking it again."""

    def __init__(self, chart: Data) -> None:
        object.__setattr__(self, "_chart", chart)

    def to_dict(self) -> Data:
        chart: Data = self._chart
        return chart


def draw(chart: Data, *, key: str, alt: str) -> None:
    """Put a chart on screen; `alt` is for those who do not see it."""
    st.plotly_chart(_Checked(chart), theme=None, config=CONFIG, key=key, alt=alt)


def figure(traces: list[Data], layout: Data) -> Data:
    """Traces and layout as a chart."""
    return {"data": traces, "layout": layout}


def base_layout(colours: Palette, language: str, *, height: int, x: Data, y: Data) -> Data:
    """No box, horizontal grid, legend above, no space that no label needs, numbers as the reader writes them."""
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
    return {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 14, "color": colours.text},
        "separators": separators(language),
        "xaxis": axis | {"showgrid": False} | x,
        "yaxis": axis | y,
        "legend": {
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "x": 0,
            "font": {"color": colours.text, "size": 13},
        },
        "hoverlabel": {"font": {"family": _FONT, "size": 14}},
        "hovermode": "x",
        "dragmode": False,
        "shapes": [],
        "annotations": [],
    }


def separators(language: str) -> str:
    """Decimal sign and grouping sign, as plotly wants them."""
    symbols = locale_of(language).number_symbols
    symbols = symbols.get("latn", symbols)
    return f"{symbols['decimal']}{symbols['group']}"


def axis_title(text: str) -> Data:
    """Title of an axis; holds the unit."""
    return {"text": text, "font": {"size": _AXIS_TITLE_PX}}


def horizontal(y: float, colour: str, dash: str) -> Data:
    """A line across the whole chart."""
    line = {"color": colour, "width": 2, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}


def vertical(x: float, colour: str, dash: str) -> Data:
    """A line from bottom to top."""
    line = {"color": colour, "width": 2, "dash": dash}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x, "line": line}


def note(text: str, colour: str, **place: Any) -> Data:
    """A word inside the chart, in the colour of what it names."""
    return {"text": text, "showarrow": False, "font": {"color": colour, "size": 14}, **place}


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers of a log axis: 1, 10, 100 and, where that leaves fewer than four, 1-3-10 or 1-2-5-10."""
    inside: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5)):
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low * 0.97 <= tick <= high * 1.03]
        if len(inside) >= 4:
            return inside
    return inside
