"""Checkpoints: adapter, optimizer, counters and random state, as safetensors.

The tensors are written under a temporary name, fsynced and renamed; the marker that names them is written last. A kill
at any moment leaves either the old checkpoint or the new one, never a mixture. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct, structs
from safetensors.torch import load, save

from planner.record import write_atomically
from trainer.optimizer import MasterAdamW
from trainer.progress import say

# Of the tensors' names; a checkpoint of another Plateau counts as none.
FORMAT = 2


class Progress(Struct, frozen=True, kw_only=True):
    """Where a run stands."""

    step: int = 0
    suffix_tokens: int = 0
    train_seconds: float = 0.0
    wall_seconds: float = 0.0


def snapshot(optimizer: MasterAdamW) -> dict[str, torch.Tensor]:
    """Copies of all that a run changes: adapters, moments and the random state."""
    return {**optimizer.tensors(), "random": torch.get_rng_state()}


def restore(optimizer: MasterAdamW, tensors: dict[str, torch.Tensor]) -> None:
    """Put a snapshot back."""
    optimizer.load(tensors)
    torch.set_rng_state(tensors["random"])


def write(folder: Path, run: str, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
    """Make this the run's checkpoint; an older one goes when the new one is complete."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = save(tensors)
    name = f"{run}.{progress.step:08d}.safetensors"
    write_atomically(folder / name, data)
    marker: dict[str, Any] = {
        "format": FORMAT,
        "file": name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "progress": structs.asdict(progress),
    }
    write_atomically(folder / f"{run}.json", json.dumps(marker).encode())
    for file in folder.glob(f"{run}.*.safetensors"):
        if file.name != name:
            file.unlink()


def read(folder: Path, run: str) -> tuple[Progress, dict[str, torch.Tensor]] | None:
    """The newest complete checkpoint of a run, or None; a damaged one counts as none, and that is said."""
    file = folder / f"{run}.json"
    if not file.exists():
        return None
    try:
        marker = json.loads(file.read_text())
        data = (folder / marker["file"]).read_bytes()
    except (OSError, ValueError, KeyError):
        marker, data = {}, b""
    if marker.get("format") != FORMAT or hashlib.sha256(data).hexdigest() != marker["sha256"]:
        say(f"The checkpoint of {run} is damaged, or of another Plateau; its work is repeated.")
        return None
    return Progress(**marker["progress"]), load(data)


def forget_all(folder: Path) -> None:
    """Remove every checkpoint: adapters are made from patients' data."""
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def forget(folder: Path, run: str) -> None:
    """Remove a run's checkpoint; the marker first, so that it never names a missing file."""
    (folder / f"{run}.json").unlink(missing_ok=True)
    for file in folder.glob(f"{run}.*.safetensors"):
        file.unlink()
