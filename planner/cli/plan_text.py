"""A plan on a terminal: the answer first, then quantities, lines, years and what else was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.cli import text

if TYPE_CHECKING:
    from planner.cost.plan import Plan


def shown(made: Plan) -> str:
    """All that a plan says, the answer first."""
    from planner.report.words import sentences

    suspect = text.findings((finding.severity.value, finding.sentence) for finding in made.findings)
    # What blocks is the answer then: it comes first, and the verdict's sentence would only say it again.
    blocked = sentences.is_blocked(made)
    return text.join(
        text.headline(sentences.headline(made) + "."),
        marks(made),
        suspect if blocked else text.paragraph(sentences.verdict(made)),
        text.paragraph(sentences.answer(made)),
        text.paragraph(made.asymptote.sentence),
        _quantities(made),
        text.paragraph(made.memory.sentence),
        _ledger(made),
        text.paragraph(sentences.not_costed(made)),
        _years(made),
        text.section("What else was asked", _answers(made)),
        text.section("In answers", (quality.sentence for quality in made.quality)),
        None if blocked else suspect,
    )


def _quantities(made: Plan) -> str:
    """P10, P50 and P90 of what follows, with what they rest on; one sentence where there is none of them."""
    from planner.cost.quantiles import NEVER
    from planner.report.words import numbers

    reached = made.if_reached
    certain = reached.probability > 0.995
    elapsed = made.elapsed_hours if made.elapsed_hours is not None and made.scenario.gpus > 1 else NEVER
    rows = [
        (label, *(show(value) for value in (quantiles.p10, quantiles.p50, quantiles.p90)), unit)
        for label, unit, quantiles, show in (
            ("examples to the target", "examples", made.examples, numbers.examples),
            ("one fine-tuning", f"GPU-hours, {made.hours_basis.value}", made.hours, numbers.hours),
            ("the same on the clock", f"hours, {made.scenario.gpus} GPUs", elapsed, numbers.hours),
            ("all of a year", "GPU-hours", made.hours_per_year, numbers.hours),
            ("cost a year", "EUR", made.cost_per_year, numbers.eur),
            ("if reached: one fine-tuning", "GPU-hours", reached.hours, numbers.hours),
            ("if reached: cost a year", "EUR", reached.cost_per_year, numbers.eur),
        )
        if quantiles.p10 is not None and not (certain and label.startswith("if reached"))
    ]
    hours = text.paragraph(made.hours_sentence)
    if not rows:
        return f"{text.paragraph('No examples, hours or cost of reaching the target can be given.')}\n{hours}"
    return text.table(["", "P10", "P50", "P90", ""], rows, right=[1, 2, 3]) + "\n" + hours


def _ledger(made: Plan) -> str | None:
    from planner.report.words import numbers, sentences

    if not made.lines or not made.total_eur:
        return None
    rows = [(line.label, numbers.eur_cents(line.amount_eur), line.basis.value, line.as_of or "") for line in made.lines]
    rows.append(("total", numbers.eur_cents(made.total_eur), "", ""))
    lines = text.table(["line", "amount", "basis", "as of"], rows, right=[1])
    head = text.title(f"Budget scenario, a year: {made.budget_scenario}")
    return f"{head}\n{lines}\n{text.paragraph(' '.join(filter(None, (sentences.total(made), _old_inputs(made)))))}"


def _old_inputs(made: Plan) -> str | None:
    """How many dated inputs are old, and the oldest of them."""
    from planner.catalog import STALE_AFTER_DAYS

    old = sorted((item.as_of, item.label) for item in made.assumptions if item.stale and item.as_of is not None)
    if not old:
        return None
    day, label = old[0]
    return f"{len(old)} of its dated inputs are older than {STALE_AFTER_DAYS} days; the oldest is {label} of {day}."


def _years(made: Plan) -> str | None:
    """Cash by fiscal year, with the range and what it comes to as equal payments."""
    from planner.report.words import numbers

    years = made.years
    if years is None or not years.total_eur:
        return None
    rows = [
        (
            year.name,
            numbers.eur_cents(year.cash_eur),
            numbers.span(year.cash, numbers.eur),
            numbers.loss(year.reachable_loss.p50) if year.reachable_loss else "-",
        )
        for year in years.years
    ]
    equal = numbers.span(years.equivalent_annual_cost, numbers.eur)
    return "\n".join(
        [
            text.title("Cash by fiscal year"),
            text.table(["year", "budget scenario", "8 in 10", "lowest loss"], rows, right=[1, 2, 3]),
            text.paragraph(f"{years.sentence} As equal yearly payments: {equal}. {years.data_axis_sentence}"),
        ]
    )


def _answers(made: Plan) -> list[str]:
    """One sentence for each further question."""
    found = [
        made.loss_for_budget,
        made.choice,
        made.break_even,
        made.reselection,
        made.calibrate_longer,
        *made.comparisons,
        made.carbon,
    ]
    return [one.sentence for one in found if one is not None]


def marks(made: Plan) -> str | None:
    """What must stand wherever a figure of the plan is shown."""
    from planner.report.words import sentences

    return text.marks(sentences.marks(made))
