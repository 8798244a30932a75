"""The numbers of a model, and the parameters that follow from them."""

from __future__ import annotations

import functools
from typing import Any

from msgspec import Struct

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
        layer_normalization: LayerNorm (it keeps its input as it is) instead of RMSNorm (which keeps it in float32).
        softcapped_attention: Scores are capped (Gemma 2), so they are materialised, whatever the kernel.
        other_language_parameters: Weights beyond those: positions, biases of MLP, norms and head.
        image_size_px, patch_size_px: Of the square image.
        vision_pooling_head: SigLIP's attention pooling, which PaliGemma leaves out.
        vision_gated: Three MLP matrices in the tower (Qwen2.5-VL).
        vision_parameter_count, projector_parameter_count: Where the tower or projector is not PaliGemma's; 0: it is.
        image_token_count: Tokens of an image where they are not its patches; 0: they are.
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
    layer_normalization: bool = False
    softcapped_attention: bool = False
    other_language_parameters: int = 0
    vision_hidden: int = 0
    vision_intermediate: int = 0
    vision_layers: int = 0
    image_size_px: int = 0
    patch_size_px: int = 14
    vision_pooling_head: bool = False
    vision_gated: bool = False
    vision_parameter_count: int = 0
    projector_parameter_count: int = 0
    image_token_count: int = 0

    @property
    def query_size(self) -> int:
        """Width of q and of the attention's output."""
        return self.heads * self.head_size

    @property
    def key_value_size(self) -> int:
        """Width of k and of v."""
        return self.key_value_heads * self.head_size

    @property
    def patches(self) -> int:
        """Patches of an image; 0 without a vision tower."""
        return (self.image_size_px // self.patch_size_px) ** 2 if self.vision_layers else 0

    @property
    def image_tokens(self) -> int:
        """Tokens an image takes in the language model; 0 without a vision tower."""
        return self.image_token_count or self.patches

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
        return _linear_parameters(self)

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
        return self.linear_parameters + self.embedding_parameters + norms + biases + self.other_language_parameters

    @property
    def vision_linear_parameters(self) -> int:
        """Weights of the linear layers of the vision tower."""
        matrices = 3 if self.vision_gated else 2
        return self.vision_layers * (
            4 * self.vision_hidden**2 + matrices * self.vision_hidden * self.vision_intermediate
        )

    @property
    def vision_parameters(self) -> int:
        """Parameters of the vision tower; SigLIP's where no count is given."""
        if not self.vision_layers or self.vision_parameter_count:
            return self.vision_parameter_count
        width, inner = self.vision_hidden, self.vision_intermediate
        patches = 3 * self.patch_size_px**2 * width + width + self.patches * width
        attention, mlp = 4 * (width * width + width), 2 * width * inner + inner + width
        pooling = (attention + mlp + 3 * width) * self.vision_pooling_head
        return patches + self.vision_layers * (attention + mlp + 4 * width) + 2 * width + pooling

    @property
    def projector_parameters(self) -> int:
        """Parameters between tower and language model."""
        if not self.vision_layers or self.projector_parameter_count:
            return self.projector_parameter_count
        return self.vision_hidden * self.hidden + self.hidden

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


@functools.lru_cache(maxsize=64)
def _linear_parameters(architecture: ModelArchitecture) -> int:
    """Asked for again and again; a plan compares hundreds of options of one model."""
    return architecture.layers * sum(rows * columns for rows, columns in architecture.linear_shapes.values())


def architecture_from_numbers(row: Any) -> ModelArchitecture:
    """The architecture of anything that has its numbers as attributes, such as a catalog row; others keep defaults."""
    names = [name for name in ModelArchitecture.__struct_fields__ if hasattr(row, name)]
    return ModelArchitecture(**{name: getattr(row, name) for name in names})
