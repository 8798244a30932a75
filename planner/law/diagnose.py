"""Diagnose before believing: what is suspect about a curve, a sentence each.

A blocking finding forbids a confident verdict and an identified asymptote: the numbers may be right, but this log
cannot show it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from planner.curve import Design, LossCurve, on_most_studies
from planner.law.forms import drop
from planner.law.points import Points
from planner.law.posterior import Posterior
from planner.law.prior import EXACT, family_grid
from planner.law.solve import FitStatus, PointFit
from planner.outcome import Finding, Severity
from planner.record import LossKind, Schedule, XUnit

FloatArray = NDArray[np.float64]

FEWEST_POINTS = 5
SHORTEST_RANGE = 8.0
PASSES_AS_GOOD_AS_NEW = 4.0
# Tokens of the largest vocabulary in wide use (Gemma 3); a curve above its logarithm is worse than guessing anywhere.
LARGEST_VOCABULARY = 262_144
# Root mean square distance from every member, as a share of the loss: final held-out losses scatter by 0.2 to 4 %.
ROUGH, NOT_A_LAW = 0.035, 0.06
# ... and as a share of the whole fall, where a curve falls by far more than it scatters.
NOT_A_LAW_OF_FALL = 0.035
# An outlying budget: false alarms per curve, and what is too small to speak of.
FALSE_OUTLIERS, SMALLEST_OUTLIER = 0.02, 0.01
# What few points say about their noise is joined by the usual noise of a run, worth so many points.
USUAL_NOISE, PRIOR_POINTS = 0.006, 2
# Level, fall, exponent and shift.
FITTED = 4
_EXPONENTS = np.geomspace(0.03, 3.0, 48)
# Fall per e-fold in the last third of the range against the steepest before it.
STEEPER = 1.25


def diagnose(curve: LossCurve, point: PointFit, draws: Posterior) -> tuple[Finding, ...]:
    """All findings about a curve, the worst first."""
    order = {Severity.BLOCKING: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    found = [
        *_where_it_comes_from(curve),
        *_its_start(curve),
        *_its_points(curve),
        *_its_shape(curve, point, draws),
        *_its_distance_from_a_law(curve, draws),
    ]
    return tuple(sorted(found, key=lambda finding: order[finding.severity]))


def _where_it_comes_from(curve: LossCurve) -> Iterator[Finding]:
    if curve.loss_kind is LossKind.TRAINING:
        yield Finding(
            code="training_loss_only",
            severity=Severity.BLOCKING,
            sentence="This is training loss: it falls by memorising as well as by learning, so no floor and no quality "
            "on new studies can be read off it. Record a held-out loss.",
        )
    elif curve.loss_kind is LossKind.UNKNOWN:
        yield Finding(
            code="loss_kind_unknown",
            severity=Severity.BLOCKING,
            sentence="The log does not say whether this is training or held-out loss; a floor needs held-out loss. "
            "Say which with --loss-kind.",
        )
    if curve.x_unit is not XUnit.EXAMPLES:
        yield Finding(
            code="x_unit_unknown",
            severity=Severity.WARNING,
            sentence="The curve counts steps, not examples, because the effective batch size is unknown: hours and "
            "cost cannot be given. Say it with --effective-batch-size.",
        )
    if curve.configuration.schedule is Schedule.CONSTANT:
        yield Finding(
            code="not_annealed",
            severity=Severity.WARNING,
            sentence="The learning rate was never brought down to its end. A curve read before that overstates the "
            "final loss, typically by 1 to 3 %.",
        )
    elif curve.design is Design.TRACE and curve.configuration.schedule in (Schedule.UNKNOWN, Schedule.DECAYING):
        yield Finding(
            code="mid_run_points",
            severity=Severity.WARNING,
            sentence="All points come from the middle of one run. Before its learning rate has come to its end a run "
            "shows a higher loss than a shorter run that is finished there, typically by 1 to 3 %.",
        )
    if curve.illustration:
        yield Finding(
            code="illustration",
            severity=Severity.NOTE,
            sentence="Measured on a small stand-in model: illustration, not PaliGemma-3B.",
        )


def _its_start(curve: LossCurve) -> Iterator[Finding]:
    first = float(curve.loss_n[0])
    vocabulary = curve.vocabulary_size or LARGEST_VOCABULARY
    if first > math.log(vocabulary):
        guessing = f"The curve starts at {first:.2f} nats, worse than guessing among {vocabulary:,} tokens"
        yield Finding(
            code="start_above_guessing",
            severity=Severity.BLOCKING if curve.vocabulary_size else Severity.WARNING,
            sentence=f"{guessing} ({math.log(vocabulary):.2f}). A pretrained model starts far below that: something in "
            "this set-up was broken (precision, prompt, labels), and a floor that it shows need not be a floor of the "
            "task."
            if curve.vocabulary_size
            else f"{guessing} ({math.log(vocabulary):.2f}), the largest vocabulary in wide use. If these are nats a "
            "token, the set-up was broken at the start. Name the model with --model to be sure.",
        )
    elif curve.suffix_unigram_entropy_nats and first > curve.suffix_unigram_entropy_nats:
        yield Finding(
            code="start_above_unigram_entropy",
            severity=Severity.WARNING,
            sentence=f"The smallest budget ends at {first:.2f} nats, above what word frequencies alone give "
            f"({curve.suffix_unigram_entropy_nats:.2f}): its model has hardly learnt yet.",
        )


def _its_points(curve: LossCurve) -> Iterator[Finding]:
    t = curve.examples_n
    different = len(np.unique(t))
    if different < FEWEST_POINTS:
        yield Finding(
            code="too_few_points",
            severity=Severity.BLOCKING if different < 4 else Severity.WARNING,
            sentence=f"Only {different} different budgets: amplitude, exponent and asymptote need at least 4, and 6 "
            "for an asymptote that means something. Calibrate more budgets.",
        )
    spread = float(t[-1] / t[0])
    if spread < SHORTEST_RANGE:
        yield Finding(
            code="short_range",
            severity=Severity.WARNING,
            sentence=f"The budgets span a factor of {spread:.1f}; below {SHORTEST_RANGE:g} the curve can hardly be "
            "told from a straight line. Calibrate a budget that is larger, or one that is smaller.",
        )
    if curve.non_finite:
        yield Finding(
            code="non_finite",
            severity=Severity.WARNING,
            sentence=f"{curve.non_finite} points of the log are not numbers (NaN or infinite). Trainers often replace "
            "such losses by a running mean, so the rest may be flattered. Find the cause before trusting it.",
        )
    missing = _share_missing(curve)
    if missing > 0.02:
        yield Finding(
            code="gaps",
            severity=Severity.WARNING,
            sentence=f"About {100 * missing:.0f} % of the points that its regular spacing implies are missing from the "
            "log: dropped as not a number, or left out by the viewer that exported it. What was left out cannot be "
            "known from here.",
        )
    passes = curve.passes_n
    if passes is not None and float(passes.max()) > PASSES_AS_GOOD_AS_NEW:
        yield Finding(
            code="repeated_passes",
            severity=Severity.WARNING,
            sentence=f"The largest budget sees its studies {float(passes.max()):.1f} times. After about "
            f"{PASSES_AS_GOOD_AS_NEW:g} passes repetition is worth less than new studies (Muennighoff et al. 2023), so "
            "a flattening may be the limit of these data, not of the task.",
        )


def _its_shape(curve: LossCurve, point: PointFit, draws: Posterior) -> Iterator[Finding]:
    # Thinned: among a thousand noisy points the lowest is low by chance.
    points = draws.points
    # A run on a part of the cases lies above the curve at its budget; that is no noise and no rising tail.
    main = on_most_studies(points.log_t, points.unique_n)
    t, y = np.exp(points.log_t)[main], (points.y * points.level)[main]
    if len(np.unique(t)) < 4:
        return
    noise = _noise(y)
    if y[-1] > y.min() + max(3 * noise, 0.01 * abs(float(y.min()))):
        yield Finding(
            code="rising_tail",
            severity=Severity.BLOCKING if curve.design is Design.BUDGETS else Severity.WARNING,
            sentence="The loss rises again at the end: more of the same makes it worse (overfitting, or a learning "
            "rate that is too high). A law that only falls does not describe this curve.",
        )
    if float(y[0] - y[-1]) < max(3 * noise, 0.005 * float(y[0])):
        yield Finding(
            code="no_fall",
            severity=Severity.BLOCKING,
            sentence="The loss does not fall by more than its noise: nothing can be extrapolated. Check the learning "
            "rate and that the adapters are trained.",
        )
    if point.status is not FitStatus.CONVERGED:
        yield Finding(
            code="no_optimum",
            severity=Severity.WARNING,
            sentence="Plain least squares finds no optimum inside its bounds: the points do not bend as a power law "
            "with an asymptote does.",
        )
    elif curve.design is Design.BUDGETS and len(t) >= 6:
        yield from _outliers(curve)
    if _smoothed(curve):
        yield Finding(
            code="smoothed",
            severity=Severity.WARNING,
            sentence="The points follow each other far too smoothly for raw losses: this looks like a smoothed column, "
            "whose floor and noise are not the run's. Export the raw column.",
        )


def _its_distance_from_a_law(curve: LossCurve, draws: Posterior) -> Iterator[Finding]:
    if len(np.unique(curve.examples_n)) < FEWEST_POINTS:
        return
    distance = _distance_from_every_form(draws.points)
    if distance > ROUGH:
        fall = float(curve.loss_n[0] - curve.loss_n[-1]) / float(curve.loss_n[-1])
        blocking = distance > NOT_A_LAW and distance > NOT_A_LAW_OF_FALL * fall
        yield Finding(
            code="not_a_law" if blocking else "rough",
            severity=Severity.BLOCKING if blocking else Severity.WARNING,
            sentence=f"The points lie {100 * distance:.0f} % off the best law of every form; repeated runs differ by "
            + (
                "4 % at most. This is not the curve of one law (two regimes, a run that failed, or mixed settings), "
                "so nothing beyond the last point can be read off it."
                if blocking
                else "0.2 to 4 %. The bends may be real; the intervals are wide because of it."
            ),
        )
    if _still_accelerating(draws, distance):
        yield Finding(
            code="still_accelerating",
            severity=Severity.BLOCKING,
            sentence="The loss falls faster at the end than ever before: the slow start is not over, and a floor shows "
            "only once the fall per doubling shrinks. Calibrate larger budgets.",
        )


def _distance_from_every_form(points: Points) -> float:
    """Least root mean square distance of the points from any falling form, relative, corrected for what was fitted."""
    grid = family_grid(EXACT, repeated=False, burn_ins=1, trace=points.trace)
    last = float(points.log_t[-1])
    fall = drop(grid.shapes.moved(last), points.log_t, np.full(len(grid.log_prior_s), last))
    weight = 1 / (np.diag(points.noise_nn) * points.y**2)
    weight = weight / weight.sum()
    mean_fall, mean_y = fall @ weight, float(points.y @ weight)
    centred = fall - mean_fall[:, None]
    spread = np.maximum((centred**2) @ weight, 1e-300)
    slope = np.maximum(-((centred * (points.y - mean_y)) @ weight) / spread, 0.0)
    residual = points.y - mean_y + slope[:, None] * centred
    squared = (residual**2) @ weight * float((weight * points.y**2).sum() ** -1)
    freedom = max(len(points.y) - FITTED, 1)
    return math.sqrt(float(squared.min()) * len(points.y) / freedom)


def _still_accelerating(draws: Posterior, distance: float) -> bool:
    """Whether the last third of the range (in ln t) is clearly the steepest."""
    u, y = draws.points.log_t, draws.points.y
    span = float(u[-1] - u[0])
    edges = u[0] + span * np.array([0.0, 1 / 3, 2 / 3, 1.0])
    counts = [np.abs(u - edge).argmin() for edge in edges]
    if len(set(counts)) < len(counts) or span <= 0:
        return False
    at_u, at_y = u[counts], y[counts]
    falls = -np.diff(at_y) / np.diff(at_u)
    before = max(float(falls[:-1].max()), 0.0)
    noise = 3 * max(_noise(y), distance / 3) / (span / 3)
    return float(falls[-1]) > STEEPER * before + noise


def _share_missing(curve: LossCurve) -> float:
    """Share of the points of a trace that its own spacing implies and that are not there."""
    step = np.diff(np.unique(curve.examples_n))
    if curve.design is not Design.TRACE or len(step) < 20:
        return 0.0
    usual = float(np.median(step))
    if not np.isclose(step, usual, rtol=1e-3).mean() > 0.5:
        return 0.0
    return 1.0 - len(step) / max(float(step.sum()) / usual, len(step))


def _noise(y: FloatArray) -> float:
    """Robust noise of a point (nats), from second differences in ln t: a smooth curve has nearly none."""
    if len(y) < 5:
        return 0.0
    second = y[2:] - 2 * y[1:-1] + y[:-2]
    return float(1.4826 * np.median(np.abs(second - np.median(second))) / math.sqrt(6))


def _outliers(curve: LossCurve) -> Iterator[Finding]:
    """A budget that the law of the others misses by far: studentised deleted residual, Bonferroni over the budgets."""
    main = on_most_studies(curve.examples_n, curve.unique_examples_n)
    examples_n, loss_n = curve.examples_n[main], curve.loss_n[main]
    miss, sd, freedom = _left_out(np.log(examples_n), loss_n)
    n = len(miss)
    inner = np.arange(1, n - 1)
    worst = int(inner[np.argmax(np.abs(miss[inner]) / sd[inner])])
    limit = float(stdtrit(freedom, 1 - FALSE_OUTLIERS / (2 * n)))
    if abs(miss[worst]) > max(limit * sd[worst], SMALLEST_OUTLIER):
        yield Finding(
            code="outlying_budget",
            severity=Severity.WARNING,
            sentence=f"The budget of {examples_n[worst]:,.0f} examples lies {100 * miss[worst]:+.1f} % off "
            "the curve of the others. Run it again with another seed, or leave it out knowingly.",
        )


def _left_out(log_t: FloatArray, loss: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Relative distance of every point from the law of the others, its standard deviation and its freedom."""
    n = len(loss)
    phi = np.exp(-_EXPONENTS[:, None] * (log_t - log_t.mean()))
    weight = (1 - np.eye(n)) / loss**2

    def summed(values: FloatArray) -> FloatArray:
        return np.asarray(values @ weight.T)

    total = weight.sum(axis=1)
    mean_phi, mean_y = summed(phi) / total, summed(loss) / total
    squares = summed(phi * phi)
    spread = np.maximum(squares - total * mean_phi**2, 1e-12 * squares)
    slope = (summed(phi * loss) - total * mean_phi * mean_y) / spread
    rss_bn = summed(loss * loss) - total * mean_y**2 - slope**2 * spread
    best = rss_bn.argmin(axis=0)
    i = np.arange(n)
    ahead = phi[best, i] - mean_phi[best, i]
    miss = (loss - mean_y - slope[best, i] * ahead) / loss
    leverage = (1 / total + ahead**2 / spread[best, i]) / loss**2
    freedom = n - 4 + PRIOR_POINTS
    variance = (np.maximum(rss_bn[best, i], 0.0) + PRIOR_POINTS * USUAL_NOISE**2) / freedom
    return miss, np.sqrt(variance * (1 + leverage)), freedom


def _smoothed(curve: LossCurve) -> bool:
    """Whether neighbouring changes of a long trace agree as only an averaged column's do."""
    if curve.design is not Design.TRACE or len(curve.loss_n) < 60 or curve.loss_kind is LossKind.HELD_OUT:
        return False
    change = np.diff(curve.loss_n)
    change = change - change.mean()
    return float(change[1:] @ change[:-1]) > 0.3 * float(change @ change)
