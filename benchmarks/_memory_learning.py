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

from benchmarks._cost_adapters import shipped_factors
from benchmarks._setup import (
    INPUT_COLUMNS,
    architecture_of,
    metric_of,
    number,
    quantization_of,
    read_rows,
    shape_of,
    text,
)
from planner.hardware.memory_components import GIB, memory_components

FloatArray = NDArray[np.float64]
Row = dict[str, str]

# Counted value and the relative standard deviation that we allow it.
COUNTED = {
    "activation_bytes_norm": (4.0, 0.1),
    "activation_bytes_layer_norm": (3.0, 0.3),
    "activation_bytes_query": (4.0, 0.1),
    "activation_bytes_key_value": (4.0, 0.1),
    "activation_bytes_mlp": (6.0, 0.1),
    "activation_bytes_mlp_ungated": (3.0, 0.2),
    "wide_activation_share": (1.0, 0.3),
    "adapter_input_bytes": (3.0, 0.3),
    "checkpoint_bytes": (2.0, 0.05),
    "backward_bytes_mlp": (6.0, 0.3),
    "score_bytes": (12.5, 0.1),
    "logit_bytes": (13.5, 0.08),
    "logit_bytes_upcast": (16.0, 0.1),
    "logit_bytes_lean": (9.0, 0.15),
    "logit_bytes_chunked": (1.0, 0.3),
    "compiled_share": (0.8, 0.1),
    "optimizer_bytes": (4.0, 0.05),
    "gradient_bytes": (2.0, 0.05),
    "dequantization_buffer_bytes": (4.0, 0.3),
    "dequantized_layer_bytes": (4.0, 0.3),
    "second_stage_share": (1.0, 0.3),
    "reserved_ratio": (1.04, 0.02),
    "workspace_gib": (0.25, 0.4),
    "runtime_gib": (1.0, 0.3),
}
ROW_LOG_SD = 0.1
METHODS = {"lora", "qlora", "full", "peft:lora"}


def measured_rows() -> list[Row]:
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


class _Counter:
    """Peaks of some rows by any factors; the rows are read once."""

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        self._setups = []
        for row in rows:
            setup = {column: row.get(column) for column in INPUT_COLUMNS}
            model = architecture_of(setup)
            self._setups.append((model, quantization_of(setup), shape_of(setup, model), metric_of(setup)))

    def __call__(self, factors: Mapping[str, float]) -> FloatArray:
        return np.array(
            [
                sum(memory_components(model, quantization, shape, factors, metric).values()) / GIB
                for model, quantization, shape, metric in self._setups
            ]
        )


def learn(rows: Sequence[Row]) -> dict[str, float]:
    """All factors, those of `COUNTED` moved by the rows, without a shift."""
    names = list(COUNTED)
    counted = np.log([COUNTED[name][0] for name in names])
    allowed = np.array([COUNTED[name][1] for name in names])
    measured = np.log([float(row["peak_gib"]) for row in rows])
    of_source = Counter(row["source"] for row in rows)
    # Rows of one source are alike: sixteen of them weigh like four of a source of one.
    weight = np.array([of_source[row["source"]] ** -0.25 for row in rows])
    base = shipped_factors() | {"memory_log_bias": 0.0}
    peaks = _Counter(rows)

    def factors(logs: FloatArray) -> dict[str, float]:
        return base | dict(zip(names, np.exp(logs).tolist(), strict=True))

    def residuals(logs: FloatArray) -> FloatArray:
        error = weight * (np.log(peaks(factors(logs))) - measured) / ROW_LOG_SD
        return np.concatenate([np.sign(error) * np.sqrt(2 * (np.sqrt(1 + error**2) - 1)), (logs - counted) / allowed])

    return factors(least_squares(residuals, counted, max_nfev=12).x)


def learn_apart(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """For every source, factors that never saw a row of it."""
    return {
        source: learn([row for row in rows if row["source"] != source])
        for source in sorted({row["source"] for row in rows})
    }


def predicted(rows: Sequence[Row], apart: Mapping[str, Mapping[str, float]]) -> FloatArray:
    """Peaks in GiB of every row, by the factors that never saw its source, without a shift."""
    return np.array([_Counter([row])(apart[row["source"]])[0] for row in rows])


def main() -> None:
    """Print the learned rows, and what is left on sources that were not seen."""
    rows = measured_rows()
    found = learn(rows)
    for name in COUNTED:
        print(f"{name},{found[name]:.3g}")
    logs = np.log(np.array([float(row["peak_gib"]) for row in rows]) / predicted(rows, learn_apart(rows)))
    lora = np.array([row["method"] != "full" for row in rows])
    of_source = Counter(row["source"] for row in rows)
    weight = np.array([1.0 / of_source[row["source"]] for row in rows])[lora]
    order = np.argsort(logs[lora])
    shares = np.cumsum(weight[order]) / weight.sum()
    for share in (0.5, 0.65, 0.9, 0.95):
        alike = logs[lora][order][np.searchsorted(shares, share)]
        print(f"ln(measured / predicted) of {lora.sum()} LoRA and QLoRA rows, P{100 * share:g}: "
              f"{np.quantile(logs[lora], share):.3f}, sources weighted alike {alike:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
