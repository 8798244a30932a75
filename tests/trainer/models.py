"""Networks for tests: a random tiny PaliGemma with adapters."""

from __future__ import annotations

from typing import Any

import torch
from msgspec import structs

from trainer import tiny
from trainer.float16 import widen
from trainer.last_layer import shorten_last_layer
from trainer.lora import add_lora
from trainer.model import LoadedModel
from trainer.shape import TinyShape
from trainer.tiny_tokenizer import train_tokenizer
from trainer.tokens import Encoded

SHAPE = structs.replace(
    TinyShape(), hidden=64, heads=2, intermediate=128, vision_hidden=16, vocabulary=300, image_size_px=28
)


def random_model(
    targets: str | None = "all-linear", family: str = "gemma", dtype: torch.dtype = torch.float32
) -> LoadedModel:
    tokenizer = train_tokenizer(["left upper zone", "right lower zone"], SHAPE.vocabulary)
    model = tiny.new_model(tokenizer, SHAPE)
    if family == "gemma2":
        model.network = gemma_2(model.vocabulary_size)
    model.network.to(dtype)
    model.dtype = dtype
    model.network.requires_grad_(False)
    shorten_last_layer(model.network)
    model.short_last_layer = True
    if dtype == torch.float16:
        widen(model.network)
    if targets:
        add_lora(model.network, targets=targets, rank=4, alpha=8, seed=0, dtype=dtype)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            for name, parameter in model.trainable_named().items():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter, std=0.05)
    return model


def gemma_2(vocabulary: int) -> Any:
    """A random PaliGemma 2, with Gemma 2's soft caps, norms and grouped keys."""
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    config = SHAPE.config(vocabulary)
    config["text_config"] |= {
        "model_type": "gemma2",
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "sliding_window": 4096,
        "pad_token_id": 0,
    }
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = PaliGemmaForConditionalGeneration(PaliGemmaConfig(**config, image_token_index=3, pad_token_id=0))
        torch.nn.init.normal_(network.get_input_embeddings().weight, std=SHAPE.hidden**-0.5)
    return network.float()


def random_examples(
    model: LoadedModel, lengths: tuple[tuple[int, int], ...] = ((4, 7), (6, 3), (5, 5), (3, 9))
) -> list[Encoded]:
    draw = torch.Generator().manual_seed(3)

    def ids(length: int) -> tuple[int, ...]:
        return tuple(torch.randint(10, model.vocabulary_size, (length,), generator=draw).tolist())

    return [
        Encoded(prompt=ids(prompt), suffix=ids(suffix), image=row, case=row % 2, truncated=False)
        for row, (prompt, suffix) in enumerate(lengths)
    ]


def random_features(model: LoadedModel, rows: int = 4) -> torch.Tensor:
    width = model.network.config.vision_config.hidden_size
    return torch.randn(rows, model.image_tokens, width, generator=torch.Generator().manual_seed(5))
