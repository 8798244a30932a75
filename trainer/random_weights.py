"""A PaliGemma with random weights: seconds and bytes of a real shape where its weights are not at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from trainer.disk import system_errors
from trainer.quiet import hush


class PlaceholderTokenizer:
    """PaliGemma's special ids and no words: enough to time made-up tokens."""

    pad_id = 0
    eos_id = 1
    bos_id = 2

    def encode(self, text: str) -> list[int]:
        """A made-up id a word."""
        return [1000 + len(word) for word in text.split()]

    def decode(self, ids: Sequence[int]) -> str:
        """See `Tokenizer`; a made-up word an id."""
        return " ".join(str(number) for number in ids)


def write_random_weights(config: dict[str, Any], folder: Path) -> None:
    """Random bf16 weights of a shape in Hugging Face's layout, so that they go through the real loading code.

    Seconds and bytes do not depend on what the weights are. `config` is that of the model's config.json.

    Raises:
        OSError: The disk is full, or refuses.
    """
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    make: Any = PaliGemmaConfig
    hush()
    with torch.device("meta"):
        network: Any = PaliGemmaForConditionalGeneration(make.from_dict(config))
    network = network.to(torch.bfloat16).to_empty(device="cpu")
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for parameter in network.parameters():
            parameter.normal_(std=0.02)
    network.tie_weights()
    with system_errors():
        network.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o600)
