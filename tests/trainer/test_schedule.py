"""Budgets, rates, data order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainer.schedule import DataOrder, learning_rate, make_budgets, total_steps

BUDGETS = st.lists(st.integers(16, 5000), min_size=1, max_size=8)


@given(BUDGETS, st.integers(1, 16))
def test_budgets_are_whole_steps_in_ascending_order_and_end_with_a_cool_down(counts: list[int], batch: int) -> None:
    budgets = make_budgets(counts, batch)
    assert [b.examples for b in budgets] == sorted({b.examples for b in budgets})
    assert all(b.examples == b.steps * batch and 0 < b.cool_down_from < b.steps for b in budgets)


@given(BUDGETS)
def test_before_its_cool_down_a_budget_does_what_the_trunk_does(counts: list[int]) -> None:
    budget = make_budgets(counts, 8)[-1]
    rates = [learning_rate(step, 1.0, budget) for step in range(budget.steps)]
    assert rates[: budget.cool_down_from] == [learning_rate(step, 1.0, None) for step in range(budget.cool_down_from)]
    cooling = rates[budget.cool_down_from :]
    assert all(0 < rate <= 1 for rate in rates)
    if budget.cool_down_from >= 8:
        assert cooling == sorted(cooling, reverse=True)
        assert cooling[-1] < 0.5


@given(st.integers(1, 60), st.integers(1, 16), st.integers(0, 5))
def test_every_pass_visits_every_example_once_in_an_order_of_its_own(examples: int, batch: int, seed: int) -> None:
    order = DataOrder(examples, batch, seed)
    stream = [index for step in range(3 * examples) for index in order(step)][: 3 * examples]
    passes = [stream[start : start + examples] for start in range(0, 3 * examples, examples)]
    assert all(sorted(each) == list(range(examples)) for each in passes)
    if examples > 20:
        assert passes[0] != passes[1]


@given(st.integers(1, 60), st.integers(1, 16), st.lists(st.integers(0, 200), max_size=20))
def test_the_order_is_a_function_of_seed_and_step_alone(examples: int, batch: int, steps: list[int]) -> None:
    walked = DataOrder(examples, batch, 3)
    assert [walked(step) for step in steps] == [DataOrder(examples, batch, 3)(step) for step in steps]


def test_a_trunk_saves_steps_over_separate_runs() -> None:
    budgets = make_budgets([64 * 2**i for i in range(6)], 8)
    assert total_steps(budgets, trunk=False) / total_steps(budgets, trunk=True) > 1.6
