"""What a plan says, in sentences: the same on screen, on paper and in the terminal.

A plan carries its own sentences for the verdict, the asymptote and the law; these here are built from its figures.
None holds a dollar sign, which Markdown would take for mathematics.
"""

from __future__ import annotations

from planner.cost.plan import CostQuantiles, Plan
from planner.outcome import Quantiles, Severity, VerdictName
from planner.report.words import numbers
from planner.report.words.language import words


def headline(plan: Plan, language: str = "en") -> str:
    """The finding as a title."""
    return (
        words(language)
        .answer.headline[plan.verdict.name.value]
        .format(
            target=numbers.loss(plan.scenario.target_loss, language),
            cost=numbers.span(plan.if_reached.cost_per_year, numbers.eur, language),
            lowest=numbers.loss(plan.curve.loss_at_horizon.p50, language),
        )
    )


def answer(plan: Plan, language: str = "en") -> str:
    """Chance, cost if reached, and what is spent if not; with a budget also the chance to stay within it."""
    said = words(language).answer
    parts = [
        *([said.blocked] if is_blocked(plan) else []),
        said.chance.format(
            target=numbers.loss(plan.scenario.target_loss, language),
            horizon=numbers.examples(plan.curve.horizon_examples, language),
            unit=unit(plan, language),
            chance=numbers.chance(plan.if_reached.probability, language),
        ),
        _cost(plan, language),
    ]
    if plan.scenario.budget_eur is not None and plan.probability_within_budget is not None:
        parts.append(
            said.within_budget.format(
                budget=numbers.eur(plan.scenario.budget_eur, language),
                chance=numbers.chance(plan.probability_within_budget, language),
            )
        )
    return " ".join(parts)


def decision(plan: Plan, language: str = "en") -> str:
    """What the board is asked to decide."""
    said = words(language).answer
    if plan.illustration:
        return said.decision_illustration
    if not plan.memory.fits:
        return said.decision_memory.format(memory=plan.memory.sentence)
    return said.decision[plan.verdict.name.value].format(
        total=numbers.eur_cents(plan.total_eur, language),
        model=plan.calibration.model,
        setup=setup(plan, language),
        p90=numbers.eur(plan.if_reached.cost_per_year.p90, language),
    )


def next_step(plan: Plan, language: str = "en") -> str:
    """What to do next: what a blocking finding asks for, else by verdict."""
    for finding in plan.findings:
        if finding.severity is Severity.BLOCKING:
            return words(language).answer.next_blocked.format(finding=finding.sentence)
    return words(language).answer.next_step[plan.verdict.name.value]


def lowest_loss(plan: Plan, language: str = "en") -> str:
    """The lowest loss that the data support within the horizon."""
    lowest = plan.curve.loss_at_horizon
    return words(language).answer.lowest.format(
        horizon=numbers.examples(plan.curve.horizon_examples, language),
        unit=unit(plan, language),
        p05=numbers.loss(lowest.p05, language),
        p50=numbers.loss(lowest.p50, language),
        p95=numbers.loss(lowest.p95, language),
    )


def not_costed(plan: Plan, language: str = "en") -> str:
    """How many lines have no figure, and which."""
    said = words(language).answer
    if not plan.not_costed:
        return said.nothing_left_out
    labels = "; ".join(label(line.code, line.label, language) for line in plan.not_costed)
    if len(plan.not_costed) == 1:
        return said.not_costed_one.format(labels=labels)
    return said.not_costed.format(count=len(plan.not_costed), labels=labels)


def why_missing(quantiles: Quantiles | CostQuantiles, language: str = "en") -> str | None:
    """Why a quantile is missing, or None when all three are there."""
    said = words(language).answer
    if quantiles.p10 is None:
        return said.no_p10
    if quantiles.p50 is None:
        return said.no_p50
    return said.no_p90 if quantiles.p90 is None else None


def curve_title(plan: Plan, language: str = "en") -> str:
    """What the chart of the curve shows, as its title."""
    return words(language).answer.curve_title[plan.asymptote.status.value]


def marks(plan: Plan, language: str = "en") -> list[str]:
    """What must stand wherever a figure of the plan is shown; never empty for an illustration."""
    if not plan.illustration:
        return list(plan.marks)
    own = words("en").answer.illustration
    return [words(language).answer.illustration, *(mark for mark in plan.marks if mark != own)]


def setup(plan: Plan, language: str = "en") -> str:
    """GPU, quantization and how the GPU is had."""
    return f"{plan.scenario.gpu}, {plan.scenario.quantization}, {tenure(plan.scenario.tenure.value, language)}"


def tenure(code: str, language: str = "en") -> str:
    """How a GPU is had, in words; an unknown code is shown as it is."""
    return words(language).paper.tenure.get(code, code)


def label(code: str, own: str, language: str = "en") -> str:
    """What a code of the plan is called in a language; the plan's own label where that has no word."""
    return words(language).labels.get(code, own)


def unit(plan: Plan, language: str = "en") -> str:
    """What the x of the curve counts."""
    known = words(language).paper.curve_x
    return known.get(plan.calibration.x_unit, known["unknown"])


def total(plan: Plan, language: str = "en") -> str:
    """What the lines of the budget scenario add up to."""
    said = words(language).answer
    return said.total.format(total=numbers.eur_cents(plan.total_eur, language)) if plan.lines else said.no_lines


def spent(plan: Plan, language: str = "en") -> str:
    """What is spent before we know that the target is missed, as a clause."""
    said = words(language).answer
    most = plan.if_reached.spent_if_missed_eur
    return said.spent_unbounded if most is None else said.spent.format(spent=numbers.eur(most, language))


def is_blocked(plan: Plan) -> bool:
    """Whether the diagnosis of the law forbids to rely on its figures."""
    return any(finding.severity is Severity.BLOCKING for finding in plan.findings)


def is_settled(plan: Plan) -> bool:
    """Whether the verdict is one that a yearly budget can rest on."""
    return plan.verdict.name is VerdictName.REACHABLE and plan.memory.fits and not plan.illustration


def _cost(plan: Plan, language: str) -> str:
    said = words(language).answer
    cost = plan.if_reached.cost_per_year
    if cost.p10 is None:
        template = said.cost_never
    elif cost.p90 is None:
        template = said.cost_unbounded
    else:
        template = said.cost
    return template.format(cost=numbers.span(cost, numbers.eur, language), spent=spent(plan, language))
