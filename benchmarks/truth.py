"""Does the engine tell the truth where the truth is known? Calibrations drawn from a stated prior.

A drawn calibration: exponent b ~ U(0.1, 1); floor c = share of the last loss, share ~ U(0, 0.95); relative noise
log-uniform in 0.2 to 4 %; either 4 to 12 budgets over a factor of 16 to 128, or a dense trace of 200 points over the
same range with lag-1 autocorrelation 0.7. The law itself is matched: this is the best case, real curves are in
`benchmarks.forecast`. The cells are budgets and trace; each has its own figures. Twelve shapes that are no law follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from benchmarks._shapes import SEEDS, SHAPES, T, drawn
from benchmarks.figure import Figure, at_least, at_most
from planner import law
from planner.curve import Design, curve_from_arrays
from planner.outcome import AsymptoteStatus, VerdictName

FloatArray = NDArray[np.float64]

DRAWS_A_CELL = 2000
DRAWS_A_CELL_QUICK = 120
FORECAST_RATIO = 8.0
AUTOCORRELATION = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One drawn calibration with the law it was drawn from."""

    design: Design
    a: float
    b: float
    c: float
    noise: float
    t_n: FloatArray
    loss_n: FloatArray

    def at(self, t: float | FloatArray) -> FloatArray:
        """True loss at `t`."""
        return np.asarray(self.a * np.asarray(t, dtype=np.float64) ** -self.b + self.c)


def draw(rng: np.random.Generator, design: Design) -> Truth:
    """A calibration from the prior in the head of this module; the true last loss is 1."""
    b = float(rng.uniform(0.1, 1.0))
    share = float(rng.uniform(0.0, 0.95))
    noise = float(np.exp(rng.uniform(math.log(0.002), math.log(0.04))))
    spread = float(np.exp(rng.uniform(math.log(16), math.log(128))))
    last = 16384.0
    if design is Design.BUDGETS:
        t = np.geomspace(last / spread, last, int(rng.integers(4, 13)))
        error = rng.normal(0.0, noise, len(t))
    else:
        t = np.linspace(last / spread, last, 200)
        shock = rng.normal(0.0, noise, len(t))
        error = np.empty(len(t))
        error[0] = shock[0]
        for i in range(1, len(t)):
            error[i] = AUTOCORRELATION * error[i - 1] + math.sqrt(1 - AUTOCORRELATION**2) * shock[i]
    a = (1 - share) * last**b
    clean = a * t**-b + share
    return Truth(design=design, a=a, b=b, c=share, noise=noise, t_n=t, loss_n=clean * (1 + error))


def least_error_of_c(truth: Truth) -> float:
    """Cramer-Rao bound of the standard error of c, noise and autocorrelation known."""
    power = truth.t_n**-truth.b
    clean = truth.at(truth.t_n)
    jacobian = np.column_stack([power, -truth.a * np.log(truth.t_n) * power, np.ones_like(power)])
    jacobian = jacobian / (truth.noise * clean)[:, None]
    if truth.design is Design.TRACE:  # whiten the AR(1) errors
        rest = math.sqrt(1 - AUTOCORRELATION**2)
        jacobian = np.vstack([jacobian[:1], (jacobian[1:] - AUTOCORRELATION * jacobian[:-1]) / rest])
    scale = np.linalg.norm(jacobian, axis=0)
    r = np.linalg.qr(jacobian / scale)[1]
    if np.abs(np.diag(r)).min() < 1e-12:
        return math.inf
    return float(np.linalg.norm(np.linalg.inv(r)[2]) / scale[2])


def measure(quick: bool) -> list[Figure]:
    """Coverage, forecast error against curve_fit, verdicts and status, for budgets and traces."""
    draws = DRAWS_A_CELL_QUICK if quick else DRAWS_A_CELL
    figures: list[Figure] = []
    for design in (Design.BUDGETS, Design.TRACE):
        figures += _cell(design, draws)
    return figures + _no_law(4 if quick else SEEDS)


