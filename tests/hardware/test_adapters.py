"""The plain signatures of memory and hours answer any row, however little it says."""

from __future__ import annotations

import math

import pytest

from benchmarks._setup import INPUT_COLUMNS, gpu_of
from benchmarks.adapters import peak_memory_gib, seconds_per_step

FULL = {
    "model": "llama-2-7b", "params": 6.738e9, "hidden": 4096, "layers": 32, "heads": 32, "kv": 32, "inter": 11008,
    "vocab": 32000, "gated": 1, "tied": 0, "head_dim": 128, "vlm": 0, "method": "lora", "quant": "none",
    "gpu": "A100-80GB-SXM", "n_gpus": 1, "seq_len": 1024, "seq_basis": "padded", "micro_batch": 2, "grad_accum": 4,
    "lora_rank": 8, "lora_targets": "q_proj+v_proj", "trainable_params": math.nan, "grad_ckpt": 1, "attn": "sdpa",
    "optimizer": "adamw", "precision": "bf16", "compile": 0, "metric": "max reserved",
}  # fmt: skip


@pytest.mark.parametrize("missing", INPUT_COLUMNS)
def test_a_row_without_one_column_is_still_answered(missing: str) -> None:
    for empty in (None, math.nan, ""):
        row = FULL | {missing: empty}
        assert 1.0 < peak_memory_gib(row) < 200.0
        found = seconds_per_step(row)
        assert 0.0 < found["lo80"] < found["median"] < found["hi80"] < 1000.0


def test_a_row_that_names_its_parameters_only_is_answered() -> None:
    assert 5.0 < peak_memory_gib({"params": 3e9, "method": "lora"}) < 40.0


def test_odd_values_are_answered_like_missing_ones() -> None:
    odd = FULL | {"grad_accum": 0, "micro_batch": "two", "compile": "no", "gpu": "NVIDIA H100 80GB HBM3", "quant": 4,
                  "seq_len": "n/a", "metric": 12, "unknown_column": object()}  # fmt: skip
    assert 1.0 < peak_memory_gib(odd) < 200.0
    found = seconds_per_step(odd)
    assert 0.0 < found["lo80"] < found["median"] < found["hi80"] < 1000.0


@pytest.mark.parametrize(
    ("written", "gpu"),
    [
        ("A100-80GB", "A100-80GB-SXM"), ("NVIDIA A100-SXM4-40GB", "A100-40GB-SXM"), ("RTX4090", "RTX-4090"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM"), ("h100_sxm5", "H100-SXM"), ("A6000", "RTX-A6000"), ("L40S", "L40S"),
        ("Tesla T4", "T4"), ("V100", "V100-32GB"), ("", "A100-80GB-SXM"),
    ],
)  # fmt: skip
def test_a_gpu_is_known_however_it_is_written(written: str, gpu: str) -> None:
    assert gpu_of({"gpu": written}).gpu == gpu


@pytest.mark.parametrize("measured", [None, math.nan, 0.0, "", -1.0])
def test_a_probe_without_a_measurement_changes_nothing(measured) -> None:
    probes = [FULL | {"measured": measured}]
    assert peak_memory_gib(FULL, probes) == peak_memory_gib(FULL)
    assert seconds_per_step(FULL, probes) == seconds_per_step(FULL)


def test_every_metric_counts_more_than_the_one_before() -> None:
    peaks = [peak_memory_gib(FULL | {"metric": metric})
             for metric in ("max_memory_allocated", "max reserved", "nvidia-smi")]  # fmt: skip
    assert peaks == sorted(set(peaks))


def test_a_step_on_two_gpus_is_no_faster_than_on_one() -> None:
    """Every GPU has its own micro-batch: more GPUs never shorten a step."""
    assert seconds_per_step(FULL | {"n_gpus": 8})["median"] >= seconds_per_step(FULL)["median"]


def test_memory_probes_of_other_settings_move_less_than_probes_of_the_same() -> None:
    probes = [FULL | {"seq_len": size, "measured": 1.5 * peak_memory_gib(FULL | {"seq_len": size})}
              for size in (512, 2048)]  # fmt: skip
    alone = peak_memory_gib(FULL)
    same, other = peak_memory_gib(FULL, probes), peak_memory_gib(FULL, [probe | {"lora_rank": 64} for probe in probes])
    assert same == pytest.approx(1.5 * alone, rel=0.02)
    assert alone < other < same


def test_probes_narrow_the_interval_and_move_the_median_to_what_they_measured() -> None:
    probes = [FULL | {"seq_len": size, "measured": 3.0 * seconds_per_step(FULL | {"seq_len": size})["median"]}
              for size in (512, 2048)]  # fmt: skip
    alone, probed = seconds_per_step(FULL), seconds_per_step(FULL, probes)
    assert probed["median"] == pytest.approx(3.0 * alone["median"], rel=0.1)
    assert probed["hi80"] / probed["lo80"] < alone["hi80"] / alone["lo80"]


def test_memory_probes_that_fall_with_tokens_never_give_a_falling_line() -> None:
    probes = [FULL | {"seq_len": 512, "measured": 22.0}, FULL | {"seq_len": 2048, "measured": 20.0}]
    sizes = [peak_memory_gib(FULL | {"seq_len": size}, probes) for size in (512, 1024, 4096)]
    assert sizes == sorted(sizes)


def test_more_accumulation_takes_longer_and_needs_no_more_memory() -> None:
    more = FULL | {"grad_accum": 8}
    assert seconds_per_step(more)["median"] == pytest.approx(2 * seconds_per_step(FULL)["median"], rel=0.02)
    assert peak_memory_gib(more) == peak_memory_gib(FULL)
