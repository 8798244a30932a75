"""`fit_law` and what can be asked of a law."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.curve import LossCurve
from planner.law.diagnose import FEWEST_POINTS, diagnose
from planner.law.interval import kind_of, widened
from planner.law.median import moved
from planner.law.posterior import Posterior, posterior
from planner.law.solve import FitStatus, PointFit, point_fit
from planner.outcome import Asymptote, AsymptoteStatus, CurveBand, Finding, Interval, is_blocked
from planner.record import XUnit

FloatArray = NDArray[np.float64]

WIDEST_IDENTIFIED, SHARP = 0.35, 0.20
# Few budgets over a short range agree with many laws: there the interval leans on the prior.
WIDEST_OF_FEW, RANGE_OF_FEW = 0.22, 20.0
LARGEST_SHARE_NEAR_ZERO = 0.10
# Against the measured fall, and against the prior (of ln b).
LARGEST_SHARE_OF_FALL = 0.5
NARROW, VAGUE_EXPONENT = 0.15, 0.56
NEAR_ZERO = 0.02
_BAND_POINTS = 60


class Law(Struct, frozen=True, kw_only=True):
    """The law of one configuration.

    Attributes:
        curve: What was fitted.
        point: Plain least squares, for those who want it; no interval of it is used.
        draws: The posterior.
        asymptote: With status.
        findings: The diagnosis, the worst first.
        sentence: The law in one line.
    """

    curve: LossCurve
    point: PointFit
    draws: Posterior
    asymptote: Asymptote
    findings: tuple[Finding, ...]
    sentence: str

    @property
    def blocked(self) -> bool:
        """Whether a finding forbids a confident verdict."""
        return is_blocked(self.findings)

    def paths(self, examples_q: FloatArray) -> FloatArray:
        """Loss that a run shows, by draw, shape (m, q), nats, spread as the interval calibration asks."""
        examples = np.asarray(examples_q, dtype=np.float64)
        return calibrated_paths(self.curve, self.draws, examples)

    def loss_at(self, examples: float) -> Interval:
        """90 % interval and median of the loss at `examples`, nats."""
        low, middle, high = np.quantile(self.paths(np.array([examples]))[:, 0], [0.05, 0.5, 0.95])
        return Interval(p05=float(low), p50=float(middle), p95=float(high))

    def band(self, low_examples: float, high_examples: float, points: int = _BAND_POINTS) -> CurveBand:
        """The curve with its 90 % interval on a grid, for charts."""
        grid = np.geomspace(low_examples, max(high_examples, low_examples * 1.0001), points)
        low, middle, high = np.quantile(self.paths(grid), [0.05, 0.5, 0.95], axis=0)
        return CurveBand(examples=grid.tolist(), p05=low.tolist(), p50=middle.tolist(), p95=high.tolist())


def calibrated_paths(curve: LossCurve, draws: Posterior, examples_q: FloatArray) -> FloatArray:
    """Loss that a run shows, by draw, shape (m, q), nats, moved and spread as both calibrations ask."""
    last = float(curve.examples_n[-1])
    return widened(
        draws.paths(examples_q) * np.exp(moved(draws, examples_q, last)),
        examples_q / last,
        last_loss=draws.points.level,
        noise=float(np.median(draws.sigma_m)),
        kind=kind_of(curve.configuration),
    )


def fit_law(curve: LossCurve, *, seed: int = 0) -> Law:
    """Fit the law to a curve; any curve with at least one point gives an outcome.

    Args:
        curve: From `planner.curve.loss_curves`.
        seed: Of the posterior's draws; same curve and seed, same law.
    """
    point = point_fit(curve.examples_n, curve.loss_n)
    draws = posterior(curve, seed=seed)
    findings = diagnose(curve, point, draws)
    asymptote = _asymptote(curve, draws, findings)
    return Law(
        curve=curve,
        point=point,
        draws=draws,
        asymptote=asymptote,
        findings=findings,
        sentence=_sentence(curve, draws, point, asymptote),
    )


def _asymptote(curve: LossCurve, draws: Posterior, findings: tuple[Finding, ...]) -> Asymptote:
    """Status from the posterior's width against the prior's and against the loss; the target plays no part."""
    c = draws.asymptotes()
    low, middle, high = (float(value) for value in np.quantile(c, [0.05, 0.5, 0.95]))
    last = float(curve.loss_n[-1])
    prior_sd = draws.exponent_prior_log_sd
    reasons = []
    blocked = is_blocked(findings)
    if blocked:
        reasons.append("the diagnosis forbids reading a floor off this curve")
    width = (high - low) / last
    different = np.unique(curve.examples_n)
    few = len(different) <= FEWEST_POINTS and float(different[-1] / different[0]) < RANGE_OF_FEW
    if width > (WIDEST_OF_FEW if few else WIDEST_IDENTIFIED):
        reasons.append(f"its 90 % interval is {100 * width:.0f} % of the last loss wide")
    if width > SHARP and float((c <= NEAR_ZERO * last).mean()) > LARGEST_SHARE_NEAR_ZERO:
        reasons.append("a floor of zero fits too")
    fall = float(curve.loss_n[0] - curve.loss_n[-1])
    if width > SHARP and high - low > LARGEST_SHARE_OF_FALL * fall:
        reasons.append(f"the interval is {100 * (high - low) / max(fall, 1e-9):.0f} % of the whole measured fall")
    if width > NARROW and float(np.log(draws.exponent_m).std()) > VAGUE_EXPONENT * prior_sd:
        reasons.append("the exponent is hardly better known than before the runs")
    if reasons:
        status = AsymptoteStatus.NOT_IDENTIFIED
        range_ = "" if blocked else f" It may lie anywhere from {low:.2f} to {high:.2f} nats."
        sentence = f"The asymptote is not identified: {'; '.join(reasons)}.{range_}"
    else:
        status = AsymptoteStatus.IDENTIFIED
        sentence = f"The asymptote lies between {low:.3f} and {high:.3f} nats (90 % interval), median {middle:.3f}."
    return Asymptote(status=status, p05=low, p50=middle, p95=high, sentence=sentence)


def _sentence(curve: LossCurve, draws: Posterior, point: PointFit, asymptote: Asymptote) -> str:
    """The law in one line; no floor where none is identified, not even that of plain least squares."""
    last = float(curve.examples_n[-1])
    half, whole = np.median(draws.paths(np.array([last / 2, last])), axis=0)
    unit = curve.x_unit.value if curve.x_unit is not XUnit.UNKNOWN else "units of the log"
    fall = 100 * (1 - float(whole / half))
    here = f"The last doubling, to {last:,.0f} {unit}, lowered the loss by about {fall:.1f} %"
    if asymptote.status is AsymptoteStatus.NOT_IDENTIFIED:
        return f"loss(t) = a * t^(-b) + c. {here}; where it ends is not identified."
    b_low, b_high = np.quantile(draws.exponent_m, [0.05, 0.95])
    line = (
        f"loss(t) = a * t^(-b) + c. {here}. Exponent b {b_low:.2f} to {b_high:.2f}, "
        f"asymptote c {asymptote.p05:.2f} to {asymptote.p95:.2f} nats (90 %)."
    )
    if point.status is FitStatus.CONVERGED and math.isfinite(point.se_c):
        line += (
            f" Plain least squares, without this caution: a = {point.a:.4g}, b = {point.b:.3f}, "
            f"c = {point.c:.3f} (standard error {point.se_c:.3f})."
        )
    return line
