"""A run of `../shared/groundtruth/` as the planner's own types, from input columns only (DESIGN section 10).

What the columns do not say is inferred from what they do say about the training code: Lightning calls its arithmetic
`bf16-true`, torchtune its memory `peak active`; everything else is taken for transformers with peft.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from planner.catalog import GpuSpec, Quantization, read_catalog
from planner.hardware.architecture import ModelArchitecture
from planner.hardware.memory_components import MemoryMetric
from planner.hardware.training_shape import Head, TrainingShape

GROUND_TRUTH = Path(__file__).resolve().parent.parent.parent / "shared" / "groundtruth"
INPUT_COLUMNS = (
    "model",
    "params",
    "hidden",
    "layers",
    "heads",
    "kv",
    "inter",
    "vocab",
    "gated",
    "tied",
    "head_dim",
    "vlm",
    "method",
    "quant",
    "gpu",
    "n_gpus",
    "seq_len",
    "seq_basis",
    "micro_batch",
    "grad_accum",
    "lora_rank",
    "lora_targets",
    "trainable_params",
    "grad_ckpt",
    "attn",
    "optimizer",
    "precision",
    "compile",
    "metric",
)
# Where neither the catalog nor a driver writes the name so: the first fragment that it holds.
GPU_FRAGMENTS = {
    "gh200": "GH200",
    "h200": "H200-SXM",
    "h100-pcie": "H100-PCIe",
    "h100": "H100-SXM",
    "b300": "B300",
    "b200": "B200",
    "a100-40": "A100-40GB-SXM",
    "a100": "A100-80GB-SXM",
    "v100-16": "V100-16GB",
    "v100": "V100-32GB",
    "l40s": "L40S",
    "l40": "L40",
    "l4": "L4",
    "a10g": "A10G",
    "a10": "A10",
    "a30": "A30",
    "t4": "T4",
    "6000-ada": "RTX-6000-Ada",
    "pro-6000": "RTX-PRO-6000-WS",
    "a6000": "RTX-A6000",
    "5090": "RTX-5090",
    "4090": "RTX-4090",
    "3090": "RTX-3090",
    "mi300": "MI300X",
    "mi325": "MI325X",
    "mi355": "MI355X",
}
ANY_GPU = "A100-80GB-SXM"
# Prompt and answer of an Alpaca example; the longest of a batch grows slowly with the batch.
ALPACA_TOKENS, PADDING_GROWTH = 140.0, 0.35
# Prompt and answer of a visual question.
IMAGE_TEXT_TOKENS = 48
NAMES_OF_LINEAR = {
    "q": ("q_proj", "q+", "c_attn", "query", "qkv", "self_attn", "all"),
    "k": ("k_proj", "c_attn", "key", "qkv", "self_attn", "all"),
    "v": ("v_proj", "+v", "v+", "c_attn", "value", "qkv", "self_attn", "all"),
    "o": ("o_proj", "+o", "c_proj", "projection", "attn.proj", "self_attn", "all"),
    "gate": ("gate_proj", "mlp", "w1", "w2", "all"),
    "up": ("up_proj", "mlp", "fc1", "w1", "w2", "all"),
    "down": ("down_proj", "mlp", "fc2", "c_proj", "all"),
}
DEFAULT_ADAPTED = ("q", "v")


def read_rows(file: str) -> list[dict[str, str]]:
    """Rows of a ground-truth file; empty where it is not there."""
    path = GROUND_TRUTH / file
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def number(setup: Mapping[str, Any], column: str, otherwise: float = math.nan) -> float:
    """A column as a number; empty, not a number and missing are `otherwise`."""
    value = setup.get(column)
    if isinstance(value, str):
        value = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}.get(value.strip().lower(), value)
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return otherwise
    return found if math.isfinite(found) else otherwise


def text(setup: Mapping[str, Any], column: str) -> str:
    """A column as text; a missing one is empty."""
    value = setup.get(column)
    return "" if value is None or value != value else str(value)


def architecture_of(setup: Mapping[str, Any]) -> ModelArchitecture:
    """The model with its vision tower; sizes that are missing are those of a common model of as many parameters."""
    parameters = number(setup, "params", 3e9)
    name = text(setup, "model").lower()
    # Decoders have about 12 x layers x hidden^2 weights with hidden = 100 to 128 x layers.
    layers = int(number(setup, "layers", max(round((parameters / (12 * 110**2)) ** (1 / 3)), 2)))
    hidden = int(number(setup, "hidden", 128 * max(round(110 * layers / 128), 1)))
    heads = int(number(setup, "heads", max(hidden // 128, 1)))
    gated = number(setup, "gated", 1.0) != 0
    second_gemma = any(word in name for word in ("gemma2", "gemma-2-", "paligemma2"))
    model = ModelArchitecture(
        hidden=hidden,
        intermediate=int(number(setup, "inter", 3.5 * hidden)),
        layers=layers,
        heads=heads,
        key_value_heads=int(number(setup, "kv", heads)),
        head_size=int(number(setup, "head_dim", hidden // heads)),
        vocabulary=int(number(setup, "vocab", 128_000)),
        gated=gated,
        tied=number(setup, "tied", 1.0) != 0,
        norms_per_layer=4 if second_gemma or "gemma3" in name or "gemma-3" in name else 2,
        layer_normalization=not gated,
        softcapped_attention=second_gemma,
    )
    # What the columns leave out: a vision tower or biases.
    beyond = number(setup, "params", 0.0) - model.parameters
    model = msgspec.structs.replace(model, other_language_parameters=max(int(beyond), 0))
    return _with_tower(model, setup) if number(setup, "vlm", 0.0) != 0 else model


def _with_tower(model: ModelArchitecture, setup: Mapping[str, Any]) -> ModelArchitecture:
    """SigLIP of PaliGemma in place of the parameters that the language model does not explain."""
    size = 448 if "448" in text(setup, "model") else 896 if "896" in text(setup, "model") else 224
    tower = msgspec.structs.replace(
        model, vision_hidden=1152, vision_intermediate=4304, vision_layers=27, image_size_px=size
    )
    beyond = model.other_language_parameters - tower.vision_parameters - tower.projector_parameters
    return msgspec.structs.replace(tower, other_language_parameters=max(beyond, 0))


def quantization_of(setup: Mapping[str, Any]) -> Quantization:
    """Bytes of the setup's weights, told by the name of the format."""
    name = text(setup, "quant").lower()
    each = 2.0
    if "-dq" in name or "double" in name:
        each = 0.516
    elif any(word in name for word in ("nf4", "fp4", "int4", "4bit", "4-bit", "gptq", "awq")) or name == "4":
        each = 0.5625
    elif "8" in name:
        each = 1.02
    return Quantization(
        quantization=name or "none",
        bytes_per_linear_parameter=each,
        bytes_per_other_parameter=2.0,
        precision_class="bf16",
        relative_step_time=1.0,
        relative_step_time_high=1.0,
        source="benchmark",
        as_of="2026-11-24",
    )


