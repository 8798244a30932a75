"""The forecast protocol on real curves, which lies beside the checkout and is not part of it.

`curves/` holds what this project measured itself: calibrations of the small model by its own trainer.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
OWN_CURVES = HERE / "curves"
OWN_CASE = "tiny_vlm_lora"
OWN_CALIBRATIONS = "tiny_calibrations"
ABSENT = (
    "The curves and the protocol are in ../shared (forecast_bench.py, curves/), which is not here: nothing measured."
)


def protocol() -> ModuleType | None:
    """The module `forecast_bench`, or None where the shared folder is absent."""
    path = SHARED / "forecast_bench.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("forecast_bench", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tasks(module: ModuleType, *, quick: bool) -> list[Any]:
    """All tasks on the shared curves, or every seventh."""
    found = list(module.tasks(SHARED / "curves"))
    return found[::7] if quick else found


def own_tasks(module: ModuleType) -> list[Any]:
    """The tasks on this project's own calibrations."""
    return list(module.tasks(OWN_CURVES))
