"""`plateau plan`, `plateau explain`, `plateau report`: from a record to a plan, and from a plan to words and paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli import text
from planner.cli.fits import curve_of, with_configuration, with_seed
from planner.cli.frame import DONE, NO_TRUSTWORTHY_ANSWER, finish, with_json
from planner.cli.opening import open_calibration, open_plan
from planner.cli.scenario_options import scenario_of, with_scenario

if TYPE_CHECKING:
    from planner.cost.plan import Plan

_FILE = click.Path(path_type=Path)


@click.command(short_help="Examples, GPU-hours, memory and yearly cost for a target.")
@click.argument("record")
@with_scenario
@click.option(
    "--out", type=_FILE, default=Path("plan.json"), show_default=True, help="File of the plan; always written."
)
@click.option("--save", metavar="NAME", help="Also keep the plan in the library under this name.")
@with_configuration
@with_seed
@with_json
def plan(
    *,
    record: str,
    scenario_file: Path | None,
    out: Path,
    save: str | None,
    configuration: int,
    seed: int,
    as_json: bool,
    **values: Any,
) -> None:
    """Plan examples, GPU-hours, memory and yearly cost for a target loss.

    The plan is written in every case. Exit code 0: the target is reachable. 3: it is not, or the data cannot tell.
    """
    from planner.catalog import read_catalog
    from planner.cost import cost_plan
    from planner.cost.plan import encode_plan
    from planner.law import fit_law, forecast, loss_to_quality
    from planner.outcome import VerdictName
    from planner.record import write_atomically

    scenario = scenario_of(values, scenario_file)
    catalog = read_catalog()
    # Before the fit: an unknown name should not cost a wait.
    catalog.gpu(scenario.gpu)
    catalog.quantization(scenario.quantization)
    calibration = open_calibration(record)
    law = fit_law(curve_of(calibration, configuration), seed=seed)
    made = cost_plan(
        forecast(law, scenario.target_loss, unique_examples=scenario.unique_studies),
        calibration,
        scenario,
        catalog,
        seed=seed,
        quality=loss_to_quality(calibration, scenario.target_loss),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, encode_plan(made))
    if save is not None:
        from planner.store import save_plan

        save_plan(save, made)
    finish(
        text.join(_shown(made), f"Plan: {out}   Board paper: plateau report {out} -o board.pdf"),
        made,
        as_json=as_json,
        code=DONE if made.verdict.name is VerdictName.REACHABLE else NO_TRUSTWORTHY_ANSWER,
    )


@click.command(short_help="How a figure of a plan comes about.")
@click.argument("plan_file", metavar="PLAN")
@click.argument("figure", required=False)
@with_json
def explain(*, plan_file: str, figure: str | None, as_json: bool) -> None:
    """Say how a figure of a plan comes about: formula, inputs, sources and their dates.

    PLAN is a plan.json, a board paper (PDF), or the name of a saved plan. FIGURE is a line of the ledger or a name such
    as hours; without it all names are listed.
    """
    from planner.cli.explanation import explained, explanations

    made = open_plan(plan_file)
    if figure is None:
        found = explanations(made)
        finish(
            text.join(
                text.headline(f"{len(found)} figures of this plan can be explained."),
                text.table(["figure", "value", ""], [(e.code, e.value, e.label) for e in found], right=[1]),
                f"One of them: plateau explain {plan_file} {found[0].code}",
            ),
            {"figures": found},
            as_json=as_json,
        )
        return
    one = explained(made, figure)
    finish(
        text.join(
            text.headline(f"{one.label}: {one.value}"),
            _marks(made),
            text.pairs(
                [("how", one.formula), ("basis", one.basis), ("source", one.source), ("as of", one.as_of or "-")]
            ),
            text.title("Inputs") + "\n" + text.pairs(one.inputs) if one.inputs else None,
        ),
        one,
        as_json=as_json,
    )


@click.command(short_help="The board paper (PDF) or a spreadsheet of a plan.")
@click.argument("plan_file", metavar="PLAN")
@click.option("-o", "--out", type=_FILE, help="PDF to write. [default: board.pdf, unless only --csv is asked for]")
@click.option("--csv", "csv_out", type=_FILE, help="Also write the plan's lines and options as CSV.")
@click.option("--language", default="en", show_default=True, help="Of the paper.")
@with_json
def report(*, plan_file: str, out: Path | None, csv_out: Path | None, language: str, as_json: bool) -> None:
    """Write the board paper of a plan: two to four pages, with the plan attached.

    PLAN is a plan.json, an older board paper, or the name of a saved plan.
    """
    from planner.record import write_atomically
    from planner.report.words import LANGUAGES

    if language not in LANGUAGES:
        raise click.BadParameter(
            f"expected one of {', '.join(LANGUAGES)}, got {language[:20]!r}", param_hint="--language"
        )
    made = open_plan(plan_file)
    written = {}
    if csv_out is not None:
        from planner.report.sheet import board_csv

        written["csv"] = csv_out
        write_atomically(csv_out, board_csv(made, language))
    if out is not None or csv_out is None:
        from planner.report.pdf import render_pdf

        written["pdf"] = out or Path("board.pdf")
        write_atomically(written["pdf"], render_pdf(made, language))
    places = " and ".join(str(place) for place in written.values())
    finish(
        text.join(text.headline(f"Written: {places}."), _marks(made)),
        {name: str(place) for name, place in written.items()} | {"marks": made.marks},
        as_json=as_json,
    )


def _shown(made: Plan) -> str:
    from planner.outcome import Severity
    from planner.report.words import sentences

    suspect = text.findings((finding.severity.value, finding.sentence) for finding in made.findings)
    # What blocks is the answer then: it comes first, and the verdict's sentence would only say it again.
    blocked = any(finding.severity is Severity.BLOCKING for finding in made.findings)
    return text.join(
        text.headline(sentences.headline(made) + "."),
        _marks(made),
        suspect if blocked else text.paragraph(made.verdict.sentence),
        text.paragraph(sentences.answer(made)),
        text.paragraph(made.asymptote.sentence),
        _quantities(made),
        text.paragraph(made.memory.sentence),
        _ledger(made),
        text.paragraph(sentences.not_costed(made)),
        text.section("In answers", (quality.sentence for quality in made.quality)),
        None if blocked else suspect,
    )


def _quantities(made: Plan) -> str:
    """P10, P50 and P90 of what follows, with what they rest on; one sentence where there is none of them."""
    from planner.report.words import numbers

    reached = made.if_reached
    certain = reached.probability > 0.995
    rows = [
        (label, *(show(value) for value in (quantiles.p10, quantiles.p50, quantiles.p90)), unit)
        for label, unit, quantiles, show in (
            ("examples to the target", "examples", made.examples, numbers.examples),
            ("one fine-tuning", f"GPU-hours, {made.hours_basis.value}", made.hours, numbers.hours),
            ("all of a year", "GPU-hours", made.hours_per_year, numbers.hours),
            ("cost a year", "EUR", made.cost_per_year, numbers.eur),
            ("if reached: one fine-tuning", "GPU-hours", reached.hours, numbers.hours),
            ("if reached: cost a year", "EUR", reached.cost_per_year, numbers.eur),
        )
        if quantiles.p10 is not None and not (certain and label.startswith("if reached"))
    ]
    hours = text.paragraph(made.hours_sentence)
    if not rows:
        return f"{text.paragraph('No examples, hours or cost of reaching the target can be given.')}\n{hours}"
    return text.table(["", "P10", "P50", "P90", ""], rows, right=[1, 2, 3]) + "\n" + hours


def _ledger(made: Plan) -> str | None:
    from planner.report.words import numbers, sentences

    if not made.lines or not made.total_eur:
        return None
    rows = [(line.label, numbers.eur_cents(line.amount_eur), line.basis.value, line.as_of or "") for line in made.lines]
    rows.append(("total", numbers.eur_cents(made.total_eur), "", ""))
    lines = text.table(["line", "amount", "basis", "as of"], rows, right=[1])
    head = text.title(f"Budget scenario, a year: {made.budget_scenario}")
    return f"{head}\n{lines}\n{text.paragraph(sentences.total(made))}"


def _marks(made: Plan) -> str | None:
    from planner.report.words import sentences

    return text.marks(sentences.marks(made))
