"""Parameters, FLOPs and bytes of a model in closed form from its Hugging Face configuration.

Pure arithmetic without torch, shared by trainer and planner. One multiply-add counts as two FLOPs. The training terms
follow what autograd computes for a frozen base with LoRA (no weight gradients of the base, no input gradient of the
first layer's q, k, v) and agree with `torch.utils.flop_counter.FlopCounterMode`; norms, rotary embeddings, softmax and
the optimizer are left out as the counter does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from planner.errors import Mistake, RecordError

LINEAR_OF_TARGETS = {"attention": ("q", "k", "v", "o"), "all-linear": ("q", "k", "v", "o", "gate", "up", "down")}


class ModelArchitecture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of a decoder, with a vision tower where there is one (`vision_layers` > 0).

    Attributes:
        hidden, intermediate, layers, heads, key_value_heads, head_size, vocabulary: Of the language model.
        gated: Three MLP matrices (gate, up, down) instead of two.
        tied: The head shares the embedding's weights.
        norms_per_layer: Norm weights a layer, in units of `hidden`.
        attention_bias: Biases on q, k and v.
        output_bias: A bias on the attention's output.
        query_key_norm: Norm weights on q and k, `head_size` each a layer.
        image_size_px, patch_size_px: Of the square image.
        vision_pooling_head: SigLIP's attention pooling, which PaliGemma leaves out.
    """

    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    head_size: int
    vocabulary: int
    gated: bool = True
    tied: bool = True
    norms_per_layer: int = 2
    attention_bias: bool = False
    output_bias: bool = False
    query_key_norm: bool = False
    vision_hidden: int = 0
    vision_intermediate: int = 0
    vision_layers: int = 0
    image_size_px: int = 0
    patch_size_px: int = 14
    vision_pooling_head: bool = False

    @property
    def query_size(self) -> int:
        """Width of q and of the attention's output."""
        return self.heads * self.head_size

    @property
    def key_value_size(self) -> int:
        """Width of k and of v."""
        return self.key_value_heads * self.head_size

    @property
    def image_tokens(self) -> int:
        """Tokens an image takes; 0 without a vision tower."""
        return (self.image_size_px // self.patch_size_px) ** 2 if self.vision_layers else 0

    @property
    def mlp_matrices(self) -> int:
        """Linear layers of an MLP."""
        return 3 if self.gated else 2

    @property
    def linear_shapes(self) -> dict[str, tuple[int, int]]:
        """(input, output) width of every linear layer of one decoder layer."""
        shapes = {
            "q": (self.hidden, self.query_size),
            "k": (self.hidden, self.key_value_size),
            "v": (self.hidden, self.key_value_size),
            "o": (self.query_size, self.hidden),
            "up": (self.hidden, self.intermediate),
            "down": (self.intermediate, self.hidden),
        }
        return shapes | {"gate": (self.hidden, self.intermediate)} if self.gated else shapes

    @property
    def linear_parameters(self) -> int:
        """Weights of the decoder's linear layers, without embedding and head: what quantization shrinks."""
        return self.layers * sum(rows * columns for rows, columns in self.linear_shapes.values())

    @property
    def embedding_parameters(self) -> int:
        """Weights of the embedding, and of the head where it has its own."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def language_parameters(self) -> int:
        """Parameters of the language model."""
        norms = self.layers * self.norms_per_layer * self.hidden + self.hidden
        norms += 2 * self.layers * self.head_size * self.query_key_norm
        biases = self.layers * (self.query_size + 2 * self.key_value_size) * self.attention_bias
        biases += self.layers * self.hidden * self.output_bias
        return self.linear_parameters + self.embedding_parameters + norms + biases

    @property
    def vision_parameters(self) -> int:
        """Parameters of the SigLIP tower."""
        if not self.vision_layers:
            return 0
        width, inner = self.vision_hidden, self.vision_intermediate
        patches = 3 * self.patch_size_px**2 * width + width + self.image_tokens * width
        attention, mlp = 4 * (width * width + width), 2 * width * inner + inner + width
        pooling = (attention + mlp + 3 * width) * self.vision_pooling_head
        return patches + self.vision_layers * (attention + mlp + 4 * width) + 2 * width + pooling

    @property
    def projector_parameters(self) -> int:
        """Parameters between tower and language model."""
        return self.vision_hidden * self.hidden + self.hidden if self.vision_layers else 0

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self.language_parameters + self.vision_parameters + self.projector_parameters

    def lora_parameters(self, targets: str, rank: int) -> int:
        """Trainable parameters of LoRA on the language model: rank x (input + output) for each adapted layer.

        Args:
            targets: `attention` or `all-linear`.
            rank: r of LoRA (Hu et al. 2021).
        """
        shapes = self.linear_shapes
        widths = sum(sum(shapes[name]) for name in LINEAR_OF_TARGETS[targets] if name in shapes)
        return self.layers * rank * widths


def architecture_from_config(config: Mapping[str, Any]) -> ModelArchitecture:
    """Read a Hugging Face configuration (`config.to_dict()` or a parsed `config.json`).

    Knows PaliGemma 1 and 2 (`text_config`, `vision_config`) and decoder-only text models.

    Raises:
        RecordError: A number that is needed is missing.
    """
    text: Mapping[str, Any] = config.get("text_config") or config
    vision: Mapping[str, Any] = config.get("vision_config") or {}
    needed = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
    missing = [key for key in needed if not isinstance(text.get(key), int)]
    if missing:
        raise RecordError(
            [
                Mistake(
                    file="config.json",
                    field=key,
                    reason="expected a whole number",
                    remedy="Use the configuration that came with the model",
                )
                for key in missing
            ]
        )
    kind = str(text.get("model_type", ""))
    heads = int(text["num_attention_heads"])
    return ModelArchitecture(
        hidden=text["hidden_size"],
        intermediate=text["intermediate_size"],
        layers=text["num_hidden_layers"],
        heads=heads,
        key_value_heads=int(text.get("num_key_value_heads") or heads),
        head_size=int(text.get("head_dim") or text["hidden_size"] // heads),
        vocabulary=text["vocab_size"],
        gated=kind not in {"gpt2", "gpt_neox", "opt", "phi", "falcon"},
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", kind.startswith("gemma")))),
        norms_per_layer=4 if kind.startswith(("gemma2", "gemma3")) else 2,
        attention_bias=bool(text.get("attention_bias", False)) or kind == "qwen2",
        output_bias=bool(text.get("attention_bias", False)) and kind in {"llama", "gemma", "gemma2"},
        query_key_norm=kind.startswith(("qwen3", "gemma3")),
        vision_hidden=int(vision.get("hidden_size", 0)),
        vision_intermediate=int(vision.get("intermediate_size", 0)),
        vision_layers=int(vision.get("num_hidden_layers", 0)),
        image_size_px=int(vision.get("image_size", 0)),
        patch_size_px=int(vision.get("patch_size", 14)),
        vision_pooling_head=bool(vision) and bool(vision.get("vision_use_head", True)),
    )


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
    head = 2 * architecture.hidden * architecture.vocabulary * (tokens if head_rows is None else head_rows)
    backward = 2 * linear * tokens + 2 * attention + head + 4 * lora_parameters * tokens
    if not full:
        backward -= 2 * tokens * architecture.hidden * (architecture.query_size + 2 * architecture.key_value_size)
    image = 0.0 if cached_features else vision_flops(architecture)
    if full:
        backward += 2 * linear * tokens + head + 2 * image
    if checkpointing:
        backward += forward
    return float(forward + head + backward + image)


def attention_flops(architecture: ModelArchitecture, tokens: int) -> float:
    """FLOPs of scores and weighted sums over a whole sequence (both triangles, as dense kernels compute them)."""
    return 4.0 * tokens**2 * architecture.query_size * architecture.layers


def vision_flops(architecture: ModelArchitecture) -> float:
    """FLOPs of tower and projector for one image."""
    if not architecture.vision_layers:
        return 0.0
    width, inner, patches = architecture.vision_hidden, architecture.vision_intermediate, architecture.image_tokens
    embedding = 2 * 3 * architecture.patch_size_px**2 * width * patches
    layer = 2 * (4 * width * width + 2 * width * inner) * patches + 4 * patches**2 * width
    return float(embedding + architecture.vision_layers * layer + 2 * width * architecture.hidden * patches)


def prefill_flops(architecture: ModelArchitecture, prompt_tokens: int) -> float:
    """FLOPs of reading image and prompt once before the first answer token."""
    tokens = architecture.image_tokens + prompt_tokens
    head = 2 * architecture.hidden * architecture.vocabulary
    return (
        2.0 * architecture.linear_parameters * tokens
        + attention_flops(architecture, tokens)
        + head
        + vision_flops(architecture)
    )


def decode_flops_per_token(architecture: ModelArchitecture, context_tokens: int) -> float:
    """FLOPs of one answer token of one study."""
    attention = 4.0 * context_tokens * architecture.query_size * architecture.layers
    head = 2 * architecture.hidden * architecture.vocabulary
    return 2.0 * architecture.linear_parameters + attention + head


def key_value_bytes_per_token(architecture: ModelArchitecture, bytes_per_value: float) -> float:
    """Bytes of the key-value cache a token of one study."""
    return 2.0 * architecture.layers * architecture.key_value_size * bytes_per_value
