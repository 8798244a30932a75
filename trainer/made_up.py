"""Examples of a given length with made-up tokens: for timing, where what they say does not matter."""

from __future__ import annotations

import torch

from trainer.model import LoadedModel
from trainer.tokens import Encoded


def made_up_examples(model: LoadedModel, count: int, prompt_tokens: int, suffix_tokens: int) -> list[Encoded]:
    """Examples with ordinary token ids; example `i` has image `i`."""
    generator = torch.Generator().manual_seed(0)

    def ids(length: int) -> tuple[int, ...]:
        low = min(300, model.vocabulary_size // 2)
        return tuple(torch.randint(low, model.vocabulary_size - 8, (length,), generator=generator).tolist())

    return [
        Encoded(prompt=ids(prompt_tokens), suffix=ids(suffix_tokens), image=row, case=0, truncated=False)
        for row in range(count)
    ]


def made_up_features(model: LoadedModel, rows: int) -> torch.Tensor:
    """Features as the vision tower would give them, shape (rows, image tokens, width)."""
    width = int(model.network.config.vision_config.hidden_size)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, model.image_tokens, width, generator=generator).to(model.dtype)
