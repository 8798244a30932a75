"""How the figures beyond one year's cost come about: years, carbon, choice, comparisons, inverse questions."""

from __future__ import annotations

from collections.abc import Iterator

from planner.cli.figure import Explanation, computed
from planner.cost.analyses import PlanYears
from planner.cost.plan import Assumption, Plan
from planner.report.words import numbers, sentences

_YEARLY = ("growth_wage", "growth_energy", "growth_price", "growth_gpu", "growth_inflation", "horizon_years")


def further_figures(plan: Plan) -> Iterator[Explanation]:
    """Every figure that the plan has beside the first year."""
    if plan.years is not None:
        yield from _years(plan, plan.years)
    if plan.carbon is not None:
        carbon = plan.carbon
        yield Explanation(
            code="carbon_per_year",
            label="Carbon of a year",
            value=f"{numbers.span(carbon.kg_co2e, numbers.count)} kg CO2e",
            formula=f"{numbers.span(carbon.kwh, numbers.count)} kWh x {carbon.g_co2e_per_kwh:g} g. {carbon.sentence}",
            basis=carbon.basis.value,
            source=carbon.source,
            as_of=carbon.as_of,
            inputs=[],
        )
    yield from _choices(plan)
    yield from _questions(plan)
    for comparison in plan.comparisons:
        sides = " ".join(f"{side.label}: {side.sentence}" for side in (comparison.first, comparison.second))
        yield computed(
            plan, comparison.code, comparison.question,
            f"second over first {numbers.span(comparison.cost_ratio, numbers.count)} times the cost", "comparison",
            f"{sides} {' '.join(comparison.assumptions)} {comparison.sentence}",
        )  # fmt: skip


def _years(plan: Plan, years: PlanYears) -> Iterator[Explanation]:
    inputs = [item for item in plan.assumptions if item.code in _YEARLY]
    yield computed(
        plan, "years_total", "Cash of all years", numbers.eur_cents(years.total_eur), years.money,
        f"Sum of {' + '.join(numbers.eur_cents(year.cash_eur) for year in years.years)}. {years.sentence}", inputs,
    )  # fmt: skip
    yield computed(
        plan, "equivalent_annual_cost", "Equivalent annual cost",
        numbers.span(years.equivalent_annual_cost, numbers.eur), years.money,
        "Present value of all cash, less sales and what hardware is worth at the end, x r / (1 - (1 + r)^-N); yearly "
        "amounts count at the end of their year.", inputs,
    )  # fmt: skip
    yield computed(
        plan, "straight_line", "Yearly expense in a straight line", numbers.eur_cents(years.straight_line_eur),
        years.money, "Mean of the yearly expense: hardware written off evenly over its life, prepaid rent over its "
        "term, all else as it is used.", inputs,
    )  # fmt: skip
    for year in years.years:
        index = years.years.index(year)
        cells = " + ".join(
            f"{line.label} {numbers.eur_cents(line.amounts_eur[index])}"
            for line in years.lines
            if line.amounts_eur[index]
        )
        yield computed(
            plan, f"year_{year.name.replace('/', '_')}",
            f"Cash of {year.name} ({year.months} month{'s' if year.months > 1 else ''})",
            numbers.eur_cents(year.cash_eur), years.money,
            f"{cells or 'nothing'}. Over all draws {numbers.span(year.cash, numbers.eur)}.", inputs,
        )  # fmt: skip
    lowest = [year.reachable_loss for year in years.years if year.reachable_loss is not None]
    if lowest:
        yield computed(
            plan, "reachable_loss", "Lowest loss over the years",
            f"{numbers.loss(lowest[0].p50)} to {numbers.loss(lowest[-1].p50)} nats", years.data_axis,
            f"The law at the horizon that the studies of each year allow. {years.data_axis_sentence}",
        )  # fmt: skip


def _choices(plan: Plan) -> Iterator[Explanation]:
    if plan.choice is not None:
        choice = plan.choice
        regret = "unknown" if choice.expected_regret_eur is None else numbers.eur(choice.expected_regret_eur)
        yield computed(
            plan, "choice", "Which option", f"least expected regret {regret}", "comparison",
            "Every feasible option in the same draws; regret is the cost above the best of each draw. "
            f"{choice.sentence}",
        )  # fmt: skip
    if plan.break_even is not None:
        even = plan.break_even
        hours = f"{numbers.span(even.gpu_hours_per_year, numbers.hours)} h a year"
        yield computed(
            plan, "break_even", "Break-even of buying", hours, "comparison",
            "Fixed yearly cost of one server / (rent of an hour - electricity of an hour), VAT included. "
            f"{even.sentence}", _priced(plan),
        )  # fmt: skip
    if plan.reselection is not None:
        chosen = plan.reselection
        yield computed(
            plan, "reselection", "Hardware chosen anew each year", numbers.eur_cents(chosen.total_eur), "comparison",
            f"Cheapest path over options and years, a change costs all trials again. {chosen.sentence}",
        )  # fmt: skip


def _questions(plan: Plan) -> Iterator[Explanation]:
    if plan.loss_for_budget is not None:
        bought = plan.loss_for_budget
        yield computed(
            plan, "loss_for_budget", "What the budget buys",
            "nothing" if bought.loss is None else f"{numbers.loss(bought.loss.p50)} nats", "law and prices",
            "Most examples whose year costs no more than the budget, draw by draw, and the law's loss after them. "
            f"{bought.sentence}", _priced(plan),
        )  # fmt: skip
    if plan.calibrate_longer is not None:
        longer = plan.calibrate_longer
        factor = "unknown" if longer.cost_factor_now is None else f"P90 / P10 {longer.cost_factor_now:.2f}"
        yield computed(
            plan, "calibrate_longer", "How much longer to calibrate", factor, "law",
            f"What a further run is expected to show, drawn from the law. {longer.sentence}",
        )  # fmt: skip
    for bar in plan.influences:
        yield computed(
            plan, f"influence_{bar.code}", f"Influence of: {bar.label}",
            f"{numbers.eur(min(bar.cost_low_eur, bar.cost_high_eur))} to "
            f"{numbers.eur(max(bar.cost_low_eur, bar.cost_high_eur))}", "tornado",
            "Yearly cost with this input at its P10 and P90, all others as in the budget scenario.",
        )  # fmt: skip
    for share in plan.sobol:
        yield computed(
            plan, f"sobol_{share.code}", f"Share of the variance: {share.label}",
            " alone, ".join(sentences.explained(share)) + " in all", "Sobol indices",
            f"Sampling of Saltelli et al. 2010 (SALib); 95 % interval +- {numbers.chance(share.total_confidence)}.",
        )  # fmt: skip


def _priced(plan: Plan) -> list[Assumption]:
    codes = ("price", "quote", "server_quote_eur", "purchase", "electricity", "usd_per_eur")
    return [item for item in plan.assumptions if item.code in codes]
