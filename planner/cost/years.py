"""The plan by fiscal year: cash, expense and the equivalent annual cost side by side, with what more studies allow."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from planner.catalog import GpuSpec
from planner.cost.analyses import FiscalYear, PlanYears
from planner.cost.calendar import MONTHS, FiscalSpan, first_day, fiscal_years, month_shares, span_of_month
from planner.cost.conditional import is_reached
from planner.cost.drawing import Question
from planner.cost.drivers import Drivers
from planner.cost.figures import counted, in_eur
from planner.cost.flows import RENT_CODES, Flows, cash_by_fiscal_year, flows, is_prepaid, present_value
from planner.cost.growth import growth_drawn, growth_expected
from planner.cost.ledger import cents
from planner.cost.quantiles import cost_quantiles, rows_of_cost_quantiles
from planner.cost.scenario import Money, Scenario
from planner.cost.year_table import year_lines
from planner.cost.yearly import annuity_factor, residual_share
from planner.loss_paths import LossPaths, LossPathsOf
from planner.outcome import Interval

FloatArray = NDArray[np.float64]


def plan_years(
    question: Question,
    scenario: Scenario,
    gpu: GpuSpec,
    drivers: Drivers,
    typical: Drivers,
    hours_source: str,
    paths: LossPathsOf | None,
    *,
    hours_known: bool,
) -> PlanYears:
    """Cash by fiscal year and what follows from it.

    Args:
        question: Law, calibration, catalog, day.
        scenario: What the hospital decides.
        gpu: The GPU.
        drivers: Draws of the first year.
        typical: The budget scenario's, shape (1,).
        hours_source: Sentence on where the hours come from.
        paths: The law for other numbers of studies; None: no reachable loss is given.
        hours_known: Where not, no chance to stay within a budget is given, nor where the diagnosis forbids one.
    """
    catalog, examples = question.catalog, question.calibration_examples
    start = first_day(scenario.first_month, question.day)
    spans = fiscal_years(start, scenario.fiscal_year_start_month, scenario.horizon_years)
    growth, expected = growth_drawn(question, scenario, len(drivers.examples)), growth_expected(scenario, catalog)
    drawn = flows(drivers, growth, scenario, gpu, catalog, examples)
    single = flows(typical, expected, scenario, gpu, catalog, examples)
    reached = is_reached(drivers)
    cash = np.where(reached, cash_by_fiscal_year(drawn, spans), np.inf)
    lines = year_lines(single, spans, scenario, gpu, catalog, hours_source)
    paid = [float(sum(cents(line.amounts_eur[f]) for line in lines)) for f in range(len(spans))]
    charged = [float(sum(cents(line.expenses_eur[f]) for line in lines)) for f in range(len(spans))]
    income, book, prepaid = _left(single, spans, scenario)
    budgets, kept = _budgets(cash, np.array(paid), spans, scenario)
    if not (hours_known and question.chance_stated):
        kept = None
    ranges = rows_of_cost_quantiles(cash)
    hours = _hours(single, spans)
    curves = [None if paths is None else paths(_studies(question, scenario, span)) for span in spans]
    annuity = annuity_factor(growth.discount_rate, scenario.horizon_years)
    equal = np.where(reached, present_value(drawn, growth.discount_rate, scenario) * annuity, np.inf)
    years = [
        FiscalYear(
            name=span.name,
            start=span.start.isoformat(),
            end=span.end.isoformat(),
            months=span.months,
            cash_eur=paid[f],
            expense_eur=charged[f],
            income_eur=_euro(income[f]),
            book_value_eur=_euro(book[f]),
            prepaid_eur=_euro(prepaid[f]),
            cash=ranges[f],
            budget_eur=None if budgets is None else _euro(budgets[f]),
            probability_within_budget=None if kept is None else float(kept[f].mean()),
            gpu_hours=float(hours[f]),
            unique_studies=_studies(question, scenario, span),
            reachable_loss=_lowest(curves[f]),
        )
        for f, span in enumerate(spans)
    ]
    total = float(sum(cents(amount) for amount in paid))
    equal_range = cost_quantiles(equal)
    axis, axis_sentence = _data_axis(scenario, curves)
    return PlanYears(
        horizon_years=scenario.horizon_years,
        money=scenario.money.value,
        fiscal_year_start_month=scenario.fiscal_year_start_month,
        years=years,
        lines=lines,
        total_eur=total,
        income_eur=_euro(float(sum(income))),
        cash=cost_quantiles(np.where(reached, cash.sum(axis=0), np.inf)),
        equivalent_annual_cost=equal_range,
        straight_line_eur=_euro(sum(charged) / scenario.horizon_years),
        probability_within_budget=None if kept is None else float(kept.all(axis=0).mean()),
        data_axis=axis,
        data_axis_sentence=axis_sentence,
        sentence=f"{_use(scenario.horizon_years, start)} {in_eur(total)} in the budget scenario, {_money(scenario)}.",
    )


def _euro(amount: float) -> float:
    """To the cent; never minus zero."""
    return float(cents(max(float(amount), 0.0)))


def _use(years: int, start: datetime.date) -> str:
    return f"{counted(years, 'year')} of use from {start:%B %Y} {'costs' if years == 1 else 'cost'}"


def _money(scenario: Scenario) -> str:
    return "in money of the start" if scenario.money is Money.REAL else "with the growth of prices (nominal)"


def _left(single: Flows, spans: list[FiscalSpan], scenario: Scenario) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Income in every fiscal year, and book value and prepaid rent at its end, shape (f,) each."""
    shares = month_shares(spans, single.horizon_years)
    income, book, prepaid = np.zeros(len(spans)), np.zeros(len(spans)), np.zeros(len(spans))
    if is_prepaid(scenario):
        rent = np.array([float(year.cost.gross(*RENT_CODES)[0]) for year in single.years])
        paid = np.zeros(len(spans))
        for year, amount in enumerate(single.prepaid_hm):
            paid[span_of_month(spans, year * MONTHS)] += amount[0]
        prepaid = np.cumsum(paid) - np.cumsum(shares @ rent)
    life = scenario.lifetime_years * MONTHS
    for server in single.servers:
        gross, rest = float(server.gross_m[0]), float(server.net_m[0]) * residual_share(scenario, life / MONTHS)
        for f, end in enumerate(span.first_month + span.months for span in spans):
            used = min(max(end - server.month, 0), life)
            sold = server.sold_month is not None and server.sold_month <= end
            book[f] += 0.0 if sold or end <= server.month else gross - (gross - rest) * used / life
        if server.sold_month is not None:
            income[span_of_month(spans, server.sold_month - 1)] += rest
    return income, book, np.maximum(prepaid, 0.0)


