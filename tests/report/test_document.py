"""What the board paper says, before it is drawn."""

from __future__ import annotations

import msgspec
import pytest

from planner.cost.plan import CostQuantiles, NotCosted, Plan
from planner.outcome import VerdictName
from planner.report.document import Document, Entries, Section, Table, Tiles, board_report
from planner.report.words import LANGUAGES, words
from tests.factories import every_verdict, example_plan
from tests.report.plans import full_plan


def section(document: Document, heading: str) -> Section:
    return next(found for found in document.sections if found.heading == heading)


def entries(found: Section) -> list[list[tuple[str, str]]]:
    return [block.items for block in found.blocks if isinstance(block, Entries)]


def plan_without_hours() -> Plan:
    """As a log of steps of unknown size gives it."""
    plan, none = example_plan(), CostQuantiles(p10=None, p50=None, p90=None)
    return msgspec.structs.replace(
        plan,
        lines=[],
        total_eur=0.0,
        cost_per_year=none,
        if_reached=msgspec.structs.replace(plan.if_reached, cost_per_year=none, sentence="Hours are unknown."),
        not_costed=[NotCosted(code="tuning", label="Fine-tuning", remedy="Say the batch size"), *plan.not_costed],
    )


def test_risks_stand_by_the_amount_to_expect() -> None:
    plan = msgspec.structs.replace(
        full_plan(), if_reached=msgspec.structs.replace(full_plan().if_reached, probability=0.9)
    )
    missed = 0.1 * (plan.if_reached.spent_if_missed_eur or 0.0)
    expected = {words().paper.risk_missed: missed, **{risk.name: risk.expected_eur for risk in plan.risks}}
    named = [title for title, _ in entries(section(board_report(plan), words().paper.risks_heading))[0]]
    priced = [expected[title] for title in named if title in expected]
    assert len(priced) == len(plan.risks) + 1
    assert priced == sorted(priced, reverse=True)


def test_what_blocks_is_the_first_risk() -> None:
    plan = every_verdict()[VerdictName.UNDECIDED]
    first, _ = entries(section(board_report(plan), words().paper.risks_heading))[0][0]
    assert first == words().paper.severity["blocking"]


def test_what_would_change_the_decision_is_said_in_figures() -> None:
    plan = example_plan()
    changes = dict(entries(section(board_report(plan), words().paper.risks_heading))[1])
    assert f"{plan.curve.loss_at_horizon.p95:.2f}" in changes[words().paper.change_target]
    assert "€4,500" in changes[words().paper.change_budget]


@pytest.mark.parametrize("language", LANGUAGES)
def test_unknown_hours_give_no_table_of_costs_and_are_not_called_unreached(language: str) -> None:
    document, paper = board_report(plan_without_hours(), language), words(language).paper
    costs = section(document, paper.cost_heading)
    assert [block for block in costs.blocks if isinstance(block, Table)] == []
    tiles = next(block for block in document.sections[0].blocks if isinstance(block, Tiles))
    shown = {tile.label: tile.value for tile in tiles.tiles}
    assert shown[paper.tile_cost] == words(language).numbers.unknown
    assert paper.options_refused in str(section(document, paper.options_heading))
    assert paper.years_heading not in [found.heading for found in document.sections]


def test_set_ups_that_are_out_for_one_reason_stand_together() -> None:
    plan = example_plan()
    refused = [
        msgspec.structs.replace(plan.options[0], gpu=f"G{number}", tenure=tenure, reason="needs 17.2 GiB, 14.4 usable")
        for number in range(5)
        for tenure in ("on_demand", "spot")
    ]
    found = str(section(board_report(msgspec.structs.replace(plan, options=refused)), words().paper.options_heading))
    assert "G0 bf16, G1 bf16, G2 bf16, …: needs 17.2 GiB, 14.4 usable" in found
    assert found.count("needs 17.2 GiB") == 1


def test_what_hardly_any_draw_reaches_has_no_cost_of_reaching_it() -> None:
    plan = example_plan()
    rare = msgspec.structs.replace(plan, if_reached=msgspec.structs.replace(plan.if_reached, probability=0.0005))
    first = board_report(rare).sections[0]
    tiles = next(block for block in first.blocks if isinstance(block, Tiles))
    shown = {tile.label: tile.value for tile in tiles.tiles}
    assert shown[words().paper.tile_cost] == words().numbers.not_reached
    assert "cannot be said" in str(first)
