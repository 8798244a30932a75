"""The published schema is the one of the types, and plans hold to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from planner.cost.given import GivenCost, Modality, Risk, ServerQuote
from planner.cost.plan import encode_plan
from planner.cost.scenario import Scenario
from planner.cost.schema import plan_schema
from tests.factories import every_verdict

ROOT = Path(__file__).resolve().parents[2]


def test_the_published_schema_is_up_to_date() -> None:
    assert (ROOT / "docs" / "plan.schema.json").read_bytes() == plan_schema(), (
        "run: python -m planner.cost.schema > docs/plan.schema.json"
    )


def test_every_field_of_a_plan_is_in_the_schema() -> None:
    definitions: dict[str, Any] = json.loads(plan_schema())["$defs"]
    for plan in every_verdict().values():
        written = json.loads(encode_plan(plan))
        assert set(written) == set(definitions["Plan"]["properties"])
        assert set(written["lines"][0]) <= set(definitions["LedgerLine"]["properties"])


def test_the_page_on_plans_explains_every_key_of_a_scenario() -> None:
    page = (ROOT / "docs" / "plan.md").read_text("utf-8")
    fields = [field.encode_name for field in msgspec.structs.fields(Scenario)]
    assert not [name for name in fields if f"`{name}`" not in page and f"[{name}]" not in page]
    for table in (ServerQuote, GivenCost, Risk, Modality):
        assert not [name for name in table.__struct_fields__ if f"`{name}`" not in page]
