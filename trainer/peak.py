"""Peak memory of this process."""

from __future__ import annotations

import sys

import psutil
import torch


def peak_memory_gib(device: torch.device) -> float:
    """Peak so far: reserved on a GPU, resident on a CPU."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_reserved(device)) / 2**30
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(peak) / (2**30 if sys.platform == "darwin" else 2**20)
    except ImportError:
        return float(psutil.Process().memory_info().rss) / 2**30


def reset_peak(device: torch.device) -> None:
    """Begin to count again on a GPU; the peak of a CPU process only grows."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
