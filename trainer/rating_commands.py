"""`calibrate rating-sheet` and `calibrate rate`: blinded ratings out of a record, and back into it as numbers."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from planner.record import Calibration, Rating
    from trainer.rating import Key

_PATH = click.Path(path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="The result as one JSON object, last on stdout.")
QUESTIONS = 12
BUDGETS = 4


@click.command("rating-sheet")
@click.argument("record", type=_PATH)
@click.argument("file", type=_PATH)
@click.option("--questions", type=click.IntRange(1, 1000), default=QUESTIONS, show_default=True, help="On the sheet.")
@click.option(
    "--budgets",
    type=click.IntRange(2, 25),
    default=BUDGETS,
    show_default=True,
    help="Whose answers are shown, from the smallest to the largest.",
)
@click.option("--run", "runs", multiple=True, help="Ids of the runs to show instead; may be given several times.")
@_JSON
def rating_sheet(
    *, record: Path, file: Path, questions: int, budgets: int, runs: tuple[str, ...], as_json: bool
) -> None:  # fmt: skip
    """Write a blinded sheet for radiologists: FILE is a table (.csv) or a page that needs no connection (.html).

    The record needs the texts of its answers (`calibrate run --keep-samples`). Answers of several budgets and the
    reference stand under each question in a random order; the key stays in the record.
    """
    figures = write_sheet(record, file, questions=questions, budgets=budgets, runs=runs)
    click.echo(sheet_text(file, figures), err=as_json)
    if as_json:
        click.echo(json.dumps(figures))


@click.command()
@click.argument("record", type=_PATH)
@click.argument("sheets", type=_PATH, nargs=-1, required=True, metavar="SHEET...")
@_JSON
def rate(*, record: Path, sheets: tuple[Path, ...], as_json: bool) -> None:
    """Read filled sheets back, one a rater: mean rating, spread and agreement of every budget go into RECORD.

    All sheets of one rating are read in one call; a later call replaces what an earlier one said.
    """
    figures = read_back(record, sheets)
    click.echo(ratings_text(figures), err=as_json)
    if as_json:
        click.echo(json.dumps(figures))


def write_sheet(
    record: Path, file: Path, *, questions: int = QUESTIONS, budgets: int = BUDGETS, runs: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Write sheet and key; returns counts.

    Raises:
        InputError: No kept answers, a name that is neither CSV nor HTML, or a place inside the record.
    """
    from planner.record import read_calibration, write_atomically
    from trainer import private
    from trainer.rating import make_sheet
    from trainer.rating_sheet import as_csv, as_html
    from trainer.samples import read_samples

    check_place(record, file)
    writer = as_csv if file.suffix.lower() == ".csv" else as_html
    calibration = read_calibration(record)
    sheet = f"s{secrets.token_hex(4)}"
    rows, key = make_sheet(
        read_samples(record),
        sheet=sheet,
        calibration_id=calibration.header.calibration_id,
        questions=questions,
        budgets=budgets,
        seed=secrets.randbits(64),
        runs=runs,
    )
    private.write_key(record, key)
    write_atomically(file, writer(sheet, rows))
    sources = {source for row in key.rows.values() for source in row.sources}
    return {"sheet": sheet, "questions": rows[-1].number, "answers": len(rows), "budgets": len(sources) - 1}


def check_place(record: Path, file: Path) -> None:
    """Refuse a name or place for a sheet; a run asks before it trains.

    Raises:
        InputError: Neither CSV nor HTML, or inside the record.
    """
    from planner.errors import InputError, Mistake, shown_name

    if file.suffix.lower() not in (".csv", ".html"):
        raise InputError(Mistake(file=shown_name(file), reason="neither .csv nor .html", remedy="Name such a file"))
    if file.resolve().is_relative_to(record.resolve()):
        reason = "a sheet that is handed out does not belong into the record"
        raise InputError(Mistake(file=shown_name(file), reason=reason, remedy="Name a file outside of it"))


