"""How one figure of a plan comes about, as a value."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from planner.cost.plan import Assumption, Plan


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


def computed(
    plan: Plan, code: str, label: str, value: str, basis: str, formula: str, inputs: Iterable[Assumption] = ()
) -> Explanation:
    """A figure that Plateau computed itself."""
    return Explanation(
        code=code,
        label=label,
        value=value,
        formula=formula,
        basis=basis,
        source=f"computed by Plateau {plan.plateau_version} ({plan.draws:,} draws, seed {plan.seed})",
        as_of=plan.created,
        inputs=[stated(item) for item in inputs],
    )


def stated(item: Assumption) -> tuple[str, str]:
    """An input as label and value with uncertainty and dated source."""
    dated = f"{item.source} ({item.as_of})" if item.as_of else item.source
    return item.label, f"{item.value} {item.unit}".strip() + f"; {item.uncertainty.rstrip('.')}; {dated}"
