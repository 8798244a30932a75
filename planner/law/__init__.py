"""The law: loss(t) = a * t**(-b) + c, its posterior, forecast and verdict."""

from planner.law.engine import Law, fit_law
from planner.law.forecast import examples_to, forecast
from planner.law.quality import loss_to_quality
from planner.law.solve import FitStatus, PointFit, point_fit, resampled_fits

__all__ = [
    "FitStatus",
    "Law",
    "PointFit",
    "examples_to",
    "fit_law",
    "forecast",
    "loss_to_quality",
    "point_fit",
    "resampled_fits",
]