def sheet_text(file: Path, figures: dict[str, Any]) -> str:
    """What was written, and what to do with it."""
    filled = file.name if file.suffix.lower() == ".csv" else f"ratings-{figures['sheet']}.csv (which the page saves)"
    return (
        f"Rating sheet {figures['sheet']}: {figures['questions']} questions, {figures['answers']} answers of "
        f"{figures['budgets']} budgets and the references, blinded. The key stays in the record.\n"
        "It holds questions, answers and images of your data: give it to nobody who may not see them.\n"
        f"When it is filled in: calibrate rate RECORD {filled}"
    )


def read_back(record: Path, sheets: tuple[Path, ...]) -> dict[str, Any]:
    """Put ratings into the record; returns them.

    Raises:
        InputError: All rows of all sheets that cannot be used.
    """
    from planner.record import SCHEMA_VERSION, RunLog, read_calibration, write_header
    from trainer import private
    from trainer.rating_sheet import read_sheets, sheet_name

    with private.only_writer(record):
        calibration = read_calibration(record)
        key = private.read_key(record, sheet_name(sheets[0]), calibration.header.calibration_id)
        events = _events(calibration, key, read_sheets(sheets, key), raters=len(sheets))
        if calibration.header.schema_version < SCHEMA_VERSION:
            write_header(record, _raised(calibration))
        for event in events:
            with RunLog(record, event.run) as log:
                log.append(event)
    return _figures(key, events)


def ratings_text(figures: dict[str, Any]) -> str:
    """A small table."""
    lines = [f"{'examples':>10}  {'answers':>7}  {'mean of 5':>9}  {'spread':>6}  {'usable':>6}"]
    for budget in figures["budgets"]:
        spread = "-" if budget["rating_sd"] is None else f"{budget['rating_sd']:.2f}"
        lines.append(
            f"{budget['examples']:>10,.0f}  {budget['answers']:>7,}  {budget['rating_mean']:>9.2f}  {spread:>6}  "
            f"{budget['usable_share']:>6.0%}"
        )
    if figures["reference_rating_mean"] is not None:
        lines.append(
            f"{'reference':>10}  {'':>7}  {figures['reference_rating_mean']:>9.2f}  {'':>6}  "
            f"{figures['reference_usable_share']:>6.0%}"
        )
    alpha = figures["agreement_alpha"]
    lines.append(
        f"{figures['raters']} rater{'s' if figures['raters'] > 1 else ''}; "
        + ("agreement unknown." if alpha is None else f"agreement (Krippendorff's alpha, ordinal) {alpha:.2f}.")
    )
    return "\n".join(lines)


def _events(calibration: Calibration, key: Key, ratings: dict[str, list[int]], *, raters: int) -> list[Rating]:
    from planner.record import Answers, Rating
    from trainer.rating import REFERENCE, agreement, rated

    found = rated(key, ratings)
    reference = found.get(REFERENCE)
    events = []
    for run in calibration.runs:
        if run.id not in found:
            continue
        answered = run.of(Answers)
        rating = found[run.id]
        events.append(
            Rating(
                run=run.id,
                examples=answered[-1].examples if answered else 0.0,
                loss=answered[-1].loss if answered else None,
                answers=rating.answers,
                raters=raters,
                ratings=rating.ratings,
                rating_mean=rating.mean,
                rating_sd=rating.sd,
                usable_share=rating.usable_share,
                agreement_alpha=agreement(ratings),
                reference_rating_mean=reference.mean if reference else None,
                reference_usable_share=reference.usable_share if reference else None,
            )
        )
    return sorted(events, key=lambda event: (event.examples, event.run))


def _raised(calibration: Calibration) -> Any:
    from msgspec import structs

    from planner.record import SCHEMA_VERSION

    return structs.replace(calibration.header, schema_version=SCHEMA_VERSION)


def _figures(key: Key, events: list[Rating]) -> dict[str, Any]:
    from msgspec import to_builtins

    shared = ("raters", "agreement_alpha", "reference_rating_mean", "reference_usable_share")
    first = to_builtins(events[0]) if events else {}
    budgets = [
        {name: value for name, value in event.items() if name not in (*shared, "event")}
        for event in map(to_builtins, events)
    ]
    return {"sheet": key.sheet, **{name: first.get(name) for name in shared}, "budgets": budgets}
