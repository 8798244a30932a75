"""FLOPs of training and answering. One multiply-add counts as two.

The training terms follow what autograd computes for a frozen base with LoRA (no weight gradients of the base, no input
gradient of the first layer's q, k, v) and agree with `torch.utils.flop_counter.FlopCounterMode`; norms, rotary
embeddings, softmax and the optimizer are left out as the counter does.
"""

from __future__ import annotations

from planner.hardware.architecture.model import ModelArchitecture


def training_flops_per_example(
    architecture: ModelArchitecture,
    *,
    tokens: int,
    head_rows: int | None = None,
    lora_parameters: int = 0,
    full: bool = False,
    checkpointing: bool = False,
    cached_features: bool = False,
) -> float:
    """FLOPs of forward and backward for one example.

    Args:
        architecture: The model.
        tokens: Image + prompt + suffix tokens.
        head_rows: Rows on which the head is computed: the suffix alone, or None for all tokens.
        lora_parameters: Trainable adapter weights.
        full: Train all weights, head and vision tower included, instead of adapters.
        checkpointing: Activations are recomputed in the backward pass.
        cached_features: The image's features were computed once before.
    """
    linear, attention = architecture.linear_parameters, attention_flops(architecture, tokens)
    forward = 2 * linear * tokens + attention + 2 * lora_parameters * tokens
    head = head_flops(architecture, tokens if head_rows is None else head_rows)
    backward = 2 * linear * tokens + 2 * attention + head + 4 * lora_parameters * tokens
    if not full:
        backward -= 2 * tokens * architecture.hidden * (architecture.query_size + 2 * architecture.key_value_size)
    image = 0.0 if cached_features else vision_flops(architecture)
    if full:
        backward += 2 * linear * tokens + head + 2 * image
    if checkpointing:
        backward += forward
    return float(forward + head + backward + image)


def head_flops(architecture: ModelArchitecture, rows: float) -> float:
    """FLOPs of the vocabulary head on some rows, forward."""
    return 2.0 * architecture.hidden * architecture.vocabulary * rows


def attention_flops(architecture: ModelArchitecture, tokens: int) -> float:
    """FLOPs of scores and weighted sums over a whole sequence (both triangles, as dense kernels compute them)."""
    return 4.0 * tokens**2 * architecture.query_size * architecture.layers


def vision_flops(architecture: ModelArchitecture) -> float:
    """FLOPs of tower and projector for one image; windowed attention (Qwen2.5-VL) counts as full, an upper bound."""
    if not architecture.vision_layers:
        return 0.0
    width, patches = architecture.vision_hidden, architecture.patches
    embedding = 2 * 3 * architecture.patch_size_px**2 * width * patches
    layers = 2 * architecture.vision_linear_parameters * patches + architecture.vision_layers * 4 * patches**2 * width
    if architecture.projector_parameter_count:
        projector = 2 * architecture.projector_parameter_count * architecture.image_tokens
    else:
        projector = 2 * width * architecture.hidden * patches
    return float(embedding + layers + projector)


def prefill_flops(architecture: ModelArchitecture, prompt_tokens: int) -> float:
    """FLOPs of reading image and prompt once before the first answer token."""
    tokens = architecture.image_tokens + prompt_tokens
    return (
        2.0 * architecture.linear_parameters * tokens
        + attention_flops(architecture, tokens)
        + head_flops(architecture, 1)
        + vision_flops(architecture)
    )


def decode_flops_per_token(architecture: ModelArchitecture, context_tokens: int) -> float:
    """FLOPs of one answer token of one study."""
    attention = 4.0 * context_tokens * architecture.query_size * architecture.layers
    return 2.0 * architecture.linear_parameters + attention + head_flops(architecture, 1)


def key_value_bytes_per_token(architecture: ModelArchitecture, bytes_per_value: float) -> float:
    """Bytes of the key-value cache a token of one study."""
    return 2.0 * architecture.layers * architecture.key_value_size * bytes_per_value
