"""Factors of the step-time model from measured runs, within bounds; the spread that is left becomes the interval.

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

from benchmarks._cost_adapters import predicted_seconds, shipped_factors
from benchmarks._setup import INPUT_COLUMNS, number, read_rows, text

FloatArray = NDArray[np.float64]
Row = dict[str, str]

# Expected value and the relative standard deviation that we allow it.
EXPECTED = {
    "compute_share": (0.65, 0.1),
    "compute_share_fp16": (0.28, 0.15),
    "activation_traffic_ratio": (2.5, 0.2),
    "logit_traffic_bytes": (30.0, 0.3),
    "score_traffic_bytes": (10.0, 0.4),
    "dequantization_bytes": (9.0, 0.3),
    "host_s_per_layer": (2.2e-3, 0.2),
    "host_quantized_s_per_layer": (0.8e-3, 0.4),
    "compiled_traffic_share": (0.55, 0.15),
}
ROW_LOG_SD = 0.25
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


def predictions(rows: Sequence[Mapping[str, str]], factors: Mapping[str, float]) -> FloatArray:
    """Seconds from input columns only."""
    return np.array([predicted_seconds({column: row.get(column) for column in INPUT_COLUMNS}, factors) for row in rows])


def learn(rows: Sequence[Row]) -> dict[str, float]:
    """All factors, those of `EXPECTED` moved by the rows."""
    names = list(EXPECTED)
    expected = np.log([EXPECTED[name][0] for name in names])
    allowed = np.array([EXPECTED[name][1] for name in names])
    measured = np.log([measured_seconds(row) for row in rows])
    of_source = Counter(row["source"] for row in rows)
    weight = np.array([of_source[row["source"]] ** -0.25 for row in rows])
    base = shipped_factors()

    def factors(logs: FloatArray) -> dict[str, float]:
        return base | dict(zip(names, np.exp(logs).tolist(), strict=True))

    def residuals(logs: FloatArray) -> FloatArray:
        error = weight * (np.log(predictions(rows, factors(logs))) - measured) / ROW_LOG_SD
        return np.concatenate([np.sign(error) * np.sqrt(2 * (np.sqrt(1 + error**2) - 1)), (logs - expected) / allowed])

    return factors(least_squares(residuals, expected, max_nfev=25).x)


def left_out(rows: Sequence[Row]) -> FloatArray:
    """Seconds of every row, by factors that never saw a row of its source."""
    found = np.empty(len(rows))
    for source in sorted({row["source"] for row in rows}):
        held = np.array([row["source"] == source for row in rows])
        factors = learn([row for row in rows if row["source"] != source])
        found[held] = predictions([row for row in rows if row["source"] == source], factors)
    return found


def main() -> None:
    """Print the learned rows and the spread that is left."""
    rows = measured_rows()
    found = learn(rows)
    for name in EXPECTED:
        print(f"{name},{found[name]:.3g}")
    logs = np.log(np.array([measured_seconds(row) for row in rows]) / left_out(rows))
    of_source = Counter(row["source"] for row in rows)
    order = np.argsort(logs)
    shares = np.cumsum([1.0 / of_source[rows[i]["source"]] for i in order]) / len(of_source)
    for share in (0.1, 0.5, 0.9):
        print(f"ln(measured / predicted) of {len(rows)} rows, P{100 * share:g}: {np.quantile(logs, share):.3f}, "
              f"sources weighted alike {logs[order][np.searchsorted(shares, share)]:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
