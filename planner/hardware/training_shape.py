"""What a training step holds and computes at once."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from planner.hardware.architecture import LINEAR_OF_TARGETS


class Head(StrEnum):
    """How the loss over the vocabulary is computed."""

    BOUNDED = "bounded"
    """In chunks of a fixed size (Plateau's trainer): never more than a constant."""
    PLAIN = "plain"
    """Logits in 16 bits and a float32 copy of them (transformers)."""
    LEAN = "lean"
    """Logits in 16 bits only (litgpt, torchtune)."""
    UPCAST = "upcast"
    """Embedding and head in float32, as `prepare_model_for_kbit_training` of peft leaves them."""
    CHUNKED = "chunked"
    """In a fixed number of chunks (torchtune)."""


class TrainingShape(Struct, frozen=True, kw_only=True):
    """Shape and habits of a training step. The defaults are those of Plateau's own trainer.

    Attributes:
        prompt_tokens, suffix_tokens: Of one example, beside its image tokens.
        lora_parameters: Trainable adapter weights.
        adapted: Linear layers of a decoder layer that have an adapter.
        copied_inputs: Each adapter keeps an input of its own, as peft does with float32 adapters, autocast or dropout;
            else adapters read what the base layer reads.
        half_adapters: Adapters, their gradients and moments in 16 bits (litgpt) instead of float32 masters.
        checkpointing: Layer inputs are kept and everything else is computed again in the backward pass.
        full: All weights are trained, in 16 bits with Adam.
        head: How the loss is computed.
        head_on_all_tokens: Logits for every token instead of the suffix.
        wide_activations: What quantized layers give is kept in float32, or twice in 16 bits (peft, Lightning).
        dequantized_kept: Weights of the live layer are kept dequantized for the backward pass (GPTQ).
        stored_head: Embedding and head are held twice although the model ties them (litgpt).
        eager_attention: Attention scores are materialised.
        causal: Every token sees its past only, so that kernels skip half of the scores; a prefix sees itself.
        compiled: `torch.compile` fuses some activations away.
        adapters_in_tower: Adapters by suffix name reach the vision tower, so that gradients flow through it.
        cached_features: The tower's features were computed once before (Plateau's trainer).
        accumulation: Micro-steps before the optimizer moves.
        gpus: That train together, each on micro-batches of its own.
        sharded: Weights, gradients and optimizer are spread over them (ZeRO-3, FSDP) instead of held by each.
    """

    prompt_tokens: int
    suffix_tokens: int
    lora_parameters: int
    adapted: tuple[str, ...] = LINEAR_OF_TARGETS["all-linear"]
    micro_batch_size: int = 1
    copied_inputs: bool = False
    half_adapters: bool = False
    checkpointing: bool = False
    full: bool = False
    head: Head = Head.BOUNDED
    head_on_all_tokens: bool = False
    wide_activations: bool = False
    dequantized_kept: bool = False
    stored_head: bool = False
    eager_attention: bool = False
    causal: bool = False
    compiled: bool = False
    adapters_in_tower: bool = False
    cached_features: bool = True
    accumulation: float = 1.0
    gpus: int = 1
    sharded: bool = False

    @property
    def passes(self) -> int:
        """Walks over the layers: forward, again where checkpointing, backward."""
        return 3 if self.checkpointing else 2
