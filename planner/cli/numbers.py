"""Numbers on the command line, as strict as those in files: no decimal comma, no `nan`, no `1_000`."""

from __future__ import annotations

from typing import Any

import click

from planner.errors import InputError


class Number(click.ParamType[float]):
    """A plain decimal number; its range is checked where its meaning is known."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Text to number."""
        if isinstance(value, (int, float)):
            return float(value)
        from planner.reading import parse_number

        try:
            return parse_number(str(value), file="option", row=None, field="value")
        except InputError as problem:
            mistake = problem.mistakes[0]
            self.fail(f"{mistake.reason}. {mistake.remedy}", param, ctx)


class Whole(Number):
    """A whole number of 1 or more."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Text to number."""
        number = super().convert(value, param, ctx)
        if number != int(number) or not 1 <= number <= 1e12:
            self.fail(f"expected a whole number of 1 or more, got {value}", param, ctx)
        return int(number)


NUMBER = Number()
WHOLE = Whole()
