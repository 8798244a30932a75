"""Throughput and memory of PaliGemma-3B under LoRA, ours and stock side by side, on the GPU at hand.

{bf16, int8, nf4} x {224, 448 px} x {attention, all-linear} x micro-batches to the limit, random weights of the real
shape. Rows go to `data/measured_throughput.csv` with date and device; a cell that is there already for this device is
not measured again, so that an interrupted grid goes on. Without a GPU the same code runs at a reduced size on the CPU,
in order to be known to work, and writes nothing.
"""

from __future__ import annotations

import csv
import datetime
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import Struct

from benchmarks._grid_worker import Cell
from benchmarks._step_sides import Shape
from benchmarks.figure import Figure, at_least, at_most
from planner.catalog import read_catalog
from planner.hardware.architecture import architecture_from_config
from trainer.flops import step_flops_per_example
from trainer.random_weights import write_random_weights
from trainer.shape import PALIGEMMA, PALIGEMMA_CONFIG, at_image_size

OUT = Path(__file__).resolve().parent.parent / "data" / "measured_throughput.csv"
COLUMNS = (
    "gpu", "model", "image_size_px", "quantization", "lora_targets", "lora_rank", "side", "checkpointing",
    "micro_batch", "prompt_tokens", "suffix_tokens", "seconds_per_step", "examples_per_s", "tflop_per_example", "mfu",
    "peak_gib", "decode_tokens_per_s", "energy_joules_per_step", "torch", "transformers", "peft", "bitsandbytes",
    "source", "as_of",
)  # fmt: skip
SOURCE = "python -m benchmarks grid (random weights of the real shape)"
SIDES = (("ours", False), ("stock", False), ("usual", True), ("ours", True))
MICRO_BATCHES = (1, 2, 4, 8, 16, 32)
REDUCED = Shape(hidden=128, layers=2, intermediate=256, vocabulary=1024, head_size=32, batch=2, image_size_px=56)


