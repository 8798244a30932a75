"""What a user would pick instead, on the signature of the forecast protocol.

lmfit (PyPI) runs where it is installed (`pip install -e '.[benchmarks]'`). simple-scaling-laws (PyPI) offers no
distribution for Python 3.11, and chinchilla (PyPI) fits loss against parameters and tokens only, never one curve:
neither is here. The rest are the protocol's own: scipy's curve_fit, the same with bounds, and Chinchilla's Huber loss.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Engine = Callable[[FloatArray, FloatArray, float], dict[str, float]]

SLOW = ("huber",)


def peers(protocol: ModuleType) -> dict[str, Engine]:
    """Name and engine of every peer at hand."""
    found: dict[str, Engine] = {"curve_fit": protocol.peer_curve_fit, "bounded": protocol.peer_bounded}
    if importlib.util.find_spec("lmfit"):
        found["lmfit"] = _lmfit
    found["huber"] = protocol.peer_huber
    return found


def _law(x: FloatArray, a: float, b: float, c: float) -> FloatArray:
    return np.asarray(a * x**-b + c)


def _lmfit(x: FloatArray, y: FloatArray, horizon: float) -> dict[str, float]:
    """Bounded Levenberg-Marquardt, relative weights, and lmfit's own interval of a prediction."""
    lmfit: Any = importlib.import_module("lmfit")
    model = lmfit.Model(_law)
    parameters = model.make_params(
        a={"value": max(float(np.ptp(y)), 1e-3), "min": 0},
        b={"value": 0.5, "min": 0, "max": 5},
        c={"value": 0.9 * float(y.min()), "min": 0},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(y, parameters, x=x / x[0], weights=1 / y)
        at = np.array([horizon / x[0]])
        found = {"median": float(fit.eval(x=at)[0])}
        for level in (80, 90):
            fit.eval_uncertainty(x=at, sigma=level / 100)
            half = float(fit.dely_predicted[0])
            found |= {f"lo{level}": found["median"] - half, f"hi{level}": found["median"] + half}
    return found
