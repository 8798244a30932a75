"""The grid's script, at a reduced size on the CPU: it writes nothing here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from benchmarks import grid


@pytest.mark.training
@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
def test_a_cell_is_measured_for_both_sides_and_becomes_a_row_with_date_and_device(tmp_path: Path) -> None:
    plans = [p for p in grid._reduced(tmp_path, quick=True) if p.cell.side in ("ours", "usual")][:2]
    assert {plan.cell.side for plan in plans} == {"ours", "usual"}
    for plan in plans:
        (first, *_) = grid._measured(plan, tmp_path)
        row = grid._row(plan, first, "a card")
        assert set(row) == set(grid.COLUMNS)
        assert float(row["seconds_per_step"]) > 0
        assert float(row["peak_gib"]) > 0
        assert row["gpu"] == "a card"
        assert row["as_of"].count("-") == 2
        assert bool(row["decode_tokens_per_s"]) == (plan.cell.side == "ours")
    assert not grid.OUT.exists() or "a card" not in grid.OUT.read_text()


def test_what_is_measured_already_on_this_device_is_not_measured_again() -> None:
    row = dict.fromkeys(grid.COLUMNS, "x")
    assert len(grid._key(row)) == len(grid.Plan(image_size_px=224, cell=CELL).key)
    assert grid._joint([], "a card", 0)[0].unit == "new rows"


CELL = grid.Cell(weights="w", side="ours", quantization="nf4", lora_targets="attention", micro_batches=(1,))
