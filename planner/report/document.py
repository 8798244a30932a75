"""The board paper as words and tables: what is said, in which order, and not how it looks.

No arithmetic beyond formatting: every figure comes from the plan. `pdf` and any other printer draw this value.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from planner.cost.plan import Assumption, Basis, CostQuantiles, Influence, LedgerLine, Option, Plan
from planner.outcome import Finding, Quantiles, Severity
from planner.report.chart import CurveChart, RangeBar, curve_chart, influence_bars, option_bars
from planner.report.words import numbers, sentences, words

MOST_OPTIONS = 9
MOST_INFEASIBLE = 4
MOST_ASSUMPTIONS = 30
MOST_INFLUENCES = 7
MOST_LETTERS_OF_A_NAME = 22
MOST_LETTERS_OF_A_SOURCE = 80


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
    marks: list[str]
    sections: list[Section]


def board_report(plan: Plan, language: str = "en") -> Document:
    """The paper for the board, in a language of `planner.report.words`.

    Raises:
        ValueError: A language that Plateau does not speak.
    """
    paper = words(language).paper
    title = sentences.headline(plan, language)
    return Document(
        language=words(language).language,
        created=plan.created,
        overline=f"{paper.overline} · {numbers.date(plan.created, language)}",
        title=paper.illustration_title.format(title=title) if plan.illustration else title,
        subject=paper.subject,
        header=paper.header,
        footer=paper.footer.format(
            created=numbers.date(plan.created, language),
            calibration=plan.calibration.calibration_id,
            measured=numbers.date(plan.calibration.created, language),
            version=plan.plateau_version,
        ),
        page=paper.page,
        attachment=paper.attachment,
        version=plan.plateau_version,
        marks=sentences.marks(plan, language),
        sections=[
            _first_page(plan, language),
            _costs(plan, language),
            _options(plan, language),
            _risks(plan, language),
            _assumptions(plan, language),
            _method(plan, language),
            _glossary(language),
        ],
    )


def _first_page(plan: Plan, language: str) -> Section:
    paper = words(language).paper
    meaning = " ".join(quality.sentence for quality in plan.quality) or words(language).answer.quality_unknown
    said = [
        (paper.verdict_title, plan.verdict.sentence),
        (paper.quality_title, meaning),
        (paper.asymptote_title, f"{plan.asymptote.sentence} {sentences.lowest_loss(plan, language)}"),
        (paper.next_title, sentences.next_step(plan, language)),
        (paper.left_out_title, sentences.not_costed(plan, language)),
    ]
    return Section(
        heading=None,
        blocks=[
            Callout(
                title=paper.decision_title,
                text=sentences.decision(plan, language),
                tone="decision" if sentences.is_settled(plan) else "warning",
            ),
            Paragraph(text=sentences.answer(plan, language), style="lead"),
            _tiles(plan, language),
            _curve(plan, language),
            Entries(items=said),
            *([Paragraph(text=paper.plan_language, style="small")] if paper.plan_language else []),
        ],
    )


def _tiles(plan: Plan, language: str) -> Tiles:
    paper, reached = words(language).paper, plan.if_reached
    cost = reached.cost_per_year
    cost_note = sentences.why_missing(cost, language) or paper.tile_cost_note.format(
        p50=numbers.eur(cost.p50, language)
    )
    horizon = numbers.examples(plan.curve.horizon_examples, language)
    tiles = [
        Tile(
            label=paper.tile_chance,
            value=numbers.chance(reached.probability, language),
            note=paper.tile_chance_note.format(horizon=horizon, unit=sentences.unit(plan, language)),
        ),
        Tile(label=paper.tile_cost, value=numbers.span(cost, numbers.eur, language), note=cost_note, weight=3),
        Tile(
            label=paper.tile_missed,
            value=words(language).numbers.unknown
            if reached.spent_if_missed_eur is None
            else numbers.eur(reached.spent_if_missed_eur, language),
            note=paper.tile_missed_note,
        ),
    ]
    if plan.scenario.budget_eur is not None and plan.probability_within_budget is not None:
        tiles.append(
            Tile(
                label=paper.tile_budget,
                value=numbers.chance(plan.probability_within_budget, language),
                note=paper.tile_budget_note.format(budget=numbers.eur(plan.scenario.budget_eur, language)),
            )
        )
    tiles.append(Tile(label=paper.tile_left_out, value=str(len(plan.not_costed)), note=paper.tile_left_out_note))
    return Tiles(tiles=tiles)


def _curve(plan: Plan, language: str) -> CurveFigure:
    paper, curve = words(language).paper, plan.curve
    y_label = paper.curve_loss.get(plan.calibration.loss_kind, paper.curve_loss["unknown"])
    unit = sentences.unit(plan, language)
    target = numbers.loss(plan.scenario.target_loss, language)
    lowest = curve.loss_at_horizon
    return CurveFigure(
        title=sentences.curve_title(plan, language),
        alt=paper.curve_alt.format(
            kind=y_label,
            unit=unit,
            count=len(curve.measured_examples),
            first=numbers.loss(next(iter(curve.measured_loss), None), language),
            first_x=numbers.examples(next(iter(curve.measured_examples), None), language),
            last=numbers.loss(next(reversed(curve.measured_loss), None), language),
            last_x=numbers.examples(next(reversed(curve.measured_examples), None), language),
            horizon=numbers.examples(curve.horizon_examples, language),
            p05=numbers.loss(lowest.p05, language),
            p50=numbers.loss(lowest.p50, language),
            p95=numbers.loss(lowest.p95, language),
            target=target,
            asymptote=plan.asymptote.sentence,
        ),
        chart=curve_chart(plan, language),
        x_label=paper.curve_axis.get(plan.calibration.x_unit, paper.curve_axis["unknown"]),
        y_label=y_label,
        target=paper.curve_target.format(target=target),
        measured=paper.curve_measured,
        line=paper.curve_line,
        band=paper.curve_band,
        asymptote=paper.curve_asymptote,
        horizon=paper.curve_horizon,
    )


def _costs(plan: Plan, language: str) -> Section:
    paper = words(language).paper
    if not plan.lines:
        blocks: list[Block] = [Paragraph(text=sentences.total(plan, language))]
    else:
        scenario = plan.budget_scenario.rstrip(".")
        blocks = [
            Paragraph(text=paper.cost_lead.format(scenario=scenario)),
            Table(
                caption=paper.cost_caption,
                header=paper.cost_columns,
                align=["left", "left", "left", "right"],
                widths=[4, 8, 3, 0],
                rows=[_line(line, plan, language) for line in plan.lines],
                total=[paper.cost_total, "", "", numbers.eur_cents(plan.total_eur, language)],
            ),
        ]
    blocks += [
        Paragraph(text=paper.totals_lead.format(draws=numbers.decimal(plan.draws, 0, language))),
        Table(
            caption=paper.totals_caption,
            header=paper.totals_columns,
            align=["left", "right", "right", "right"],
            widths=[6, 3, 3, 3],
            rows=[
                [paper.totals_all, *_three(plan.cost_per_year, numbers.eur, language)],
                [paper.totals_reached, *_three(plan.if_reached.cost_per_year, numbers.eur, language)],
                [paper.totals_hours, *_three(plan.hours_per_year, numbers.hours, language)],
            ],
        ),
    ]
    missing = sentences.why_missing(plan.cost_per_year, language)
    if missing:
        blocks.append(Paragraph(text=f"{paper.totals_all}: {missing}.", style="small"))
    if plan.not_costed:
        blocks += [
            Paragraph(text=paper.left_out_heading, style="heading"),
            Paragraph(text=paper.left_out_lead.format(count=len(plan.not_costed))),
            Entries(items=_left_out(plan, language)),
        ]
    return Section(heading=paper.cost_heading, blocks=blocks, new_page=True)


def _line(line: LedgerLine, plan: Plan, language: str) -> list[str]:
    paper = words(language).paper
    basis = paper.basis.get(line.basis.value, line.basis.value)
    return [
        sentences.label(line.code, line.label, language),
        _said_once(line.formula, plan),
        basis,
        numbers.eur_cents(line.amount_eur, language),
    ]


def _said_once(text: str, plan: Plan) -> str:
    """A cell without the sentence on hours, which stands among the risks in full."""
    return text.replace(plan.hours_sentence, "").strip() if plan.hours_sentence else text


def _left_out(plan: Plan, language: str) -> list[tuple[str, str]]:
    """What is not costed; lines with the same remedy stand together behind it."""
    labels: dict[str, list[str]] = {}
    for line in plan.not_costed:
        labels.setdefault(line.remedy.rstrip("."), []).append(sentences.label(line.code, line.label, language))
    return [
        (together[0], f"{remedy}.") if len(together) == 1 else (remedy, f"{'; '.join(together)}.")
        for remedy, together in labels.items()
    ]


def _three(quantiles: Quantiles | CostQuantiles, show: numbers.Formatter, language: str) -> list[str]:
    return [show(value, language) for value in (quantiles.p10, quantiles.p50, quantiles.p90)]


def _options(plan: Plan, language: str) -> Section:
    paper = words(language).paper
    feasible = sorted(
        (option for option in plan.options if option.reason is None),
        key=lambda o: (o.cost_per_year.p50 is None, o.cost_per_year.p50 or 0.0, o.gpu, o.quantization, o.tenure),
    )
    refused = [option for option in plan.options if option.reason is not None]
    mine = [option for option in feasible if _is_chosen(option, plan)]
    shown = _cheapest_of_each_gpu(feasible, mine)
    budget = plan.scenario.budget_eur is not None
    blocks: list[Block] = []
    if not any(option.cost_per_year.p10 is not None for option in shown):
        blocks.append(Paragraph(text=paper.options_none))
    else:
        bases = dict.fromkeys(paper.basis.get(option.hours_basis.value, option.hours_basis.value) for option in shown)
        blocks.append(Paragraph(text=paper.options_lead.format(basis=", ".join(bases))))
        bars = option_bars(shown)
        blocks.append(
            Table(
                caption=paper.options_caption,
                header=[*paper.options_columns, *([paper.options_budget] if budget else [])],
                align=["left", "left", "left", "right", "right", "right", *(["right"] if budget else [])],
                widths=[0, 0, 0, 0, 0, 1, *([0] if budget else [])],
                rows=[_option(option, plan, language, budget=budget) for option in shown],
                strong=[index for index, option in enumerate(shown) if option in mine],
                bars=bars if any(bars) else None,
                bars_title=paper.options_bars,
                whole=True,
            )
        )
    notes = []
    if refused:
        named = "; ".join(
            f"{option.gpu} {option.quantization}, {sentences.tenure(option.tenure, language)}: {_ended(option.reason)}"
            for option in refused[:MOST_INFEASIBLE]
        )
        notes.append(paper.options_infeasible.format(options=named))
    hidden = len(feasible) - len(shown) + max(0, len(refused) - MOST_INFEASIBLE)
    if hidden:
        notes.append(paper.options_more.format(count=hidden))
    if notes:
        blocks.append(Paragraph(text=" ".join(notes), style="small"))
    return Section(heading=paper.options_heading, blocks=blocks)


def _cheapest_of_each_gpu(feasible: list[Option], mine: list[Option]) -> list[Option]:
    """The first option of every GPU in the given order, with the plan's own among them."""
    first: dict[str, Option] = {}
    for option in feasible:
        first.setdefault(option.gpu, option)
    shown = [option for option in first.values() if option not in mine][: MOST_OPTIONS - len(mine)]
    return [option for option in feasible if option in shown or option in mine]


