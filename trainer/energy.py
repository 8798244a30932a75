"""Energy of the GPU, by the driver's own counter (NVML); nothing where there is none."""

from __future__ import annotations

import importlib
from typing import Any

import torch

_MILLIJOULES = 1000.0


class EnergyMeter:
    """Joules that a GPU has used since it was made; None on a CPU, without NVML or on a GPU without the counter.

    The counter of Volta and later covers the whole board and moves every 20 to 100 ms, so it is read around a whole
    series of repetitions, never around one step.
    """

    def __init__(self, device: torch.device) -> None:
        self._handle = _handle(device)
        self._start = self._read()

    def joules(self) -> float | None:
        """Since the start, or None."""
        now = self._read()
        if now is None or self._start is None or now <= self._start:
            return None
        return (now - self._start) / _MILLIJOULES

    def _read(self) -> float | None:
        if self._handle is None:
            return None
        library, handle = self._handle
        try:
            return float(library.nvmlDeviceGetTotalEnergyConsumption(handle))
        except library.NVMLError:
            return None


def _handle(device: torch.device) -> tuple[Any, Any] | None:
    """NVML and the device in it, found by its UUID: NVML does not know CUDA_VISIBLE_DEVICES."""
    if device.type != "cuda":
        return None
    try:
        library: Any = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        library.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        return library, library.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
    except library.NVMLError:
        return None
