"""Certified digits of the point fits: the twelve power-law sets, and NIST's DanWood and Bennett5 from both starts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator

import numpy as np

from benchmarks._protocol import SHARED
from benchmarks.figure import Figure, at_least
from planner.law import point_fit
from planner.law.pure import pure_power_fit

FOLDER = SHARED / "certified"


def certified_digits() -> list[Figure]:
    """Fewest correct digits of parameters and standard errors; nothing where the sets are not at hand."""
    if not FOLDER.is_dir():
        return []
    sets = json.loads((FOLDER / "powerlaw_certified.json").read_text(encoding="utf-8"))
    nist = json.loads((FOLDER / "certified.json").read_text(encoding="utf-8"))
    digits = [_digits(_power_law(entry)) for entry in sets.values()]
    figures = [at_least(f"certified: {len(digits)} power-law sets, fewest digits", min(digits), "digits", 10)]
    for name in ("DanWood", "Bennett5"):
        found = min(_digits(_nist(name, nist[name]["params"], start)) for start in ("start1", "start2"))
        figures.append(at_least(f"certified: NIST {name} from both starts, fewest digits", found, "digits", 7))
    return figures


def _digits(pairs: Iterable[tuple[float, float]]) -> float:
    """Log relative error, NIST's measure, of the worst value."""
    return min(-math.log10(max(abs(found - value) / abs(value), 1e-16)) for found, value in pairs)


def _power_law(entry: dict[str, dict[str, str]]) -> Iterator[tuple[float, float]]:
    fit = point_fit(np.array(entry["t"], dtype=float), np.array(entry["y"], dtype=float))
    for name in "abc":
        yield getattr(fit, name), float(entry["params"][name])
        yield getattr(fit, f"se_{name}"), float(entry["stddev"][name])


def _nist(name: str, certified: list[dict[str, float]], start: str) -> Iterator[tuple[float, float]]:
    rows = np.genfromtxt(FOLDER / f"{name}.csv", delimiter=",", names=True)
    if name == "DanWood":
        b2 = certified[1]
        fit = pure_power_fit(rows["x"], rows["y"], start_b=-b2[start])
        found = [(fit.a, fit.se_a), (-fit.b, fit.se_b)]
    else:
        b2, b3 = certified[1:]
        fit = pure_power_fit(rows["x"], rows["y"], start_b=1 / b3[start], start_t0=b2[start])
        found = [(fit.a, fit.se_a), (fit.t0, fit.se_t0), (1 / fit.b, fit.se_b / fit.b**2)]
    for (value, error), target in zip(found, certified, strict=True):
        yield value, target["value"]
        yield error, target["stddev"]
