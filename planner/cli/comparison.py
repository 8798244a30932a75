"""`plateau compare`: configurations side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli import text
from planner.cli.fits import with_seed
from planner.cli.frame import DONE, NO_TRUSTWORTHY_ANSWER, finish, with_json
from planner.cli.opening import open_calibration
from planner.errors import CurveError

if TYPE_CHECKING:
    from planner.law import Comparison, Contender

CLEAR = 0.95


@click.command(short_help="Configurations side by side at the same examples.")
@click.argument("records", nargs=-1, required=True, metavar="RECORD...")
@with_seed
@with_json
def compare(*, records: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Compare the configurations of one record or several: the first against each of the others.

    At the same number of examples, at the same hours where both were timed on the same device, and at their floors.
    Exit code 3: no difference is clear (19 chances in 20).
    """
    from planner.cost.basis import marks
    from planner.law import compare as compared
    from planner.law import contenders_of

    calibrations = {_name(record, records): open_calibration(record) for record in records}
    found = [one for name, held in calibrations.items() for one in contenders_of(held, name, seed=seed)]
    if len(found) < 2:
        raise CurveError("There is one configuration only. Name a second record, calibrated with another setting.")
    comparisons = [compared(found[0], other) for other in found[1:]]
    marked = sorted({mark for held in calibrations.values() for mark in marks(held)})
    clear = any(not CLEAR > d.probability_first_better > 1 - CLEAR for c in comparisons for d in c.differences[:1])
    finish(
        text.join(
            text.headline(" ".join(comparison.sentence for comparison in comparisons)),
            text.marks(marked),
            _table(found),
            *(_shown(comparison) for comparison in comparisons),
        ),
        {"marks": marked, "comparisons": comparisons},
        as_json=as_json,
        code=DONE if clear else NO_TRUSTWORTHY_ANSWER,
    )


def _name(record: str, records: tuple[str, ...]) -> str:
    """What a record is called in sentences: its last part, or all of it where two end alike."""
    short = Path(record).stem
    return short if sum(Path(other).stem == short for other in records) == 1 else record


def _table(contenders: list[Contender]) -> str:
    rows = []
    for one in contenders:
        curve, asymptote = one.law.curve, one.law.asymptote
        seconds = f"{one.seconds_per_example:.3g} s on {one.device}" if one.seconds_per_example else "not timed"
        rows.append(
            (
                one.name,
                f"{len(curve.loss_n):,}",
                f"{curve.examples_n[-1]:,.0f}",
                f"{curve.loss_n[-1]:.3f}",
                f"{asymptote.p05:.2f} to {asymptote.p95:.2f}",
                seconds,
            )
        )
    head = ["configuration", "points", "largest budget", "loss there", "asymptote, nats (90 %)", "an example"]
    return text.table(head, rows, right=[1, 2, 3])


def _shown(comparison: Comparison) -> str:
    sentences = [difference.sentence for difference in comparison.differences[1:]] + [comparison.exponent.sentence]
    changed = "; ".join(comparison.changed) or "nothing that the records say"
    return text.join(
        text.section(f"{comparison.first} and {comparison.second}", sentences),
        text.pairs([("changed", changed)]),
        "\n".join(text.paragraph(f"caution  {caution}", 2, 11) for caution in comparison.cautions),
    )
