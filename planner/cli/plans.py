"""`plateau plan`, `plateau explain`, `plateau report`: from a record to a plan, and from a plan to words and paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from planner.cli import text
from planner.cli.asking import Asked, check_early, planned
from planner.cli.fits import with_configuration, with_seed
from planner.cli.frame import DONE, NO_TRUSTWORTHY_ANSWER, finish, with_json
from planner.cli.opening import open_plan
from planner.cli.plan_text import marks, shown
from planner.cli.scenario_options import named_by_option, scenario_values_of, with_scenario
from planner.errors import shown_name

_FILE = click.Path(path_type=Path)


@click.command(short_help="Examples, GPU-hours, memory and yearly cost for a target.")
@click.argument("record")
@with_scenario
@click.option(
    "--modality",
    "modality_records",
    type=(str, str),
    multiple=True,
    metavar="NAME RECORD",
    help="Calibration of one modality alone, for each of them; RECORD is then that of the joint adapter.",
)
@click.option(
    "--alternative",
    "alternative_records",
    type=(str, str),
    multiple=True,
    metavar="NAME RECORD",
    help="Calibration of another model or at other bits, that a later year may change to.",
)
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
    quote_file: Path | None,
    price_files: tuple[Path, ...],
    modality_records: tuple[tuple[str, str], ...],
    alternative_records: tuple[tuple[str, str], ...],
    out: Path,
    save: str | None,
    configuration: int,
    seed: int,
    as_json: bool,
    **values: Any,
) -> None:
    """Plan examples, GPU-hours, memory and yearly cost for a target loss.

    Without --target-loss but with --budget the plan is for the loss that the budget buys; without --gpu for the GPU,
    quantization and tenure that reach the target for least.

    The plan is written in every case. Exit code 0: the target is reachable. 3: it is not, or the data cannot tell.
    """
    from planner.catalog import read_catalog, with_own_files
    from planner.cost.plan import encode_plan
    from planner.errors import ScenarioError
    from planner.outcome import VerdictName
    from planner.record import write_atomically

    catalog = with_own_files(read_catalog(), price_files)
    asked = scenario_values_of(values, scenario_file, quote_file)
    file = "plateau plan" if scenario_file is None else shown_name(scenario_file)
    try:
        check_early(asked, catalog, file)
        made, buys = planned(
            Asked(record=record, values=asked, file=file, configuration=configuration, seed=seed,
                   modalities=modality_records,
                   alternatives=alternative_records),
            catalog,
        )  # fmt: skip
    except ScenarioError as problem:
        raise named_by_option(problem, values, scenario_file) from None
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, encode_plan(made))
    if save is not None:
        from planner.store import save_plan

        save_plan(save, made)
    trusted = made.verdict.name is VerdictName.REACHABLE and buys
    finish(
        text.join(shown(made), f"Plan: {out}   Board paper: plateau report {out} -o board.pdf"),
        made,
        as_json=as_json,
        code=DONE if trusted else NO_TRUSTWORTHY_ANSWER,
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
            marks(made),
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
@click.option("-o", "--out", type=_FILE, help="PDF to write. [default: board.pdf, unless a CSV alone is asked for]")
@click.option("--csv", "csv_out", type=_FILE, help="Also write the plan's lines and options as CSV.")
@click.option("--focus", "focus_out", type=_FILE, help="Also write the charges by fiscal year as FOCUS 1.2 CSV.")
@click.option("--language", default="en", show_default=True, help="Of the paper.")
@click.option("--hospital", default="", metavar="NAME", help="Whose paper it is; stands on top of page one.")
@click.option("--logo", type=_FILE, help="Its logo: a PNG, or an SVG of plain shapes.")
@with_json
def report(
    *,
    plan_file: str,
    out: Path | None,
    csv_out: Path | None,
    focus_out: Path | None,
    language: str,
    hospital: str,
    logo: Path | None,
    as_json: bool,
) -> None:
    """Write the board paper of a plan: at most six pages, with the plan attached.

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
    if focus_out is not None:
        from planner.report.focus import focus_csv

        written["focus"] = focus_out
        write_atomically(focus_out, focus_csv(made))
    if out is not None or not written:
        from planner.report.letterhead import letterhead, read_logo
        from planner.report.pdf import render_pdf

        head = letterhead(hospital, None if logo is None else read_logo(logo))
        written["pdf"] = out or Path("board.pdf")
        write_atomically(written["pdf"], render_pdf(made, language, head))
    places = " and ".join(str(place) for place in written.values())
    finish(
        text.join(text.headline(f"Written: {places}."), marks(made)),
        {name: str(place) for name, place in written.items()} | {"marks": made.marks},
        as_json=as_json,
    )
