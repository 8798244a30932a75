"""Plans side by side: what differs in what was decided, and in what it costs. To the cent, never in percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from planner.cost.plan import Plan

_CENT = Decimal("0.01")


class ChangedInput(Struct, frozen=True, kw_only=True):
    """An input of the scenario that is not the same in all plans; a value each, None where it is not given."""

    field: str
    values: tuple[object, ...]


class ComparedLine(Struct, frozen=True, kw_only=True):
    """A line of the budget scenario in every plan.

    Attributes:
        amounts_eur: None where a plan does not have the line.
        differences_eur: Against the first plan, where a line that is not there counts as nothing.
    """

    code: str
    label: str
    amounts_eur: tuple[float | None, ...]
    differences_eur: tuple[float, ...]


def changed_inputs(plans: Sequence[Plan]) -> tuple[ChangedInput, ...]:
    """Fields of the scenarios that differ, in the order of the scenario."""
    scenarios = [msgspec.structs.asdict(plan.scenario) for plan in plans]
    return tuple(
        ChangedInput(field=field, values=tuple(scenario[field] for scenario in scenarios))
        for field in scenarios[0]
        if any(scenario[field] != scenarios[0][field] for scenario in scenarios)
    )


def compared_lines(plans: Sequence[Plan]) -> tuple[ComparedLine, ...]:
    """Every line that any plan has, the largest difference first; the differences add up to those of the totals."""
    labels = {line.code: line.label for plan in reversed(plans) for line in plan.lines}
    by_code = [_amounts(plan) for plan in plans]
    codes = list(dict.fromkeys(line.code for plan in plans for line in plan.lines))
    lines = []
    for code in codes:
        amounts = [found.get(code) for found in by_code]
        first = amounts[0] or Decimal(0)
        lines.append(
            ComparedLine(
                code=code,
                label=labels[code],
                amounts_eur=tuple(None if amount is None else float(amount) for amount in amounts),
                differences_eur=tuple(float((amount or Decimal(0)) - first) for amount in amounts),
            )
        )
    return tuple(sorted(lines, key=lambda line: -max(abs(by) for by in line.differences_eur)))


def total_differences(plans: Sequence[Plan]) -> tuple[float, ...]:
    """Totals of the budget scenarios against that of the first plan."""
    totals = [_cents(plan.total_eur) for plan in plans]
    return tuple(float(total - totals[0]) for total in totals)


def _amounts(plan: Plan) -> dict[str, Decimal]:
    """Lines by code; those that share one are added."""
    found: dict[str, Decimal] = {}
    for line in plan.lines:
        found[line.code] = found.get(line.code, Decimal(0)) + _cents(line.amount_eur)
    return found


def _cents(amount_eur: float) -> Decimal:
    return Decimal(repr(amount_eur)).quantize(_CENT)