def _no_law(seeds: int) -> list[Figure]:
    """Confident verdicts and identified floors on twelve shapes that are no law; and true laws that are refused."""
    confident = floors = 0
    for name in SHAPES:
        for seed in range(seeds):
            loss = drawn(name, seed)
            fitted = law.fit_law(curve_from_arrays(T, loss))
            floors += fitted.asymptote.status is AsymptoteStatus.IDENTIFIED
            named = [law.forecast(fitted, share * float(loss.min())).verdict.name for share in (0.6, 0.9, 1.1)]
            confident += any(verdict is not VerdictName.UNDECIDED for verdict in named)
    rng = np.random.default_rng(20261124)
    refused = []
    for _ in range(25 * seeds):
        truth = draw(rng, Design.BUDGETS)
        if len(truth.t_n) >= 6:
            refused.append(law.fit_law(curve_from_arrays(truth.t_n, truth.loss_n)).blocked)
    kinds = f"{len(SHAPES)} shapes x {seeds} seeds"
    return [
        at_most(f"not a law ({kinds}): confident verdicts", confident, "curves", 0),
        at_most(f"not a law ({kinds}): floors claimed", floors, "curves", 0),
        at_most("true laws refused (6 budgets or more)", 100 * float(np.mean(refused)), "%", 5.0),
    ]


def _cell(design: Design, draws: int) -> list[Figure]:
    rng = np.random.default_rng([20261124, len(design)])
    rows = [_one(draw(rng, design), rng) for _ in range(draws)]
    table = {key: np.array([row[key] for row in rows], dtype=np.float64) for key in rows[0]}
    floor = table["bound"]
    vague, sharp = floor > 0.30, floor < 0.03
    ratio = float(np.median(table["error"]) / np.median(table["peer_error"]))
    covered = 100 * float(table["covered"].mean())
    name = design.value
    figures = [
        Figure(
            name=f"{name}: 90 % interval of c covers",
            value=covered,
            unit="%",
            reach="88..93",
            met=88 <= covered <= 93,
        ),
        Figure(name=f"{name}: 90 % interval of loss at 8x covers", value=100 * table["held"].mean(), unit="%"),
        at_most(f"{name}: median error at 8x / curve_fit", ratio, "x", 1.3),
        at_most(
            f"{name}: false unreachable", 100 * table["false"].mean(), "%", 0.5 if design is Design.BUDGETS else 1.0
        ),
        Figure(name=f"{name}: reachable called reachable", value=100 * table["right"].mean(), unit="%"),
        Figure(name=f"{name}: unreachable called reachable", value=100 * table["missed"].mean(), unit="%"),
        at_least(
            f"{name}: unreachable caught", 100 * table["caught"].mean(), "%", 65 if design is Design.BUDGETS else 75
        ),
    ]
    if vague.any():
        figures.append(
            at_least(
                f"{name}: NOT_IDENTIFIED where bound > 30 %", 100 * (1 - table["identified"][vague].mean()), "%", 95
            )
        )
    if sharp.any():
        figures.append(
            at_least(f"{name}: IDENTIFIED where bound < 3 %", 100 * table["identified"][sharp].mean(), "%", 90)
        )
    return figures


def _one(truth: Truth, rng: np.random.Generator) -> dict[str, float]:
    fitted = law.fit_law(curve_from_arrays(truth.t_n, truth.loss_n, design=truth.design))
    ahead = FORECAST_RATIO * float(truth.t_n[-1])
    expected = float(truth.at(ahead))
    predicted = fitted.loss_at(ahead)
    reachable = law.forecast(fitted, expected * (1 + float(rng.uniform(0.02, 0.2)))).verdict.name
    unreachable = law.forecast(fitted, max(truth.c, 1e-3) * (1 - float(rng.uniform(0.02, 0.2)))).verdict.name
    return {
        "bound": least_error_of_c(truth),
        "covered": float(fitted.asymptote.p05 <= truth.c <= fitted.asymptote.p95),
        "held": float(predicted.p05 <= expected <= predicted.p95),
        "error": min(abs(math.log(max(predicted.p50, 1e-9) / expected)), 1.0),
        "peer_error": min(abs(math.log(max(_curve_fit(truth, ahead), 1e-9) / expected)), 1.0),
        "false": float(reachable is VerdictName.UNREACHABLE),
        "right": float(reachable is VerdictName.REACHABLE),
        "missed": float(unreachable is VerdictName.REACHABLE),
        "caught": float(unreachable is VerdictName.UNREACHABLE),
        "identified": float(fitted.asymptote.status is AsymptoteStatus.IDENTIFIED),
    }


def _curve_fit(truth: Truth, ahead: float) -> float:
    """The usual recipe: scipy on t / t_0 with a sensible start."""
    import warnings

    def form(t: FloatArray, a: float, b: float, c: float) -> FloatArray:
        return np.asarray(a * t**-b + c)

    y = truth.loss_n
    start = [max(float(np.ptp(y)), 1e-3), 0.5, float(y.min()) * 0.9]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            found, _ = curve_fit(form, truth.t_n / truth.t_n[0], y, p0=start, maxfev=10000)
    except RuntimeError:
        return float(y[-1])
    return float(form(np.array(ahead / truth.t_n[0]), *found))
