"""The words of DESIGN: outcomes as values that carry their sentence.

Leaf module: `law` makes these values, `cost`, `report`, `dashboard` and `cli` show them. Nothing here computes; how a
chance is written in a sentence stands here because all of them write one.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]


def chance_in_words(probability: float) -> str:
    """A probability in a sentence: "86 %", "over 99 %", "under 1 %"; thousands of draws do not tell 99.6 from 100 %."""
    hundredths = round(100 * probability)
    if hundredths >= 100:
        return "over 99 %"
    return f"{hundredths} %" if hundredths >= 1 else "under 1 %"


class AsymptoteStatus(StrEnum):
    """Whether the data pin down the asymptote; never depends on the target."""

    IDENTIFIED = "IDENTIFIED"
    NOT_IDENTIFIED = "NOT_IDENTIFIED"


class VerdictName(StrEnum):
    """Answer to "will this target be reached within the horizon?"."""

    REACHABLE = "REACHABLE"
    UNREACHABLE = "UNREACHABLE"
    NOT_ENOUGH_DATA = "NOT_ENOUGH_DATA"
    UNDECIDED = "UNDECIDED"


class Severity(StrEnum):
    """How much a finding of the diagnosis should worry the reader."""

    NOTE = "note"
    WARNING = "warning"
    BLOCKING = "blocking"


class Quantiles(Struct, frozen=True, kw_only=True):
    """P10, P50 and P90 of a quantity that may be infinite; None stands for infinity (the target is not reached)."""

    p10: float | None
    p50: float | None
    p90: float | None


class Interval(Struct, frozen=True, kw_only=True):
    """5 %, 50 % and 95 % quantiles of a posterior."""

    p05: float
    p50: float
    p95: float


class Finding(Struct, frozen=True, kw_only=True):
    """One sentence of the diagnosis.

    Attributes:
        code: Stable lower-case identifier, for example `training_loss_only`.
        severity: A blocking finding forbids a confident verdict.
        sentence: For the user: what is suspect, why it matters, what to do.
    """

    code: str
    severity: Severity
    sentence: str


def is_blocked(findings: Iterable[Finding]) -> bool:
    """Whether the diagnosis forbids a confident answer: then no command states a chance."""
    return any(finding.severity is Severity.BLOCKING for finding in findings)


class Asymptote(Struct, frozen=True, kw_only=True):
    """The irreducible loss c in nats per suffix token, with its status and its sentence."""

    status: AsymptoteStatus
    p05: float
    p50: float
    p95: float
    sentence: str


class Verdict(Struct, frozen=True, kw_only=True):
    """The verdict on a target.

    Attributes:
        name: One of the four words.
        probability: P(loss <= target within the horizon).
        sentence: The answer in words.
        target_loss: Nats per suffix token.
        horizon_examples: How far the statement reaches, in examples.
        horizon_reason: What limits it: validated extrapolation, data, money.
    """

    name: VerdictName
    probability: Probability
    sentence: str
    target_loss: float
    horizon_examples: float
    horizon_reason: str


class CurveBand(Struct, frozen=True, kw_only=True):
    """Predicted loss along a grid of examples: equal-length lists for charts (5 %, 50 %, 95 %)."""

    examples: list[float]
    p05: list[float]
    p50: list[float]
    p95: list[float]


class Forecast(Struct, frozen=True, kw_only=True):
    """What the law says about one target; all that the cost model needs from it.

    Attributes:
        target_loss: Nats per suffix token.
        examples_m: Draws of the examples needed to reach the target, shape (m,); inf where a draw never reaches it.
        asymptote: With status.
        verdict: With probability and sentence.
        loss_at_horizon: What can be had at most, nats per suffix token.
        findings: The diagnosis of the law.
        band: Curve with interval, from the smallest measured budget to the horizon.
        measured_examples: x of the points that were fitted.
        measured_loss: y of the points that were fitted.
        largest_examples: Largest calibrated budget.
        sentence: The law in one line (formula with its interval, or why none is given).
    """

    target_loss: float
    examples_m: FloatArray
    asymptote: Asymptote
    verdict: Verdict
    loss_at_horizon: Interval
    findings: tuple[Finding, ...]
    band: CurveBand
    measured_examples: list[float]
    measured_loss: list[float]
    largest_examples: float
    sentence: str


class Quality(Struct, frozen=True, kw_only=True):
    """What the target loss means in answers; interpolated between recorded budgets, with a band."""

    metric: str
    at_target_low: float
    at_target: float
    at_target_high: float
    sentence: str
