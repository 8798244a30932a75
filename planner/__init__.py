"""Plateau's planner: loss curves to law, hours and yearly cost. Never imports torch."""
