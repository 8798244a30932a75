"""Image features once: the vision tower is frozen, so what it makes of an image never changes.

The features (SigLIP's last hidden state, in the step's arithmetic) lie in one memory-mapped file, one row an image. The
first pass reads and checks every image; later passes open none. The projector is applied at every step.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from planner.errors import Mistake, PlannerError, shown_name
from planner.record import write_atomically
from trainer.dataset import Example
from trainer.dataset.image_file import ImageRefusedError, pixels
from trainer.dataset.text_file import raise_all
from trainer.model import LoadedModel


def image_rows(examples: Sequence[Example]) -> dict[str, int]:
    """Row of every different image."""
    rows: dict[str, int] = {}
    for example in examples:
        rows.setdefault(str(example.image), len(rows))
    return rows


class FeatureCache:
    """Features by row; see `build`."""

    def __init__(self, features: torch.Tensor) -> None:
        self.features = features

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Features of some rows, shape (rows, image tokens, width)."""
        return self.features[rows]


def build(
    model: LoadedModel,
    examples: Sequence[Example],
    folder: Path,
    *,
    key: str,
    batch_size: int = 16,
    advance: Callable[[int], None] = lambda _: None,
) -> FeatureCache:
    """Compute the features of every image, or map those of an earlier pass with the same key.

    An image may occur in several examples. `folder` is the record's own work folder, `key` a digest of images, weights
    and preprocessing; `advance` is called with the number of images done.

    Raises:
        InputError: All images that cannot be used, with their rows.
        PlannerError: The vision tower computes values that are not finite.
    """
    rows = image_rows(examples)
    width = int(model.network.config.vision_config.hidden_size)
    shape = (len(rows), model.image_tokens, width)
    name = f"features-{model.dtype}".replace("torch.", "")
    path, marker = folder / f"{name}.bin", folder / f"{name}.key"
    size = shape[0] * shape[1] * shape[2]
    complete = marker.exists() and marker.read_text() == key and path.exists()
    if not complete:
        marker.unlink(missing_ok=True)
        _reserve(path, size * model.dtype.itemsize)
    mapped = torch.from_file(str(path), shared=True, size=size, dtype=model.dtype).view(shape)
    if not complete:
        _fill(mapped, model, examples, rows, batch_size, advance)
        write_atomically(marker, key.encode())
    return FeatureCache(mapped)


def _reserve(path: Path, size_bytes: int) -> None:
    """A file of this size whose blocks are there: writing into a mapping on a full disk would kill the process.

    Raises:
        OSError: The disk has no room; the message says how much is needed.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.ftruncate(descriptor, size_bytes)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as problem:
        path.unlink()
        free = shutil.disk_usage(path.parent).free
        unit, name = (2**30, "GiB") if size_bytes >= 2**30 else (2**20, "MiB")
        what = (
            f"image features need {size_bytes / unit:.1f} {name} in the record's work folder, "
            f"{free / unit:.1f} {name} are free"
        )
        raise OSError(problem.errno, what) from None
    finally:
        os.close(descriptor)


def forget(folder: Path) -> None:
    """Remove all features: they are made from patients' images."""
    for file in (*folder.glob("features-*.key"), *folder.glob("features-*.bin")):
        file.unlink()


@torch.no_grad()
def _fill(
    mapped: torch.Tensor,
    model: LoadedModel,
    examples: Sequence[Example],
    rows: dict[str, int],
    batch_size: int,
    advance: Callable[[int], None],
) -> None:
    first_use = {rows[str(example.image)]: example for example in reversed(examples)}
    mistakes: list[Mistake] = []
    waiting: list[tuple[int, torch.Tensor]] = []
    model.network.eval()

    def flush() -> None:
        if waiting:
            batch = torch.stack([values for _, values in waiting]).to(model.device, model.dtype)
            found = model.network.model.vision_tower(batch).last_hidden_state.to("cpu", model.dtype)
            if not bool(torch.isfinite(found).all()):
                arithmetic = str(model.dtype).removeprefix("torch.")
                raise PlannerError(
                    f"The vision tower computes values that are not finite in {arithmetic}. If --quantization fp32 is "
                    "no better, the weights are damaged."
                )
            mapped[torch.tensor([row for row, _ in waiting])] = found
            advance(len(waiting))
            waiting.clear()

    for row in sorted(first_use):
        example = first_use[row]
        try:
            waiting.append((row, torch.from_numpy(pixels(example.image, model.image_size_px))))
        except ImageRefusedError as problem:
            mistakes.append(
                Mistake(
                    file=shown_name(example.file),
                    row=example.row,
                    field="image",
                    reason=problem.reason,
                    remedy=problem.remedy,
                )
            )
        if len(waiting) == batch_size:
            flush()
    flush()
    raise_all(mistakes)
