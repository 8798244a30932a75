"""Cross-entropy of some rows against the vocabulary head, in chunks of rows that bound memory.

PaliGemma's head has 257,216 columns: the logits of 8 x 64 answer tokens with their float32 copy and gradient would take
1.3 GiB. The head is frozen, so all that a chunk must leave behind is its loss and the gradient of its rows; its logits
are freed before the next chunk is computed. The work is the same as without chunks. Few rows are done as the stock
model does them, bit for bit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

LARGEST_LOGITS_BYTES = {"cpu": 64 * 2**20, "cuda": 256 * 2**20}
"""float32 logits of a chunk. A GPU reads the whole head once a chunk, so its chunks are larger."""


def token_losses(rows: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Nats of every target, shape (n,), in float32.

    Args:
        rows: Hidden states that predict a token, shape (n, width).
        weight: Of the head, shape (vocabulary, width).
        targets: Token ids, shape (n,).
        cap: Gemma 2's soft cap of the logits, or None.
    """
    chunk = chunk_rows(rows, weight)
    parts = zip(torch.split(rows, chunk), torch.split(targets, chunk), strict=True)
    return torch.cat(
        [
            functional.cross_entropy(logits(part, weight, cap).float(), wanted, reduction="none")
            for part, wanted in parts
        ]
    )


def summed_loss(rows: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Nats summed over the targets; see `token_losses`.

    Gradients flow to `rows`, and to `weight` where it is trained.
    """
    if weight.requires_grad or len(rows) <= chunk_rows(rows, weight):
        return functional.cross_entropy(logits(rows, weight, cap).float(), targets, reduction="sum")
    chunked: Any = _ChunkedLoss
    total: torch.Tensor = chunked.apply(rows, weight, targets, cap)
    return total


def logits(rows: torch.Tensor, weight: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Logits of some rows in their own precision, capped as Gemma 2 does."""
    found = functional.linear(rows, weight)
    return found if cap is None else torch.tanh(found / cap) * cap


def chunk_rows(rows: torch.Tensor, weight: torch.Tensor) -> int:
    """Rows whose float32 logits take what a chunk may."""
    limit = LARGEST_LOGITS_BYTES.get(rows.device.type, LARGEST_LOGITS_BYTES["cpu"])
    return max(1, limit // (4 * weight.shape[0]))


class _ChunkedLoss(torch.autograd.Function):
    """Loss and gradient of the rows at once: softmax minus one at the target, times the head's weight."""

    @staticmethod
    def forward(
        ctx: Any, rows: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, cap: float | None
    ) -> torch.Tensor:
        chunk = chunk_rows(rows, weight)
        gradient = torch.empty_like(rows)
        total = torch.zeros((), dtype=torch.float32, device=rows.device)
        for start in range(0, len(rows), chunk):
            part, wanted = rows[start : start + chunk], targets[start : start + chunk, None]
            scores = logits(part, weight, cap).float()
            slope = None if cap is None else 1 - (scores / cap) ** 2
            total += functional.cross_entropy(scores, wanted[:, 0], reduction="sum")
            softmax = torch.softmax(scores, dim=-1)
            softmax.scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=softmax.dtype))
            if slope is not None:
                softmax *= slope
            torch.mm(softmax.to(rows.dtype), weight, out=gradient[start : start + chunk])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        # In float32: a loss scale of float16 may be beyond it, and 1/tokens has more digits than bf16.
        return (gradient.float() * upstream[0]).to(gradient.dtype), None, None, None
