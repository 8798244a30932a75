"""Peak memory against published measurements: by factors that never saw the row's source, and after two probes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks._cost_adapters import peak_memory_gib
from benchmarks._memory_learning import left_out, measured_rows
from benchmarks._setup import INPUT_COLUMNS, text
from benchmarks.figure import Figure, at_least, at_most

FloatArray = NDArray[np.float64]
Row = dict[str, str]

TOKENS = {"seq_len", "micro_batch", "grad_accum", "seq_basis"}
APART = 1.5
BOOTSTRAPS = 2000


def measure(quick: bool) -> list[Figure]:
    """Errors in percent; an interval over sources beside the first."""
    rows = measured_rows()
    if not rows:
        return [Figure(name="memory: ../shared/groundtruth is not there, nothing measured", value=0.0, unit="rows")]
    measured = np.array([float(row["peak_gib"]) for row in rows])
    error = 100.0 * (left_out(rows) / measured - 1.0)
    sources = np.array([row["source"] for row in rows])
    low, high = clustered_interval(np.abs(error), sources)
    found = [
        at_most("memory zero-shot, source left out: MAPE", float(np.abs(error).mean()), "%", 15.0),
        Figure(name="  its 90 % interval over sources, lower end", value=low, unit="%"),
        Figure(name="  its 90 % interval over sources, upper end", value=high, unit="%"),
        at_least("memory zero-shot: within 10 %", _share(np.abs(error) <= 10.0), "%", 65.0),
        at_most("memory zero-shot: low by more than 10 %", _share(error < -10.0), "%", 5.0),
    ]
    found += [
        Figure(name=f"  MAPE on {source} ({(sources == source).sum()} rows)", unit="%",
               value=float(np.abs(error[sources == source]).mean()))
        for source in sorted(set(sources))
    ]  # fmt: skip
    near = np.array(list(_after_two_probes(rows, quick=quick)))
    far = np.array(list(_with_other_settings(rows, quick=quick)))
    found += [
        at_most(f"memory after two probes ({len(near)} predictions): MAPE", float(np.abs(near).mean()), "%", 3.0),
        at_least("memory after two probes: within 10 %", _share(np.abs(near) <= 10.0), "%", 95.0),
        at_most("memory after two probes: worst", float(np.abs(near).max()), "%", 25.0),
        at_most(
            f"memory with another rank, quantization or checkpointing than the probes ({len(far)}): MAPE",
            float(np.abs(far).mean()),
            "%",
            10.0,
        ),
    ]
    return found


def clustered_interval(values: FloatArray, clusters: NDArray[np.str_], level: float = 0.9) -> tuple[float, float]:
    """Interval of a mean by drawing whole clusters with replacement."""
    random = np.random.default_rng(0)
    by_cluster = [values[clusters == name] for name in sorted(set(clusters))]
    means = [
        float(np.concatenate([by_cluster[i] for i in random.integers(0, len(by_cluster), len(by_cluster))]).mean())
        for _ in range(BOOTSTRAPS)
    ]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def groups(rows: Sequence[Row]) -> dict[tuple[str, ...], list[Row]]:
    """Rows that differ in their tokens alone."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = [row["source"], *(text(row, column) for column in INPUT_COLUMNS if column not in TOKENS)]
        found[tuple(key)].append(row)
    return found


def tokens(row: Row) -> float:
    """Tokens held at once."""
    return float(row["seq_len"]) * float(row["micro_batch"])


def probe_pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Pairs whose tokens lie at least `APART` times apart, the smaller first."""
    for one, other in itertools.combinations(sorted(rows, key=tokens), 2):
        if tokens(other) >= APART * tokens(one):
            yield one, other


def _after_two_probes(rows: Sequence[Row], *, quick: bool) -> Iterator[float]:
    """Errors of the other rows of a group, between half of the smaller probe and twice the larger one."""
    for group in groups(rows).values():
        pairs = list(probe_pairs(group))
        for one, other in pairs[:3] if quick else pairs:
            for row in group:
                if row in (one, other) or not 0.5 * tokens(one) <= tokens(row) <= 2.0 * tokens(other):
                    continue
                yield _error(row, (one, other))


def _with_other_settings(rows: Sequence[Row], *, quick: bool) -> Iterator[float]:
    """Errors of rows of the same source, model and GPU as the probes, with other settings."""
    by_model: dict[tuple[str, str, str], list[list[Row]]] = defaultdict(list)
    for group in groups(rows).values():
        by_model[group[0]["source"], group[0]["model"], group[0]["gpu"]].append(group)
    for settings in by_model.values():
        for probed, asked in itertools.permutations(settings, 2):
            if (probed[0]["method"] == "full") != (asked[0]["method"] == "full"):
                continue
            pairs = list(probe_pairs(probed))
            for pair in pairs[:1] if quick else pairs:
                for row in asked:
                    if 0.5 * tokens(pair[0]) <= tokens(row) <= 2.0 * tokens(pair[1]):
                        yield _error(row, pair)


def _error(row: Row, probes: Sequence[Row]) -> float:
    setup = {column: row.get(column) for column in INPUT_COLUMNS}
    measured = [{column: probe.get(column) for column in INPUT_COLUMNS} | {"measured": probe["peak_gib"]}
                for probe in probes]  # fmt: skip
    return 100.0 * (peak_memory_gib(setup, measured) / float(row["peak_gib"]) - 1.0)


def _share(hit: NDArray[np.bool_]) -> float:
    return 100.0 * float(hit.mean())
