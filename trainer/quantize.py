"""How weights are held in memory, and which are never quantised.

bitsandbytes matches the skip list from the start of a module's full name, so plain names such as `vision_tower` skip
nothing in transformers 5: the patterns below do (a test counts the quantised modules). peft's helper that prepares a
model for k-bit training is not used: it upcasts the tied embedding to float32 (+0.98 GiB for PaliGemma-3B) and turns
checkpointing on.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import torch

from planner.errors import MissingPartError

QUANTIZATIONS = ("fp32", "bf16", "int8", "nf4")
SKIPPED = (".*vision_tower", ".*multi_modal_projector", "lm_head")


def default_quantization(device: torch.device) -> str:
    """bf16 where the device computes in it, else fp32 (V100 and T4 cannot, a CPU is slow at it)."""
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"


def compute_dtype(quantization: str, device: torch.device) -> torch.dtype:
    """Arithmetic of the step.

    Raises:
        MissingPartError: The device has no bfloat16.
    """
    if quantization == "fp32":
        return torch.float32
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        if quantization == "bf16":
            raise MissingPartError("This GPU has no bfloat16 (V100, T4). Use --quantization fp32, int8 or nf4.")
        return torch.float32
    return torch.bfloat16


def loading_options(quantization: str, device: torch.device) -> dict[str, Any]:
    """Keyword arguments of `from_pretrained`.

    Raises:
        MissingPartError: bitsandbytes is needed and not installed.
    """
    dtype = compute_dtype(quantization, device)
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": str(device)}}
    if quantization in ("fp32", "bf16"):
        return options
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingPartError(
            f"--quantization {quantization} needs bitsandbytes, which is not installed. "
            "Install it with `pip install bitsandbytes`, or use --quantization bf16."
        )
    from transformers import BitsAndBytesConfig

    make: Any = BitsAndBytesConfig

    skipped = list(SKIPPED)
    if quantization == "int8":
        config = make(load_in_8bit=True, llm_int8_skip_modules=skipped)
    else:
        config = make(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=skipped,
        )
    return {**options, "quantization_config": config}


def quantised_modules(network: torch.nn.Module) -> list[str]:
    """Names of the linear layers whose weights bitsandbytes holds."""
    return [name for name, module in network.named_modules() if type(module).__module__.startswith("bitsandbytes")]
