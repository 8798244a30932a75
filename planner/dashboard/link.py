"""A link is a plan: the query parameters are the fields of `Scenario` by name, the calibration's id and the language.

Fields that hold several things (own costs, risks, a supplier's offer, modalities) are compact JSON.

A value that cannot be used is named in a notice; it is never silently replaced.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping
from functools import cache

import msgspec
from msgspec import Struct

from planner.cost.scenario import Scenario
from planner.errors import InputError
from planner.reading import parse_number
from planner.report.words import LANGUAGES, numbers
from planner.report.words.screen import LinkWords

CALIBRATION = "calibration"
LANGUAGE = "language"
ALWAYS_SHOWN = ("target_loss", "gpu")
_NOTHING = "none"
_LONGEST_SHOWN = 40
_MAX_LENGTH = 200
_MAX_LENGTH_OF_SEVERAL = 16_000


class Bounds(Struct, frozen=True, kw_only=True):
    """What a link may name: the catalogs' GPUs and quantizations, and the target losses of the slider."""

    gpus: tuple[str, ...]
    quantizations: tuple[str, ...]
    target_loss_low: float
    target_loss_high: float


def write_link(
    scenario: Scenario, *, opening: Scenario, calibration_id: str, language: str | None = None
) -> dict[str, str]:
    """Query parameters: the target, the GPU, whatever differs from the opening scenario, and the calibration.

    Args:
        scenario: To be written.
        opening: Its values are left out.
        calibration_id: Which calibration the link speaks about.
        language: Code of a language that the visitor has chosen; None: that of the browser, which a link leaves open.
    """
    values = msgspec.to_builtins(scenario)
    before = msgspec.to_builtins(opening)
    shown = {name: _text(value) for name, value in values.items() if name in ALWAYS_SHOWN or value != before[name]}
    chosen = {LANGUAGE: language} if language else {}
    return {CALIBRATION: calibration_id, **shown, **chosen}


def language_of(parameters: Mapping[str, str]) -> str | None:
    """The language that a link asks for, None where it asks for none that there is."""
    asked = parameters.get(LANGUAGE)
    return asked if asked in LANGUAGES else None


def read_link(
    parameters: Mapping[str, str],
    *,
    opening: Scenario,
    bounds: Bounds,
    calibration_id: str,
    say: LinkWords,
    tag: str = "en",
) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario of a link, and a sentence for every part of it that cannot be used.

    Never raises: a link is untrusted text. Its own values are quoted as they stand in it.
    """
    notices: list[str] = []
    scenario = opening
    other = parameters.get(CALIBRATION)
    if other is not None and other != calibration_id:
        notices.append(say.other_calibration.format(other=_shown(other), own=calibration_id))
    language = parameters.get(LANGUAGE)
    if language is not None and language not in LANGUAGES:
        known = say.unknown_language.format(languages=", ".join(LANGUAGES))
        notices.append(say.unusable.format(name=LANGUAGE, value=_shown(language), reason=known, kept="–"))
    kinds = _kinds()
    for name, text in parameters.items():
        if name in (CALIBRATION, LANGUAGE):
            continue
        if name not in kinds:
            notices.append(say.unknown_input.format(name=_shown(name)))
            continue
        try:
            value = _value(text, kinds[name], say)
            _check(name, value, bounds, say, tag)
            scenario = msgspec.convert({**msgspec.to_builtins(scenario), name: value}, Scenario, strict=True)
        except (InputError, msgspec.ValidationError, _UnusableError) as problem:
            reason = str(problem) if isinstance(problem, _UnusableError) else say.no_value
            kept = _kept(msgspec.to_builtins(opening)[name], tag)
            notices.append(say.unusable.format(name=name, value=_shown(text), reason=reason, kept=kept))
    return scenario, tuple(notices)


class _UnusableError(ValueError):
    """A value that has the right type and still cannot be used."""


@cache
def _kinds() -> dict[str, frozenset[type]]:
    """The types that a field of the scenario may have, by its name."""
    return {name: frozenset(_members(kind)) for name, kind in typing.get_type_hints(Scenario).items()}


def _members(kind: object) -> tuple[type, ...]:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return tuple(member for part in typing.get_args(kind) for member in _members(part))
    origin = typing.get_origin(kind) or kind
    return (origin,) if isinstance(origin, type) else ()


def _value(text: str, kinds: frozenset[type], say: LinkWords) -> object:
    several = any(issubclass(kind, tuple | Struct) for kind in kinds)
    if len(text) > (_MAX_LENGTH_OF_SEVERAL if several else _MAX_LENGTH):
        raise _UnusableError(say.too_long)
    if text == _NOTHING:
        return None
    if several:
        return _of_json(text, say)
    if bool in kinds:
        return {"true": True, "false": False}.get(text, text)
    if float in kinds or int in kinds:
        number = parse_number(text, file="link", row=None, field="value")
        return int(number) if int in kinds and number == int(number) else number
    return text


def _of_json(text: str, say: LinkWords) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
        raise _UnusableError(say.no_value) from problem


def _check(name: str, value: object, bounds: Bounds, say: LinkWords, tag: str) -> None:
    known: dict[str, Collection[str]] = {"gpu": bounds.gpus, "quantization": bounds.quantizations}
    if name in known and value not in known[name]:
        raise _UnusableError(say.not_in_catalog.format(names=", ".join(known[name])))
    if name == "target_loss" and isinstance(value, float):
        low, high = bounds.target_loss_low, bounds.target_loss_high
        if not low <= value <= high:
            raise _UnusableError(say.out_of_range.format(low=numbers.plain(low, tag), high=numbers.plain(high, tag)))


def _text(value: object) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list | dict):
        return msgspec.json.encode(value).decode()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _kept(value: object, tag: str) -> str:
    """A value as a sentence names it: numbers as the reader writes them."""
    return numbers.plain(value, tag) if isinstance(value, float) else _shortened(_text(value))


def _shown(text: str) -> str:
    return repr(_shortened(text))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