def _name(text: str) -> str:
    """A name short enough for a narrow column."""
    return _cut(text, MOST_LETTERS_OF_A_NAME)


def _cut(text: str, most_letters: int) -> str:
    """The text, ending in an ellipsis where it is too long for its place; the attached plan keeps it whole."""
    return text if len(text) <= most_letters else f"{text[: most_letters - 1].rstrip()}…"


def _ended(reason: str | None) -> str:
    return (reason or "").rstrip(".")


def _is_chosen(option: Option, plan: Plan) -> bool:
    chosen = plan.scenario
    return (option.gpu, option.quantization, option.tenure) == (chosen.gpu, chosen.quantization, chosen.tenure.value)


def _option(option: Option, plan: Plan, language: str, *, budget: bool) -> list[str]:
    paper = words(language).paper
    return [
        f"{_name(option.gpu)} ({paper.options_this})" if _is_chosen(option, plan) else _name(option.gpu),
        _name(option.quantization),
        sentences.tenure(option.tenure, language),
        numbers.decimal(option.memory_gib_p95, 1, language),
        numbers.hours(option.hours.p50, language),
        numbers.span(option.cost_per_year, numbers.eur, language),
        *([numbers.chance(option.probability_within_budget, language)] if budget else []),
    ]


def _risks(plan: Plan, language: str) -> Section:
    paper = words(language).paper
    chance = numbers.chance(1.0 - plan.if_reached.probability, language)
    items = [
        (paper.risk_missed, paper.risk_missed_text.format(chance=chance, spent=sentences.spent(plan, language))),
        *((paper.severity[finding.severity.value], finding.sentence) for finding in _by_severity(plan)),
        (
            paper.risk_hours.format(basis=paper.basis.get(plan.hours_basis.value, plan.hours_basis.value)),
            plan.hours_sentence,
        ),
        (paper.risk_memory, plan.memory.sentence),
    ]
    oldest = _oldest(plan)
    if oldest is not None and oldest.as_of is not None:
        label = sentences.label(oldest.code, oldest.label, language)
        day = numbers.date(oldest.as_of, language)
        items.append((paper.risk_dates, paper.risk_dates_text.format(label=label, date=day)))
    if plan.not_costed:
        items.append((paper.risk_left_out, paper.risk_left_out_text.format(count=len(plan.not_costed))))
    blocks: list[Block] = [Entries(items=items)]
    influences = [item for item in plan.influences if _is_visible(item, language)][:MOST_INFLUENCES]
    if influences:
        low = [numbers.eur(min(item.cost_low_eur, item.cost_high_eur), language) for item in influences]
        high = [numbers.eur(max(item.cost_low_eur, item.cost_high_eur), language) for item in influences]
        labels = [sentences.label(item.code, item.label, language) for item in influences]
        to = words(language).numbers.to
        blocks += [
            BarsFigure(
                title=paper.influence_title.format(label=labels[0], low=low[0], high=high[0]),
                alt=paper.influence_alt.format(
                    bars="; ".join(f"{label}: {to.format(a, b)}" for label, a, b in zip(labels, low, high, strict=True))
                ),
                labels=labels,
                bars=influence_bars(influences, plan.cost_per_year.p50),
                low=low,
                high=high,
            ),
            Paragraph(text=paper.influence_lead, style="small"),
        ]
    else:
        why = paper.influence_small if plan.influences else paper.influence_none
        blocks.append(Paragraph(text=why, style="small"))
    return Section(heading=paper.risks_heading, blocks=blocks)


