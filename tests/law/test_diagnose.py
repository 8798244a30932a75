"""The diagnosis: every suspicion is named in a sentence, and a sound curve is left in peace."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from planner.curve import Design, LossCurve, curve_from_arrays, loss_curves
from planner.importers import ImportFacts, import_log
from planner.law import fit_law, forecast
from planner.outcome import AsymptoteStatus, Severity, VerdictName
from planner.record import Configuration, LossKind, Schedule, XUnit

LOG = Path(__file__).resolve().parents[3] / "shared" / "curves" / "medm" / "run__max256__2809-072523.csv"
T = np.geomspace(256, 32768, 8)


def sound(**changes: object) -> LossCurve:
    noise = 1 + 0.003 * np.random.default_rng(5).normal(size=len(T))
    return msgspec.structs.replace(curve_from_arrays(T, (2 * (T / 256) ** -0.5 + 1) * noise), **changes)


def found(curve: LossCurve) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in fit_law(curve).findings}


def test_a_sound_curve_has_nothing_to_complain_about() -> None:
    assert found(sound()) == {}


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"loss_kind": LossKind.TRAINING}, "training_loss_only", Severity.BLOCKING),
        ({"loss_kind": LossKind.UNKNOWN}, "loss_kind_unknown", Severity.BLOCKING),
        ({"x_unit": XUnit.STEPS}, "x_unit_unknown", Severity.WARNING),
        ({"configuration": Configuration(schedule=Schedule.CONSTANT)}, "not_annealed", Severity.WARNING),
        ({"vocabulary_size": 12}, "start_above_guessing", Severity.BLOCKING),
        ({"suffix_unigram_entropy_nats": 2.5}, "start_above_unigram_entropy", Severity.WARNING),
        ({"non_finite": 3}, "non_finite", Severity.WARNING),
        ({"unique_examples_n": T / 8}, "repeated_passes", Severity.WARNING),
        ({"illustration": True}, "illustration", Severity.NOTE),
    ],
)
def test_what_is_suspect_about_the_source_is_named(changes: dict[str, object], code: str, severity: Severity) -> None:
    assert found(sound(**changes))[code] is severity


def curve(loss: np.ndarray, t: np.ndarray = T, design: Design = Design.BUDGETS) -> LossCurve:
    return curve_from_arrays(t, loss, design=design)


LAW = 2 * (T / 256) ** -0.5 + 1


@pytest.mark.parametrize(
    ("suspect", "code"),
    [
        (curve(LAW[:3], T[:3]), "too_few_points"),
        (curve(LAW[:5], np.geomspace(256, 1024, 5)), "short_range"),
        (curve(np.where(T > 9000, LAW * 1.3, LAW)), "rising_tail"),
        (curve(np.where(np.arange(8) == 4, LAW * 1.15, LAW)), "outlying_budget"),
        (curve(np.full(8, 2.0)), "no_fall"),
        (curve(np.where(T > 3000, 1.0, 3.0)), "not_a_law"),
        (curve(3 - 2 * (np.arange(8) / 7) ** 4), "still_accelerating"),
    ],
)
def test_what_is_suspect_about_the_points_is_named(suspect: LossCurve, code: str) -> None:
    assert code in found(suspect)


def test_a_smoothed_column_is_recognised() -> None:
    t = np.arange(1.0, 801.0)
    raw = (3 * t**-0.3 + 1) * (1 + 0.1 * np.random.default_rng(1).normal(size=len(t)))
    smooth = np.empty_like(raw)
    smooth[0] = raw[0]
    for i in range(1, len(raw)):
        smooth[i] = 0.98 * smooth[i - 1] + 0.02 * raw[i]
    trace = msgspec.structs.replace(curve(smooth, t, Design.TRACE), loss_kind=LossKind.TRAINING)
    plain = msgspec.structs.replace(curve(raw, t, Design.TRACE), loss_kind=LossKind.TRAINING)
    assert "smoothed" in found(trace)
    assert "smoothed" not in found(plain)


def test_a_log_with_holes_is_recognised() -> None:
    t = np.arange(1.0, 401.0)
    keep = np.random.default_rng(2).random(400) > 0.1
    trace = curve((3 * t**-0.3 + 1)[keep], t[keep], Design.TRACE)
    assert "gaps" in found(trace)


def test_an_outlier_of_ten_sigma_is_flagged_and_clean_curves_are_not() -> None:
    rng = np.random.default_rng(3)
    flagged = clean = 0
    for _ in range(25):
        loss = LAW * (1 + 0.005 * rng.normal(size=8))
        clean += "outlying_budget" in found(curve(loss))
        loss[rng.integers(2, 6)] *= 1.05
        flagged += bool({"outlying_budget", "not_a_law"} & found(curve(loss)).keys())
    assert clean <= 2
    assert flagged >= 22


def test_every_finding_is_a_sentence_with_what_to_do_or_why() -> None:
    law = fit_law(sound(loss_kind=LossKind.TRAINING, vocabulary_size=12, x_unit=XUnit.UNKNOWN, non_finite=2))
    assert [finding.severity for finding in law.findings] == sorted(
        (finding.severity for finding in law.findings), key=["blocking", "warning", "note"].index
    )
    for finding in law.findings:
        assert finding.sentence[0].isupper() or finding.sentence[0].isdigit()
        assert finding.sentence.endswith(".")
        assert len(finding.sentence) > 60


@pytest.mark.skipif(not LOG.exists(), reason="the research notes' log is not beside this checkout")
@pytest.mark.parametrize(
    "facts",
    [
        None,
        ImportFacts(loss_kind=LossKind.TRAINING, model="google/paligemma-3b-pt-224", effective_batch_size=4),
    ],
)
def test_the_research_notes_log_is_suspect_and_shows_no_floor(facts: ImportFacts | None) -> None:
    law = fit_law(loss_curves(import_log(LOG, facts))[0])
    answer = forecast(law, 3.5)
    codes = {finding.code for finding in law.findings}
    assert law.asymptote.status is AsymptoteStatus.NOT_IDENTIFIED
    assert answer.verdict.name is VerdictName.UNDECIDED
    assert {"start_above_guessing", "gaps"} <= codes
    assert ("training_loss_only" if facts else "loss_kind_unknown") in codes
    assert "5.05" not in law.sentence + law.asymptote.sentence + answer.verdict.sentence
    assert math.isfinite(answer.loss_at_horizon.p50)
