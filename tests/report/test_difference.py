"""Plans side by side."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from planner.cost.plan import LedgerLine, Plan
from planner.report.difference import changed_inputs, compared_lines, total_differences
from tests.factories import example_plan

CODES = ("staff", "serving_rent", "tuning_rent", "storage", "vat")


def plan_of(amounts: dict[str, int]) -> Plan:
    """A plan with these lines, in cents."""
    template = example_plan().lines[0]
    lines: list[LedgerLine] = [
        msgspec.structs.replace(template, code=code, label=code, amount_eur=cents / 100)
        for code, cents in amounts.items()
    ]
    return example_plan(lines=lines, total_eur=sum(amounts.values()) / 100)


plans = st.dictionaries(st.sampled_from(CODES), st.integers(0, 10**9), max_size=5).map(plan_of)


@given(sides=st.lists(plans, min_size=2, max_size=3))
def test_the_differences_of_the_lines_add_up_to_those_of_the_totals(sides: list[Plan]) -> None:
    lines, totals = compared_lines(sides), total_differences(sides)
    for place, by in enumerate(totals):
        added = sum((Decimal(repr(line.differences_eur[place])) for line in lines), start=Decimal(0))
        assert added == Decimal(repr(by))
    assert totals[0] == 0
    assert all(line.differences_eur[0] == 0 for line in lines)


def test_the_largest_difference_comes_first_and_a_missing_line_is_no_zero() -> None:
    lines = compared_lines([plan_of({"staff": 1000, "vat": 5}), plan_of({"staff": 5000})])
    assert [line.code for line in lines] == ["staff", "vat"]
    assert lines[0].differences_eur == (0.0, 40.0)
    assert lines[1].amounts_eur == (0.05, None)
    assert lines[1].differences_eur == (0.0, -0.05)


def test_only_inputs_that_differ_are_named() -> None:
    plan = example_plan()
    other = msgspec.structs.replace(plan, scenario=msgspec.structs.replace(plan.scenario, gpu="T4", budget_eur=None))
    assert changed_inputs([plan, plan]) == ()
    assert {item.field: item.values for item in changed_inputs([plan, other])} == {
        "gpu": ("L4", "T4"),
        "budget_eur": (5000.0, None),
    }
