"""What a loss means in answers: monotone regression from loss to the recorded answer metrics, with a band."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import ndtri

from planner.outcome import Quality
from planner.record import Answers, Calibration, Eval, Rating

FloatArray = NDArray[np.float64]

METRICS = {
    "token_f1": (1, "word overlap with the reference (token F1)"),
    "rouge_l": (1, "longest common wording with the reference (ROUGE-L)"),
    "exact_match": (1, "closed questions answered exactly"),
    "usable_share": (1, "answers that radiologists, blinded, call usable (4 or 5 of 5)"),
    "degenerate_rate": (-1, "degenerate answers (loops, empty, no end)"),
}


def loss_to_quality(calibration: Calibration, target_loss: float) -> tuple[Quality, ...]:
    """Expected answer metrics at a loss, one for every metric that at least three budgets recorded.

    A lower loss never means a worse metric (isotonic regression, Barlow et al. 1972). The band is a Wilson-type 90 %
    interval of the recorded answers plus the residual spread; outside the recorded losses the nearest budget's value is
    given and the sentence says so.
    """
    found = []
    for metric, (direction, words) in METRICS.items():
        points = _points(calibration, metric)
        if len(points) < 3:
            continue
        loss, value, answers = (np.array(column, dtype=np.float64) for column in zip(*sorted(points), strict=True))
        smooth = np.asarray(isotonic_regression(value, weights=answers, increasing=direction < 0).x)
        at_target = float(np.interp(target_loss, loss, smooth))
        residual = float(np.sqrt(np.mean((value - smooth) ** 2)))
        half = float(ndtri(0.95)) * math.sqrt(
            residual**2 + max(at_target * (1 - at_target), 0.01) / float(np.median(answers))
        )
        low, high = max(at_target - half, 0.0), min(at_target + half, 1.0)
        found.append(
            Quality(
                metric=metric,
                at_target_low=low,
                at_target=at_target,
                at_target_high=high,
                sentence=_sentence(words, target_loss, low, high, float(loss[0]), float(loss[-1])),
            )
        )
    return tuple(found)


def _points(calibration: Calibration, metric: str) -> list[tuple[float, float, int]]:
    """(loss, value, answers) of every budget at which answers were recorded."""
    points = []
    for run in calibration.runs:
        losses = {event.examples: event.loss for event in run.of(Eval)}
        for event in (*run.of(Answers), *run.of(Rating)[-1:]):
            loss = event.loss if event.loss is not None else losses.get(event.examples)
            value = getattr(event, metric, None)
            if loss is not None and value is not None:
                answers = getattr(event, "closed_answers", None) if metric == "exact_match" else None
                points.append((loss, float(value), answers or event.answers))
    return points


def _sentence(words: str, target: float, low: float, high: float, best: float, worst: float) -> str:
    sentence = f"At a loss of {target:g}: {words} {100 * low:.0f} to {100 * high:.0f} % (90 %)"
    if target < best:
        return f"{sentence}, read at {best:.2f}, the lowest loss at which answers were recorded."
    if target > worst:
        return f"{sentence}, read at {worst:.2f}, the highest loss at which answers were recorded."
    return f"{sentence}."