def _oldest(plan: Plan) -> Assumption | None:
    """The input whose source is the oldest; ISO dates sort as text."""
    return min((item for item in plan.assumptions if item.as_of), key=lambda item: item.as_of or "", default=None)


def _is_visible(item: Influence, language: str) -> bool:
    """Whether the ends differ after rounding: a bar between equal figures says nothing."""
    return numbers.eur(item.cost_low_eur, language) != numbers.eur(item.cost_high_eur, language)


def _by_severity(plan: Plan) -> list[Finding]:
    order = [Severity.BLOCKING, Severity.WARNING, Severity.NOTE]
    return sorted(plan.findings, key=lambda finding: order.index(finding.severity))


def _assumptions(plan: Plan, language: str) -> Section:
    paper = words(language).paper
    shown = plan.assumptions[:MOST_ASSUMPTIONS]
    blocks: list[Block] = [
        Paragraph(text=paper.assumptions_lead),
        Table(
            caption=paper.assumptions_caption,
            header=paper.assumptions_columns,
            align=["left", "right", "left", "left", "left"],
            widths=[11, 7, 12, 0, 14],
            rows=[_assumption(item, plan, language) for item in shown],
        ),
    ]
    hidden = len(plan.assumptions) - len(shown)
    if hidden:
        blocks.append(Paragraph(text=paper.assumptions_more.format(count=hidden), style="small"))
    return Section(heading=paper.assumptions_heading, blocks=blocks)


