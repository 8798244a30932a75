"""Charts as plain data."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from planner.report.chart import Point, curve_chart, influence_bars, option_bars
from tests.factories import every_verdict, example_plan, undecided_plan, unreachable_plan


def test_every_position_lies_on_its_axis() -> None:
    for plan in every_verdict().values():
        chart = curve_chart(plan)
        lines = [chart.measured, chart.fitted_line, chart.forecast_line, chart.band_low, chart.band_high]
        points: list[Point] = [point for line in lines for point in line]
        assert all(0 <= value <= 1 for point in points for value in point)
        assert all(0 <= tick.at <= 1 for tick in [*chart.x_ticks, *chart.y_ticks])
        assert len(chart.measured) == 7


def test_the_forecast_goes_on_where_the_fitted_line_ends() -> None:
    chart = curve_chart(example_plan())
    assert chart.forecast_line[0] == chart.fitted_line[-1]
    assert chart.forecast_line[-1][0] == chart.horizon == 1.0


def test_only_an_identified_floor_is_drawn() -> None:
    assert curve_chart(undecided_plan()).asymptote is None
    low, high = curve_chart(unreachable_plan()).asymptote or (0.0, 0.0)
    assert curve_chart(unreachable_plan()).target < low < high


def test_option_ranges_share_one_axis_and_unreached_ones_have_none() -> None:
    bars = option_bars(example_plan().options)
    assert min(bar.low for bar in bars if bar) == 0.0
    assert max(bar.high for bar in bars if bar) == 1.0
    assert not any(option_bars(unreachable_plan().options))


def test_influences_keep_low_below_high_and_hold_the_middle() -> None:
    plan = example_plan()
    swapped = [
        msgspec.structs.replace(item, cost_low_eur=item.cost_high_eur, cost_high_eur=item.cost_low_eur)
        for item in plan.influences
    ]
    assert influence_bars(swapped, 3390.0) == influence_bars(plan.influences, 3390.0)
    assert all(bar.low <= bar.high for bar in influence_bars(swapped, None))
    assert influence_bars([], None) == []


@given(
    losses=st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=12),
    target=st.floats(1e-3, 1e4),
    first=st.floats(1.0, 1e6),
)
def test_any_curve_gives_ticks_and_positions(losses: list[float], target: float, first: float) -> None:
    plan = example_plan()
    xs = [first * 1.7**index for index in range(len(losses))]
    curve = msgspec.structs.replace(
        plan.curve,
        measured_examples=xs,
        measured_loss=losses,
        largest_examples=xs[-1],
        horizon_examples=xs[-1],
        band=msgspec.structs.replace(plan.curve.band, examples=xs, p05=losses, p50=losses, p95=losses),
    )
    scenario = msgspec.structs.replace(plan.scenario, target_loss=target)
    chart = curve_chart(msgspec.structs.replace(plan, curve=curve, scenario=scenario))
    assert 2 <= len(chart.y_ticks) <= 9
    assert 1 <= len(chart.x_ticks) <= 40
    assert len({tick.label for tick in chart.y_ticks}) == len(chart.y_ticks)
