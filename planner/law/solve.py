"""Plain least squares of a * t**(-b) + c with certified digits, by variable projection.

For fixed b the model is linear in (a, c): they are solved exactly on centred ln t, and the search is over b alone
(Golub & Pereyra 1973). The best b is then polished by Gauss-Newton steps on a column-scaled QR. Standard errors come
from the same QR, s**2 (J^T J)^-1 with s**2 = RSS / (n - 3), the classical estimate that NIST certifies.

Legend: _n points, _m resamples, _b grid of exponents.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
EXPONENT_MIN, EXPONENT_MAX = 1e-3, 20.0
_GRID_B = np.geomspace(EXPONENT_MIN, EXPONENT_MAX, 400)
_COARSE_B = np.geomspace(EXPONENT_MIN, EXPONENT_MAX, 120)
_LARGEST_STEP = 0.05


class FitStatus(StrEnum):
    """How a point fit ended."""

    CONVERGED = "CONVERGED"
    AT_BOUND = "AT_BOUND"
    UNIDENTIFIED = "UNIDENTIFIED"
    TOO_FEW_POINTS = "TOO_FEW_POINTS"


class PointFit(Struct, frozen=True, kw_only=True):
    """Least-squares estimate of loss(t) = a * t**(-b) + c with standard errors; nan where there is none.

    Attributes:
        a: Amplitude (units of loss times examples**b).
        b: Exponent.
        c: Asymptote, units of loss.
        residual_sd: sqrt(RSS / (n - 3)).
        status: Only CONVERGED is an optimum in the inside with finite errors.
    """

    a: float
    b: float
    c: float
    se_a: float
    se_b: float
    se_c: float
    residual_sd: float
    status: FitStatus

    def __call__(self, examples: FloatArray) -> FloatArray:
        """Loss at `examples`."""
        return np.asarray(self.a * np.asarray(examples, dtype=np.float64) ** -self.b + self.c)


@np.errstate(over="ignore", invalid="ignore")  # over dozens of decades t**-b is beyond any float: no optimum there
def point_fit(examples_n: FloatArray, loss_n: FloatArray) -> PointFit:
    """Least squares without weights, priors or bounds on a and c; the order of the points is irrelevant.

    Args:
        examples_n: > 0, shape (n,).
        loss_n: Finite, shape (n,).
    """
    order = np.lexsort((loss_n, examples_n))
    t = np.asarray(examples_n, dtype=np.float64)[order]
    y = np.asarray(loss_n, dtype=np.float64)[order]
    if len(np.unique(t)) < 3:
        return _nothing(y, FitStatus.TOO_FEW_POINTS)
    centre = float(np.log(t).mean())
    u = np.log(t) - centre
    scale = 2.0 ** math.frexp(float(np.abs(y).max()))[1]  # a power of two loses no digit
    y = y / scale
    if not np.ptp(y) > 1e-14:
        return _nothing(y * scale, FitStatus.UNIDENTIFIED)
    rss_b = _projected_rss(u, y[None, :], _GRID_B)[0]
    start = int(np.argmin(rss_b))
    if start in (0, len(_GRID_B) - 1):
        return _errors(u, y, centre, float(_GRID_B[start]), FitStatus.AT_BOUND, scale)
    low, high = _GRID_B[start - 1], _GRID_B[start + 1]
    b = _polish(u, y, _golden(u, y, low, high))
    if not low <= b <= high:
        b = _golden(u, y, low, high)
    return _errors(u, y, centre, b, FitStatus.CONVERGED, scale)


def resampled_fits(examples_n: FloatArray, loss_mn: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Point fits of many resamples at the same examples in one pass.

    Args:
        examples_n: > 0, shape (n,).
        loss_mn: Resampled losses, shape (m, n).

    Returns:
        a, b and c, each of shape (m,). b is accurate to a parabola through the best three of 120 grid values and a
        Newton step from there (about 1e-4 relative), enough for resampling errors, which are far wider.
    """
    t = np.asarray(examples_n, dtype=np.float64)
    centre = float(np.log(t).mean())
    u = np.log(t) - centre
    loss_mean = loss_mn.mean(axis=1, keepdims=True)
    centred_mn = loss_mn - loss_mean
    explained_mb = _explained(u, centred_mn, _COARSE_B)
    best = np.clip(explained_mb.argmax(axis=1), 1, len(_COARSE_B) - 2)
    rows = np.arange(len(best))
    ratio = float(_COARSE_B[1] / _COARSE_B[0])
    b = _COARSE_B[best] * ratio ** _peak(*(explained_mb[rows, best + step] for step in (-1, 0, 1)))
    b = b * np.exp(_newton_step(u, centred_mn, b))
    phi = np.exp(-b[:, None] * u[None, :])
    mean = phi.mean(axis=1)
    a_centred = np.einsum("mn,mn->m", phi, centred_mn) / (np.einsum("mn,mn->m", phi, phi) - len(u) * mean**2)
    return a_centred * np.exp(b * centre), b, loss_mean[:, 0] - a_centred * mean


