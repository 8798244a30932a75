"""Vision towers and what joins them to the language model, as counts of parameters and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.errors import Mistake, RecordError

Config = Mapping[str, Any]


def vision_numbers(config: Config, *, hidden: int, image_size_px: int | None) -> dict[str, Any]:
    """Fields of `ModelArchitecture` about images; none for a text model.

    Args:
        config: The whole configuration.
        hidden: Width of the language model.
        image_size_px: Side of the image, where it is not the configuration's.

    Raises:
        RecordError: A tower that is not known, or an image size that nothing states.
    """
    vision: Config = config.get("vision_config") or {}
    if not vision:
        return {}
    kind = str(vision.get("model_type") or "siglip_vision_model")
    size = image_size_px or vision.get("image_size")
    if not isinstance(size, int):
        raise _error("image_size", f"{kind} takes images of any size", "Say which: image_size_px")
    if kind == "siglip_vision_model":
        return _siglip(config, vision, hidden, size)
    if kind == "clip_vision_model":
        return _clip(config, vision, hidden, size)
    if kind in ("idefics3_vision", "smolvlm_vision"):
        return _idefics(config, vision, hidden, size)
    if kind in ("qwen2_vl", "qwen2_vl_vision", "qwen2_5_vl", "qwen2_5_vl_vision", "qwen3_vl", "qwen3_vl_vision"):
        return _qwen(vision, kind.removesuffix("_vision"), size)
    raise _error("vision_config.model_type", f"{kind[:40]!r} is not known", "Known: siglip, clip, idefics3, qwen-vl")


def _siglip(config: Config, vision: Config, hidden: int, size: int) -> dict[str, Any]:
    """PaliGemma's linear projector; Gemma 3 pools the patches, normalises them and projects without a bias."""
    numbers = _tower(vision, size) | {"vision_pooling_head": bool(vision.get("vision_use_head", True))}
    if "mm_tokens_per_image" in config:
        width = int(vision["hidden_size"])
        numbers |= {
            "projector_parameter_count": width * hidden + width,
            "image_token_count": int(config["mm_tokens_per_image"]),
        }
    return numbers


def _clip(config: Config, vision: Config, hidden: int, size: int) -> dict[str, Any]:
    """LLaVA: CLIP with a class token and no bias on its patches, a projector of two layers."""
    width = int(vision["hidden_size"])
    patches = (size // int(vision["patch_size"])) ** 2
    embedding = width + 3 * int(vision["patch_size"]) ** 2 * width + (patches + 1) * width
    bias = bool(config.get("multimodal_projector_bias", True))
    return _tower(vision, size) | {
        "vision_parameter_count": embedding + _layers(vision) + 4 * width,
        "projector_parameter_count": width * hidden + hidden * hidden + 2 * hidden * bias,
    }


def _idefics(config: Config, vision: Config, hidden: int, size: int) -> dict[str, Any]:
    """Idefics 3 and SmolVLM: patches of a square of `scale_factor` become one token; one tile of an image."""
    width, fold = int(vision["hidden_size"]), int(config.get("scale_factor", 2)) ** 2
    patches = (size // int(vision["patch_size"])) ** 2
    embedding = 3 * int(vision["patch_size"]) ** 2 * width + width + patches * width
    return _tower(vision, size) | {
        "vision_parameter_count": embedding + _layers(vision) + 2 * width,
        "projector_parameter_count": width * fold * hidden,
        "image_token_count": patches // fold,
    }


def _qwen(vision: Config, kind: str, size: int) -> dict[str, Any]:
    """Qwen-VL: patches over two frames, four of them become one token; 3 has positions and deep mergers."""
    width = int(vision["embed_dim"] if kind == "qwen2_vl" else vision["hidden_size"])
    out = int(vision["hidden_size"] if kind == "qwen2_vl" else vision["out_hidden_size"])
    inner = int(width * vision["mlp_ratio"]) if kind == "qwen2_vl" else int(vision["intermediate_size"])
    depth, patch, fold = int(vision["depth"]), int(vision["patch_size"]), int(vision["spatial_merge_size"]) ** 2
    gated = kind == "qwen2_5_vl"
    norm = width if gated else 2 * width
    mlp = 3 * width * inner + 2 * inner + width if gated else 2 * width * inner + inner + width
    layer = 4 * width * width + 4 * width + mlp + 2 * norm
    embedding = int(vision.get("temporal_patch_size", 2)) * 3 * patch**2 * width
    wide = width * fold
    merger = wide * wide + wide + wide * out + out
    mergers = norm + merger
    if kind == "qwen3_vl":
        embedding += width + int(vision["num_position_embeddings"]) * width
        mergers += len(vision.get("deepstack_visual_indexes") or ()) * (2 * wide + merger)
    return {
        "vision_hidden": width,
        "vision_intermediate": inner,
        "vision_layers": depth,
        "image_size_px": size,
        "patch_size_px": patch,
        "vision_gated": gated,
        "vision_parameter_count": embedding + depth * layer,
        "projector_parameter_count": mergers,
        "image_token_count": (size // patch) ** 2 // fold,
    }


def _tower(vision: Config, size: int) -> dict[str, Any]:
    missing = [
        name
        for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "patch_size")
        if not isinstance(vision.get(name), int)
    ]
    if missing:
        raise RecordError([_mistake(f"vision_config.{name}", "expected a whole number", _REMEDY) for name in missing])
    return {
        "vision_hidden": int(vision["hidden_size"]),
        "vision_intermediate": int(vision["intermediate_size"]),
        "vision_layers": int(vision["num_hidden_layers"]),
        "image_size_px": size,
        "patch_size_px": int(vision["patch_size"]),
    }


def _layers(vision: Config) -> int:
    """Layers of a plain vision transformer with biases and two LayerNorms."""
    width, inner = int(vision["hidden_size"]), int(vision["intermediate_size"])
    return int(vision["num_hidden_layers"]) * (4 * (width * width + width) + 2 * width * inner + inner + 5 * width)


_REMEDY = "Use the configuration that came with the model"


def _mistake(field: str, reason: str, remedy: str) -> Mistake:
    return Mistake(file="config.json", field=field, reason=reason, remedy=remedy)


def _error(field: str, reason: str, remedy: str) -> RecordError:
    return RecordError([_mistake(field, reason, remedy)])
