"""Money: scenario and forecast to plan."""

from planner.cost.analysis import analysed
from planner.cost.inverse import Advice
from planner.cost.planning import cost_plan
from planner.cost.scenario import Layout, Money, Scenario, ServingMode, Tenure

__all__ = ["Advice", "Layout", "Money", "Scenario", "ServingMode", "Tenure", "analysed", "cost_plan"]
