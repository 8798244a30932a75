"""Text for a terminal: short, aligned, the headline first."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence

import click

_WIDEST = 100


def width() -> int:
    """Columns to use."""
    return max(40, min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST))


def headline(text: str) -> str:
    """The finding, first and bold."""
    return "\n".join(click.style(line, bold=True) for line in textwrap.wrap(text, width()))


def title(text: str) -> str:
    """The head of a part."""
    return click.style(text, bold=True)


def section(head: str, lines: Iterable[str]) -> str | None:
    """A titled list of sentences; None where there are none."""
    found = [paragraph(line, indent=2, hanging=4) for line in lines]
    return "\n".join([title(head), *found]) if found else None


def paragraph(text: str, indent: int = 0, hanging: int | None = None) -> str:
    """Wrapped text."""
    return textwrap.fill(
        text,
        width(),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hanging is None else hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values in two columns; long values wrap in theirs."""
    found = list(rows)
    left = max((len(name) for name, _ in found), default=0)
    lines = []
    for name, value in found:
        wrapped = textwrap.wrap(value, max(width() - left - 4, 20), break_on_hyphens=False) or [""]
        lines.append(f"  {name:<{left}}  {wrapped[0]}")
        lines += [" " * (left + 4) + line for line in wrapped[1:]]
    return "\n".join(lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Columns as wide as they need; `right` are the indices of columns of numbers."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        shown = [
            cell.rjust(wide) if i in right else cell.ljust(wide)
            for i, (cell, wide) in enumerate(zip(cells, widths, strict=True))
        ]
        return ("  " + "  ".join(shown)).rstrip()

    return "\n".join([click.style(line(head), underline=False, dim=True), *(line(row) for row in rows)])


def findings(found: Iterable[tuple[str, str]]) -> str | None:
    """(severity, sentence) of a diagnosis, one below the other."""
    lines = [paragraph(f"{severity:<9} {sentence}", indent=2, hanging=12) for severity, sentence in found]
    return "\n".join([title("What is suspect"), *lines]) if lines else None


def marks(found: Iterable[str]) -> str | None:
    """What must stand wherever a figure is shown."""
    shown = "; ".join(found)
    return paragraph(f"[{shown}]") if shown else None


def join(*parts: str | None) -> str:
    """Parts with an empty line between them; None and empty parts are left out."""
    return "\n\n".join(part for part in parts if part)
