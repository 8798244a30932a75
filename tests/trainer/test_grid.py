"""The grid's script, at a reduced size on the CPU: it writes nothing here."""

from __future__ import annotations

import datetime
import importlib.util
import json
from pathlib import Path

import pytest
from msgspec import structs

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


def test_the_file_has_one_header_and_source_and_date_in_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every table of `data/`; a grid that goes on adds rows below."""
    monkeypatch.setattr(grid, "OUT", tmp_path / "measured_throughput.csv")
    assert grid._read() == []
    (tmp_path / "config.json").write_text(json.dumps(grid.REDUCED.config))
    cell = structs.replace(CELL, weights=str(tmp_path))
    plan = grid.Plan(image_size_px=224, cell=cell)
    measured = {"micro_batch": 1, "seconds_per_step": 0.5, "peak_gib": 3.0}
    for gpu in ("Tesla T4", "NVIDIA L4"):
        grid._append([grid._row(plan, measured, gpu)])
    lines = grid.OUT.read_text("utf-8").splitlines()
    assert lines[0] == ",".join(grid.COLUMNS)
    assert len(lines) == 3
    first, second = grid._read()
    assert (first["gpu"], second["gpu"]) == ("Tesla T4", "NVIDIA L4")
    for row in (first, second):
        assert row["source"] == grid.SOURCE
        assert datetime.date.fromisoformat(row["as_of"]) <= datetime.datetime.now(datetime.UTC).date()
        assert float(row["examples_per_s"]) == 2.0
        # Of the rate in which the card trains: float16 on a T4, bfloat16 on an L4.
        assert 0 < float(row["mfu"]) < 1
    assert float(first["mfu"]) != float(second["mfu"])
