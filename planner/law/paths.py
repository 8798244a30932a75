"""The law along examples, for as many different studies as there are or will be."""

from __future__ import annotations

import numpy as np

from planner.law.engine import Law
from planner.law.forecast import horizon_of, with_studies
from planner.loss_paths import LossPaths

GRID_POINTS = 80
_PASSES_THAT_TELL = 1.5


def loss_paths(law: Law, unique_studies: float | None = None) -> LossPaths:
    """Draws of the curve up to the horizon that so many different studies allow.

    More studies move the horizon, and passes over them are discounted later: the effective-data form of the posterior.

    Args:
        law: From `fit_law`.
        unique_studies: Different studies; None: those of the calibration.
    """
    horizon, _ = horizon_of(law, None, unique_studies)
    extrapolated, _ = horizon_of(law, None, np.inf)
    available = unique_studies or law.curve.training_examples_available
    law = with_studies(law, unique_studies)
    grid = np.geomspace(float(law.curve.examples_n[0]), max(horizon, float(law.curve.examples_n[-1])), GRID_POINTS)
    return LossPaths(
        examples_q=grid,
        loss_mq=np.minimum.accumulate(law.paths(grid), axis=1),
        horizon_examples=horizon,
        limited_by="studies" if horizon < extrapolated else "extrapolation",
        unique_studies=available,
        data_axis_measured=_data_axis_measured(law),
    )


def _data_axis_measured(law: Law) -> bool:
    """Whether runs saw different numbers of studies and some of them more than once."""
    unique_n = law.curve.unique_examples_n
    if unique_n is None:
        return False
    repeated = law.curve.examples_n / unique_n >= _PASSES_THAT_TELL
    return bool(repeated.any()) and len(np.unique(unique_n[repeated])) >= 2
