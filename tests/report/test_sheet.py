"""The CSV of a plan."""

from __future__ import annotations

import csv
import io
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.cost.plan import Plan
from planner.report.sheet import COLUMNS, board_csv, file_name
from tests.factories import every_verdict, example_plan, illustration_plan, unreachable_plan

PAYLOADS = [
    "=1+1",
    '=HYPERLINK("http://example.com";"x")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\0=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
]


def rows(plan: Plan) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(board_csv(plan).decode("utf-8-sig"), newline="")))


def test_the_lines_add_up_to_the_total_to_the_cent() -> None:
    for plan in every_verdict().values():
        table = rows(plan)
        cents = [round(100 * float(row["BilledCost"])) for row in table if row["x_Record"] == "line"]
        total = next(row for row in table if row["x_Record"] == "total")
        assert sum(cents) == round(100 * float(total["BilledCost"])) == round(100 * plan.total_eur)


def test_spreadsheets_recognise_the_encoding_and_every_row_has_every_column() -> None:
    data = board_csv(example_plan())
    assert data.startswith(b"\xef\xbb\xbf")
    parsed = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert {len(row) for row in parsed} == {len(COLUMNS)}


def test_a_quantile_that_is_not_reached_is_empty_and_explained() -> None:
    row = next(row for row in rows(unreachable_plan()) if row["x_Code"] == "cost_per_year")
    assert (row["x_P10"], row["x_P50"], row["x_P90"]) == ("", "", "")
    assert "no P10" in row["x_Note"]


def test_percentile_totals_are_marked_as_not_additive() -> None:
    assert {row["x_Record"] for row in rows(example_plan()) if row["x_P90"] and row["x_Unit"].startswith("GPU")} == {
        "quantiles, not additive"
    }


def test_an_illustration_is_marked_in_the_first_row() -> None:
    assert rows(illustration_plan())[0]["x_Note"] == "illustration, not PaliGemma-3B"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_a_user_becomes_a_formula(payload: str) -> None:
    plan = example_plan()
    line = msgspec.structs.replace(plan.lines[0], label=payload, formula=payload, source=payload, unit=payload)
    item = msgspec.structs.replace(plan.assumptions[0], label=payload, value=payload, source=payload)
    option = msgspec.structs.replace(plan.options[0], gpu=payload, reason=payload)
    nasty = example_plan(lines=[line], assumptions=[item], options=[option], budget_scenario=payload, marks=[payload])
    parsed = list(csv.reader(io.StringIO(board_csv(nasty).decode("utf-8-sig"), newline="")))
    cells = [cell for row in parsed for cell in row if cell]
    numbers = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
    started = [cell for cell in cells if cell[0] in "=+-@\t\r\n\0＝＋－＠"]
    assert not [cell for cell in started if not numbers.fullmatch(cell)]
    assert sum(cell.lstrip("'").startswith(payload) for cell in cells) >= 9


def test_negative_numbers_stay_numbers() -> None:
    plan = example_plan()
    line = msgspec.structs.replace(plan.lines[0], amount_eur=-5.0)
    row = next(row for row in rows(example_plan(lines=[line])) if row["x_Record"] == "line")
    assert float(row["BilledCost"]) == -5.0


@given(gpu=st.text(max_size=200), day=st.sampled_from(["2026-11-24", "../../etc", ""]))
def test_a_file_name_has_a_fixed_pattern(gpu: str, day: str) -> None:
    plan = example_plan(created=day)
    plan = msgspec.structs.replace(plan, scenario=msgspec.structs.replace(plan.scenario, gpu=gpu))
    assert re.fullmatch(r"[a-z0-9-]{1,60}\.pdf", file_name(plan, "pdf"))
