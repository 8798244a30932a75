"""`python -m planner.cost.schema > docs/plan.schema.json`: the JSON schema of a plan, from its types."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import msgspec

from planner.cost.plan import Plan


def plan_schema() -> bytes:
    """JSON Schema (2020-12) of `plan.json`, indented, with one newline at its end."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plateau plan"}
    document |= _described(msgspec.json.schema(Plan))
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _described(part: Any) -> Any:
    """The same in one spelling.

    The indentation of descriptions differs between versions of Python, and `typing` takes a bound of 0 for one of 0.0,
    whichever was seen first.
    """
    if isinstance(part, float) and part.is_integer():
        return int(part)
    if isinstance(part, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _described(value)
            for key, value in part.items()
        }
    return [_described(value) for value in part] if isinstance(part, list) else part


if __name__ == "__main__":
    sys.stdout.buffer.write(plan_schema())
