"""What a user would pick instead, on the signature of the forecast protocol.

lmfit and simple-scaling-laws (PyPI; the latter needs Python 3.12) run where they are installed
(`pip install -e '.[benchmarks]'`). chinchilla (PyPI) fits loss against parameters and tokens only, never one curve: it
is not here. The rest are the protocol's own: scipy's curve_fit, the same with bounds, and Chinchilla's Huber loss.
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

SLOW = ("huber", "simple-scaling-laws")
_DRAWS = 200


def peers(protocol: ModuleType) -> dict[str, Engine]:
    """Name and engine of every peer at hand."""
    found: dict[str, Engine] = {"curve_fit": protocol.peer_curve_fit, "bounded": protocol.peer_bounded}
    if importlib.util.find_spec("lmfit"):
        found["lmfit"] = _lmfit
    if importlib.util.find_spec("simple_scaling_laws"):
        found["simple-scaling-laws"] = _simple_scaling_laws
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


def _simple_scaling_laws(x: FloatArray, y: FloatArray, horizon: float) -> dict[str, float]:
    """Its power law with a floor, every point a run of its own, and its bootstrap quantiles."""
    library: Any = importlib.import_module("simple_scaling_laws")
    polars: Any = importlib.import_module("polars")
    size, loss = "dataset_size__examples", "test_loss__loss"
    runs = polars.DataFrame({"training_run_id": [f"run{i}" for i in range(len(x))], size: x, loss: y})
    at = polars.DataFrame({"point_id": ["horizon"], size: [horizon]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = library.fit(runs, law="separable-power", n_draws=_DRAWS, seed=0)
        found = model.predict(at, quantiles=[0.05, 0.1, 0.5, 0.9, 0.95])
    names = {"lo90": "q050", "lo80": "q100", "median": "median", "hi80": "q900", "hi90": "q950"}
    return {name: float(found[f"{loss}__{column}"][0]) for name, column in names.items()}
