"""Shapes of the models that are known without their files. Loads nothing."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trainer.sample import SIZE_PX

PALIGEMMA = "google/paligemma-3b-pt-224"
PALIGEMMA_2 = "google/paligemma2-3b-pt-224"

# Commits of the hub: another revision would be another model.
REVISIONS = {
    PALIGEMMA: "35e4f46485b4d07967e7e9935bc3786aad50687c",
    PALIGEMMA_2: "96eeb174da13ca1a2b247e4d0867436296c36420",
}

# The models' config.json; what it leaves out, transformers fills with values that differ from these.
PALIGEMMA_CONFIG: dict[str, Any] = {
    "image_token_index": 257152,
    "projection_dim": 2048,
    "hidden_size": 2048,
    "vocab_size": 257216,
    "text_config": {
        "model_type": "gemma",
        "hidden_size": 2048,
        "intermediate_size": 16384,
        "num_hidden_layers": 18,
        "num_attention_heads": 8,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 257216,
    },
    "vision_config": {
        "model_type": "siglip_vision_model",
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 224,
        "patch_size": 14,
        "vision_use_head": False,
    },
}
PALIGEMMA_2_CONFIG: dict[str, Any] = {
    **PALIGEMMA_CONFIG,
    "projection_dim": 2304,
    "hidden_size": 2304,
    "text_config": {
        "model_type": "gemma2",
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "vocab_size": 257216,
    },
}


def at_image_size(config: dict[str, Any], image_size_px: int) -> dict[str, Any]:
    """The same model for another image size; only its position embeddings differ."""
    return {**config, "vision_config": {**config["vision_config"], "image_size": image_size_px}}


PALIGEMMA_448 = "google/paligemma-3b-pt-448"
CONFIGS = {
    PALIGEMMA: PALIGEMMA_CONFIG,
    PALIGEMMA_448: at_image_size(PALIGEMMA_CONFIG, 448),
    PALIGEMMA_2: PALIGEMMA_2_CONFIG,
}
"""Shapes that are known without the model's files."""


class TinyShape(Struct, frozen=True, kw_only=True):
    """Size and pretraining of the tiny model."""

    hidden: int = 128
    layers: int = 2
    heads: int = 4
    intermediate: int = 256
    vision_hidden: int = 48
    vision_layers: int = 1
    image_size_px: int = SIZE_PX
    patch_px: int = 14
    vocabulary: int = 1500
    pretraining_steps: int = 600
    batch_size: int = 32
    learning_rate: float = 3e-3
    longest_text_tokens: int = 48
    seed: int = 20_000

    def config(self, vocabulary: int) -> dict[str, Any]:
        """Keyword arguments of `PaliGemmaConfig`, without special tokens."""
        return {
            "projection_dim": self.hidden,
            "hidden_size": self.hidden,
            "vocab_size": vocabulary,
            "text_config": {
                "model_type": "gemma",
                "hidden_size": self.hidden,
                "intermediate_size": self.intermediate,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads,
                "num_key_value_heads": 1,
                "head_dim": self.hidden // self.heads,
                "vocab_size": vocabulary,
            },
            "vision_config": {
                "model_type": "siglip_vision_model",
                "hidden_size": self.vision_hidden,
                "intermediate_size": 2 * self.vision_hidden,
                "num_hidden_layers": self.vision_layers,
                "num_attention_heads": 4,
                "image_size": self.image_size_px,
                "patch_size": self.patch_px,
                "vision_use_head": False,
            },
        }
