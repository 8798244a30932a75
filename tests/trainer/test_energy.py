"""Joules by the driver's counter, from an NVML that a test stands in for."""

from __future__ import annotations

import sys
import types

import pytest
import torch

from trainer.energy import EnergyMeter

CUDA = torch.device("cuda")


class NVMLError(Exception):
    pass


def nvml(monkeypatch: pytest.MonkeyPatch, readings: list[float], uuid: str = "GPU-1234") -> None:
    module = types.ModuleType("pynvml")
    module.NVMLError = NVMLError  # type: ignore[attr-defined]
    module.nvmlInit = lambda: None  # type: ignore[attr-defined]

    def by_uuid(asked: str) -> str:
        if asked != uuid:
            raise NVMLError("not found")
        return "handle"

    def total(_: str) -> float:
        if not readings:
            raise NVMLError("not supported")
        return readings.pop(0)

    module.nvmlDeviceGetHandleByUUID = by_uuid  # type: ignore[attr-defined]
    module.nvmlDeviceGetTotalEnergyConsumption = total  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: types.SimpleNamespace(uuid="1234"))


def test_the_difference_of_the_counter_in_joules(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(monkeypatch, [5_000.0, 7_500.0])
    assert EnergyMeter(CUDA).joules() == 2.5


@pytest.mark.parametrize("readings", [[], [5_000.0], [5_000.0, 5_000.0], [5_000.0, 4_000.0]])
def test_a_counter_that_is_missing_or_stands_still_is_unknown(
    monkeypatch: pytest.MonkeyPatch, readings: list[float]
) -> None:
    nvml(monkeypatch, readings)
    assert EnergyMeter(CUDA).joules() is None


def test_another_gpu_s_counter_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(monkeypatch, [1.0, 2.0], uuid="GPU-other")
    assert EnergyMeter(CUDA).joules() is None


def test_a_cpu_has_none() -> None:
    assert EnergyMeter(torch.device("cpu")).joules() is None