def adapted_of(setup: Mapping[str, Any], model: ModelArchitecture) -> tuple[str, ...]:
    """Linear layers with an adapter; q and v where nothing is said that is understood."""
    targets = text(setup, "lora_targets").lower()
    hit = [name for name, words in NAMES_OF_LINEAR.items() if any(word in targets for word in words)]
    return tuple(name for name in hit if name in model.linear_shapes) or DEFAULT_ADAPTED


def lora_parameters_of(setup: Mapping[str, Any], model: ModelArchitecture) -> int:
    """Trainable adapter weights: given, or from rank and targets."""
    given: float = number(setup, "trainable_params")
    if not math.isnan(given):
        return int(given)
    rank, shapes = number(setup, "lora_rank", 0.0), model.linear_shapes
    return int(model.layers * rank * sum(sum(shapes[name]) for name in adapted_of(setup, model)))


def tokens_of(setup: Mapping[str, Any]) -> int:
    """Text tokens of the longest example."""
    images = "image tok" in text(setup, "seq_basis")
    return int(number(setup, "seq_len", IMAGE_TEXT_TOKENS if images else 1024.0))


def mean_tokens_of(setup: Mapping[str, Any]) -> int:
    """Text tokens that an example takes on average in a padded batch, where the length is only a limit."""
    basis, longest = text(setup, "seq_basis"), float(tokens_of(setup))
    growth = math.pow(max(number(setup, "micro_batch", 1.0), 1.0), PADDING_GROWTH)
    stated = re.search(r"mean\D{0,3}(\d+)", basis)
    if stated:
        return round(min(longest, float(stated[1]) * min(growth, 1.2)))
    if "alpaca" in basis.lower():
        return round(min(longest, ALPACA_TOKENS * growth))
    return round(longest)


