"""From a Hugging Face configuration to the numbers of a model.

A family of models is one row: what its layers have beyond the four attention and two or three MLP matrices. A family
that is not listed is refused, because a guess would be off without saying so; mixtures of experts, linear attention and
compressed key-values have no closed form here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from planner.errors import Mistake, RecordError
from planner.hardware.architecture.model import ModelArchitecture
from planner.hardware.architecture.vision import vision_numbers

Config = Mapping[str, Any]


class Family(Struct, frozen=True):
    """What a decoder layer of a family has.

    Attributes:
        norms: Norms a layer of width `hidden`.
        norm_bias: They have a bias (LayerNorm).
        gated: Three MLP matrices.
        query_key_value_bias, output_bias, mlp_bias: True, False, or the key of the configuration that says so.
        query_key_norm: "", "head" (one of head size) or "width" (over all heads).
        head_bias: The vocabulary head has a bias.
        tied: Default where the configuration does not say.
        positions: Learned position embeddings beyond `max_position_embeddings` (OPT: 2), None: rotary.
        softcapped: Attention scores are capped.
        grouped: Several query heads may share keys and values.
    """

    norms: int = 2
    norm_bias: bool = False
    gated: bool = True
    query_key_value_bias: bool | str = False
    output_bias: bool | str = False
    mlp_bias: bool | str = False
    query_key_norm: str = ""
    head_bias: bool = False
    tied: bool = False
    positions: int | None = None
    softcapped: bool = False
    grouped: bool = True


_BIAS = "attention_bias"
_LLAMA = Family(query_key_value_bias=_BIAS, output_bias=_BIAS, mlp_bias="mlp_bias")
_OLDER = Family(norm_bias=True, gated=False, query_key_value_bias=True, output_bias=True, mlp_bias=True, grouped=False)
FAMILIES: dict[str, Family] = {
    "llama": _LLAMA,
    "granite": _LLAMA,
    "mistral": Family(),
    "smollm3": Family(query_key_value_bias=_BIAS, output_bias=_BIAS, mlp_bias="mlp_bias", tied=True),
    "qwen2": Family(query_key_value_bias=True),
    "qwen3": Family(query_key_value_bias=_BIAS, output_bias=_BIAS, query_key_norm="head"),
    "gemma": Family(query_key_value_bias=_BIAS, output_bias=_BIAS, tied=True),
    "gemma2": Family(norms=4, query_key_value_bias=_BIAS, output_bias=_BIAS, tied=True, softcapped=True),
    "gemma3_text": Family(norms=4, query_key_value_bias=_BIAS, output_bias=_BIAS, query_key_norm="head", tied=True),
    "phi3": Family(),
    "phi": Family(norms=1, norm_bias=True, gated=False, query_key_value_bias=True, output_bias=True, mlp_bias=True,
                  head_bias=True),
    "olmo2": Family(query_key_value_bias=_BIAS, output_bias=_BIAS, query_key_norm="width"),
    "cohere": Family(norms=1, query_key_value_bias=_BIAS, output_bias=_BIAS, tied=True),
    "glm": Family(query_key_value_bias=_BIAS),
    "glm4": Family(norms=4, query_key_value_bias=_BIAS),
    "exaone4": Family(query_key_norm="head"),
    "ernie4_5": Family(query_key_value_bias="use_bias", output_bias="use_bias", mlp_bias="use_bias", tied=True),
    "arcee": Family(gated=False, query_key_value_bias=_BIAS, output_bias=_BIAS, mlp_bias="mlp_bias"),
    "nemotron": Family(norm_bias=True, gated=False, query_key_value_bias=_BIAS, output_bias=_BIAS, mlp_bias="mlp_bias"),
    "stablelm": Family(norm_bias=True, query_key_value_bias="use_qkv_bias"),
    "starcoder2": Family(norm_bias=True, gated=False, query_key_value_bias="use_bias", output_bias="use_bias",
                         mlp_bias="use_bias", tied=True),
    "gpt_neox": _OLDER,
    "gpt2": structs.replace(_OLDER, tied=True, positions=0),
    "opt": structs.replace(_OLDER, tied=True, positions=2),
}  # fmt: skip
# The text part of a vision-language model has a name of its own.
SAME_AS = {"qwen2_vl_text": "qwen2", "qwen2_5_vl_text": "qwen2", "qwen3_vl_text": "qwen3", "gemma3": "gemma3_text"}
# GPT-2 and OPT write some sizes under other names.
OTHER_NAMES = {
    "hidden_size": ("n_embd",),
    "intermediate_size": ("n_inner", "ffn_dim"),
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "max_position_embeddings": ("n_positions",),
}
NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
NO_CLOSED_FORM = {
    "num_local_experts": "a mixture of experts: only some of its experts work on a token",
    "num_experts": "a mixture of experts: only some of its experts work on a token",
    "n_routed_experts": "a mixture of experts: only some of its experts work on a token",
    "kv_lora_rank": "compressed keys and values",
    "linear_num_value_heads": "linear attention",
    "state_size": "a state space instead of attention",
    "hidden_size_per_layer_input": "embeddings of its own in every layer",
}


def architecture_from_config(config: Config, *, image_size_px: int | None = None) -> ModelArchitecture:
    """Read a Hugging Face configuration (`config.to_dict()`, or a `config.json` that states its sizes).

    Knows the text families of `FAMILIES`, and with a vision tower PaliGemma 1 and 2, Gemma 3 (MedGemma), LLaVA,
    Idefics 3, SmolVLM, Qwen2-VL, Qwen2.5-VL and Qwen3-VL.

    Args:
        config: The configuration.
        image_size_px: Side of the square image, for models that take any size (Qwen-VL), or instead of the
            configuration's own.

    Raises:
        RecordError: A size is missing, the family is unknown, or it has no closed form; every mistake at once.
    """
    text: Config = config.get("text_config") or config
    sizes = {key: _size(text, key) for key in (*NEEDED, "max_position_embeddings")}
    if text.get("model_type") == "gpt2" and not text.get("n_inner") and sizes["hidden_size"]:
        sizes["intermediate_size"] = 4 * sizes["hidden_size"]
    family_name = str(text.get("model_type") or "")
    _refuse(text, family_name, [key for key in NEEDED if sizes[key] is None])
    family = FAMILIES[SAME_AS.get(family_name, family_name)]
    hidden, layers = int(sizes["hidden_size"] or 0), int(sizes["num_hidden_layers"] or 0)
    intermediate, heads = int(sizes["intermediate_size"] or 0), int(sizes["num_attention_heads"] or 0)
    head_size = int(text.get("head_dim") or hidden // heads)
    key_value_heads = int(text.get("num_key_value_heads") or heads) if family.grouped else heads
    gated = family.gated
    norms, query_key_norm = family.norms, family.query_key_norm
    if family_name == "stablelm" and text.get("use_parallel_residual"):
        norms = 1
    other = layers * norms * hidden * family.norm_bias + hidden * family.norm_bias
    if _has(text, family.mlp_bias):
        other += layers * (intermediate * (2 if gated else 1) + hidden)
    if query_key_norm == "width":
        other += layers * (heads + key_value_heads) * head_size
    if family.positions is not None:
        other += (int(sizes["max_position_embeddings"] or 0) + family.positions) * hidden
    other += int(text["vocab_size"]) * family.head_bias
    tied = config.get("tie_word_embeddings") if text is not config else None
    if tied is None:
        tied = text.get("tie_word_embeddings", family.tied)
    return ModelArchitecture(
        hidden=hidden,
        intermediate=intermediate,
        layers=layers,
        heads=heads,
        key_value_heads=key_value_heads,
        head_size=head_size,
        vocabulary=int(text["vocab_size"]),
        gated=gated,
        tied=bool(tied),
        norms_per_layer=norms,
        attention_bias=_has(text, family.query_key_value_bias),
        output_bias=_has(text, family.output_bias),
        query_key_norm=query_key_norm == "head",
        layer_normalization=family.norm_bias,
        softcapped_attention=family.softcapped,
        other_language_parameters=other,
        **vision_numbers(config, hidden=hidden, image_size_px=image_size_px),
    )


def _size(text: Config, key: str) -> int | None:
    for name in (*OTHER_NAMES.get(key, ()), key):
        value = text.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _has(text: Config, said: bool | str) -> bool:
    return bool(text.get(said, False)) if isinstance(said, str) else said


def _refuse(text: Config, family: str, missing: list[str]) -> None:
    mistakes = [
        _mistake(key, "expected a whole number above 0", "Use the configuration that came with the model, loaded so "
                 "that its defaults are filled in (AutoConfig.from_pretrained(...).to_dict())")
        for key in missing
    ]  # fmt: skip
    reasons = [reason for key, reason in NO_CLOSED_FORM.items() if text.get(key)]
    if reasons:
        mistakes.append(_mistake("model_type", f"{family[:40]} has {reasons[0]}", "Use a dense decoder"))
    elif SAME_AS.get(family, family) not in FAMILIES:
        mistakes.append(
            _mistake(
                "model_type",
                f"{family[:40]!r} is not among the families whose layers are known" if family else "it is not stated",
                f"Known: {', '.join(sorted(FAMILIES))}. A model with the same layers under another name may be given "
                "that family's model_type",
            )
        )
    if mistakes:
        raise RecordError(mistakes)


def _mistake(field: str, reason: str, remedy: str) -> Mistake:
    return Mistake(file="config.json", field=field, reason=reason, remedy=remedy)
