"""How weights are held in memory, and which are never quantised.

bitsandbytes matches the skip list from the start of a module's full name, so plain names such as `vision_tower` skip
nothing in transformers 5: the patterns below do (a test counts the quantised modules). peft's helper that prepares a
model for k-bit training is not used: it upcasts the tied embedding to float32 (+0.98 GiB for PaliGemma-3B) and turns
checkpointing on.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import torch

from planner.errors import MissingPartError

QUANTIZATIONS = ("fp32", "bf16", "int8", "nf4")
SKIPPED = (".*vision_tower", ".*multi_modal_projector", "lm_head")


# Words of /proc/cpuinfo: x86 flags and ARM features.
_CPU_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
_CPU_INT8 = {"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"}


def native_arithmetic(device: torch.device) -> tuple[str, ...] | None:
    """Low precisions that a device has instructions for (`bf16`, `fp16`, `int8`); None: unknown."""
    if device.type == "cuda":
        return gpu_arithmetic(torch.cuda.get_device_capability(device))
    if device.type == "cpu":
        try:
            return cpu_arithmetic(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return None
    return None


def gpu_arithmetic(capability: tuple[int, int]) -> tuple[str, ...]:
    """By CUDA compute capability: bf16 from Ampere (8.0) on, int8 from Turing (7.5) and Pascal's 6.1 on.

    V100 (7.0) and T4 (7.5) are a class of their own, `fp16` in `data/gpus.csv`: their tensor cores know nothing else,
    and Gemma's activations overflow it (`trainer.float16` has the remedy). Older cards have no tensor cores.
    """
    found = []
    if capability >= (8, 0):
        found.append("bf16")
    if capability >= (7, 0):
        found.append("fp16")
    if capability >= (7, 5) or capability == (6, 1):
        found.append("int8")
    return tuple(found)


def cpu_arithmetic(cpuinfo: str) -> tuple[str, ...] | None:
    """By the flags in /proc/cpuinfo; None where it has none."""
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, flags=re.MULTILINE)
    if line is None:
        return None
    flags = set(line.group(1).split())
    return tuple(name for name, words in (("bf16", _CPU_BF16), ("int8", _CPU_INT8)) if flags & words)


def precision_remark(quantization: str, device: torch.device) -> str | None:
    """What the user should know of this device and this quantization, or None."""
    native = native_arithmetic(device)
    if device.type == "cuda" and native is not None and "bf16" not in native and quantization != "fp32":
        if "fp16" not in native:
            return "This GPU has no tensor cores: the step computes in float32, slowly. Weights are held as asked."
        held = "weights of 16 bits are held in float16, and " if quantization == "bf16" else ""
        return (
            f"This GPU (the class of V100 and T4) has no bfloat16: {held}matrix products are computed in float16. What "
            "would overflow there stays in float32, and the loss is scaled."
        )
    needed = {"bf16": "bf16", "nf4": "bf16", "int8": "int8"}.get(quantization)
    if device.type != "cpu" or needed is None:
        return None
    if native is None:
        return f"Whether this processor computes in {needed} is unknown; if not, it is emulated and slow."
    if needed not in native:
        return (
            f"This processor has no {needed} instructions: they are emulated. Losses are right, but seconds say "
            "nothing about other machines, and fp32 is faster here."
        )
    return None


def default_quantization(device: torch.device) -> str:
    """bf16 (weights of 16 bits) where the device has tensor cores, else fp32: a CPU is slow at bf16."""
    return "fp32" if device.type != "cuda" or compute_dtype("nf4", device) == torch.float32 else "bf16"


def compute_dtype(quantization: str, device: torch.device) -> torch.dtype:
    """Arithmetic of the step: bfloat16; float16 where the tensor cores know nothing else; float32 without any.

    Raises:
        MissingPartError: bf16 weights are asked for, and the GPU computes in no 16-bit format.
    """
    if quantization == "fp32":
        return torch.float32
    native = native_arithmetic(device) if device.type == "cuda" else ("bf16",)
    if native is None or "bf16" in native:
        return torch.bfloat16
    if "fp16" in native:
        return torch.float16
    if quantization == "bf16":
        raise MissingPartError("This GPU is too old for 16-bit arithmetic. Use --quantization fp32, int8 or nf4.")
    return torch.float32


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


def keep_trainable(network: torch.nn.Module) -> None:
    """Do not let bitsandbytes repack 4-bit weights for inference.

    On a CPU with AVX-512 BF16 the first evaluation repacks them (0.50.2); from then on the product has no derivative,
    and the adapters below get gradients that are 60 to 90 % wrong, without a word but a warning.
    """
    for module in network.modules():
        if getattr(module, "support_avx512bf16_for_cpu", False):
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]


def quantised_modules(network: torch.nn.Module) -> list[str]:
    """Names of the linear layers whose weights bitsandbytes holds."""
    return [name for name, module in network.named_modules() if type(module).__module__.startswith("bitsandbytes")]
