"""A scenario as a TOML file: every key checked, every mistake reported at once."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from enum import EnumMeta, StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from planner.cost.given import COMPUTED, NEVER_COMPUTED, ServerQuote
from planner.cost.scenario import Scenario
from planner.errors import Mistake, ScenarioError, shown_name
from planner.reading import read_bytes

MAX_SCENARIO_BYTES = 256 * 1024
_BOUND = re.compile(r"(>=|<=|>|<) (-?[\d.]+)")
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "date": "a date such as 2026-11-24",
    "array": "a list of tables",
    "object": "a table",
}
_FORMS = {
    "[A-Z]": "three capital letters",
    r"\d{4}-": 'a month such as "2027-01"',
    "[a-z]": "small letters, digits and _",
}
_BOUND_WORDS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}


def read_scenario(path: Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Read a TOML file whose keys are the fields of `Scenario`.

    Args:
        path: The file.
        overrides: Values that replace the file's, for example from the command line; None is "not given".

    Raises:
        ScenarioError: Not TOML, or any key unknown, missing or out of range; all of them at once.
    """
    return scenario_from(scenario_values(path, overrides), file=shown_name(path))


def scenario_values(path: Path | None, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The values of a file and what replaces them, unchecked; without a file what replaces them alone.

    Raises:
        ScenarioError: Not TOML.
    """
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    return given if path is None else _table(path) | given


def _table(path: Path) -> dict[str, Any]:
    file = shown_name(path)
    data = read_bytes(path, error=ScenarioError, limit=MAX_SCENARIO_BYTES)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
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


def scenario_from(values: Mapping[str, Any], *, file: str = "scenario") -> Scenario:
    """Check values by name.

    Args:
        values: Field to value; a value of None is "not given".
        file: Name for the messages.

    Raises:
        ScenarioError: All mistakes at once.
    """
    mistakes: list[Mistake] = []
    checked = _fields(values, Scenario, file, "", mistakes)
    # What is wrong alone is left out of what is compared.
    right: dict[str, Any] = {"target_loss": 1.0, "gpu": ""} | checked
    mistakes += _disagreeing(Scenario(**right), file)
    if mistakes:
        raise ScenarioError(mistakes)
    return Scenario(**checked)


def read_quote(path: Path) -> ServerQuote:
    """Read a supplier's offer: a TOML file with the fields of `planner.cost.given.ServerQuote`, bare or under [quote].

    Raises:
        ScenarioError: All mistakes at once.
    """
    file, table = shown_name(path), _table(path)
    held = table.get("quote")
    mistakes: list[Mistake] = []
    checked = _fields(held if isinstance(held, dict) else table, ServerQuote, file, "", mistakes)
    if mistakes:
        raise ScenarioError(mistakes)
    return ServerQuote(**checked)


def _fields(
    values: Mapping[str, Any], kind: type[Struct], file: str, prefix: str, mistakes: list[Mistake]
) -> dict[str, Any]:
    """The fields of a table that are right; what is wrong is added to `mistakes` by its full name."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    where = prefix.rstrip(".") or "a scenario"
    mistakes += [_unknown(f"{prefix}{key}", list(fields), where, file) for key in values if key not in fields]
    checked: dict[str, Any] = {}
    for name, field in fields.items():
        value = values.get(name)
        if value is None:
            if field.required:
                mistakes.append(
                    Mistake(
                        file=file,
                        field=f"{prefix}{name}",
                        reason="is missing",
                        remedy=f"Give {name}; it has no default",
                    )
                )
            continue
        before = len(mistakes)
        converted = _converted(value, field.type, file, f"{prefix}{name}", mistakes)
        if len(mistakes) == before:
            checked[name] = converted
    return checked


def _converted(value: Any, kind: Any, file: str, name: str, mistakes: list[Mistake]) -> Any:
    """A value as its type; tables and lists of tables field by field, so that every mistake in them is found."""
    table = _table_type(kind)
    if table is not None and isinstance(value, (Mapping, Struct)):
        return _made(table, _fields(_plain(value), table, file, f"{name}.", mistakes))
    if table is not None and isinstance(value, (list, tuple)) and get_origin(kind) is tuple:
        found = []
        for number, part in enumerate(value, start=1):
            if isinstance(part, (Mapping, Struct)):
                found.append(_made(table, _fields(_plain(part), table, file, f"{name}[{number}].", mistakes)))
            else:
                mistakes.append(
                    Mistake(file=file, field=f"{name}[{number}]", reason=f"expected a table, got {part!r:.20}",
                            remedy=f"Write it as [[{name}]] with lines of key = value below")
                )  # fmt: skip
        return tuple(found)
    reason = _wrong(value, kind)
    if reason is None:
        return msgspec.convert(value, kind, strict=True)
    mistakes.append(Mistake(file=file, field=name, reason=reason, remedy=_remedy(name.rpartition(".")[2])))
    return None


def _made(table: type[Struct], fields: dict[str, Any]) -> Struct | None:
    """The table, or None where a required field is missing or wrong; that mistake is on the list then."""
    missing = [f for f in msgspec.structs.fields(table) if f.required and f.name not in fields]
    return None if missing else table(**fields)


def _plain(value: Mapping[str, Any] | Struct) -> Mapping[str, Any]:
    return msgspec.structs.asdict(value) if isinstance(value, Struct) else value


def _table_type(kind: Any) -> type[Struct] | None:
    """The struct within a type: itself, optional, or the items of a tuple."""
    parts = get_args(kind) if get_origin(kind) is not None or isinstance(kind, UnionType) else (kind,)
    return next((part for part in parts if isinstance(part, type) and issubclass(part, Struct)), None)


def _disagreeing(scenario: Scenario, file: str) -> list[Mistake]:
    """Values that are right alone and wrong together."""
    found = []

    def wrong(field: str, reason: str, remedy: str) -> None:
        found.append(Mistake(file=file, field=field, reason=reason, remedy=remedy))

    shares = sum(modality.share for modality in scenario.modalities)
    if scenario.modalities and abs(shares - 1.0) > 1e-6:
        wrong("modalities", f"the shares add up to {shares:g}", "Let them add up to 1")
    if scenario.modalities and scenario.modality_count not in (1, len(scenario.modalities)):
        wrong(
            "modality_count",
            f"is {scenario.modality_count}, but {len(scenario.modalities)} modalities are named",
            "Leave it out where modalities are named",
        )
    quote = scenario.quote
    if quote is not None and quote.valid_until < quote.quoted_on:
        wrong("quote.valid_until", f"{quote.valid_until} lies before {quote.quoted_on}", "Correct one of the dates")
    if quote is not None and scenario.server_quote_eur is not None:
        wrong("server_quote_eur", "a quote is given too", "Give one of the two")
    codes = [cost.code for cost in scenario.costs]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        wrong("costs", f"the code {code} stands there twice", "Add the amounts up, or use two codes")
    for cost in scenario.costs:
        if cost.code in COMPUTED:
            wrong("costs", f"{cost.code} is a line that Plateau computes", f"Use {COMPUTED[cost.code]} instead")
        elif cost.label is None and cost.code not in NEVER_COMPUTED:
            wrong("costs", f"{cost.code} has no label", f"Give label, or one of {', '.join(NEVER_COMPUTED)}")
        elif not cost.eur_once and not cost.eur_per_year:
            wrong("costs", f"{cost.code} has no amount", "Give eur_per_year or eur_once, or leave the line out")
    return found


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
        if "length" in text:
            return f"expected a text of 1 to {_longest(kind)} letters, got {len(value)}"
        bound = _BOUND.search(text)
        if bound is not None:
            return f"expected a number {_BOUND_WORDS[bound[1]]} {float(bound[2]):g}, got {shown}"
        if "regex" in text:
            return f"expected {_form(kind)}, got {shown}"
        if "enum" in text:
            return f"expected one of {', '.join(member.value for member in _members(kind))}, got {shown}"
        if "date" in text:
            return f"expected {_KINDS['date']}, got {shown}"
        expected = re.match(r"Expected `(\w+)", text)
        wanted = _KINDS.get(expected[1] if expected else "", "a number")
        return f"expected {wanted}, got {shown}"
    return None


def _form(kind: Any) -> str:
    """What a text of a pattern looks like."""
    return next(words for part, words in _FORMS.items() if part in repr(kind))


def _longest(kind: Any) -> int:
    found = re.search(r"max_length=(\d+)", repr(kind))
    return int(found[1]) if found else 80


def _members(kind: Any) -> list[StrEnum]:
    """Members of the enumeration within a type."""
    found = kind if isinstance(kind, EnumMeta) else next(part for part in get_args(kind) if isinstance(part, EnumMeta))
    return list(found)


def _unknown(key: str, known: list[str], where: str, file: str) -> Mistake:
    near = difflib.get_close_matches(key.rpartition(".")[2], known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return Mistake(
        file=file, field=key[:60], reason=f"is not a key of {where}", remedy=f"{hint}Keys: {', '.join(known)}"
    )


def _remedy(name: str) -> str:
    if name == "country":
        return 'Write the code of ISO 3166 such as "NLD"'
    if name == "first_month":
        return 'Write year and month as "2027-01"'
    return "Correct the value; docs/plan.md lists every key with its unit and range"
