"""The charts of a plan as plain data: measured is solid, forecast dashed, titles stand above them and say what."""

from planner.dashboard.charts.bars import influence_chart, ranges_chart
from planner.dashboard.charts.curve import curve_chart
from planner.dashboard.charts.front import front_chart
from planner.dashboard.charts.layout import draw
from planner.dashboard.charts.quality import quality_chart
from planner.dashboard.charts.years import years_chart

__all__ = ["curve_chart", "draw", "front_chart", "influence_chart", "quality_chart", "ranges_chart", "years_chart"]
