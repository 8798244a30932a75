"""What a plan says beyond the cost of one year: types of its further results, each with its sentence.

None is infinite in quantiles and "not known" elsewhere. No amount is negative: what comes back (a resale) stands as
income of its own, and two costs are compared by their ratio.
"""

from __future__ import annotations

from msgspec import Struct

from planner.cost.figures import Basis, CostQuantiles
from planner.outcome import Interval, Probability, Quantiles


class PlanCarbon(Struct, frozen=True, kw_only=True):
    """Operational carbon of a year beside its cost; making the hardware is not in it.

    Attributes:
        kg_co2e: Of all GPU-hours of a year.
        kwh: The electricity behind it, at the meter of the building.
        place: Whose electricity it is.
    """

    kg_co2e: Quantiles
    kwh: Quantiles
    g_co2e_per_kwh: float
    place: str
    basis: Basis
    source: str
    as_of: str | None
    sentence: str


class PlanRisk(Struct, frozen=True, kw_only=True):
    """One named risk of the register; its expected amount is a line of the ledger, its draws are in the range.

    Attributes:
        code: Of its ledger line, `risk_1` and so on.
        probability: A year.
        expected_eur: probability * impact, a year.
    """

    code: str
    name: str
    probability: Probability
    impact_eur: float
    expected_eur: float
    mitigation: str
    sentence: str


class YearLine(Struct, frozen=True, kw_only=True):
    """One line of the cash by fiscal year, budget scenario; the cells add up to the cent in both directions.

    Attributes:
        code, label: Those of the ledger line; bought hardware stands as `purchase`.
        amounts_eur: What is paid, a cell each fiscal year.
        total_eur: Sum of the cells.
        expenses_eur: What is charged, a cell each fiscal year; they add up to the years' `expense_eur`.
        quantities, unit: How much of what is used in each, where the line is a product.
    """

    code: str
    label: str
    amounts_eur: list[float]
    total_eur: float
    expenses_eur: list[float] = []
    quantities: list[float] = []
    unit: str | None = None


class FiscalYear(Struct, frozen=True, kw_only=True):
    """One fiscal year of the plan.

    Attributes:
        name: "2027", or "2027/28" where the fiscal year does not start in January.
        start, end: ISO dates of the first and last day that the plan falls into it.
        months: Months of use in it.
        cash_eur: What is paid in it, budget scenario: the sum of the cells of its column.
        expense_eur: What is charged to it, budget scenario: hardware written off in a straight line, prepaid
            commitments over their term.
        income_eur: From selling hardware at the end of its life.
        book_value_eur: Of hardware at its end.
        prepaid_eur: Paid for commitments that still run at its end.
        cash: Range of `cash_eur`, all draws.
        budget_eur: What may be spent in it: the yearly budget by its months, and what was carried over.
        probability_within_budget: That its cash stays within `budget_eur`.
        gpu_hours: Budget scenario.
        unique_studies: Different studies that are there by its end.
        reachable_loss: Lowest loss that the law supports with them, nats per suffix token.
    """

    name: str
    start: str
    end: str
    months: int
    cash_eur: float
    expense_eur: float
    income_eur: float
    book_value_eur: float
    prepaid_eur: float
    cash: CostQuantiles
    budget_eur: float | None
    probability_within_budget: Probability | None
    gpu_hours: float
    unique_studies: float | None
    reachable_loss: Interval | None


class PlanYears(Struct, frozen=True, kw_only=True):
    """The plan by fiscal year: cash, expense and the equivalent annual cost side by side.

    Attributes:
        money: `nominal` (indexed) or `real` (in money of the start).
        lines: Cash of the budget scenario; every column adds up to its year's `cash_eur`.
        total_eur: All cells.
        income_eur: All income, which is in no total.
        cash: Range of the whole cash.
        equivalent_annual_cost: Equal yearly payment with the same present value, income and remaining value taken off.
        straight_line_eur: Mean yearly expense of the budget scenario.
        probability_within_budget: That every fiscal year stays within its budget.
        data_axis: `measured` where the calibration varied the studies, else `assumption`.
        data_axis_sentence: What more studies do to the reachable loss, and how that is known.
    """

    horizon_years: int
    money: str
    fiscal_year_start_month: int
    years: list[FiscalYear]
    lines: list[YearLine]
    total_eur: float
    income_eur: float
    cash: CostQuantiles
    equivalent_annual_cost: CostQuantiles
    straight_line_eur: float
    probability_within_budget: Probability | None
    data_axis: str
    data_axis_sentence: str
    sentence: str


class OptionName(Struct, frozen=True, kw_only=True):
    """What names an option of the plan; `model` where it is that of another calibration than the plan's."""

    gpu: str
    quantization: str
    tenure: str
    model: str | None = None


class YearSelection(Struct, frozen=True, kw_only=True):
    """What is used in a year of use when model, bits and hardware are chosen anew each year.

    Attributes:
        year: Of use, from 1.
        model_share: Size of the model against the calibrated one; 1 unless smaller models are assumed.
        changed: Whether it differs from the year before, which costs all trials again.
        cost_eur: Budget scenario, in that year's money.
        stay_eur: The same for staying with the plan's own option.
    """

    year: int
    option: OptionName
    model_share: float
    changed: bool
    cost_eur: float
    stay_eur: float


