"""Factors of the memory model from measured peaks: counted values, moved within narrow bounds.

Least squares on ln(predicted / measured) with a soft loss, sources weighted alike rather than rows, and a pull towards
what counting the saved tensors gives.
`python -m benchmarks._memory_learning` prints the rows for `data/hardware_model.csv`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmarks._cost_adapters import peak_memory_gib, shipped_factors
from benchmarks._setup import INPUT_COLUMNS, number, read_rows, text

# Counted value and the relative standard deviation that we allow it.
COUNTED = {
    "activation_bytes_residual": (12.0, 0.1),
    "activation_bytes_residual_ungated": (8.0, 0.1),
    "activation_bytes_query": (4.0, 0.1),
    "activation_bytes_key_value": (6.0, 0.1),
    "activation_bytes_mlp": (8.0, 0.1),
    "activation_bytes_mlp_ungated": (4.0, 0.1),
    "quantized_activation_share": (0.42, 0.2),
    "checkpoint_bytes": (2.0, 0.05),
    "live_layers": (1.0, 0.3),
    "score_bytes": (14.0, 0.3),
    "logit_bytes": (13.0, 0.1),
    "logit_bytes_upcast": (16.0, 0.1),
    "logit_bytes_lean": (9.0, 0.2),
    "logit_bytes_chunked": (1.0, 0.3),
    "compiled_share": (0.8, 0.1),
    "full_training_bytes": (6.0, 0.1),
    "reserved_ratio": (1.08, 0.03),
    "workspace_gib": (0.25, 0.4),
    "runtime_gib": (1.0, 0.3),
}
ROW_LOG_SD = 0.15
METHODS = {"lora", "qlora", "full", "peft:lora"}


def measured_rows() -> list[dict[str, str]]:
    """LoRA, QLoRA and full fine-tuning with plain AdamW on one GPU, embeddings frozen."""
    return [
        row
        for row in read_rows("ground_truth_memory.csv")
        if row["method"] in METHODS
        and not math.isnan(number(row, "hidden"))
        and number(row, "n_gpus") == 1
        and text(row, "optimizer").lower() == "adamw"
        and not any(name in row["lora_targets"] for name in ("wte", "lm_head"))
    ]


def predicted_gib(rows: Sequence[Mapping[str, str]], factors: Mapping[str, float]) -> NDArray[np.float64]:
    """Peaks from input columns only."""
    return np.array(
        [peak_memory_gib({column: row.get(column) for column in INPUT_COLUMNS}, factors=factors) for row in rows]
    )


def learn(rows: Sequence[Mapping[str, str]]) -> dict[str, float]:
    """All factors, those of `COUNTED` moved by the rows."""
    names = list(COUNTED)
    counted = np.log([COUNTED[name][0] for name in names])
    allowed = np.array([COUNTED[name][1] for name in names])
    measured = np.log([float(row["peak_gib"]) for row in rows])
    of_source = Counter(row["source"] for row in rows)
    # Rows of one source are alike: sixteen of them weigh like four of a source of one.
    weight = np.array([of_source[row["source"]] ** -0.25 for row in rows])
    base = shipped_factors() | {"memory_log_bias": 0.0}

    def factors(logs: NDArray[np.float64]) -> dict[str, float]:
        return base | dict(zip(names, np.exp(logs).tolist(), strict=True))

    def residuals(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        error = np.log(predicted_gib(rows, factors(logs))) - measured
        error = weight * error / ROW_LOG_SD
        return np.concatenate([np.sign(error) * np.sqrt(2 * (np.sqrt(1 + error**2) - 1)), (logs - counted) / allowed])

    return factors(least_squares(residuals, counted, max_nfev=25).x)


def left_out(rows: Sequence[Mapping[str, str]]) -> NDArray[np.float64]:
    """Peaks of every row, by factors that never saw a row of its source."""
    found = np.empty(len(rows))
    for source in sorted({row["source"] for row in rows}):
        held = np.array([row["source"] == source for row in rows])
        factors = learn([row for row in rows if row["source"] != source])
        found[held] = predicted_gib([row for row in rows if row["source"] == source], factors)
    return found


def main() -> None:
    """Print the learned rows."""
    rows = measured_rows()
    found = learn(rows)
    for name in COUNTED:
        print(f"{name},{found[name]:.3g}")
    apart = left_out(rows)
    logs = np.log(np.array([float(row["peak_gib"]) for row in rows]) / apart)
    lora = np.array([row["method"] != "full" for row in rows])
    of_source = Counter(row["source"] for row in rows)
    weight = np.array([1.0 / of_source[row["source"]] for row in rows])[lora]
    order = np.argsort(logs[lora])
    shares = np.cumsum(weight[order]) / weight.sum()
    for share in (0.5, 0.9, 0.95):
        alike = logs[lora][order][np.searchsorted(shares, share)]
        print(f"ln(measured / predicted) of {lora.sum()} LoRA and QLoRA rows, P{100 * share:g}: "
              f"{np.quantile(logs[lora], share):.3f}, sources weighted alike {alike:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
