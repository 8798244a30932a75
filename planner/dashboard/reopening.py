"""A plan from a file that was dropped: a board PDF that carries it, or its JSON. Known by content, not by name."""

from __future__ import annotations

from planner.cost.plan import Plan, parse_plan
from planner.errors import shown_name
from planner.report.pdf import read_plan_from_pdf


def plan_from(data: bytes, name: str) -> Plan:
    """The plan in a file.

    Raises:
        PlanError: There is none, or it cannot be read.
    """
    file = shown_name(name)
    is_pdf = data.lstrip()[:5].startswith(b"%PDF-") or file.lower().endswith(".pdf")
    return read_plan_from_pdf(data, file=file) if is_pdf else parse_plan(data, file=file)
