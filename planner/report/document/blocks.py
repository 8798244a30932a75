"""What a board paper is made of: blocks in sections, as plain data that any printer can draw."""

from __future__ import annotations

from msgspec import Struct

from planner.report.chart import CurveChart, RangeBar


class Paragraph(Struct, frozen=True, kw_only=True, tag="paragraph"):
    """Running text; `lead` is larger, `small` is a note."""

    text: str
    style: str = "normal"


class Entries(Struct, frozen=True, kw_only=True, tag="entries"):
    """Short texts, each with its bold beginning, in one or more columns."""

    items: list[tuple[str, str]]
    columns: int = 1


class Callout(Struct, frozen=True, kw_only=True, tag="callout"):
    """What must not be overlooked; `tone` is `decision` or `warning`."""

    title: str
    text: str
    tone: str


class Tile(Struct, frozen=True, kw_only=True):
    """One key figure: label, figure, and what it refers to."""

    label: str
    value: str
    note: str
    weight: int = 2


class Tiles(Struct, frozen=True, kw_only=True, tag="tiles"):
    """The key figures side by side."""

    tiles: list[Tile]


class Table(Struct, frozen=True, kw_only=True, tag="table"):
    """A table with a header row.

    Attributes:
        align: `left` or `right`, a column each.
        widths: Shares of the width, a column each; 0 is as wide as its text.
        total: A last row that is set apart, or None.
        strong: Indices of the rows that are set in bold.
        whole: Keep the table on one page.
        bars: A range drawn beside every row, whose numbers stand in the table; None: no such column.
        bars_title: Header of that column.
    """

    caption: str
    header: list[str]
    align: list[str]
    widths: list[float]
    rows: list[list[str]]
    total: list[str] | None = None
    strong: list[int] = []
    whole: bool = False
    bars: list[RangeBar | None] | None = None
    bars_title: str = ""


class CurveFigure(Struct, frozen=True, kw_only=True, tag="curve"):
    """The chart of the curve with its legend."""

    title: str
    alt: str
    chart: CurveChart
    x_label: str
    y_label: str
    target: str
    measured: str
    line: str
    band: str
    asymptote: str
    horizon: str


class BarsFigure(Struct, frozen=True, kw_only=True, tag="bars"):
    """Horizontal ranges with their ends as text (the tornado)."""

    title: str
    alt: str
    labels: list[str]
    bars: list[RangeBar]
    low: list[str]
    high: list[str]


class Signature(Struct, frozen=True, kw_only=True, tag="signature"):
    """Lines to sign on."""

    labels: list[str]


Block = Paragraph | Entries | Callout | Tiles | Table | CurveFigure | BarsFigure | Signature


class Section(Struct, frozen=True, kw_only=True):
    """Blocks under a heading; without heading they open the paper. A `whole` section is not broken between pages."""

    heading: str | None
    blocks: list[Block]
    new_page: bool = False
    whole: bool = False


class Document(Struct, frozen=True, kw_only=True):
    """The board paper.

    Attributes:
        created: ISO date of the plan.
        marks: Stand on every page.
        page: Pattern with two `{}`: page and pages.
        hospital: Whose paper it is; empty where nobody has said.
        logo_alt: The logo for those who do not see it; empty where there is none.
    """

    language: str
    created: str
    overline: str
    title: str
    subject: str
    header: str
    footer: str
    page: str
    attachment: str
    version: str
    hospital: str
    logo_alt: str
    marks: list[str]
    sections: list[Section]


class Room(Struct, frozen=True, kw_only=True):
    """How many rows of what may be long; the attached plan always holds all of them."""

    options: int
    assumptions: int
    risks: int
    years: int


MOST_ROWS_TOGETHER = 14
"""A longer table of cost lines may go on on the next page: kept whole it would leave half of one empty."""
ROOMS = (
    Room(options=9, assumptions=22, risks=8, years=6),
    Room(options=6, assumptions=12, risks=4, years=5),
    Room(options=3, assumptions=6, risks=3, years=4),
)
"""From what is best to read to what fits a plan with everything in it."""
