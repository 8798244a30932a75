"""Which measured rows stand for probes, and which for what the probes must predict."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._setup import INPUT_COLUMNS, text
from benchmarks.figure import Figure

FloatArray = NDArray[np.float64]
Row = dict[str, str]
Pair = tuple[Row, Row]

TOKENS = {"seq_len", "micro_batch", "grad_accum", "seq_basis"}
# The same setup, whether or not the row states what follows from it.
FOLLOWS = {"params", "trainable_params"}
APART = 1.5
BOOTSTRAPS = 2000


def groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of one source that differ in their tokens alone."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = [row["source"], *(text(row, column) for column in INPUT_COLUMNS if column not in TOKENS)]
        found[tuple(key)].append(row)
    return list(found.values())


def tokens(row: Row) -> float:
    """Tokens held at once."""
    return float(row["seq_len"]) * float(row["micro_batch"])


def probe_pairs(rows: Sequence[Row]) -> Iterator[Pair]:
    """Pairs whose tokens lie at least `APART` times apart, the smaller first."""
    for one, other in itertools.combinations(sorted(rows, key=tokens), 2):
        if tokens(other) >= APART * tokens(one):
            yield one, other


def within_reach(row: Row, pair: Pair) -> bool:
    """Between half of the smaller probe and twice the larger one."""
    return 0.5 * tokens(pair[0]) <= tokens(row) <= 2.0 * tokens(pair[1])


def after_two_probes(rows: Sequence[Row], *, quick: bool) -> Iterator[tuple[Row, Pair]]:
    """Every other row of a group within reach of a pair of probes."""
    for group in groups(rows):
        pairs = list(probe_pairs(group))
        for pair in pairs[::4] if quick else pairs:
            for row in group:
                if row not in pair and within_reach(row, pair):
                    yield row, pair


def with_other_settings(rows: Sequence[Row], *, quick: bool) -> Iterator[tuple[Row, Pair]]:
    """Rows of the source and model of two probes with other settings: rank, bits, checkpointing, attention or GPU."""
    by_model: dict[tuple[str, str], list[list[Row]]] = defaultdict(list)
    for group in groups(rows):
        by_model[group[0]["source"], group[0]["model"]].append(group)
    for settings in by_model.values():
        for probed, asked in itertools.permutations(settings, 2):
            if (probed[0]["method"] == "full") != (asked[0]["method"] == "full"):
                continue
            pairs = list(probe_pairs(probed))
            for pair in pairs[::4] if quick else pairs:
                for row in asked:
                    if within_reach(row, pair):
                        yield row, pair


def on_another_gpu(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """(row, probe) of the same model and method on different GPUs, of any source."""
    by_model: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_model[row["model"], row["method"]].append(row)
    for same in by_model.values():
        for probe, row in itertools.permutations(same, 2):
            if probe["gpu"] != row["gpu"]:
                yield row, probe


def identical_setups(rows: Sequence[Row], measured: Callable[[Row], float]) -> tuple[float, int]:
    """Pooled standard deviation of ln(measured) among rows of one source with the same setup, and how many setups."""
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in rows:
        key = [row["source"], *(text(row, column) for column in INPUT_COLUMNS if column not in FOLLOWS)]
        found[tuple(key)].append(float(np.log(measured(row))))
    repeated = [np.array(values) for values in found.values() if len(values) > 1]
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in repeated)
    return float(np.sqrt(squares / max(sum(len(values) - 1 for values in repeated), 1))), len(repeated)


def as_probe(row: Row, measured: float) -> dict[str, Any]:
    """A row as an adapter takes it: input columns and what was measured."""
    return {column: row.get(column) for column in INPUT_COLUMNS} | {"measured": measured}


def clustered_interval(values: FloatArray, clusters: NDArray[np.str_], level: float = 0.9) -> tuple[float, float]:
    """Interval of a mean by drawing whole clusters with replacement."""
    random = np.random.default_rng(0)
    by_cluster = [values[clusters == name] for name in sorted(set(clusters.tolist()))]
    means = [
        float(np.concatenate([by_cluster[i] for i in random.integers(0, len(by_cluster), len(by_cluster))]).mean())
        for _ in range(BOOTSTRAPS)
    ]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def with_interval(figure: Figure, values: FloatArray, clusters: NDArray[np.str_]) -> list[Figure]:
    """A figure that is a mean, with its interval over sources."""
    low, high = clustered_interval(values, clusters)
    return [
        figure,
        Figure(name=f"  {figure.name}, 90 % over sources, lower", value=low, unit=figure.unit),
        Figure(name=f"  {figure.name}, 90 % over sources, upper", value=high, unit=figure.unit),
    ]


def by_source(name: str, values: FloatArray, sources: NDArray[np.str_], unit: str) -> list[Figure]:
    """The mean of every source."""
    return [
        Figure(name=f"  {name}: {source} ({int((sources == source).sum())})", unit=unit,
               value=float(values[sources == source].mean()))
        for source in sorted(set(sources.tolist()))
    ]  # fmt: skip
