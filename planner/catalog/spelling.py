"""GPU names as people, drivers and price lists write them: "RTX 4090", "NVIDIA GeForce RTX 4090", "rtx4090"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from planner.catalog.rows import GpuSpec

_MAKERS = {"nvidia", "amd", "tesla", "geforce", "instinct", "generation", "gpu", "graphics", "tensor", "core"}
_FAMILIES = {"rtx"}
_SOCKET = re.compile(r"(?<=sxm)\d")
_PARTS = re.compile(r"[a-z]+|\d+")


def spelled(name: str) -> tuple[str, ...]:
    """What a name says whatever its case, signs, order and maker: "A100 SXM4 80GB" says what "A100-80GB-SXM" does."""
    parts = _PARTS.findall(_SOCKET.sub("", name.lower()))
    return tuple(sorted(part for part in parts if part not in _MAKERS))


def by_spelling(gpus: Iterable[GpuSpec]) -> dict[tuple[str, ...], GpuSpec]:
    """Every GPU by its own name, its driver's, and its own without the name of its family ("4090")."""
    specs = list(gpus)
    found: dict[tuple[str, ...], GpuSpec] = {}
    for spec in specs:
        found.setdefault(spelled(spec.gpu), spec)
    for spec in specs:
        for name in (spec.driver_names or "").split("|"):
            if name:
                found.setdefault(spelled(name), spec)
        found.setdefault(tuple(part for part in spelled(spec.gpu) if part not in _FAMILIES), spec)
    return found


def meant_by(name: str, gpus: Iterable[GpuSpec]) -> list[GpuSpec]:
    """The GPUs whose name says all that this one says, and more: "A100" may be any of four."""
    wanted = set(spelled(name))
    return [spec for spec in gpus if wanted and wanted <= set(spelled(spec.gpu))]
