"""The colours of the charts, one set a theme; told apart without colour vision, and by marker and dash as well."""

from __future__ import annotations

from msgspec import Struct


class Palette(Struct, frozen=True, kw_only=True):
    """Colours of one theme as CSS values; every line has a contrast of at least 3:1 against `background`.

    Attributes:
        measured: Points that were measured; the accent colour.
        forecast: The law beyond and between them.
        band: The interval around the law, transparent.
        target: The target loss, the budget.
        asymptote: The asymptote and its interval.
        asymptote_band: Transparent.
        text: Axis titles and labels.
        grid: Grid lines; decoration.
        background: Of the page.
        lines: Of stacked lines, in order; a gap in the colour of the page lies between them.
    """

    measured: str
    forecast: str
    band: str
    target: str
    asymptote: str
    asymptote_band: str
    text: str
    grid: str
    background: str
    lines: tuple[str, ...]


LIGHT = Palette(
    measured="#0B5FB0",
    forecast="#0B5FB0",
    band="rgba(11, 95, 176, 0.16)",
    target="#B8500C",
    asymptote="#00705D",
    asymptote_band="rgba(0, 112, 93, 0.12)",
    text="#0B0C0C",
    grid="#E1E6EB",
    background="#FFFFFF",
    lines=("#0B5FB0", "#B8500C", "#00806A", "#7A4B9A", "#8A6D00", "#5A6570"),
)
DARK = Palette(
    measured="#5AAEF5",
    forecast="#5AAEF5",
    band="rgba(90, 174, 245, 0.22)",
    target="#F0A04B",
    asymptote="#4CC9A8",
    asymptote_band="rgba(76, 201, 168, 0.16)",
    text="#F3F5F7",
    grid="#2C3743",
    background="#10161D",
    lines=("#5AAEF5", "#F0A04B", "#4CC9A8", "#C79BE6", "#E3C94B", "#98A4B0"),
)


def palette(theme: str | None) -> Palette:
    """The palette of a theme as the browser names it (`light`, `dark`, or not known yet)."""
    return DARK if theme == "dark" else LIGHT
