"""Page one: the decision asked, range and chance, what the money buys, the curve, and what is not in the figures."""

from __future__ import annotations

from planner.cost.plan import Plan
from planner.report.chart import curve_chart
from planner.report.document.blocks import Callout, CurveFigure, Entries, Paragraph, Section, Tile, Tiles
from planner.report.words import numbers, sentences, words


def first_page(plan: Plan, language: str) -> Section:
    """The opening of the paper; it stands without a heading."""
    paper = words(language).paper
    meaning = " ".join(sentences.said(quality.sentence, language) for quality in plan.quality)
    floor = sentences.said(plan.asymptote.sentence, language)
    said = [
        (paper.quality_title, meaning or words(language).answer.quality_unknown),
        (paper.verdict_title, sentences.verdict(plan, language)),
        (paper.asymptote_title, f"{floor} {sentences.lowest_loss(plan, language)}"),
        (paper.next_title, sentences.next_step(plan, language)),
        (paper.left_out_title, sentences.not_costed_count(plan, language)),
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
        ],
    )


def _tiles(plan: Plan, language: str) -> Tiles:
    paper, reached = words(language).paper, plan.if_reached
    cost = sentences.cost_if_reached(plan)
    cost_note = sentences.why_missing(cost, language) or paper.tile_cost_note.format(
        p50=numbers.eur(cost.p50, language)
    )
    cost_value = numbers.span(cost, numbers.eur, language)
    if not sentences.are_hours_known(plan):
        cost_value, cost_note = words(language).numbers.unknown, paper.tile_cost_unknown
    horizon = numbers.examples(plan.curve.horizon_examples, language)
    tiles = [
        Tile(
            label=paper.tile_chance,
            value=sentences.chance(plan, language),
            note=paper.tile_chance_note.format(horizon=horizon, unit=sentences.unit(plan, language)),
        ),
        Tile(label=paper.tile_cost, value=cost_value, note=cost_note, weight=3),
        Tile(
            label=paper.tile_missed,
            value=numbers.unknown_or(reached.spent_if_missed_eur, numbers.eur, language),
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
    paper = words(language).paper
    return CurveFigure(
        title=sentences.curve_title(plan, language),
        alt=sentences.curve_alt(plan, language),
        chart=curve_chart(plan, language),
        x_label=sentences.axis(plan, language),
        y_label=paper.curve_loss.get(plan.calibration.loss_kind, paper.curve_loss["unknown"]),
        target=paper.curve_target.format(target=numbers.loss(plan.scenario.target_loss, language)),
        measured=paper.curve_measured,
        line=paper.curve_line,
        band=paper.curve_band,
        asymptote=paper.curve_asymptote,
        horizon=paper.curve_horizon,
    )
