"""Which further run is worth its examples: the cheapest that would settle the verdict, or pin down the hours.

A candidate is a budget with a number of replicates. Every draw of the posterior in turn plays the truth and says what
that run would measure; the other draws are then weighted by how well they agree with it. This is the preposterior
analysis of Raiffa & Schlaifer 1961 with the draws as the grid: exact up to their number, no refit.

Legend: _m draws, _t draws that play the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import ndtri

from planner.curve import Design
from planner.law.engine import Law
from planner.law.forecast import CONFIDENT, FLOOR_ABOVE, forecast
from planner.outcome import Interval, VerdictName, chance_in_words

FloatArray = NDArray[np.float64]

RATIOS = (0.5, 1.0, 2.0, 4.0, 8.0)
REPLICATES = (1, 2, 4)
LIKELY = 0.8
NARROW_FACTOR = 1.5
_TRUTHS = 160
_FEWEST_DIFFERENT = 4
_STANDS = {
    VerdictName.UNREACHABLE: "The verdict stands: a further run of this configuration would not change it. Try another "
    "configuration.",
    VerdictName.NOT_ENOUGH_DATA: "The verdict stands: different studies are missing, not runs.",
}


class Candidate(Struct, frozen=True, kw_only=True):
    """A further calibration run and what it is expected to bring.

    Attributes:
        budget_examples: Examples of one run.
        replicates: Runs of it, each with its own seed.
        total_examples: What it costs: budget * replicates.
        loss_expected: What such a run will probably show, nats.
        chance_settled: Probability that the verdict is then no longer UNDECIDED.
        examples_factor: Expected P90 / P10 of the examples to the target afterwards; None where it stays infinite.
        unique_examples: Different studies it would see where that is a nested subset; None: all there are.
    """

    budget_examples: float
    replicates: int
    total_examples: float
    loss_expected: Interval
    chance_settled: float
    examples_factor: float | None
    unique_examples: float | None = None


class NextRun(Struct, frozen=True, kw_only=True):
    """Advice on the next run.

    Attributes:
        best: None where nothing is open, or no run can help.
        candidates: All that were looked at, the cheapest first.
        examples_factor_now: P90 / P10 of the examples to the target; None: infinite.
        sentence: The advice in words.
    """

    best: Candidate | None
    candidates: tuple[Candidate, ...]
    examples_factor_now: float | None
    sentence: str


def next_run(
    law: Law,
    target_loss: float,
    *,
    horizon_examples: float | None = None,
    unique_examples: float | None = None,
    affordable_examples: float | None = None,
    ratios: Sequence[float] = RATIOS,
) -> NextRun:
    """The cheapest further budget or replicate that settles the verdict with 80 % chance, else the one most likely to.

    Where the verdict already stands, the cheapest that brings P90 / P10 of the examples under 1.5.

    Args:
        law: From `fit_law`.
        target_loss: Nats per suffix token.
        horizon_examples: As in `forecast`.
        unique_examples: As in `forecast`; the same as of the verdict that is to be settled. The run itself still sees
            the studies of the calibration.
        affordable_examples: Most examples that all replicates together may cost; None: no limit.
        ratios: Budgets to look at, in units of the largest measured one.
    """
    answer = forecast(law, target_loss, horizon_examples=horizon_examples, unique_examples=unique_examples)
    needed = answer.examples_m
    now = _factor(needed, np.ones((1, len(needed))))[0]
    factor_now = float(now) if math.isfinite(now) else None
    if law.blocked or law.curve.design is Design.TRACE or len(np.unique(law.curve.examples_n)) < _FEWEST_DIFFERENT:
        return NextRun(best=None, candidates=(), examples_factor_now=factor_now, sentence=_start_over(law))
    if answer.verdict.name in _STANDS:
        sentence = _STANDS[answer.verdict.name]
        return NextRun(best=None, candidates=(), examples_factor_now=factor_now, sentence=sentence)
    candidates = _candidates(law, needed, answer.verdict.horizon_examples, target_loss, ratios)
    if affordable_examples is not None:
        candidates = [candidate for candidate in candidates if candidate.total_examples <= affordable_examples]
    settled = answer.verdict.name is VerdictName.REACHABLE
    if settled and factor_now is not None and factor_now <= NARROW_FACTOR:
        sentence = "The verdict stands and the examples are known within a factor of 1.5: no further run is needed."
        return NextRun(best=None, candidates=tuple(candidates), examples_factor_now=factor_now, sentence=sentence)
    best, sentence = _best(candidates, settled=settled, factor_now=factor_now)
    return NextRun(best=best, candidates=tuple(candidates), examples_factor_now=factor_now, sentence=sentence)


def _candidates(
    law: Law, needed_m: FloatArray, horizon: float, target: float, ratios: Sequence[float]
) -> list[Candidate]:
    largest = float(law.curve.examples_n[-1])
    available = law.curve.training_examples_available
    budgets = np.array(
        [ratio * largest for ratio in ratios if not available or ratio <= 1 or ratio * largest <= available]
    )
    runs: list[tuple[float, float | None]] = [(budget, None) for budget in budgets.tolist()]
    paths, shown = law.draws.paths(budgets), law.paths(budgets)
    half = _half_of_the_studies(law)
    if half is not None:
        # A run on a nested subset says what another study is worth, where every other run only repeats those there are.
        subset = msgspec.structs.replace(law.draws, unique_available=half).paths(np.array([largest]))
        runs, paths, shown = [*runs, (largest, half)], np.hstack([paths, subset]), np.hstack([shown, subset])
    noise_m = law.draws.sigma_m
    reached_m = needed_m <= horizon
    floor_above_m = law.draws.asymptotes() >= target
    truth_t = np.linspace(0, len(needed_m) - 1, _TRUTHS).astype(int)
    shock_t = np.random.default_rng(0).permutation(ndtri((np.arange(_TRUTHS) + 0.5) / _TRUTHS))
    found = []
    for (budget, unique), path_m, shown_m in zip(runs, paths.T, shown.T, strict=True):
        low, middle, high = np.quantile(shown_m, [0.05, 0.5, 0.95]).tolist()
        for replicates in REPLICATES:
            sd_m = noise_m * path_m / math.sqrt(replicates)
            seen_t = path_m[truth_t] + sd_m[truth_t] * shock_t
            log_weight = -0.5 * ((seen_t[:, None] - path_m) / sd_m) ** 2 - np.log(sd_m)
            weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
            weight /= weight.sum(axis=1, keepdims=True)
            reach, floor = weight @ reached_m, weight @ floor_above_m
            decided = (reach >= CONFIDENT) | ((reach <= 1 - CONFIDENT) & ((floor >= FLOOR_ABOVE) | (floor <= 0.5)))
            factor = float(np.median(_factor(needed_m, weight)))
            found.append(
                Candidate(
                    budget_examples=budget,
                    replicates=replicates,
                    total_examples=budget * replicates,
                    loss_expected=Interval(p05=low, p50=middle, p95=high),
                    chance_settled=float(decided.mean()),
                    examples_factor=factor if math.isfinite(factor) else None,
                    unique_examples=unique,
                )
            )
    return sorted(found, key=lambda candidate: (candidate.total_examples, candidate.replicates))


def _half_of_the_studies(law: Law) -> float | None:
    """Half of the studies there are, where the largest budget sees them more than once; else None."""
    unique_n = law.curve.unique_examples_n
    if unique_n is None or float(law.curve.examples_n[-1]) <= float(unique_n[-1]):
        return None
    return float(unique_n[-1]) / 2


def _factor(needed_m: FloatArray, weight_tm: FloatArray) -> FloatArray:
    """P90 / P10 of the examples under every row of weights, inf where the P90 is."""
    order = np.argsort(needed_m)
    cumulative = np.cumsum(weight_tm[:, order], axis=1)
    cumulative = cumulative / cumulative[:, -1:]
    low = needed_m[order][(cumulative < 0.1).sum(axis=1).clip(max=len(order) - 1)]
    high = needed_m[order][(cumulative < 0.9).sum(axis=1).clip(max=len(order) - 1)]
    return np.where(np.isinf(high), np.inf, high / np.where(np.isinf(low), 1.0, low))


def _best(candidates: Sequence[Candidate], *, settled: bool, factor_now: float | None) -> tuple[Candidate | None, str]:
    if not candidates:
        return None, "No further run is affordable within what was given."
    if settled:
        narrow = [c for c in candidates if c.examples_factor is not None and c.examples_factor <= NARROW_FACTOR]
        best = narrow[0] if narrow else min(candidates, key=lambda c: c.examples_factor or math.inf)
        if best.examples_factor is None or (factor_now is not None and best.examples_factor > 0.9 * factor_now):
            return None, "The verdict stands, and none of the runs looked at would narrow the examples much."
        return (
            best,
            f"The verdict stands. {_run(best)} would bring P90 / P10 of the examples to {best.examples_factor:.1f}.",
        )
    likely = [candidate for candidate in candidates if candidate.chance_settled >= LIKELY]
    best = likely[0] if likely else max(candidates, key=lambda c: (round(c.chance_settled, 1), -c.total_examples))
    if best.chance_settled < 0.05:
        return None, (
            "None of the runs looked at is likely to settle the verdict: the target lies where this curve cannot be "
            "told apart. Another target or another configuration says more."
        )
    chance = chance_in_words(best.chance_settled)
    if likely:
        return best, f"{_run(best)} would probably settle the verdict (a chance of {chance}); nothing cheaper would."
    return best, f"{_run(best)} would settle the verdict with a chance of {chance}; nothing looked at does better."


def _run(candidate: Candidate) -> str:
    runs = "One run" if candidate.replicates == 1 else f"{candidate.replicates} runs with different seeds"
    magnitude = 10.0 ** (math.floor(math.log10(candidate.budget_examples)) - 1)
    size = f"{runs} of about {round(candidate.budget_examples / magnitude) * magnitude:,.0f} examples"
    if candidate.unique_examples is None:
        return size
    return f"{size} on half of the studies ({candidate.unique_examples:,.0f})"


def _start_over(law: Law) -> str:
    if law.curve.design is Design.TRACE:
        return (
            "Separate runs, each with its learning rate brought to its end and a held-out loss at the end, would say "
            "more than any continuation of this log: at least 6 budgets over a factor of 32."
        )
    if law.blocked:
        return "First deal with what the diagnosis names; a further run of the same kind would not settle the verdict."
    return "Calibrate at least 6 budgets over a factor of 32 first; with so few points every further one matters."
