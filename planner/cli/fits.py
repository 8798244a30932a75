"""`plateau fit`, `plateau compare`: what the law says, with its interval and what is suspect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from planner.cli import text
from planner.cli.frame import DONE, NO_TRUSTWORTHY_ANSWER, WRONG_USE, finish, with_json
from planner.cli.numbers import NUMBER, WHOLE
from planner.cli.opening import open_calibration
from planner.errors import CurveError

if TYPE_CHECKING:
    from planner.curve import LossCurve
    from planner.law import Law
    from planner.outcome import Forecast, Quality
    from planner.record import Calibration

with_configuration = click.option(
    "--configuration", type=WHOLE, default=1, show_default=True, help="Which one, where a record has several."
)
with_seed = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the draws."
)


@click.command(short_help="The law, its asymptote and, with a target, a verdict.")
@click.argument("record")
@click.option("--target-loss", type=NUMBER, help="Loss to reach, nats per suffix token; gives a verdict.")
@click.option("--unique-studies", type=NUMBER, help="Different studies that are or will be there; limits the horizon.")
@with_configuration
@with_seed
@click.option("--skip-bad-lines", is_flag=True, help="Leave damaged lines out instead of refusing the record.")
@with_json
def fit(
    *,
    record: str,
    target_loss: float | None,
    unique_studies: float | None,
    configuration: int,
    seed: int,
    skip_bad_lines: bool,
    as_json: bool,
) -> None:
    """Fit loss(t) = a t^(-b) + c: asymptote with its interval, diagnosis and, with a target, a verdict.

    Exit code 0: the asymptote is identified, or the target is reachable. 3: the data do not support an answer.
    """
    from planner.law import fit_law, forecast, loss_to_quality
    from planner.outcome import AsymptoteStatus, VerdictName

    for name, value in (("--target-loss", target_loss), ("--unique-studies", unique_studies)):
        if value is not None and value <= 0:
            raise click.BadParameter(f"expected a number above 0, got {value:g}", param_hint=name)
    calibration = open_calibration(record, skip_bad_lines=skip_bad_lines)
    law = fit_law(curve_of(calibration, configuration), seed=seed)
    answer = forecast(law, target_loss, unique_examples=unique_studies) if target_loss is not None else None
    quality = loss_to_quality(calibration, target_loss) if target_loss is not None else ()
    if answer is not None:
        trusted = answer.verdict.name is VerdictName.REACHABLE
    else:
        trusted = law.asymptote.status is AsymptoteStatus.IDENTIFIED
    finish(
        _shown(calibration, law, answer, quality),
        _figures(calibration, law, answer, quality),
        as_json=as_json,
        code=DONE if trusted else NO_TRUSTWORTHY_ANSWER,
    )


def curve_of(calibration: Calibration, configuration: int) -> LossCurve:
    """The curve of one configuration, counted from 1.

    Raises:
        CurveError: There are fewer.
    """
    from planner.curve import loss_curves

    curves = loss_curves(calibration)
    if configuration > len(curves):
        raise CurveError(f"This record has {len(curves)} configurations; --configuration {configuration} is not there.")
    return curves[configuration - 1]


def _shown(calibration: Calibration, law: Law, answer: Forecast | None, quality: tuple[Quality, ...]) -> str:
    from planner.cost.basis import marks

    curve, asymptote = law.curve, law.asymptote
    found = marks(calibration)
    return text.join(
        text.headline(
            f"{answer.verdict.name.value.replace('_', ' ').capitalize()}. {answer.verdict.sentence}"
            if answer
            else asymptote.sentence
        ),
        text.paragraph(f"[{'; '.join(found)}]") if found else None,
        text.pairs(_facts(law, answer)),
        text.paragraph(asymptote.sentence) if answer else None,
        text.title("In answers") + "\n" + "\n".join(text.paragraph(q.sentence, 2, 4) for q in quality)
        if quality
        else None,
        text.title("What is suspect") + "\n" + text.findings((f.severity.value, f.sentence) for f in law.findings)
        if law.findings
        else None,
        text.title("Left out or derived") + "\n" + "\n".join(text.paragraph(s, 2, 4) for s in curve.dropped)
        if curve.dropped
        else None,
        text.paragraph(law.sentence),
    )


def _facts(law: Law, answer: Forecast | None) -> list[tuple[str, str]]:
    curve = law.curve
    unit = "examples" if curve.x_unit.value == "examples" else "steps"
    kind = {"held_out": "held-out loss", "training": "training loss", "unknown": "loss of unknown kind"}[
        curve.loss_kind.value
    ]
    lowest = int(curve.loss_n.argmin())
    rows = [
        ("model", curve.configuration.model),
        (
            "measured",
            f"{len(curve.loss_n):,} points of {kind}, {curve.examples_n[0]:,.0f} to {curve.examples_n[-1]:,.0f} {unit}",
        ),
        ("lowest loss", f"{curve.loss_n[lowest]:.3f} nats, at {curve.examples_n[lowest]:,.0f} {unit} (one reading)"),
        ("asymptote c", f"{law.asymptote.p05:.2f} to {law.asymptote.p95:.2f} nats (90 %), {_status(law)}"),
    ]
    if answer is not None:
        reach = answer.loss_at_horizon
        rows += [
            (
                "chance",
                f"{_chance(answer.verdict.probability)} that the loss comes to {answer.target_loss:g} nats or below",
            ),
            ("horizon", f"{answer.verdict.horizon_examples:,.0f} {unit}: {answer.verdict.horizon_reason}"),
            ("loss there", f"{reach.p05:.2f} to {reach.p95:.2f} nats (90 %), median {reach.p50:.2f}"),
        ]
    return rows


def _status(law: Law) -> str:
    return law.asymptote.status.value.replace("_", " ").lower()


def _chance(probability: float) -> str:
    from planner.report.words.numbers import chance

    return chance(probability)


def _figures(
    calibration: Calibration, law: Law, answer: Forecast | None, quality: tuple[Quality, ...]
) -> dict[str, Any]:
    from planner.cost.basis import marks

    curve, point = law.curve, law.point
    figures: dict[str, Any] = {
        "calibration_id": calibration.header.calibration_id,
        "marks": marks(calibration),
        "model": curve.configuration.model,
        "loss_kind": curve.loss_kind,
        "x_unit": curve.x_unit,
        "points": len(curve.loss_n),
        "largest_examples": float(curve.examples_n[-1]),
        "asymptote": law.asymptote,
        "sentence": law.sentence,
        "point_fit": {name: getattr(point, name) for name in ("status", "a", "b", "c", "se_a", "se_b", "se_c")},
        "findings": list(law.findings),
        "dropped": list(curve.dropped),
        "verdict": None,
    }
    if answer is not None:
        figures |= {"verdict": answer.verdict, "loss_at_horizon": answer.loss_at_horizon, "quality": list(quality)}
    return figures


@click.command(short_help="Configurations side by side at the same examples.")
@click.argument("records", nargs=-1, required=True, metavar="RECORD...")
@with_seed
@with_json
def compare(*, records: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Compare configurations (of one record or several) at the same number of examples.

    Exit code 3: no configuration is better than the others with a chance of 9 in 10.
    """
    raise NotImplementedError


_ = WRONG_USE
