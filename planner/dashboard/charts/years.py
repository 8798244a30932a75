"""Cash by fiscal year as stacked bars: the largest lines by name, all others together; every bar adds up."""

from __future__ import annotations

from planner.cost.analyses import PlanYears
from planner.dashboard.charts.layout import Data, axis_title, base_layout, figure, note
from planner.dashboard.palette import Palette
from planner.report.words import numbers, sentences
from planner.report.words.screen import ChartWords

MOST_STACKED = 5
_CLOSE = 0.25
_HALF_DASH = 0.38


def years_chart(
    years: PlanYears, colours: Palette, say: ChartWords, language: str, *, others: str, height: int = 340
) -> Data:
    """A bar a year, its total above it; the budget of a year as a dash across its bar."""
    # Places and not names: plotly would take a name such as "2027" for a number.
    places = list(range(len(years.years)))
    layout = base_layout(
        colours,
        language,
        height=height,
        x={"tickvals": places, "ticktext": [year.name for year in years.years], "range": [-0.6, len(places) - 0.4]},
        y={"title": axis_title(say.euro), "tickformat": ",.0f", "rangemode": "tozero"},
    )
    layout |= {"barmode": "stack", "bargap": 0.35, "hovermode": "closest"}
    layout["legend"] |= {"traceorder": "normal"}
    largest = sorted(years.lines, key=lambda line: -line.total_eur)
    shown, rest = largest[:MOST_STACKED], largest[MOST_STACKED:]
    stacked = [(sentences.label(line.code, line.label, language), line.amounts_eur) for line in shown]
    if rest:
        stacked.append((others, [sum(cells) for cells in zip(*(line.amounts_eur for line in rest), strict=True)]))
    traces = [
        _bars(places, label, amounts, colour, colours, language)
        for (label, amounts), colour in zip(stacked, colours.lines, strict=False)
    ]
    budgets = [year.budget_eur for year in years.years]
    if any(budget is not None for budget in budgets):
        traces.append(_budgets(places, budgets, colours, say, language))
    top = max(year.cash_eur for year in years.years)
    for place, year in zip(places, years.years, strict=True):
        # A label stands above the dash of the budget where that lies close above the bar.
        budget = year.budget_eur or 0.0
        at = budget if year.cash_eur < budget < year.cash_eur + _CLOSE * top else year.cash_eur
        layout["annotations"].append(
            note(numbers.eur(year.cash_eur, language), colours.text, x=place, y=at, yanchor="bottom")
        )
    return figure(traces, layout)


def _bars(places: list[int], label: str, amounts: list[float], colour: str, colours: Palette, language: str) -> Data:
    return {
        "type": "bar",
        "x": places,
        "y": amounts,
        "name": label,
        "marker": {"color": colour, "line": {"color": colours.background, "width": 1.5}},
        "customdata": [numbers.eur_cents(amount, language) for amount in amounts],
        "hovertemplate": f"{label}: %{{customdata}}<extra></extra>",
    }


def _budgets(places: list[int], budgets: list[float | None], colours: Palette, say: ChartWords, language: str) -> Data:
    """A dash a year, a little wider than its bar at every width of the chart."""
    x: list[float | None] = []
    y: list[float | None] = []
    shown: list[str | None] = []
    for place, budget in zip(places, budgets, strict=True):
        x += [place - _HALF_DASH, place + _HALF_DASH, None]
        y += [budget, budget, None]
        shown += [None if budget is None else numbers.eur_cents(budget, language)] * 3
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "name": say.budget,
        "line": {"color": colours.text, "width": 3},
        "customdata": shown,
        "hovertemplate": f"{say.budget}: %{{customdata}}<extra></extra>",
    }
