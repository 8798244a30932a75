"""FLOPs of this trainer's own step, in closed form; `torch.utils.flop_counter` counts the same (a test)."""

from __future__ import annotations

from planner.hardware.architecture import (
    LINEAR_OF_TARGETS,
    ModelArchitecture,
    attention_flops,
    decode_flops_per_token,
    prefill_flops,
    training_flops_per_example,
    vision_flops,
)

_ON_EVERY_ROW = ("k", "v")


def step_flops_per_example(
    architecture: ModelArchitecture,
    *,
    prompt_tokens: int,
    suffix_tokens: int,
    lora_targets: str,
    lora_rank: int,
    short_last_layer: bool = True,
) -> float:
    """Forward and backward of one example: suffix-only head, cached features, last layer on the suffix rows.

    What checkpointing computes again is not counted, as in model FLOPs utilisation (Chowdhery et al. 2022, appendix B).
    """
    tokens = architecture.image_tokens + prompt_tokens + suffix_tokens
    full = training_flops_per_example(
        architecture,
        tokens=tokens,
        head_rows=suffix_tokens,
        lora_parameters=architecture.lora_parameters(lora_targets, lora_rank),
        cached_features=True,
    )
    projector = 2.0 * architecture.vision_hidden * architecture.hidden * architecture.image_tokens
    if not short_last_layer:
        return full + projector
    spared = tokens - suffix_tokens
    shapes = {name: shape for name, shape in architecture.linear_shapes.items() if name not in _ON_EVERY_ROW}
    weights = sum(rows * columns for rows, columns in shapes.values())
    adapted = [name for name in LINEAR_OF_TARGETS[lora_targets] if name in shapes]
    lora = lora_rank * sum(sum(shapes[name]) for name in adapted)
    attention = attention_flops(architecture, tokens) / architecture.layers * spared / tokens
    forward = 2.0 * spared * (weights + lora) + attention
    backward = 2.0 * spared * weights + 4.0 * spared * lora + 2.0 * attention
    return full + projector - forward - backward


def prefill_flops_per_study(architecture: ModelArchitecture, prompt_tokens: int) -> float:
    """Reading image (features at hand) and prompt once."""
    projector = 2.0 * architecture.vision_hidden * architecture.hidden * architecture.image_tokens
    return prefill_flops(architecture, prompt_tokens) - vision_flops(architecture) + projector


def decode_flops_per_study(architecture: ModelArchitecture, prompt_tokens: int, answer_tokens: int) -> float:
    """One token of an answer that is `answer_tokens` long at that point."""
    return decode_flops_per_token(architecture, architecture.image_tokens + prompt_tokens + answer_tokens)
