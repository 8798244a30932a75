"""`plateau`: from a calibration record to a plan that a board can sign."""

from planner.cli.frame import main

__all__ = ["main"]
