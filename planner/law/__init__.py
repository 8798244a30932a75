"""The law: loss(t) = a * t**(-b) + c, its posterior, forecast and verdict."""

from planner.law.compare import Comparison, Contender, compare, contenders_of, pooled_exponent
from planner.law.engine import Law, fit_law
from planner.law.forecast import Prospect, examples_to, forecast
from planner.law.next_run import NextRun, next_run
from planner.law.paths import loss_paths
from planner.law.quality import loss_to_quality
from planner.law.solve import FitStatus, PointFit, point_fit, resampled_fits

__all__ = [
    "Comparison",
    "Contender",
    "FitStatus",
    "Law",
    "NextRun",
    "PointFit",
    "Prospect",
    "compare",
    "contenders_of",
    "examples_to",
    "fit_law",
    "forecast",
    "loss_paths",
    "loss_to_quality",
    "next_run",
    "point_fit",
    "pooled_exponent",
    "resampled_fits",
]