def _explained(u: FloatArray, centred_mn: FloatArray, grid_b: FloatArray) -> FloatArray:
    """Sum of squares that (a, c) explain for every exponent, shape (m, b)."""
    phi = np.exp(-grid_b[:, None] * u[None, :])
    phi -= phi.mean(axis=1, keepdims=True)
    phi /= np.linalg.norm(phi, axis=1, keepdims=True)
    along = centred_mn @ phi.T
    return np.asarray(np.square(along, out=along))


def _newton_step(u: FloatArray, centred_mn: FloatArray, b_m: FloatArray) -> FloatArray:
    """Step in ln b towards the largest explained sum of squares A**2 / Q of every resample, shape (m,)."""
    powers = np.column_stack([np.ones_like(u), u, u * u])
    phi = np.exp(-b_m[:, None] * u[None, :])
    mean, mean_u, mean_uu = (phi @ powers).T / len(u)
    a, a_u, a_uu = ((phi * centred_mn) @ powers).T
    np.square(phi, out=phi)
    q, q_u, q_uu = (phi @ powers).T
    n = len(u)
    q, q_u = q - n * mean**2, -2 * q_u + 2 * n * mean * mean_u
    q_uu = 4 * q_uu - 2 * n * (mean_u**2 + mean * mean_uu)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = -2 * a_u / a - q_u / q
        second = 2 * (a_uu / a - (a_u / a) ** 2) - q_uu / q + (q_u / q) ** 2
        step = -first / second / b_m
    good = np.isfinite(step) & (second < 0)
    return np.where(good, np.clip(np.where(good, step, 0.0), -_LARGEST_STEP, _LARGEST_STEP), 0.0)


def _peak(left: FloatArray, middle: FloatArray, right: FloatArray) -> FloatArray:
    """Where a parabola through three values at -1, 0 and 1 is largest, within -1 to 1."""
    curvature = 2 * middle - left - right
    positive = curvature > 0
    return np.asarray(
        np.clip(np.where(positive, 0.5 * (right - left) / np.where(positive, curvature, 1.0), 0.0), -1, 1)
    )


def _nothing(y: FloatArray, status: FitStatus) -> PointFit:
    nan = math.nan
    c = float(y.mean()) if status is FitStatus.UNIDENTIFIED else nan
    return PointFit(a=nan, b=nan, c=c, se_a=nan, se_b=nan, se_c=nan, residual_sd=nan, status=status)


def _projected_rss(u: FloatArray, y_mn: FloatArray, grid_b: FloatArray) -> FloatArray:
    """RSS with (a, c) solved for every exponent, shape (m, b)."""
    phi = np.exp(-grid_b[:, None] * u[None, :])
    phi = phi / np.abs(phi).max(axis=1, keepdims=True)
    phi -= phi.mean(axis=1, keepdims=True)
    y = y_mn - y_mn.mean(axis=1, keepdims=True)
    explained = (y @ phi.T) ** 2 / np.maximum((phi * phi).sum(axis=1), 1e-300)
    return np.asarray((y * y).sum(axis=1, keepdims=True) - explained)


