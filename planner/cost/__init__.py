"""Money: scenario and forecast to plan."""

from planner.cost.planning import cost_plan
from planner.cost.scenario import Scenario, ServingMode, Tenure

__all__ = ["Scenario", "ServingMode", "Tenure", "cost_plan"]