class Plan(Struct, frozen=True, kw_only=True):
    """One process: a cell with what names it in the file."""

    image_size_px: int
    cell: Cell

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that name it."""
        cell = self.cell
        return (str(self.image_size_px), cell.quantization, cell.lora_targets, cell.side, str(cell.checkpointing))


def measure(quick: bool) -> list[Figure]:
    """Rows for the device at hand, and the joint configuration that is aimed at."""
    cuda = torch.cuda.is_available()
    gpu = torch.cuda.get_device_name() if cuda else "cpu, reduced size"
    with tempfile.TemporaryDirectory() as folder:
        plans = _plans(Path(folder), quick=quick) if cuda else _reduced(Path(folder), quick=quick)
        known = _read() if cuda else []
        done = {(row["gpu"], *_key(row)) for row in known}
        rows = []
        for plan in plans:
            if (gpu, *plan.key) in done:
                continue
            found = [_row(plan, measured, gpu) for measured in _measured(plan, Path(folder))]
            rows += found
            if cuda:
                _append(found)
    if not cuda:
        sides = {row["side"] for row in rows}
        return [
            Figure(
                name=f"grid: open, no GPU here; the script ran at a reduced size ({', '.join(sorted(sides))})",
                value=len(rows),
                unit="rows, none written",
            )
        ]
    return _joint([*known, *rows], gpu, len(rows))


def _plans(folder: Path, *, quick: bool) -> Iterable[Plan]:
    sizes = (224,) if quick else (224, 448)
    combinations = [("nf4", "all-linear")] if quick else itertools.product(
        ("nf4", "bf16", "int8"), ("all-linear", "attention")
    )  # fmt: skip
    for size, (quantization, targets) in itertools.product(sizes, list(combinations)):
        weights = _weights(folder / f"{size}", at_image_size(PALIGEMMA_CONFIG, size))
        for side, checkpointing in SIDES:
            yield Plan(
                image_size_px=size,
                cell=Cell(
                    weights=weights,
                    side=side,
                    quantization=quantization,
                    lora_targets=targets,
                    checkpointing=checkpointing,
                    micro_batches=(8,) if quick else MICRO_BATCHES,
                ),
            )


def _reduced(folder: Path, *, quick: bool) -> Iterable[Plan]:
    weights = _weights(folder / "reduced", REDUCED.config)
    for quantization, (side, checkpointing) in itertools.product(("nf4",) if quick else ("bf16", "int8", "nf4"), SIDES):
        yield Plan(
            image_size_px=REDUCED.image_size_px,
            cell=Cell(
                weights=weights,
                side=side,
                quantization=quantization,
                lora_targets="all-linear",
                checkpointing=checkpointing,
                micro_batches=(1, 2),
                suffix_tokens=16,
                steps=1,
                device="cpu",
            ),
        )


def _weights(folder: Path, config: dict[str, Any]) -> str:
    if not folder.exists():
        folder.mkdir()
        write_random_weights(config, folder)
    return str(folder)


def _measured(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    file = folder / "cell.json"
    file.write_bytes(msgspec.json.encode(plan.cell))
    command = [sys.executable, "-m", "benchmarks._grid_worker", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=OUT.parent.parent)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode and not found:
        tail = done.stderr.strip().splitlines()[-1:] or ["no message"]
        sys.stderr.write(f"{' '.join(plan.key)}: {tail[0]}\n")
    return found


def _row(plan: Plan, measured: dict[str, Any], gpu: str) -> dict[str, str]:
    cell = plan.cell
    config = json.loads((Path(cell.weights) / "config.json").read_text())
    work = step_flops_per_example(
        architecture_from_config(config),
        prompt_tokens=cell.prompt_tokens,
        suffix_tokens=cell.suffix_tokens,
        lora_targets=cell.lora_targets,
        lora_rank=cell.lora_rank,
    )
    rate = measured["micro_batch"] / measured["seconds_per_step"]
    spec = read_catalog().gpu_of_driver(gpu)
    values = {
        "gpu": gpu,
        "model": PALIGEMMA.replace("224", str(plan.image_size_px)),
        "image_size_px": plan.image_size_px,
        "quantization": cell.quantization,
        "lora_targets": cell.lora_targets,
        "lora_rank": cell.lora_rank,
        "side": cell.side,
        "checkpointing": cell.checkpointing,
        "prompt_tokens": cell.prompt_tokens,
        "suffix_tokens": cell.suffix_tokens,
        "examples_per_s": rate,
        # Both sides by the FLOPs that the result needs: work that a side does beyond them is no use.
        "tflop_per_example": work / 1e12,
        "mfu": None if spec is None else rate * work / (spec.training_tflops * 1e12),
        **{name: version(name) for name in ("torch", "transformers", "peft", "bitsandbytes")},
        "source": SOURCE,
        "as_of": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **measured,
    }
    return {name: _text(values.get(name)) for name in COLUMNS}


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("image_size_px", "quantization", "lora_targets", "side", "checkpointing"))


def _read() -> list[dict[str, str]]:
    if not OUT.exists():
        return []
    with OUT.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _append(rows: Sequence[dict[str, str]]) -> None:
    new = not OUT.exists()
    with OUT.open("a", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            table.writeheader()
        table.writerows(rows)


def _joint(rows: Sequence[dict[str, str]], gpu: str, new: int) -> list[Figure]:
    """nf4, batch 8, 224 px, all linear layers: speed and peak beside stock."""
    found = [Figure(name=f"grid on {gpu}", value=new, unit="new rows")]

    def one(side: str, checkpointing: bool) -> dict[str, str] | None:
        wanted = {"gpu": gpu, "quantization": "nf4", "image_size_px": "224", "lora_targets": "all-linear",
                  "micro_batch": "8", "side": side, "checkpointing": str(checkpointing)}  # fmt: skip
        return next((row for row in rows if all(row[name] == value for name, value in wanted.items())), None)

    ours, stock, lean = one("ours", False), one("stock", False), one("ours", True)
    if ours and stock:
        ratio = float(stock["seconds_per_step"]) / float(ours["seconds_per_step"])
        found.append(at_least("nf4, batch 8, 224 px: steps/s, ours / stock", ratio, "x", 2.0))
        found.append(at_most("  peak, ours / stock", float(ours["peak_gib"]) / float(stock["peak_gib"]), "", 0.5))
        if lean:
            share = float(lean["peak_gib"]) / float(stock["peak_gib"])
            found.append(at_most("  peak with checkpointing, ours / stock without", share, "", 0.25))
    return found
