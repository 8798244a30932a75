"""`plateau fit`: what the law says, with its interval, what is suspect and what would settle it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli import text
from planner.cli.frame import DONE, NO_TRUSTWORTHY_ANSWER, finish, with_json
from planner.cli.numbers import NUMBER, WHOLE
from planner.cli.opening import open_calibration
from planner.errors import CurveError

if TYPE_CHECKING:
    from planner.curve import LossCurve
    from planner.law import Law, NextRun
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
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the curve with its interval as an SVG picture.",
)
@with_configuration
@with_seed
@click.option("--skip-bad-lines", is_flag=True, help="Leave damaged lines out instead of refusing the record.")
@with_json
def fit(
    *,
    record: str,
    target_loss: float | None,
    unique_studies: float | None,
    plot: Path | None,
    configuration: int,
    seed: int,
    skip_bad_lines: bool,
    as_json: bool,
) -> None:
    """Fit loss(t) = a t^(-b) + c: asymptote with its interval, diagnosis and, with a target, a verdict.

    Exit code 0: the asymptote is identified, or the target is reachable. 3: the data do not support an answer.
    """
    from planner.law import fit_law, forecast, loss_to_quality, next_run
    from planner.outcome import AsymptoteStatus, VerdictName

    for name, value in (("--target-loss", target_loss), ("--unique-studies", unique_studies)):
        if value is not None and value <= 0:
            raise click.BadParameter(f"expected a number above 0, got {value:g}", param_hint=name)
    calibration = open_calibration(record, skip_bad_lines=skip_bad_lines)
    law = fit_law(curve_of(calibration, configuration), seed=seed)
    told = _Told(calibration=calibration, law=law)
    if target_loss is not None:
        told.answer = forecast(law, target_loss, unique_examples=unique_studies)
        told.quality = loss_to_quality(calibration, target_loss)
        told.advice = next_run(law, target_loss)
        trusted = told.answer.verdict.name is VerdictName.REACHABLE
    else:
        trusted = law.asymptote.status is AsymptoteStatus.IDENTIFIED
    if plot is not None:
        _write_picture(plot, law, target_loss)
    finish(_shown(told), _figures(told), as_json=as_json, code=DONE if trusted else NO_TRUSTWORTHY_ANSWER)


def _write_picture(path: Path, law: Law, target_loss: float | None) -> None:
    from planner.report.curve_svg import curve_svg

    try:
        path.write_text(curve_svg(law, target_loss=target_loss), encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"cannot write {path.name}: {error.strerror}", param_hint="--plot") from None


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


@dataclass(kw_only=True)
class _Told:
    """All that `fit` has to tell; the last three only with a target."""

    calibration: Calibration
    law: Law
    answer: Forecast | None = None
    quality: tuple[Quality, ...] = ()
    advice: NextRun | None = None


def _shown(told: _Told) -> str:
    from planner.cost.basis import marks

    law = told.law
    return text.join(
        text.headline(_headline(told)),
        text.marks(marks(told.calibration)),
        text.pairs(_facts(told)),
        text.paragraph(law.asymptote.sentence) if told.answer else None,
        text.section("In answers", (quality.sentence for quality in told.quality)),
        text.findings((finding.severity.value, finding.sentence) for finding in law.findings),
        text.section("Left out or derived", law.curve.dropped),
        text.section("Next run", [told.advice.sentence]) if told.advice else None,
        text.paragraph(law.sentence),
    )


def _headline(told: _Told) -> str:
    if told.answer is None:
        return told.law.asymptote.sentence
    verdict = told.answer.verdict
    # What blocks stands in full among the findings; the headline is the answer alone.
    sentence = verdict.sentence.partition(". ")[0].rstrip(".") + "." if told.law.blocked else verdict.sentence
    word = verdict.name.value.replace("_", " ").capitalize()
    return sentence if sentence.startswith(word) else f"{word}. {sentence}"


def _facts(told: _Told) -> list[tuple[str, str]]:
    from planner.record import LossKind, XUnit
    from planner.report.words.numbers import chance

    law, curve = told.law, told.law.curve
    unit = "examples" if curve.x_unit is XUnit.EXAMPLES else "steps"
    kind = {LossKind.HELD_OUT: "held-out loss", LossKind.TRAINING: "training loss"}.get(
        curve.loss_kind, "loss of unknown kind"
    )
    first, last, lowest = curve.examples_n[0], curve.examples_n[-1], int(curve.loss_n.argmin())
    low, high = law.asymptote.p05, law.asymptote.p95
    status = law.asymptote.status.value.replace("_", " ").lower()
    rows = [
        ("model", curve.configuration.model),
        ("measured", f"{len(curve.loss_n):,} points of {kind}, {first:,.0f} to {last:,.0f} {unit}"),
        ("lowest loss", f"{curve.loss_n[lowest]:.3f} nats, at {curve.examples_n[lowest]:,.0f} {unit} (one reading)"),
        ("asymptote c", status if law.blocked else f"{low:.2f} to {high:.2f} nats (90 %), {status}"),
    ]
    if told.answer is None:
        return rows
    verdict, reach = told.answer.verdict, told.answer.loss_at_horizon
    said = chance(verdict.probability)
    return [
        *rows,
        ("target", f"{verdict.target_loss:g} nats"),
        ("chance", "not stated: what blocks below forbids it" if law.blocked else f"{said} to reach the target"),
        ("horizon", f"{verdict.horizon_examples:,.0f} {unit}: {verdict.horizon_reason}"),
        ("loss there", f"{reach.p05:.2f} to {reach.p95:.2f} nats (90 %), median {reach.p50:.2f}"),
    ]


def _figures(told: _Told) -> dict[str, Any]:
    from planner.cost.basis import marks

    law, curve, point, answer = told.law, told.law.curve, told.law.point, told.answer
    return {
        "calibration_id": told.calibration.header.calibration_id,
        "marks": marks(told.calibration),
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
        "verdict": answer.verdict if answer else None,
        "loss_at_horizon": answer.loss_at_horizon if answer else None,
        "quality": list(told.quality),
        "next_run": told.advice.sentence if told.advice else None,
    }
