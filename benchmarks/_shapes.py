"""Twelve shapes that are no law: nobody may read a floor, a verdict or a cost off them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

T = np.geomspace(256, 32768, 10)
U = np.linspace(0, 1, 10)
LAW = 2 * (T / 256) ** -0.5 + 1
SEEDS = 20

SHAPES: dict[str, Callable[[], FloatArray]] = {
    "flat": lambda: np.full(10, 2.0),
    "rising": lambda: 2 + U,
    "two regimes": lambda: np.where(U > 0.5, 1.2, 3.0),
    "falling and rising": lambda: 3 - 3 * U + 3.6 * U**2,
    "diverged at the end": lambda: np.where(U > 0.75, 8.0, LAW),
    "saw": lambda: LAW * (1 + 0.25 * (np.arange(10) % 2)),
    "wave": lambda: 2.5 - 0.3 * U + 0.5 * np.sin(3 * np.pi * U),
    "plateau, then a drop": lambda: np.where(U < 0.6, 3.0, 3 - 4 * (U - 0.6)),
    "ever steeper": lambda: 3 - 1.5 * U**3,
    "stairs": lambda: 3 - 0.5 * np.floor(4 * U),
    "one failed budget": lambda: np.where(np.arange(10) == 8, 6.0, LAW),
    "pure noise": lambda: np.full(10, 2.0),
}


def drawn(name: str, seed: int) -> FloatArray:
    """One drawn curve of a shape, at the examples `T`."""
    spread = 0.3 if name == "pure noise" else 0.01
    noise = np.random.default_rng(seed).normal(size=len(T))
    return np.asarray(SHAPES[name]() * np.exp(spread * noise))
