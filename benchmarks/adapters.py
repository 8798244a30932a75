"""What other benchmarks call: plain values in, plain values out (DESIGN section 10)."""

from benchmarks._cost_adapters import peak_memory_gib, seconds_per_step
from benchmarks._law_adapters import forecast, point_fit, verdict

__all__ = ["forecast", "peak_memory_gib", "point_fit", "seconds_per_step", "verdict"]
