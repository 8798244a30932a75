"""How each figure of a plan comes about; no arithmetic, the plan holds it all."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from planner.cli.figure import Explanation, computed, stated
from planner.cli.further_figures import further_figures
from planner.cost.plan import Assumption, CostQuantiles, LedgerLine, Plan
from planner.errors import Mistake, PlanError
from planner.outcome import Quantiles
from planner.record import XUnit
from planner.report.words import numbers, sentences

LINE_INPUTS = {
    "serving_rent": (
        "price", "usd_per_eur", "studies_per_day", "answer_tokens", "serving_batch", "serving_start_s", "model",
        "gpu_rate", "quantization",
    ),
    "staff": ("staff_hours_per_year", "staff_eur_per_hour"),
    "tuning_rent": (
        "price", "usd_per_eur", "trials", "retunings_per_year", "retuning_share", "seconds_per_example",
        "evaluation_share", "loading_share", "modality_transfer", "gpus", "model", "gpu_rate", "quantization",
    ),
    "calibration_rent": ("price", "usd_per_eur", "seconds_per_example", "evaluation_share", "loading_share"),
    "idle_commitment": ("price", "usd_per_eur"),
    "equipment": (
        "quote", "server_quote_eur", "purchase", "usd_per_eur", "lifetime_years", "residual_share", "discount_rate",
    ),
    "maintenance": ("quote", "server_quote_eur", "purchase", "maintenance_share_per_year"),
    "energy": ("electricity", "power_usage_effectiveness", "quote"),
    "storage": ("storage_gib", "usd_per_eur"),
    "egress": ("egress_gib_per_year", "usd_per_eur"),
    "support": ("support_eur_per_year",),
    "vat": ("vat_rate", "vat_recoverable_share"),
    "vat_reverse_charge": ("vat_rate", "vat_recoverable_share"),
}  # fmt: skip
"""Inputs that a line of the ledger is computed from, by their codes."""
_QUANTILE = re.compile(r"\.(p05|p10|p50|p90|p95)$")


def explanations(plan: Plan) -> list[Explanation]:
    """All figures of the plan: totals, the lines of the ledger, years and further questions, then the inputs."""
    return [
        *_totals(plan),
        *(_line(line, plan) for line in plan.lines),
        *further_figures(plan),
        *(_assumption(a) for a in plan.assumptions),
    ]


def explained(plan: Plan, figure: str) -> Explanation:
    """One figure by its code, its label, or its key in the plan ("cost_per_year.p50").

    Raises:
        PlanError: The plan has none of this name; names the nearest.
    """
    found = explanations(plan)
    wanted = _QUANTILE.sub("", figure.strip().lower().replace("-", "_"))
    for one in found:
        if wanted in (one.code.lower(), one.label.lower(), one.label.lower().replace(" ", "_")):
            return one
    codes = [one.code for one in found]
    near = difflib.get_close_matches(wanted, codes, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise PlanError(
        Mistake(
            file="plan",
            field="FIGURE",
            reason=f"no figure {figure[:40]!r}",
            remedy=f"{hint}`plateau explain PLAN` lists all {len(codes)}",
        )
    )


def _totals(plan: Plan) -> Iterator[Explanation]:
    yield from _from_the_law(plan)
    yield from _from_the_costs(plan)


def _from_the_law(plan: Plan) -> Iterator[Explanation]:
    calibration, asymptote, reach = plan.calibration, plan.asymptote, plan.curve.loss_at_horizon
    basis = f"calibration {calibration.calibration_id} of {calibration.created}, {calibration.points:,} points"
    low, high = asymptote.p05, asymptote.p95
    yield computed(
        plan, "verdict", "Verdict", plan.verdict.name.value, basis,
        f"P(loss <= target within the horizon) = {sentences.chance(plan)}. {plan.verdict.sentence}",
    )  # fmt: skip
    yield computed(
        plan, "asymptote", "Asymptote c",
        f"{numbers.loss(low)} to {numbers.loss(high)} nats (90 %)" if low and high else "not stated", basis,
        f"Posterior of c in loss(t) = a t^(-b) + c. {asymptote.sentence}",
    )  # fmt: skip
    yield computed(
        plan, "loss_at_horizon", "Loss at the horizon",
        f"{numbers.loss(reach.p05)} to {numbers.loss(reach.p95)} nats (90 %)", basis,
        f"The law at {numbers.count(plan.curve.horizon_examples)} {sentences.unit(plan)}. {plan.curve.sentence}",
    )  # fmt: skip
    yield computed(
        plan, "examples", "Examples to the target", numbers.span(plan.examples, numbers.examples), basis,
        "For every draw of the law the first t with loss(t) <= target; a draw that does not get there within the "
        "horizon counts as infinite.",
    )  # fmt: skip


def _from_the_costs(plan: Plan) -> Iterator[Explanation]:
    inputs, basis = plan.assumptions, plan.hours_basis.value

    def span(quantiles: Quantiles | CostQuantiles, show: numbers.Formatter) -> str:
        return numbers.span(quantiles, show) if plan.calibration.x_unit == XUnit.EXAMPLES else "unknown"

    yield computed(
        plan, "hours", "GPU-hours of one fine-tuning", span(plan.hours, numbers.hours), basis,
        f"Examples x seconds an example / 3,600. {plan.hours_sentence}", inputs,
    )  # fmt: skip
    if plan.elapsed_hours is not None and plan.scenario.gpus > 1:
        yield computed(
            plan, "elapsed_hours", "Hours on the clock of one fine-tuning", span(plan.elapsed_hours, numbers.hours),
            basis, f"GPU-hours / {plan.scenario.gpus} GPUs that train together, each on its share of the effective "
            "batch; what they wait for each other's gradients is in the GPU-hours.", inputs,
        )  # fmt: skip
    yield computed(
        plan, "hours_per_year", "GPU-hours of a year", span(plan.hours_per_year, numbers.hours), basis,
        "Trials, re-tunings, evaluation and serving, draw by draw.", inputs,
    )  # fmt: skip
    yield computed(
        plan, "cost_per_year", "Cost of a year", span(plan.cost_per_year, numbers.eur), basis,
        f"The lines of the ledger, draw by draw, P10 to P90. What moves it most: {_influences(plan)}", inputs,
    )  # fmt: skip
    reached = plan.if_reached
    yield computed(
        plan, "cost_if_reached", "Cost of a year if the target is reached",
        numbers.span(reached.cost_per_year, numbers.eur), basis,
        f"The same over the {numbers.chance(reached.probability)} of draws that reach it. {reached.sentence}", inputs,
    )  # fmt: skip
    yield computed(
        plan, "spent_if_missed", "Spent if the target is missed",
        "unknown" if reached.spent_if_missed_eur is None else numbers.eur(reached.spent_if_missed_eur), basis,
        "P90 of all trials up to the horizon, with a year of bought hardware, a commitment and own staff and all "
        "one-off lines, VAT included; no study is answered yet.", inputs,
    )  # fmt: skip
    if plan.probability_within_budget is not None:
        yield computed(
            plan, "probability_within_budget", "Chance to stay within the budget",
            numbers.chance(plan.probability_within_budget), basis,
            f"Share of the draws that cost at most {numbers.eur_cents(plan.scenario.budget_eur)} a year.",
        )  # fmt: skip
    memory = plan.memory
    parts = " + ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in memory.components_gib.items())
    yield computed(
        plan, "memory", "Peak memory of training", f"{numbers.gib(memory.gib_p50)} (P95 {numbers.gib(memory.gib_p95)})",
        memory.basis.value, f"{parts} GiB. {memory.sentence}",
    )  # fmt: skip
    if plan.lines:
        lines = " + ".join(f"{line.label} {numbers.eur_cents(line.amount_eur)}" for line in plan.lines)
        yield computed(
            plan, "total", "Budget scenario", numbers.eur_cents(plan.total_eur), "sum of the ledger",
            f"{lines}. {plan.budget_scenario}.",
        )  # fmt: skip


def _influences(plan: Plan) -> str:
    shown = [
        f"{bar.label} ({numbers.eur(bar.cost_low_eur)} to {numbers.eur(bar.cost_high_eur)})"
        for bar in plan.influences[:3]
    ]
    return "; ".join(shown) + "." if shown else "not known."


def _line(line: LedgerLine, plan: Plan) -> Explanation:
    return Explanation(
        code=line.code,
        label=line.label,
        value=numbers.eur_cents(line.amount_eur),
        formula=line.formula,
        basis=line.basis.value,
        source=line.source,
        as_of=line.as_of,
        inputs=[stated(item) for item in plan.assumptions if item.code in LINE_INPUTS.get(line.code, ())],
    )


def _assumption(item: Assumption) -> Explanation:
    return Explanation(
        code=item.code,
        label=item.label,
        value=f"{item.value} {item.unit}".strip(),
        formula=f"An input; uncertainty: {item.uncertainty}",
        basis=item.basis.value,
        source=item.source,
        as_of=item.as_of,
        inputs=[],
    )
