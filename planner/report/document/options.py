"""Options compared: other GPUs, buying against renting, and the two ways to do the same."""

from __future__ import annotations

from planner.cost.plan import Option, Plan
from planner.report.chart import option_bars
from planner.report.document.blocks import Block, Entries, Paragraph, Room, Section, Table
from planner.report.words import numbers, sentences, words

MOST_INFEASIBLE = 4
MOST_SET_UPS = 3
MOST_LETTERS_OF_A_NAME = 22


def options_section(plan: Plan, language: str, room: Room) -> Section:
    """The cheapest option of every GPU beside the plan's own, and what else was weighed."""
    paper = words(language).paper
    feasible = sorted(
        (option for option in plan.options if option.reason is None),
        key=lambda o: (o.cost_per_year.p50 is None, o.cost_per_year.p50 or 0.0, o.gpu, o.quantization, o.tenure),
    )
    refused = [option for option in plan.options if option.reason is not None]
    mine = [option for option in feasible if _is_chosen(option, plan)]
    shown = _cheapest_of_each_gpu(feasible, mine, room.options)
    blocks: list[Block] = []
    if not feasible or not sentences.are_hours_known(plan):
        blocks.append(Paragraph(text=paper.options_refused))
    elif not any(option.cost_per_year.p10 is not None for option in shown):
        blocks.append(Paragraph(text=paper.options_none))
    else:
        bases = dict.fromkeys(sentences.basis(option.hours_basis.value, language) for option in shown)
        blocks.append(Paragraph(text=paper.options_lead.format(basis=", ".join(bases))))
        blocks.append(_table(shown, mine, plan, language))
    notes = []
    named = _reasons(refused, language)[:MOST_INFEASIBLE]
    if named:
        notes.append(paper.options_infeasible.format(options="; ".join(said for said, _ in named)))
    hidden = len(plan.options) - len(shown) - sum(count for _, count in named)
    if hidden:
        notes.append(paper.options_more.format(count=hidden))
    if notes:
        blocks.append(Paragraph(text=" ".join(notes), style="small"))
    weighed = _weighed(plan, language)
    if weighed:
        blocks.append(Entries(items=weighed))
    return Section(heading=paper.options_heading, blocks=blocks, new_page=True)


def _table(shown: list[Option], mine: list[Option], plan: Plan, language: str) -> Table:
    paper, budget = words(language).paper, plan.scenario.budget_eur is not None
    bars = option_bars(shown)
    return Table(
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


def _reasons(refused: list[Option], language: str) -> list[tuple[str, int]]:
    """Why options are out and how many each reason takes; set-ups with the same reason stand together."""
    together: dict[str, list[Option]] = {}
    for option in refused:
        together.setdefault((option.reason or "").rstrip("."), []).append(option)
    return [
        (f"{_set_ups(options)}: {sentences.said(reason, language)}", len(options))
        for reason, options in together.items()
    ]


def _set_ups(options: list[Option]) -> str:
    """GPU and quantization of the first few, whatever the way of having it."""
    names = list(dict.fromkeys(f"{option.gpu} {option.quantization}" for option in options))
    return ", ".join(names[:MOST_SET_UPS]) + (", …" if len(names) > MOST_SET_UPS else "")


def _weighed(plan: Plan, language: str) -> list[tuple[str, str]]:
    """What else the plan compares, a sentence each."""
    paper = words(language).paper
    said: list[tuple[str, str | None]] = [
        (paper.options_choice, None if plan.choice is None else plan.choice.sentence),
        (paper.options_break_even, None if plan.break_even is None else plan.break_even.sentence),
        *((paper.comparisons.get(found.code, found.code), found.sentence) for found in plan.comparisons),
        (paper.options_reselection, None if plan.reselection is None else plan.reselection.sentence),
        (paper.options_for_budget, None if plan.loss_for_budget is None else plan.loss_for_budget.sentence),
    ]
    return [(title, sentences.said(sentence, language)) for title, sentence in said if sentence]


def _cheapest_of_each_gpu(feasible: list[Option], mine: list[Option], most: int) -> list[Option]:
    """The first option of every GPU in the given order, with the plan's own among them."""
    first: dict[str, Option] = {}
    for option in feasible:
        first.setdefault(option.gpu, option)
    shown = [option for option in first.values() if option not in mine][: most - len(mine)]
    return [option for option in feasible if option in shown or option in mine]


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
        numbers.short_span(option.cost_per_year, language),
        *([numbers.chance(option.probability_within_budget, language)] if budget else []),
    ]


def _name(text: str) -> str:
    """A name short enough for a narrow column; the attached plan keeps it whole."""
    return text if len(text) <= MOST_LETTERS_OF_A_NAME else f"{text[: MOST_LETTERS_OF_A_NAME - 1].rstrip()}…"
