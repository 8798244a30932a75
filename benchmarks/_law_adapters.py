"""The law behind the plain signatures that other benchmarks call (DESIGN section 10)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner import law
from planner.curve import Design, LossCurve, curve_from_arrays
from planner.law.engine import calibrated_paths
from planner.law.posterior import posterior

FloatArray = NDArray[np.float64]
FEWEST_TRACE_POINTS = 13


def curve_of(x: FloatArray, y: FloatArray) -> LossCurve:
    """Bare numbers as a curve; many points are taken for a trace."""
    design = Design.TRACE if len(x) >= FEWEST_TRACE_POINTS else Design.BUDGETS
    return curve_from_arrays(x, y, design=design)


def forecast(x: FloatArray, y: FloatArray, horizon: float) -> dict[str, float]:
    """Median and 80 % and 90 % intervals of the loss at `horizon`."""
    curve = curve_of(x, y)
    paths = calibrated_paths(curve, posterior(curve), np.array([horizon]))[:, 0]
    names = ("lo90", "lo80", "median", "hi80", "hi90")
    return dict(zip(names, np.quantile(paths, [0.05, 0.1, 0.5, 0.9, 0.95]).tolist(), strict=True))


def point_fit(t: FloatArray, y: FloatArray) -> dict[str, float]:
    """Plain least squares with standard errors."""
    fit = law.point_fit(np.asarray(t, dtype=np.float64), np.asarray(y, dtype=np.float64))
    return {name: getattr(fit, name) for name in ("a", "b", "c", "se_a", "se_b", "se_c")}


def verdict(t: FloatArray, y: FloatArray, target: float) -> dict[str, Any]:
    """Verdict and asymptote for a target."""
    answer = law.forecast(law.fit_law(curve_of(t, y)), target)
    asymptote = answer.asymptote
    return {
        "name": answer.verdict.name.value,
        "probability": answer.verdict.probability,
        "asymptote": {
            "status": asymptote.status.value,
            "p05": asymptote.p05,
            "p50": asymptote.p50,
            "p95": asymptote.p95,
        },
    }