class Reselection(Struct, frozen=True, kw_only=True):
    """The cheapest path through the years against staying with the plan's own option.

    Attributes:
        total_eur, stay_total_eur: Present value of both.
        ratio: Of the first to the second over all draws that reach the target; below 1 the choice saves.
    """

    years: list[YearSelection]
    total_eur: float
    stay_total_eur: float
    ratio: Quantiles
    sentence: str


class Alternative(Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    Attributes:
        cost: Present value of all years of the horizon.
        loss_by_year: What the model then does, nats per suffix token; a year each.
        probability: P(target reached within the horizon).
    """

    code: str
    label: str
    cost: CostQuantiles
    loss_by_year: list[Interval]
    probability: Probability
    sentence: str


class Comparison(Struct, frozen=True, kw_only=True):
    """Two ways to do the same, draw by draw.

    Attributes:
        code: `spend_once_or_yearly` or `adapter_per_modality_or_joint`.
        cost_ratio: Cost of the second over that of the first.
        second_dearer_by, second_cheaper_by: How much more and how much less the second costs, 0 in the draws of the
            other; over the draws that have both costs.
        loss_ratio: Loss of the second at the end of the horizon over that of the first; null where both have the same.
        probability_second_cheaper: Share of the draws.
        probability_second_lower_loss: Share of the draws, at the end of the horizon; null where both have the same.
        assumptions: What the comparison rests on beside the plan.
    """

    code: str
    question: str
    first: Alternative
    second: Alternative
    cost_ratio: Quantiles
    second_dearer_by: CostQuantiles
    second_cheaper_by: CostQuantiles
    loss_ratio: Interval | None
    probability_second_cheaper: Probability
    probability_second_lower_loss: Probability | None
    assumptions: list[str]
    sentence: str


class Choice(Struct, frozen=True, kw_only=True):
    """Which GPU, quantization and tenure for this target; null where no option is feasible there.

    Attributes:
        cheapest_p50, cheapest_p90: Lowest P50 and P90 of the yearly cost among the options that fit.
        least_expected_regret: Lowest mean of what it costs above the best option of each draw.
        least_largest_regret: Lowest of the largest such amount (minimax).
        expected_regret_eur, largest_regret_eur: Of these two.
        chosen_expected_regret_eur, chosen_largest_regret_eur: Of the plan's own option; null where it is not feasible.
        options: How many were compared.
    """

    cheapest_p50: OptionName | None
    cheapest_p90: OptionName | None
    least_expected_regret: OptionName | None
    least_largest_regret: OptionName | None
    expected_regret_eur: float | None
    largest_regret_eur: float | None
    chosen_expected_regret_eur: float | None
    chosen_largest_regret_eur: float | None
    options: int
    sentence: str


class FrontPoint(Struct, frozen=True, kw_only=True):
    """One point of the front of loss and cost: no option reaches this loss for less.

    Attributes:
        probability: P(reached within the horizon).
        cost_per_year: Infinite mass kept.
    """

    target_loss: float
    probability: Probability
    option: OptionName
    cost_per_year: CostQuantiles


class BreakEven(Struct, frozen=True, kw_only=True):
    """How busy a bought GPU must be to cost no more than a rented one.

    Attributes:
        tenure: Of the rent it is held against.
        gpu_hours_per_year: Above which buying is cheaper; null is never.
        utilisation: The same as a share of a year.
        planned_gpu_hours: Of the budget scenario.
        probability_buy_cheaper: At the planned hours.
    """

    gpu: str
    tenure: str
    gpu_hours_per_year: Quantiles
    utilisation: Quantiles
    planned_gpu_hours: float
    probability_buy_cheaper: Probability
    sentence: str


class SobolIndex(Struct, frozen=True, kw_only=True):
    """Share of the variance of the yearly cost that an input explains (Sobol 2001; Saltelli et al. 2010).

    Attributes:
        first_order: Alone. Estimates below 0 are shown as 0.
        total: With all its interactions, so never below it; an estimate that is stands at the first order.
        first_order_confidence, total_confidence: Half width of the 95 % bootstrap interval.
    """

    code: str
    label: str
    first_order: float
    first_order_confidence: float
    total: float
    total_confidence: float


class LossForBudget(Struct, frozen=True, kw_only=True):
    """What loss a yearly budget buys.

    Attributes:
        option: The one that gets farthest with it; null where none is feasible or the money buys no fine-tuning.
        probability_affordable: That it buys at least as many examples as the smallest calibrated run.
        examples: That a fine-tuning can then afford, 0 where none.
        loss: Reached with them where it does, nats per suffix token.
        confident_loss: Reached in nine of ten draws.
        limited_by: `budget`, `studies` or `extrapolation`, in most draws.
    """

    budget_eur: float
    option: OptionName | None
    probability_affordable: Probability
    examples: Quantiles
    loss: Interval | None
    confident_loss: float | None
    limited_by: str
    sentence: str


class CalibrateLonger(Struct, frozen=True, kw_only=True):
    """How much longer to calibrate before the cost is worth signing.

    Attributes:
        needed: False where a further run would change nothing.
        examples, replicates: Of the advised run; null where none is advised.
        gpu_hours, cost_eur: Of it on the plan's GPU.
        chance_settled: That the verdict is then decided.
        cost_factor_now: P90 / P10 of the yearly cost if the target is reached.
        cost_factor_after: The same expected after that run.
    """

    needed: bool
    examples: float | None
    replicates: int | None
    gpu_hours: Quantiles | None
    cost_eur: CostQuantiles | None
    chance_settled: Probability | None
    cost_factor_now: float | None
    cost_factor_after: float | None
    sentence: str