def shape_of(setup: Mapping[str, Any], model: ModelArchitecture, *, tokens: int | None = None) -> TrainingShape:
    """What is held at once, with the habits of the code that trains."""
    lightning, torchtune = is_lightning(setup), "active" in text(setup, "metric")
    gptq = "gptq" in text(setup, "quant").lower()
    quantized = quantization_of(setup).bytes_per_linear_parameter < 2.0
    compiled = number(setup, "compile", 0.0) == 1
    upcast = quantized and not (lightning or torchtune or gptq)
    if compiled and torchtune:
        head = Head.CHUNKED
    elif lightning or gptq or torchtune:
        head = Head.LEAN
    else:
        head = Head.UPCAST if upcast else Head.PLAIN
    asked = tokens_of(setup) if tokens is None else tokens
    if "image tok" not in text(setup, "seq_basis"):
        # The length is that of the whole sequence, image tokens included.
        asked = max(asked - model.image_tokens, 1)
    return TrainingShape(
        prompt_tokens=0,
        suffix_tokens=asked,
        lora_parameters=lora_parameters_of(setup, model),
        adapted=adapted_of(setup, model),
        micro_batch_size=max(int(number(setup, "micro_batch", 1.0)), 1),
        copied_inputs=True,
        half_adapters=lightning,
        # `prepare_model_for_kbit_training` switches checkpointing on where nothing is said.
        checkpointing=number(setup, "grad_ckpt", float(upcast or gptq)) == 1,
        full=is_full(setup),
        head=head,
        head_on_all_tokens=True,
        wide_activations=quantized and not gptq,
        dequantized_kept=gptq,
        stored_head=lightning,
        eager_attention=text(setup, "attn") == "eager",
        causal=not model.vision_layers,
        compiled=compiled,
        # Adapters by suffix name reach the tower, and its features are computed at every step.
        adapters_in_tower=model.vision_layers > 0,
        cached_features=False,
        accumulation=micro_steps_of(setup),
        gpus=max(int(number(setup, "n_gpus", 1.0)), 1),
        sharded=number(setup, "n_gpus", 1.0) > 1.0 and _too_large(setup, model),
    )


def _too_large(setup: Mapping[str, Any], model: ModelArchitecture) -> bool:
    """Whether weights, and what training all of them takes, leave no room on one card."""
    each = 8.0 if is_full(setup) else quantization_of(setup).bytes_per_linear_parameter
    return model.linear_parameters * each / 2.0**30 > 0.8 * gpu_of(setup).memory_gib


def is_full(setup: Mapping[str, Any]) -> bool:
    """Whether all weights are trained."""
    method = text(setup, "method").lower()
    return method.startswith("full") or "pretrain" in method


def is_lightning(setup: Mapping[str, Any]) -> bool:
    """Whether Lightning's name for 16-bit arithmetic is used."""
    return text(setup, "precision") == "bf16-true"


def metric_of(setup: Mapping[str, Any]) -> MemoryMetric:
    """What kind of memory the row gives; where it does not say so, what the allocator holds."""
    metric = text(setup, "metric").lower()
    if "alloc" in metric or "active" in metric or (is_lightning(setup) and "reserved" not in metric):
        return MemoryMetric.ALLOCATED
    if any(word in metric for word in ("smi", "driver", "nvml", "per-gpu")):
        return MemoryMetric.DRIVER
    return MemoryMetric.RESERVED


def gpu_of(setup: Mapping[str, Any]) -> GpuSpec:
    """The catalog's GPU; an A100 where the name is not known."""
    catalog, name = read_catalog(), text(setup, "gpu")
    known = {spec.gpu.lower(): spec for spec in catalog.gpus}
    wanted = name.lower().replace(" ", "-").replace("_", "-")
    fragment = next((gpu for part, gpu in GPU_FRAGMENTS.items() if part in wanted), ANY_GPU)
    return catalog.gpu_of_driver(name) or known[fragment.lower()]


def micro_steps_of(setup: Mapping[str, Any]) -> float:
    """Micro-steps of what the source calls a step: litgpt counts micro-steps, the others optimizer steps."""
    return 1.0 if is_lightning(setup) else max(number(setup, "grad_accum", 1.0), 1.0)
