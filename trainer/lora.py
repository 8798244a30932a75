"""LoRA adapters: where they sit, how they compute, how a run begins with fresh ones.

peft puts them in and names them. Three things are done differently from its defaults:

Adapters go by full path (`language_model. ... .q_proj`). By suffix they would also land in SigLIP's q, k and v: 45 % of
the "attention" adapters of PaliGemma-3B would sit there, and the image features could not be computed once.

They compute in the step's own precision, with float32 masters in the optimizer (`trainer.optimizer`). peft keeps them
in float32, so that every adapter of a bf16 model saves a float32 copy of its input: 43 % more activation memory.

Base and adapter are added in the matrix product itself, instead of scaled and added in passes of their own. Dropout is
0: in a calibration it costs 40 % of the activations and buys nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from trainer.quiet import quiet

TARGETS = {
    "attention": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "all-linear": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
}


def lora_pattern(targets: str) -> str:
    """Regular expression of the modules that get an adapter, all inside the language model."""
    return rf".*language_model\..*\.({'|'.join(TARGETS[targets])})"


def add_lora(
    network: Any, *, targets: str, rank: int, alpha: float, seed: int, dtype: torch.dtype | None = None
) -> Any:
    """Inject adapters in place (B = 0, so the network computes the same as before) and freeze everything else.

    `dtype` is the arithmetic of the adapters; None: what peft chooses.
    """
    with quiet():
        from peft import LoraConfig, inject_adapter_in_model

    make: Any = LoraConfig
    config = make(r=rank, lora_alpha=alpha, lora_dropout=0.0, bias="none", target_modules=lora_pattern(targets))
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        network = inject_adapter_in_model(config, network)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_("lora_" in name)
        if "lora_" in name and dtype is not None:
            parameter.data = parameter.data.to(dtype)
    for _, layer in lora_layers(network):
        layer.forward = _forward_of(layer)
    return network


def remove_lora(network: Any) -> None:
    """Take all adapters out; the frozen base is as it was loaded."""
    for name, layer in lora_layers(network):
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, layer.base_layer)


def lora_layers(network: Any) -> list[tuple[str, Any]]:
    """Name and module of every layer with an adapter."""
    from peft.tuners.lora import LoraLayer

    return [(name, module) for name, module in network.named_modules() if isinstance(module, LoraLayer)]


def _forward_of(layer: Any) -> Any:
    """base(x) + scale (x A') B', the sum as part of the last product."""
    base, scale = layer.base_layer, layer.scaling["default"]
    down, up = layer.lora_A["default"], layer.lora_B["default"]

    def forward(values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = base(values)
        inner = functional.linear(values.to(down.weight.dtype), down.weight)
        if result.dtype != inner.dtype:
            wide: torch.Tensor = functional.linear(inner, up.weight) * scale
            return result + wide.to(result.dtype)
        flat = torch.addmm(result.flatten(0, -2), inner.flatten(0, -2), up.weight.t(), alpha=scale)
        summed: torch.Tensor = flat.view(result.shape)
        return summed

    return forward


def reset_lora(parameters: dict[str, torch.nn.Parameter], seed: int) -> None:
    """Adapters as at the start of a run: A drawn from the seed, B zero. The same on every device and precision."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in parameters.items():
        if "lora_B" in name:
            torch.nn.init.zeros_(parameter)
        else:
            bound = (1.0 / parameter.shape[1]) ** 0.5
            drawn = torch.rand(parameter.shape, generator=generator) * 2 * bound - bound
            with torch.no_grad():
                parameter.copy_(drawn)
