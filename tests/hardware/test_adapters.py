"""The plain signatures of memory and hours answer any row, however little it says."""

from __future__ import annotations

import math

import pytest

from benchmarks._setup import INPUT_COLUMNS
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
    assert seconds_per_step(more)["median"] == pytest.approx(2 * seconds_per_step(FULL)["median"])
    assert peak_memory_gib(more) == peak_memory_gib(FULL)
