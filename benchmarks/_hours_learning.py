"""Factors of the step-time model from measured runs, within bounds; the spread that is left becomes the interval.

A source's own level (its software, what its seconds include) is a draw of its own and drops out, so that what factors
learn is how seconds change within a source, and their common level.
`python -m benchmarks._hours_learning` prints the rows for `data/hardware_model.csv`. The published PaliGemma runs are
never among the rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmarks._cost_adapters import shipped_factors
from benchmarks._setup import (
    INPUT_COLUMNS,
    architecture_of,
    gpu_of,
    mean_tokens_of,
    micro_steps_of,
    number,
    quantization_of,
    read_rows,
    shape_of,
    text,
)
from planner.hardware.step_time import StepTime, micro_step_time

FloatArray = NDArray[np.float64]
Row = dict[str, str]

# Expected value and the relative standard deviation that we allow it.
EXPECTED = {
    "compute_share": (0.85, 0.08),
    "attention_share": (0.7, 0.15),
    "attention_share_fp16": (0.4, 0.2),
    "float32_share": (0.5, 0.2),
    "bandwidth_share": (0.8, 0.05),
    "activation_traffic_ratio": (2.0, 0.2),
    "adapter_traffic_bytes": (8.0, 0.3),
    "logit_traffic_bytes": (30.0, 0.3),
    "score_traffic_bytes": (28.0, 0.3),
    "weight_traffic_bytes": (1.0, 0.5),
    "dequantization_bytes": (6.0, 0.4),
    "dequantization_bytes_gptq": (20.0, 0.3),
    "optimizer_traffic_bytes": (24.0, 0.2),
    "host_s_per_layer": (1.6e-3, 0.2),
    "host_s_per_adapter": (5e-5, 0.5),
    "host_quantized_s_per_layer": (3e-4, 0.5),
    "host_s_per_step": (0.02, 0.5),
    "compiled_traffic_share": (0.55, 0.15),
    "compiled_host_share": (0.5, 0.2),
}
ROW_LOG_SD, SOURCE_LOG_SD = 0.2, 0.2
METHODS = {"lora", "qlora", "full", "peft:lora"}


def measured_rows() -> list[Row]:
    """LoRA, QLoRA and full fine-tuning of text models with AdamW on one GPU, embeddings frozen, no suspect rows."""
    return [
        row
        for row in read_rows("ground_truth_throughput.csv")
        if row["method"] in METHODS
        and not math.isnan(number(row, "hidden"))
        and number(row, "n_gpus") == 1
        and text(row, "optimizer").lower() == "adamw"
        and number(row, "vlm", 0.0) == 0
        and "SUSPECT" not in row["notes"]
        and not any(name in row["lora_targets"] for name in ("wte", "lm_head"))
    ]


def measured_seconds(row: Row) -> float:
    """Seconds of a step as the row counts steps: measured, or tokens of a micro-step over tokens a second."""
    seconds = number(row, "s_per_step")
    if not math.isnan(seconds):
        return seconds
    return number(row, "seq_len") * number(row, "micro_batch") / number(row, "tok_s")


class Clock:
    """Terms of the steps of some rows by any factors; the rows are read once."""

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        self._setups = []
        for row in rows:
            setup = {column: row.get(column) for column in INPUT_COLUMNS}
            model = architecture_of(setup)
            shape = shape_of(setup, model, tokens=mean_tokens_of(setup))
            self._setups.append((model, quantization_of(setup), shape, gpu_of(setup)))
        self.micro_steps: FloatArray = np.array([micro_steps_of(row) for row in rows], dtype=np.float64)

    def steps(self, factors: Mapping[str, float]) -> list[StepTime]:
        """One micro-step of every row."""
        return [micro_step_time(*setup, factors) for setup in self._setups]

    def __call__(self, factors: Mapping[str, float]) -> FloatArray:
        return np.array([step.seconds for step in self.steps(factors)], dtype=np.float64) * self.micro_steps


def learn(rows: Sequence[Row]) -> dict[str, float]:
    """All factors, those of `EXPECTED` moved by the rows."""
    names = list(EXPECTED)
    expected = np.log([EXPECTED[name][0] for name in names])
    allowed = np.array([EXPECTED[name][1] for name in names])
    measured = np.log([measured_seconds(row) for row in rows])
    of_source = Counter(row["source"] for row in rows)
    sources = sorted(of_source)
    belongs = np.array([sources.index(row["source"]) for row in rows])
    weight = np.array([of_source[row["source"]] ** -0.25 for row in rows])
    base, clock = shipped_factors(), Clock(rows)

    def factors(logs: FloatArray) -> dict[str, float]:
        return base | dict(zip(names, np.exp(logs).tolist(), strict=True))

    def residuals(found: FloatArray) -> FloatArray:
        logs, levels = found[: len(names)], found[len(names) :]
        error = weight * (np.log(clock(factors(logs))) + levels[belongs] - measured) / ROW_LOG_SD
        soft = np.sign(error) * np.sqrt(2 * (np.sqrt(1 + error**2) - 1))
        return np.concatenate([soft, (logs - expected) / allowed, levels / SOURCE_LOG_SD])

    start = np.concatenate([expected, np.zeros(len(sources))])
    return factors(least_squares(residuals, start, max_nfev=12).x[: len(names)])


def learn_apart(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """For every source, factors that never saw a row of it."""
    return {
        source: learn([row for row in rows if row["source"] != source])
        for source in sorted({row["source"] for row in rows})
    }


def predicted(rows: Sequence[Row], apart: Mapping[str, Mapping[str, float]]) -> FloatArray:
    """Seconds of every row, by the factors that never saw its source."""
    return np.array([Clock([row])(apart[row["source"]])[0] for row in rows])


def quantiles_alike(values: FloatArray, sources: Sequence[str], shares: Sequence[float]) -> list[float]:
    """Quantiles in which every source weighs the same, however many rows it has."""
    of_source = Counter(sources)
    order = np.argsort(values)
    reached = np.cumsum([1.0 / of_source[sources[i]] for i in order]) / len(of_source)
    return [float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)]) for share in shares]


def main() -> None:
    """Print the learned rows and the spread that is left."""
    rows = measured_rows()
    found = learn(rows)
    for name in EXPECTED:
        print(f"{name},{found[name]:.3g}")
    logs = np.log(np.array([measured_seconds(row) for row in rows]) / predicted(rows, learn_apart(rows)))
    shares = (0.1, 0.5, 0.9)
    alike = quantiles_alike(logs, [row["source"] for row in rows], shares)
    for share, value in zip(shares, alike, strict=True):
        print(f"ln(measured / predicted) of {len(rows)} rows, P{100 * share:g}: {np.quantile(logs, share):.3f}, "
              f"sources weighted alike {value:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
