"""A run of `../shared/groundtruth/` as the planner's own types, from input columns only (DESIGN section 10)."""

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
from planner.hardware.memory import TrainingShape

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
LINEAR_BYTES = {"none": 2.0, "nf4": 0.5625, "bnb.nf4": 0.5625, "nf4-dq": 0.516, "int4-gptq": 0.5625, "int8": 1.02}
GPU_NAMES = {"A6000": "RTX-A6000", "RTX4090": "RTX-4090", "A100-80GB": "A100-80GB-SXM", "A100": "A100-80GB-SXM"}
# Prompt and answer of an Alpaca example; the longest of a batch grows slowly with the batch.
ALPACA_TOKENS, ALPACA_GROWTH = 140.0, 0.35
# Longest over mean of a batch of four.
PADDING = 1.2
# Prompt and answer of a visual question.
IMAGE_TEXT_TOKENS = 48
NAMES_OF_LINEAR = {
    "q": ("q_proj", "q+", "c_attn", "query", "self_attn", "all-linear"),
    "k": ("k_proj", "c_attn", "key", "self_attn", "all-linear"),
    "v": ("v_proj", "+v", "c_attn", "value", "self_attn", "all-linear"),
    "o": ("o_proj", "+o", "c_proj", "projection", "self_attn", "all-linear"),
    "gate": ("gate_proj", "mlp", "w1", "w2", "all-linear"),
    "up": ("up_proj", "mlp", "w1", "w2", "all-linear"),
    "down": ("down_proj", "mlp", "c_proj", "all-linear"),
}


def read_rows(file: str) -> list[dict[str, str]]:
    """Rows of a ground-truth file; empty where it is not there."""
    path = GROUND_TRUTH / file
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def number(setup: Mapping[str, Any], column: str, otherwise: float = math.nan) -> float:
    """A column as a number; empty, "nan" and None are `otherwise`."""
    value = setup.get(column)
    if value is None or value in ("", "nan"):
        return otherwise
    found = float(value)
    return otherwise if math.isnan(found) else found


def text(setup: Mapping[str, Any], column: str) -> str:
    """A column as text; a missing one is empty."""
    value = setup.get(column)
    return "" if value is None or value != value else str(value)


def architecture_of(setup: Mapping[str, Any]) -> ModelArchitecture:
    """The model, without its vision tower; sizes that are missing are those of a common model of as many parameters."""
    parameters = number(setup, "params", 3e9)
    # Decoders have about 12 x layers x hidden^2 weights with hidden = 100 to 128 x layers.
    layers = int(number(setup, "layers", max(round((parameters / (12 * 110**2)) ** (1 / 3)), 2)))
    hidden = int(number(setup, "hidden", 128 * round(110 * layers / 128)))
    heads = int(number(setup, "heads", max(hidden // 128, 1)))
    return ModelArchitecture(
        hidden=hidden,
        intermediate=int(number(setup, "inter", 3.5 * hidden)),
        layers=layers,
        heads=heads,
        key_value_heads=int(number(setup, "kv", heads)),
        head_size=int(number(setup, "head_dim", hidden // heads)),
        vocabulary=int(number(setup, "vocab", 128_000)),
        gated=number(setup, "gated", 1.0) != 0,
        tied=number(setup, "tied", 1.0) != 0,
    )


def quantization_of(setup: Mapping[str, Any]) -> Quantization:
    """Bytes of the setup's weights."""
    name = text(setup, "quant") or "none"
    return Quantization(
        quantization=name,
        bytes_per_linear_parameter=LINEAR_BYTES.get(name, 2.0),
        bytes_per_other_parameter=2.0,
        precision_class="bf16",
        relative_step_time=1.0,
        relative_step_time_high=1.0,
        source="benchmark",
        as_of="2026-11-24",
    )


def lora_parameters_of(setup: Mapping[str, Any], model: ModelArchitecture) -> int:
    """Trainable adapter weights: given, or from rank and targets."""
    given: float = number(setup, "trainable_params")
    if not math.isnan(given):
        return int(given)
    rank, targets = number(setup, "lora_rank", 0.0), text(setup, "lora_targets")
    shapes = model.linear_shapes
    hit = [name for name, words in NAMES_OF_LINEAR.items() if name in shapes and any(word in targets for word in words)]
    return int(model.layers * rank * sum(sum(shapes[name]) for name in hit))


def tokens_of(setup: Mapping[str, Any]) -> int:
    """Tokens of one example."""
    return int(number(setup, "seq_len", 1024.0))


def shape_of(setup: Mapping[str, Any], model: ModelArchitecture) -> TrainingShape:
    """What is held at once, with the habits of the code that trains: told by arithmetic, compiler and metric."""
    litgpt, torchtune = text(setup, "precision") == "bf16-true", text(setup, "metric") == "peak active"
    compiled = number(setup, "compile", 0.0) == 1
    gptq = text(setup, "quant") == "int4-gptq"
    quantized = (text(setup, "quant") or "none") != "none"
    return TrainingShape(
        prompt_tokens=0,
        suffix_tokens=tokens_of(setup),
        lora_parameters=lora_parameters_of(setup, model),
        micro_batch_size=int(number(setup, "micro_batch", 1.0)),
        # `prepare_model_for_kbit_training` switches checkpointing on where nothing is said.
        checkpointing=number(setup, "grad_ckpt", float(quantized and not litgpt)) == 1,
        full=text(setup, "method") == "full",
        head_on_all_tokens=True,
        lean_head=litgpt or gptq or torchtune,
        chunked_head=compiled and torchtune,
        upcast=quantized and not (litgpt or torchtune or gptq),
        stored_head=litgpt,
        eager_attention=text(setup, "attn") == "eager",
        compiled=compiled,
    )


def mean_tokens_of(setup: Mapping[str, Any]) -> int:
    """Text tokens that an example takes on average in a padded batch, where the length is only a limit."""
    basis, batch = text(setup, "seq_basis"), number(setup, "micro_batch", 1.0)
    stated = re.search(r"mean ~(\d+)", basis)
    if stated:
        return round(float(stated[1]) * PADDING)
    if "Alpaca" in basis:
        return round(min(float(tokens_of(setup)), float(ALPACA_TOKENS * batch**ALPACA_GROWTH)))
    if "image tok" in basis:
        return IMAGE_TEXT_TOKENS
    return tokens_of(setup)


def with_tower(model: ModelArchitecture, setup: Mapping[str, Any]) -> ModelArchitecture:
    """The model with PaliGemma's tower where the setup is a vision-language model."""
    if number(setup, "vlm", 0.0) == 0:
        return model
    size = 448 if "448" in text(setup, "model") else 224
    return msgspec.structs.replace(
        model, vision_hidden=1152, vision_intermediate=4304, vision_layers=27, image_size_px=size
    )


def gpu_of(setup: Mapping[str, Any]) -> GpuSpec:
    """The catalog's GPU; an A100 where the name is not known."""
    name = text(setup, "gpu")
    known = {spec.gpu: spec for spec in read_catalog().gpus}
    return known.get(GPU_NAMES.get(name, name), known["A100-80GB-SXM"])


def micro_steps_of(setup: Mapping[str, Any]) -> float:
    """Micro-steps of what the source calls a step: litgpt counts micro-steps, the others optimizer steps."""
    return 1.0 if text(setup, "precision") == "bf16-true" else number(setup, "grad_accum", 1.0)