def _budgets(
    cash_fm: FloatArray, paid_f: FloatArray, spans: list[FiscalSpan], scenario: Scenario
) -> tuple[FloatArray | None, NDArray[np.bool_] | None]:
    """What may be spent in every fiscal year of the budget scenario, and whether each draw stays within it."""
    if scenario.budget_eur is None:
        return None, None
    own = np.array([scenario.budget_eur * span.months / MONTHS for span in spans])
    there, left = np.zeros(len(spans)), 0.0
    kept = np.zeros(cash_fm.shape, dtype=bool)
    left_m = np.zeros(cash_fm.shape[1])
    for f in range(len(spans)):
        there[f] = own[f] + left
        available = own[f] + left_m
        kept[f] = cash_fm[f] <= available + 1e-9
        if scenario.carry_over:
            left = max(there[f] - paid_f[f], 0.0)
            left_m = np.where(kept[f], available - np.where(kept[f], cash_fm[f], 0.0), 0.0)
    return there, kept


def _hours(single: Flows, spans: list[FiscalSpan]) -> FloatArray:
    """GPU-hours of every fiscal year, shape (f,)."""
    costs = [year.cost for year in single.years]
    first = costs[0]
    at_start = float(first.fine_tuning_hours[0] * first.trials_share[0] + first.calibration_hours[0])
    running = np.array([float(cost.hours[0]) for cost in costs])
    running[0] -= at_start
    hours = month_shares(spans, len(costs)) @ np.maximum(running, 0.0)
    hours[0] += at_start
    return np.asarray(hours)


def _studies(question: Question, scenario: Scenario, span: FiscalSpan) -> float | None:
    """Different studies that are there by the end of a fiscal year."""
    here = scenario.unique_studies or question.calibration.header.dataset.training_examples
    if here is None:
        return None
    arriving = scenario.studies_arriving_per_year or 0.0
    return float(here) + arriving * (span.first_month + span.months) / MONTHS


def _lowest(curve: LossPaths | None) -> Interval | None:
    return None if curve is None else curve.at_horizon


def _data_axis(scenario: Scenario, curves: list[LossPaths | None]) -> tuple[str, str]:
    """Whether the worth of more studies is measured, and what they do."""
    known = [curve for curve in curves if curve is not None]
    if scenario.studies_arriving_per_year is None:
        return "assumption", (
            "No new studies are assumed to arrive, so the reachable loss stays as it is (--studies-arriving)."
        )
    if not known:
        return "assumption", "The law was not asked what more studies do."
    first, last = known[0].at_horizon.p50, known[-1].at_horizon.p50
    change = (
        f"With {scenario.studies_arriving_per_year:,.0f} more different studies a year the lowest loss that the law "
        f"supports goes from about {first:.2f} to {last:.2f} nats over the horizon."
    )
    if known[0].data_axis_measured:
        return "measured", f"{change} The calibration measured what fewer studies cost."
    return "assumption", (
        f"{change} That new studies teach as much as those of the calibration is an assumption: it varied no subset of "
        "them."
    )
