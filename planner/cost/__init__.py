"""Money: scenario and forecast to plan."""
