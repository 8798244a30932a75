"""A scenario as a TOML file: every key checked, every mistake reported at once."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from enum import EnumMeta, StrEnum
from pathlib import Path
from typing import Any, get_args

import msgspec

from planner.cost.scenario import Scenario
from planner.errors import Mistake, ScenarioError, shown_name
from planner.reading import read_bytes

MAX_SCENARIO_BYTES = 256 * 1024
_BOUND = re.compile(r"(>=|<=|>|<) (-?[\d.]+)")
_BOUND_WORDS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}


def read_scenario(path: Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Read a TOML file whose keys are the fields of `Scenario`.

    Args:
        path: The file.
        overrides: Values that replace the file's, for example from the command line; None is "not given".

    Raises:
        ScenarioError: Not TOML, or any key unknown, missing or out of range; all of them at once.
    """
    file = shown_name(path)
    data = read_bytes(path, error=ScenarioError, limit=MAX_SCENARIO_BYTES)
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ScenarioError(
            Mistake(
                file=file, reason=f"not TOML ({problem})", remedy='Write lines such as target_loss = 1.3 or gpu = "L4"'
            )
        ) from None
    except RecursionError:
        raise ScenarioError(
            Mistake(file=file, reason="brackets nested too deeply", remedy="Write plain lines, key = value")
        ) from None
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    return scenario_from(table | given, file=file)


def scenario_from(values: Mapping[str, Any], *, file: str = "scenario") -> Scenario:
    """Check values by name.

    Args:
        values: Field to value; a value of None is "not given".
        file: Name for the messages.

    Raises:
        ScenarioError: All mistakes at once.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(Scenario)}
    mistakes = [_unknown(key, list(fields), file) for key in values if key not in fields]
    checked: dict[str, Any] = {}
    for name, field in fields.items():
        value = values.get(name)
        if value is None:
            if field.required:
                mistakes.append(
                    Mistake(file=file, field=name, reason="is missing", remedy=f"Give {name}; it has no default")
                )
            continue
        reason = _wrong(value, field.type)
        if reason is None:
            checked[name] = msgspec.convert(value, field.type, strict=True)
        else:
            mistakes.append(Mistake(file=file, field=name, reason=reason, remedy=_remedy(name)))
    if mistakes:
        raise ScenarioError(mistakes)
    return Scenario(**checked)


def check_scenario(scenario: Scenario, *, file: str = "scenario") -> Scenario:
    """Check a scenario that was built in code, where the types' ranges are not enforced.

    Raises:
        ScenarioError: All mistakes at once.
    """
    return scenario_from(msgspec.structs.asdict(scenario), file=file)


def _wrong(value: Any, kind: Any) -> str | None:
    """What is wrong with a value, in words; None when nothing is."""
    shown = repr(value)[:20]
    if isinstance(value, float) and not math.isfinite(value):
        return f"expected a finite number, got {shown}"
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as problem:
        text = str(problem)
        bound = _BOUND.search(text)
        if bound is not None:
            return f"expected a number {_BOUND_WORDS[bound[1]]} {float(bound[2]):g}, got {shown}"
        if "regex" in text:
            return f"expected three capital letters, got {shown}"
        if "enum" in text:
            return f"expected one of {', '.join(member.value for member in _members(kind))}, got {shown}"
        wanted = "a text" if "`str`" in text else "a whole number" if "`int`" in text else "a number"
        return f"expected {wanted}, got {shown}"
    return None


def _members(kind: Any) -> list[StrEnum]:
    """Members of the enumeration within a type."""
    found = kind if isinstance(kind, EnumMeta) else next(part for part in get_args(kind) if isinstance(part, EnumMeta))
    return list(found)


def _unknown(key: str, known: list[str], file: str) -> Mistake:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return Mistake(
        file=file, field=str(key)[:40], reason="is not a key of a scenario", remedy=f"{hint}Keys: {', '.join(known)}"
    )


def _remedy(name: str) -> str:
    if name == "country":
        return 'Write the code of ISO 3166 such as "NLD"'
    return "Correct the value; docs/plan.md lists every key with its unit and range"
