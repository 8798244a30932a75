"""Two configurations side by side: at matched examples, at matched hours, and at their floors.

Where both were measured on the same held-out cases the comparison is paired: a hard set of cases is hard for both, and
most of its luck cancels. The measured difference draws the cases again (paired bootstrap, Efron & Tibshirani 1993);
the modelled ones use that the posteriors of two laws fitted with one seed draw the same cases in the same draw.

Exponents of several configurations are pooled with their heterogeneity (DerSimonian & Laird 1986).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import chdtrc

from planner.curve import LossCurve, loss_curves, on_most_studies
from planner.law.engine import Law, fit_law
from planner.outcome import AsymptoteStatus, Interval, Severity
from planner.record import Calibration, Configuration, Eval

FloatArray = NDArray[np.float64]

_DRAWS = 4000
_CLEAR = 0.95


class Contender(Struct, frozen=True, kw_only=True):
    """One configuration with its law.

    Attributes:
        name: How the user calls it.
        seconds_per_example: Of training where it was measured, else None.
        device: Where those seconds were measured.
    """

    name: str
    law: Law
    seconds_per_example: float | None = None
    device: str | None = None


class Difference(Struct, frozen=True, kw_only=True):
    """First minus second, nats: negative is better for the first.

    Attributes:
        basis: `measured`, `matched_examples`, `matched_hours` or `asymptote`.
        examples_first: Where the first is read; None for the asymptote.
        paired: Whether the shared held-out cases are taken out.
        probability_first_better: P(difference < 0).
    """

    basis: str
    examples_first: float | None
    examples_second: float | None
    difference: Interval
    paired: bool
    probability_first_better: float
    sentence: str


class PooledExponent(Struct, frozen=True, kw_only=True):
    """Exponent over configurations.

    Attributes:
        exponent: Pooled b with its 90 % interval.
        heterogeneity_percent: I**2, share of the spread that is not sampling error.
        p_same: P-value of Cochran's Q for one common exponent.
    """

    exponent: Interval
    heterogeneity_percent: float
    p_same: float
    sentence: str


class Comparison(Struct, frozen=True, kw_only=True):
    """All that can be said about two configurations.

    Attributes:
        changed: Fields in which the configurations differ, with both values.
        cautions: What weakens the comparison, a sentence each.
    """

    first: str
    second: str
    changed: tuple[str, ...]
    differences: tuple[Difference, ...]
    exponent: PooledExponent
    cautions: tuple[str, ...]
    sentence: str


def contenders_of(calibration: Calibration, name: str, *, seed: int = 0) -> tuple[Contender, ...]:
    """The configurations of a calibration with their laws; one configuration keeps the name as it is."""
    curves = loss_curves(calibration)
    hardware = calibration.header.hardware
    return tuple(
        Contender(
            name=name if len(curves) == 1 else f"{name} #{number}",
            law=fit_law(curve, seed=seed),
            seconds_per_example=_seconds_per_example(calibration, curve),
            device=hardware.gpu or hardware.device,
        )
        for number, curve in enumerate(curves, start=1)
    )


def compare(first: Contender, second: Contender) -> Comparison:
    """Differences of loss and of floor, with intervals and a sentence each."""
    found = [
        difference
        for difference in (
            _measured(first, second),
            _at_matched_examples(first, second),
            _at_matched_hours(first, second),
            _of_floors(first, second),
        )
        if difference is not None
    ]
    changed = _changed(first.law.curve.configuration, second.law.curve.configuration)
    return Comparison(
        first=first.name,
        second=second.name,
        changed=changed,
        differences=tuple(found),
        exponent=pooled_exponent((first.law, second.law)),
        cautions=tuple(_cautions(first, second, changed)),
        sentence=found[0].sentence,
    )


def pooled_exponent(laws: Sequence[Law]) -> PooledExponent:
    """Random-effects mean of ln b over configurations, with I**2 and the test for one common exponent."""
    log_b = np.array([float(np.log(law.draws.exponent_m).mean()) for law in laws])
    variance = np.array([max(float(np.log(law.draws.exponent_m).var()), 1e-6) for law in laws])
    weight = 1 / variance
    fixed = float((weight * log_b).sum() / weight.sum())
    q = float((weight * (log_b - fixed) ** 2).sum())
    freedom = len(laws) - 1
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max((q - freedom) / scale, 0.0) if freedom > 0 and scale > 0 else 0.0
    weight = 1 / (variance + between)
    mean, se = float((weight * log_b).sum() / weight.sum()), float(1 / math.sqrt(weight.sum()))
    share = 100 * max((q - freedom) / q, 0.0) if q > 0 and freedom > 0 else 0.0
    p_same = float(chdtrc(freedom, q)) if freedom > 0 else 1.0
    interval = Interval(p05=math.exp(mean - 1.645 * se), p50=math.exp(mean), p95=math.exp(mean + 1.645 * se))
    verdict = "are compatible with one exponent" if p_same >= 0.1 else "differ by more than their uncertainty"
    sentence = (
        f"The exponents {verdict}; pooled b {interval.p50:.2f} ({interval.p05:.2f} to {interval.p95:.2f}), "
        f"heterogeneity {share:.0f} %."
    )
    return PooledExponent(exponent=interval, heterogeneity_percent=share, p_same=p_same, sentence=sentence)


def _same_cases(first: LossCurve, second: LossCurve) -> bool:
    mine, theirs = first.case_tokens_k, second.case_tokens_k
    return mine is not None and theirs is not None and np.array_equal(mine, theirs)


def _measured(first: Contender, second: Contender) -> Difference | None:
    """At the largest budget that both measured, on the same cases."""
    one, two = first.law.curve, second.law.curve
    common = np.intersect1d(one.examples_n, two.examples_n)
    if not len(common) or not _same_cases(one, two):
        return None
    if one.case_loss_sums_nk is None or two.case_loss_sums_nk is None or one.case_tokens_k is None:
        return None
    examples = float(common[-1])
    # Runs on a part of the cases are points of the curve, too; one configuration may have them and the other not.
    sums = one.case_loss_sums_nk[_on_all_cases(one, examples)].mean(axis=0)
    sums = sums - two.case_loss_sums_nk[_on_all_cases(two, examples)].mean(axis=0)
    cases = len(one.case_tokens_k)
    times = np.random.default_rng(0).multinomial(cases, np.full(cases, 1 / cases), size=_DRAWS)
    draws = (times @ sums) / (times @ one.case_tokens_k)
    where = f"as measured at {examples:,.0f} examples, on the same {cases} held-out cases"
    return _difference("measured", draws, first, second, where, (examples, examples), paired=True)


def _on_all_cases(curve: LossCurve, examples: float) -> NDArray[np.bool_]:
    return np.asarray((curve.examples_n == examples) & on_most_studies(curve.examples_n, curve.unique_examples_n))


def _at_matched_examples(first: Contender, second: Contender) -> Difference:
    examples = max(float(first.law.curve.examples_n[-1]), float(second.law.curve.examples_n[-1]))
    draws = first.law.paths(np.array([examples]))[:, 0] - second.law.paths(np.array([examples]))[:, 0]
    where = f"at {examples:,.0f} examples (law)"
    paired = _same_cases(first.law.curve, second.law.curve)
    return _difference("matched_examples", draws, first, second, where, (examples, examples), paired=paired)


def _at_matched_hours(first: Contender, second: Contender) -> Difference | None:
    """At the seconds that the longer of the two largest budgets took; only on one kind of device."""
    if first.seconds_per_example is None or second.seconds_per_example is None or first.device != second.device:
        return None
    seconds = max(float(one.law.curve.examples_n[-1]) * (one.seconds_per_example or 0.0) for one in (first, second))
    at = (seconds / first.seconds_per_example, seconds / second.seconds_per_example)
    draws = first.law.paths(np.array([at[0]]))[:, 0] - second.law.paths(np.array([at[1]]))[:, 0]
    where = f"after {seconds / 3600:,.2g} hours of training on {first.device} (law)"
    paired = _same_cases(first.law.curve, second.law.curve)
    return _difference("matched_hours", draws, first, second, where, at, paired=paired)


def _of_floors(first: Contender, second: Contender) -> Difference:
    draws = first.law.draws.asymptotes() - second.law.draws.asymptotes()
    paired = _same_cases(first.law.curve, second.law.curve)
    difference = _difference("asymptote", draws, first, second, "at their floors (law)", (None, None), paired=paired)
    vague = [one.name for one in (first, second) if one.law.asymptote.status is AsymptoteStatus.NOT_IDENTIFIED]
    if not vague:
        return difference
    low, high = difference.difference.p05, difference.difference.p95
    names = " and ".join(vague)
    sentence = (
        f"The floors cannot be compared: the asymptote of {names} is not identified. "
        f"The difference may lie anywhere from {low:+.2f} to {high:+.2f} nats."
    )
    return msgspec.structs.replace(difference, sentence=sentence)


def _difference(
    basis: str,
    draws_m: FloatArray,
    first: Contender,
    second: Contender,
    where: str,
    at: tuple[float | None, float | None],
    *,
    paired: bool,
) -> Difference:
    low, middle, high = np.quantile(draws_m, [0.05, 0.5, 0.95]).tolist()
    better = float((draws_m < 0).mean() + 0.5 * (draws_m == 0).mean())
    interval = f"{middle:+.3f} nats (90 %: {low:+.3f} to {high:+.3f})"
    if better >= _CLEAR:
        sentence = f"{first.name} has the lower loss {where}: {interval}."
    elif better <= 1 - _CLEAR:
        sentence = f"{second.name} has the lower loss {where}: {interval}, {first.name} minus {second.name}."
    else:
        sentence = f"No clear difference {where}: {interval}, {first.name} minus {second.name}."
    return Difference(
        basis=basis,
        examples_first=at[0],
        examples_second=at[1],
        difference=Interval(p05=low, p50=middle, p95=high),
        paired=paired,
        probability_first_better=better,
        sentence=sentence,
    )


def _changed(first: Configuration, second: Configuration) -> tuple[str, ...]:
    mine, theirs = msgspec.structs.asdict(first), msgspec.structs.asdict(second)
    return tuple(f"{key}: {mine[key]} against {theirs[key]}" for key in mine if mine[key] != theirs[key])


def _cautions(first: Contender, second: Contender, changed: Sequence[str]) -> list[str]:
    one, two = first.law.curve, second.law.curve
    found = []
    if not _same_cases(one, two):
        found.append(
            "The two were not measured on the same held-out cases (or the record does not say so): part of the "
            "difference may be the cases."
        )
    if one.loss_kind != two.loss_kind or one.x_unit != two.x_unit:
        found.append("The two curves do not count the same thing (loss kind or unit of x): do not compare them.")
    names = {change.split(":")[0] for change in changed}
    if "learning_rate" in names:
        found.append("The learning rates differ: a floor that differs may be the learning rate's, not the setting's.")
    elif names:
        found.append(
            "Both ran with one learning rate: unless it was checked for each, a rate that suits one better can look "
            "like a floor."
        )
    if one.configuration.dataset_digest != two.configuration.dataset_digest:
        found.append("The training sets differ: the comparison is of data and setting together.")
    found.extend(
        f"{each.name}: {finding.sentence}"
        for each in (first, second)
        for finding in each.law.findings
        if finding.severity is Severity.BLOCKING
    )
    return found


def _seconds_per_example(calibration: Calibration, curve: LossCurve) -> float | None:
    """Slope of training seconds over examples, by the total of the curve's runs."""
    runs = set(curve.run_n)
    seconds = examples = 0.0
    for run in calibration.runs:
        timed = [event for event in run.of(Eval) if event.train_seconds]
        if run.id in runs and timed:
            seconds += timed[-1].train_seconds
            examples += timed[-1].examples
    return seconds / examples if examples > 0 and seconds > 0 else None
