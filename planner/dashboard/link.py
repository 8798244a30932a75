"""A link is a plan: the query parameters are the fields of `Scenario` by name, and the calibration's id.

A value that cannot be used is named in a notice; it is never silently replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from planner.cost.scenario import Scenario
from planner.errors import InputError
from planner.reading import parse_number

CALIBRATION = "calibration"
_NOTHING = "none"
_LONGEST_SHOWN = 40
_MAX_LENGTH = 200


class Bounds(Struct, frozen=True, kw_only=True):
    """What a link may name: the catalogs' GPUs and quantizations, and the target losses of the slider."""

    gpus: tuple[str, ...]
    quantizations: tuple[str, ...]
    target_loss_low: float
    target_loss_high: float


def write_link(scenario: Scenario, *, opening: Scenario, calibration_id: str) -> dict[str, str]:
    """Query parameters: the target, the GPU, whatever differs from the opening scenario, and the calibration."""
    values = msgspec.to_builtins(scenario)
    before = msgspec.to_builtins(opening)
    shown = {
        name: _text(value) for name, value in values.items() if name in ("target_loss", "gpu") or value != before[name]
    }
    return {CALIBRATION: calibration_id, **shown}


def read_link(
    parameters: Mapping[str, str], *, opening: Scenario, bounds: Bounds, calibration_id: str
) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario of a link, and a sentence for every part of it that cannot be used.

    Never raises: a link is untrusted text.
    """
    notices: list[str] = []
    scenario = opening
    other = parameters.get(CALIBRATION)
    if other is not None and other != calibration_id:
        notices.append(
            f"This link was made with the calibration {_shown(other)}; the one that is open here is {calibration_id}, "
            "so its figures differ from those you were sent."
        )
    fields = {field.name: field for field in msgspec.structs.fields(Scenario)}
    for name, text in parameters.items():
        if name == CALIBRATION:
            continue
        if name not in fields:
            notices.append(f"The link has {_shown(name)}, which is not an input of this dashboard; it is left out.")
            continue
        try:
            value = _value(name, text, fields[name].type)
            _check(name, value, bounds)
            scenario = msgspec.convert({**msgspec.to_builtins(scenario), name: value}, Scenario, strict=True)
        except (InputError, msgspec.ValidationError, _UnusableError) as problem:
            reason = str(problem) if isinstance(problem, _UnusableError) else "that is not a value it can have"
            kept = _text(msgspec.to_builtins(opening)[name])
            notices.append(f"The link asks for {name} = {_shown(text)}, but {reason}; {kept} is used instead.")
    return scenario, tuple(notices)


class _UnusableError(ValueError):
    """A value that has the right type and still cannot be used."""


def _value(name: str, text: str, kind: object) -> object:
    if len(text) > _MAX_LENGTH:
        raise _UnusableError("it is too long")
    if text == _NOTHING:
        return None
    if name == "answer_tokens":
        number = parse_number(text, file="link", row=None, field=name)
        return int(number) if number == int(number) else number
    if "float" in str(kind):
        return parse_number(text, file="link", row=None, field=name)
    return text


def _check(name: str, value: object, bounds: Bounds) -> None:
    known: dict[str, Collection[str]] = {"gpu": bounds.gpus, "quantization": bounds.quantizations}
    if name in known and value not in known[name]:
        raise _UnusableError(f"the catalog has only {', '.join(known[name])}")
    if name == "target_loss" and isinstance(value, float):
        low, high = bounds.target_loss_low, bounds.target_loss_high
        if not low <= value <= high:
            raise _UnusableError(f"this calibration can speak about {low:g} to {high:g}")


def _text(value: object) -> str:
    if value is None:
        return _NOTHING
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "...")