def _linear(u: FloatArray, y: FloatArray, b: float) -> tuple[float, float, FloatArray, FloatArray]:
    """Amplitude (for exp(-b u)), asymptote, the basis and the residuals for one exponent."""
    phi = np.exp(-b * u)
    centred = phi - phi.mean()
    a = float(centred @ (y - y.mean()) / (centred @ centred))
    c = float(y.mean() - a * phi.mean())
    return a, c, phi, y - y.mean() - a * centred


def _golden(u: FloatArray, y: FloatArray, low: float, high: float) -> float:
    """The b of the smallest RSS within a bracket (golden section on ln b)."""
    ratio = (math.sqrt(5) - 1) / 2
    a, d = math.log(low), math.log(high)

    def rss(log_b: float) -> float:
        residual = _linear(u, y, math.exp(log_b))[3]
        return float(residual @ residual)

    b, c = d - ratio * (d - a), a + ratio * (d - a)
    at_b, at_c = rss(b), rss(c)
    for _ in range(60):
        if at_b <= at_c:
            d, c, at_c = c, b, at_b
            b = d - ratio * (d - a)
            at_b = rss(b)
        else:
            a, b, at_b = b, c, at_c
            c = a + ratio * (d - a)
            at_c = rss(c)
    return math.exp((a + d) / 2)


def _jacobian(u: FloatArray, a: float, phi: FloatArray) -> FloatArray:
    return np.column_stack([phi, -a * u * phi, np.ones_like(u)])


def _polish(u: FloatArray, y: FloatArray, b: float) -> float:
    """Gauss-Newton on all three parameters until b stops moving: RSS is flat near its minimum, its gradient is not."""
    for _ in range(30):
        a, _, phi, residual = _linear(u, y, b)
        jacobian = _jacobian(u, a, phi)
        scale = np.linalg.norm(jacobian, axis=0)
        if not ((scale > 0) & np.isfinite(scale)).all():
            break
        step = np.linalg.lstsq(jacobian / scale, residual, rcond=None)[0][1] / scale[1]
        if not math.isfinite(step) or abs(step) > 0.5 * b:
            break
        b += float(step)
        if abs(step) <= 1e-15 * b:
            break
    return b


def _errors(u: FloatArray, y: FloatArray, centre: float, b: float, status: FitStatus, scale_y: float) -> PointFit:
    """Parameters in units of t, with standard errors from the R of a column-scaled QR."""
    a_centred, c, phi, residual = _linear(u, y, b)
    freedom = len(y) - 3
    residual_sd = math.sqrt(float(residual @ residual) / freedom) if freedom > 0 else math.nan
    growth = math.exp(b * centre) if b * centre < 700 else math.inf
    jacobian = _jacobian(u, a_centred, phi)
    scale = np.linalg.norm(jacobian, axis=0)
    errors = np.full(3, math.nan)
    if ((scale > 0) & np.isfinite(scale)).all() and math.isfinite(growth):
        r = np.linalg.qr(jacobian / scale)[1]
        if np.abs(np.diag(r)).min() > 1e-13:
            inverse = np.linalg.inv(r) / scale[:, None]
            to_t = np.array([[growth, a_centred * growth * centre, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
            errors = residual_sd * np.linalg.norm(to_t @ inverse, axis=1)
        elif status is FitStatus.CONVERGED:
            status = FitStatus.UNIDENTIFIED
    return PointFit(
        a=a_centred * growth * scale_y,
        b=b,
        c=c * scale_y,
        se_a=float(errors[0]) * scale_y,
        se_b=float(errors[1]),
        se_c=float(errors[2]) * scale_y,
        residual_sd=residual_sd * scale_y,
        status=status,
    )