def _assumption(item: Assumption, plan: Plan, language: str) -> list[str]:
    paper = words(language).paper
    dated = f", {paper.as_of.format(date=numbers.short_date(item.as_of, language))}" if item.as_of else ""
    # The lead says of all defaults what would stand in each of their rows.
    own = item.basis is not Basis.DEFAULT
    return [
        sentences.label(item.code, item.label, language),
        f"{item.value} {item.unit}".strip(),
        _said_once(item.uncertainty, plan) if own else "",
        paper.basis.get(item.basis.value, item.basis.value),
        f"{_cut(short_source(item.source), MOST_LETTERS_OF_A_SOURCE)}{dated}" if own else "",
    ]


def short_source(source: str) -> str:
    """The host of a web address; other sources as they are. The plan keeps the whole address."""
    try:
        address = urlsplit(source)
    except ValueError:
        return source
    return address.hostname or source if address.scheme in ("http", "https") else source


def _method(plan: Plan, language: str) -> Section:
    paper, measured = words(language).paper, plan.calibration
    facts = paper.method_facts.format(
        points=measured.points,
        draws=numbers.decimal(plan.draws, 0, language),
        seed=plan.seed,
        model=measured.model,
        device=measured.device,
    )
    return Section(
        heading=paper.method_heading,
        blocks=[Entries(items=paper.method), Paragraph(text=f"{facts} {plan.curve.sentence}", style="small")],
        whole=True,
    )


def _glossary(language: str) -> Section:
    paper = words(language).paper
    return Section(
        heading=paper.glossary_heading,
        blocks=[Entries(items=paper.glossary, columns=2), Signature(labels=paper.signature)],
        whole=True,
    )
