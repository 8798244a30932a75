"""Every chart is one that plotly takes: the page sends it without a check, so it is checked here."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import plotly.graph_objects as go
import pytest

from planner.cost.plan import CostQuantiles, Plan
from planner.dashboard.charts import (
    curve_chart,
    front_chart,
    influence_chart,
    quality_chart,
    ranges_chart,
    years_chart,
)
from planner.dashboard.charts.layout import Data, separators
from planner.dashboard.palette import DARK, LIGHT, Palette
from planner.report.words import LANGUAGES, numbers, words
from tests.factories import every_verdict, example_plan
from tests.report.plans import full_plan

Chart = Callable[[Plan, Palette, str], Data]
CHARTS: dict[str, Chart] = {
    "curve": lambda plan, colours, tag: curve_chart(plan, colours, words(tag).screen.charts, tag),
    "calibration": lambda plan, colours, tag: curve_chart(plan, colours, words(tag).screen.charts, tag, target=False),
    "influences": lambda plan, colours, tag: influence_chart(plan, colours, words(tag).screen.charts, tag),
    "quality": lambda _, colours, tag: quality_chart(
        [1.3, 1.9], [0.4, 0.1], colours, words(tag).screen.charts, tag, label="F1", target=1.5
    ),
    "ranges": lambda plan, colours, tag: ranges_chart(
        ["a", "b"], [plan.cost_per_year, plan.if_reached.cost_per_year], colours, words(tag).screen.charts, tag
    ),
}
OF_YEARS: dict[str, Chart] = {
    "years": lambda plan, colours, tag: years_chart(
        plan.years, colours, words(tag).screen.charts, tag, others="others"
    ),
    "front": lambda plan, colours, tag: front_chart(plan, colours, words(tag).screen.charts, tag, height=300),
}  # fmt: skip


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_of_every_verdict_is_a_figure_of_plotly(name: str, language: str, palette: Palette) -> None:
    for plan in every_verdict().values():
        figure = go.Figure(CHARTS[name](plan, palette, language))
        assert figure.layout.separators == separators(language)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", OF_YEARS)
def test_every_chart_of_a_whole_plan_is_a_figure_of_plotly(name: str, palette: Palette) -> None:
    assert go.Figure(OF_YEARS[name](full_plan(), palette, "de")).data


def test_the_bars_of_a_year_add_up_to_its_cash() -> None:
    plan = full_plan()
    assert plan.years is not None
    chart = OF_YEARS["years"](plan, LIGHT, "en")
    bars = [trace for trace in chart["data"] if trace["type"] == "bar"]
    for place, year in enumerate(plan.years.years):
        assert sum(bar["y"][place] for bar in bars) == pytest.approx(year.cash_eur, abs=0.005)


def test_measured_is_solid_forecast_is_dashed_and_no_floor_is_drawn_that_nobody_knows() -> None:
    plans = every_verdict()
    traces = {trace["name"]: trace for trace in CHARTS["curve"](example_plan(), LIGHT, "en")["data"] if "name" in trace}
    assert traces["Law, where measured"]["line"]["dash"] == "solid"
    assert traces["Forecast"]["line"]["dash"] == "dash"
    for plan in plans.values():
        said = [note["text"] for note in CHARTS["curve"](plan, LIGHT, "en")["layout"]["annotations"]]
        assert any("asymptote" in text for text in said) is (plan.asymptote.status.value == "IDENTIFIED")


def test_a_plan_without_an_upper_end_has_no_bar_among_the_ranges() -> None:
    open_ended = CostQuantiles(p10=1.0, p50=2.0, p90=None)
    chart = ranges_chart(["a", "b"], [open_ended, example_plan().cost_per_year], LIGHT, words("en").screen.charts, "en")
    assert chart["data"][0]["y"] == ["b"]


def test_no_marker_of_an_answer_lies_on_the_edge_of_its_chart() -> None:
    for shares in ([0.0, 0.0], [0.0, 1.0]):
        chart = quality_chart([1.3, 1.9], shares, LIGHT, words("en").screen.charts, "en", label="F1", target=1.5)
        low, high = chart["layout"]["yaxis"]["range"]
        assert low < min(shares) and max(shares) < high


def test_the_budget_has_a_colour_of_its_own_among_the_lines_of_a_year() -> None:
    for palette in (LIGHT, DARK):
        traces = OF_YEARS["years"](full_plan(), palette, "en")["data"]
        budgets = [trace["line"]["color"] for trace in traces if trace["type"] == "scatter"]
        assert budgets
        assert not set(budgets) & {trace["marker"]["color"] for trace in traces if trace["type"] == "bar"}


def test_the_widest_bar_of_the_tornado_names_its_ends() -> None:
    plan = full_plan()
    chart = influence_chart(plan, LIGHT, words("en").screen.charts, "en")
    widest = max(plan.influences, key=lambda bar: abs(bar.cost_high_eur - bar.cost_low_eur))
    said = {note["text"] for note in chart["layout"]["annotations"]}
    assert {numbers.eur(widest.cost_low_eur, "en"), numbers.eur(widest.cost_high_eur, "en")} <= said


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_line_and_bar_stands_out_from_the_page(palette: Palette) -> None:
    """WCAG 2.2, 1.4.11: 3:1 for what a chart means; bars that touch have a gap in the colour of the page."""
    drawn = {name: getattr(palette, name) for name in ("measured", "forecast", "target", "asymptote", "text")}
    for name, colour in {**drawn, **{f"line {n}": colour for n, colour in enumerate(palette.lines)}}.items():
        high, low = sorted((luminance(colour), luminance(palette.background)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3, name


def test_charts_hold_plain_data_only() -> None:
    for chart in (CHARTS["curve"](example_plan(), LIGHT, "en"), OF_YEARS["years"](full_plan(), LIGHT, "en")):
        assert msgspec.json.decode(msgspec.json.encode(chart)) is not None
