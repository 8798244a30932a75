"""The law: loss(t) = a * t**(-b) + c, its posterior, forecast and verdict."""
