"""Plain least squares of a * (t + t0)**(-b), without an asymptote: what a curve says when nothing is left over.

The amplitude is solved exactly for every (b, t0); Gauss-Newton steps with halving run on b and ln(t + t0) alone. Two of
NIST's nonlinear sets have this form (DanWood without t0, Bennett5 with it) and certify its digits. The fit is for
comparison: forecasts never use it.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_STEPS = 400
_SMALLEST_STEP = 1e-15


class PureFit(Struct, frozen=True, kw_only=True):
    """Least-squares estimate of a * (t + t0)**(-b) with standard errors; nan where there is none.

    Attributes:
        a: Amplitude; may be negative.
        b: Exponent; negative where the values rise.
        t0: Shift, 0 where none was fitted.
        converged: Whether the steps came to rest.
    """

    a: float
    b: float
    t0: float
    se_a: float
    se_b: float
    se_t0: float
    residual_sd: float
    converged: bool


def pure_power_fit(t_n: FloatArray, y_n: FloatArray, *, start_b: float = 0.5, start_t0: float | None = None) -> PureFit:
    """Fit from a start; with `start_t0` the shift is fitted too.

    Args:
        t_n: > 0, shape (n,), more points than parameters.
        y_n: Finite, shape (n,).
        start_b: First guess of b.
        start_t0: First guess of t0, above -min(t); None: no shift.
    """
    t, y = np.asarray(t_n, dtype=np.float64), np.asarray(y_n, dtype=np.float64)
    shifted = start_t0 is not None
    parameters = np.array([start_b, start_t0 or 0.0])
    free = slice(0, 2 if shifted else 1)
    _, rss = _amplitude(t, y, parameters)
    converged = False
    for _ in range(_STEPS):
        jacobian, residual = _jacobian(t, y, parameters)
        scale = np.linalg.norm(jacobian, axis=0)
        columns = [0, 1, 2] if shifted else [0, 1]
        step = np.zeros(2)
        solved = np.linalg.lstsq(jacobian[:, columns] / scale[columns], residual, rcond=None)[0] / scale[columns]
        step[free] = solved[1:]
        share = 1.0
        while share > 1e-12:
            tried = parameters + share * step
            if float((t + tried[1]).min()) > 0:
                trial = _amplitude(t, y, tried)[1]
                if math.isfinite(trial) and trial <= rss * (1 + 1e-14):
                    break
            share /= 2
        else:
            converged = True
            break
        parameters, rss = tried, min(rss, trial)
        if (np.abs(share * step) <= _SMALLEST_STEP * np.maximum(np.abs(parameters), 1e-300)).all():
            converged = True
            break
    return _with_errors(t, y, parameters, shifted=shifted, converged=converged)


def _basis(t: FloatArray, parameters: FloatArray) -> tuple[FloatArray, float]:
    """(t + t0)**(-b) with its largest value taken out, and ln of that value."""
    log_basis = -parameters[0] * np.log(t + parameters[1])
    largest = float(log_basis.max())
    return np.exp(log_basis - largest), largest


def _amplitude(t: FloatArray, y: FloatArray, parameters: FloatArray) -> tuple[float, float]:
    phi, _ = _basis(t, parameters)
    a = float(phi @ y / (phi @ phi))
    residual = y - a * phi
    return a, float(residual @ residual)


def _jacobian(t: FloatArray, y: FloatArray, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Derivatives by (scaled amplitude, b, t0) and the residuals."""
    phi, _ = _basis(t, parameters)
    a = float(phi @ y / (phi @ phi))
    shifted = t + parameters[1]
    centred = np.log(shifted) - np.log(shifted)[int(np.argmax(phi))]
    return np.column_stack([phi, -a * centred * phi, -a * parameters[0] * phi / shifted]), y - a * phi


def _with_errors(t: FloatArray, y: FloatArray, parameters: FloatArray, *, shifted: bool, converged: bool) -> PureFit:
    phi, log_largest = _basis(t, parameters)
    scaled, rss = _amplitude(t, y, parameters)
    a = scaled * math.exp(-log_largest) if abs(log_largest) < 700 else math.nan
    shift = t + parameters[1]
    growth = phi * math.exp(log_largest) if abs(log_largest) < 700 else phi
    jacobian = np.column_stack([growth, -a * np.log(shift) * growth, -a * parameters[0] * growth / shift])
    jacobian = jacobian[:, : 3 if shifted else 2]
    freedom = len(t) - jacobian.shape[1]
    residual_sd = math.sqrt(rss / freedom) if freedom > 0 else math.nan
    scale = np.linalg.norm(jacobian, axis=0)
    errors = np.full(3, math.nan)
    if np.isfinite(scale).all() and (scale > 0).all() and freedom > 0:
        r = np.linalg.qr(jacobian / scale)[1]
        if np.abs(np.diag(r)).min() > 1e-14:
            errors[: len(scale)] = residual_sd * np.linalg.norm(np.linalg.inv(r), axis=1) / scale
    return PureFit(
        a=a,
        b=float(parameters[0]),
        t0=float(parameters[1]),
        se_a=float(errors[0]),
        se_b=float(errors[1]),
        se_t0=float(errors[2]) if shifted else 0.0,
        residual_sd=residual_sd,
        converged=converged,
    )
