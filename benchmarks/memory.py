"""Peak memory against published measurements: by factors that never saw the row's source, and after two probes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks._cost_adapters import peak_memory_gib, shipped_factors
from benchmarks._memory_learning import learn_apart, measured_rows, predicted
from benchmarks._probing import (
    Pair,
    Row,
    after_two_probes,
    as_probe,
    by_source,
    identical_setups,
    with_interval,
    with_other_settings,
)
from benchmarks._setup import INPUT_COLUMNS
from benchmarks.figure import Figure, at_least, at_most

FloatArray = NDArray[np.float64]
Apart = Mapping[str, Mapping[str, float]]


def measure(quick: bool) -> list[Figure]:
    """Errors in percent; every figure by factors that never saw a row of the source, with an interval over sources."""
    rows = measured_rows()
    if not rows:
        return [Figure(name="memory: ../shared/groundtruth is not there, nothing measured", value=0.0, unit="rows")]
    apart = learn_apart(rows)
    return [
        *_zero_shot(rows, apart),
        *_after_two_probes(rows, apart, quick=quick),
        *_with_other_settings(rows, apart, quick=quick),
    ]


def _zero_shot(rows: Sequence[Row], apart: Apart) -> list[Figure]:
    measured = np.array([_peak(row) for row in rows])
    shift = math.exp(shipped_factors()["memory_log_bias"])
    error = 100.0 * (shift * predicted(rows, apart) / measured - 1.0)
    sources = np.array([row["source"] for row in rows])
    lora = np.array([row["method"] != "full" for row in rows])
    size, hit, low = np.abs(error), _percent(np.abs(error) <= 10.0), _percent(error < -10.0)
    name = "memory zero-shot"
    return [
        *with_interval(at_most(f"{name}: MAPE", float(size.mean()), "%", 15.0), size, sources),
        *with_interval(at_least(f"{name}: within 10 %", float(hit.mean()), "%", 65.0), hit, sources),
        *with_interval(at_most(f"{name}: low by more than 10 %", float(low.mean()), "%", 5.0), low, sources),
        Figure(name=f"  {name}: low by more than 10 %, LoRA and QLoRA alone", value=float(low[lora].mean()), unit="%"),
        Figure(
            name=f"  {name}: above its P95, LoRA and QLoRA alone",
            unit="%",
            value=_above_p95(error[lora], "memory_log_sd"),
        ),
        *by_source(f"{name}, MAPE", size, sources, "%"),
        *by_source(f"{name}, low by more than 10 %", low, sources, "%"),
    ]


def _after_two_probes(rows: Sequence[Row], apart: Apart, *, quick: bool) -> list[Figure]:
    error, sources = _errors(after_two_probes(rows, quick=quick), apart)
    size, hit = np.abs(error), _percent(np.abs(error) <= 10.0)
    noise, setups = identical_setups(rows, _peak)
    name = "memory after two probes"
    return [
        *with_interval(at_most(f"{name} ({len(size)}): MAPE", float(size.mean()), "%", 3.0), size, sources),
        *with_interval(at_least(f"{name}: within 10 %", float(hit.mean()), "%", 95.0), hit, sources),
        at_most(f"{name}: worst", float(size.max()), "%", 25.0),
        Figure(name=f"  {name}: above its P95", unit="%", value=_above_p95(error, "memory_probe_log_sd")),
        *by_source(f"{name}, MAPE", size, sources, "%"),
        Figure(name=f"  memory of {setups} setups measured more than once: spread", value=100.0 * noise, unit="%"),
    ]


def _with_other_settings(rows: Sequence[Row], apart: Apart, *, quick: bool) -> list[Figure]:
    error, sources = _errors(with_other_settings(rows, quick=quick), apart)
    size, low = np.abs(error), _percent(error < -10.0)
    name = "memory when rank, bits, checkpointing, attention or GPU differ from the probes"
    return [
        *with_interval(at_most(f"{name} ({len(size)}): MAPE", float(size.mean()), "%", 10.0), size, sources),
        Figure(name="  the same: low by more than 10 %", value=float(low.mean()), unit="%"),
        Figure(name="  the same: above its P95", unit="%", value=_above_p95(error, "memory_transfer_log_sd")),
    ]


def _errors(asked: Iterable[tuple[Row, Pair]], apart: Apart) -> tuple[FloatArray, NDArray[np.str_]]:
    """Errors in percent and sources, each by the factors that never saw the source."""
    errors, sources = [], []
    for row, pair in asked:
        setup = {column: row.get(column) for column in INPUT_COLUMNS}
        probes = [as_probe(probe, _peak(probe)) for probe in pair]
        expected = peak_memory_gib(setup, probes, factors=apart[row["source"]])
        errors.append(100.0 * (expected / _peak(row) - 1.0))
        sources.append(row["source"])
    return np.array(errors), np.array(sources)


def _above_p95(error: FloatArray, spread: str) -> float:
    """Share of peaks above what decides "fits", in percent: 5 of 100 by design."""
    margin = math.exp(1.645 * shipped_factors()[spread])
    return float(_percent((1.0 + error / 100.0) * margin < 1.0).mean())


def _peak(row: Row) -> float:
    return float(row["peak_gib"])


def _percent(hit: NDArray[np.bool_]) -> FloatArray:
    return np.where(hit, 100.0, 0.0)
