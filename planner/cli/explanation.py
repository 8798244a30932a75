"""How each figure of a plan comes about; no arithmetic, the plan holds it all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from msgspec import Struct

from planner.cost.plan import Assumption, CostQuantiles, LedgerLine, Plan
from planner.errors import Mistake, PlanError
from planner.outcome import Quantiles
from planner.record import XUnit
from planner.report.words import numbers, sentences


class Explanation(Struct, frozen=True, kw_only=True):
    """One figure.

    Attributes:
        inputs: (label, value with unit, uncertainty and dated source) of what it is computed from.
    """

    code: str
    label: str
    value: str
    formula: str
    basis: str
    source: str
    as_of: str | None
    inputs: list[tuple[str, str]]


def explanations(plan: Plan) -> list[Explanation]:
    """All figures of the plan: totals, then the lines of the ledger, then the inputs."""
    return [*_totals(plan), *(_line(line, plan) for line in plan.lines), *(_assumption(a) for a in plan.assumptions)]


def explained(plan: Plan, figure: str) -> Explanation:
    """One figure by its code or label.

    Raises:
        PlanError: The plan has none of this name; names the nearest.
    """
    found = explanations(plan)
    wanted = figure.strip().lower().replace("-", "_")
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
    yield _computed(
        plan, "verdict", "Verdict", plan.verdict.name.value, basis,
        f"P(loss <= target within the horizon) = {numbers.chance(plan.verdict.probability)}. {plan.verdict.sentence}",
    )  # fmt: skip
    yield _computed(
        plan, "asymptote", "Asymptote c",
        f"{numbers.loss(low)} to {numbers.loss(high)} nats (90 %)" if low and high else "not stated", basis,
        f"Posterior of c in loss(t) = a t^(-b) + c. {asymptote.sentence}",
    )  # fmt: skip
    yield _computed(
        plan, "loss_at_horizon", "Loss at the horizon",
        f"{numbers.loss(reach.p05)} to {numbers.loss(reach.p95)} nats (90 %)", basis,
        f"The law at {numbers.count(plan.curve.horizon_examples)} {sentences.unit(plan)}. {plan.curve.sentence}",
    )  # fmt: skip
    yield _computed(
        plan, "examples", "Examples to the target", numbers.span(plan.examples, numbers.examples), basis,
        "For every draw of the law the first t with loss(t) <= target; a draw that does not get there within the "
        "horizon counts as infinite.",
    )  # fmt: skip


def _from_the_costs(plan: Plan) -> Iterator[Explanation]:
    inputs, basis = plan.assumptions, plan.hours_basis.value

    def span(quantiles: Quantiles | CostQuantiles, show: numbers.Formatter) -> str:
        return numbers.span(quantiles, show) if plan.calibration.x_unit == XUnit.EXAMPLES else "unknown"

    yield _computed(
        plan, "hours", "GPU-hours of one fine-tuning", span(plan.hours, numbers.hours), basis,
        f"Examples x seconds an example / 3,600. {plan.hours_sentence}", inputs,
    )  # fmt: skip
    yield _computed(
        plan, "hours_per_year", "GPU-hours of a year", span(plan.hours_per_year, numbers.hours), basis,
        "Trials, re-tunings, evaluation and serving, draw by draw.", inputs,
    )  # fmt: skip
    yield _computed(
        plan, "cost_per_year", "Cost of a year", span(plan.cost_per_year, numbers.eur), basis,
        f"The lines of the ledger, draw by draw, P10 to P90. What moves it most: {_influences(plan)}", inputs,
    )  # fmt: skip
    if plan.probability_within_budget is not None:
        yield _computed(
            plan, "probability_within_budget", "Chance to stay within the budget",
            numbers.chance(plan.probability_within_budget), basis,
            f"Share of the draws that cost at most {numbers.eur_cents(plan.scenario.budget_eur)} a year.",
        )  # fmt: skip
    memory = plan.memory
    parts = " + ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in memory.components_gib.items())
    yield _computed(
        plan, "memory", "Peak memory of training", f"{numbers.gib(memory.gib_p50)} (P95 {numbers.gib(memory.gib_p95)})",
        memory.basis.value, f"{parts} GiB. {memory.sentence}",
    )  # fmt: skip
    if plan.lines:
        lines = " + ".join(f"{line.label} {numbers.eur_cents(line.amount_eur)}" for line in plan.lines)
        yield _computed(
            plan, "total", "Budget scenario", numbers.eur_cents(plan.total_eur), "sum of the ledger",
            f"{lines}. {plan.budget_scenario}.",
        )  # fmt: skip


def _computed(
    plan: Plan, code: str, label: str, value: str, basis: str, formula: str, inputs: Iterable[Assumption] = ()
) -> Explanation:
    return Explanation(
        code=code,
        label=label,
        value=value,
        formula=formula,
        basis=basis,
        source=f"computed by Plateau {plan.plateau_version} ({plan.draws:,} draws, seed {plan.seed})",
        as_of=plan.created,
        inputs=[_input(item) for item in inputs],
    )


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
        inputs=[_input(item) for item in plan.assumptions if _named_in(item, line)],
    )


def _named_in(item: Assumption, line: LedgerLine) -> bool:
    """Whether an input belongs to a line: its value stands in the line's formula, or its source is the line's."""
    return item.source == line.source or (len(item.value) > 2 and item.value in line.formula)


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


def _input(item: Assumption) -> tuple[str, str]:
    dated = f"{item.source} ({item.as_of})" if item.as_of else item.source
    return item.label, f"{item.value} {item.unit}".strip() + f"; {item.uncertainty}; {dated}"
