"""float16 arithmetic that Gemma survives, for GPUs whose tensor cores know nothing else (V100, T4).

float16 ends at 65,504. What a Gemma layer writes into the residual stream, and the product inside its MLP, go beyond
that (google/gemma_pytorch issue 24); the stock model then computes infinities. So matrix products, where the time goes,
are done in float16 on tensor cores, and the rest keeps float32's range:

- the residual stream is float32; every norm takes float32 in and gives float16 out;
- the product of the MLP's gate and its other half is computed in float32, and every row is scaled by a power of two
  before it goes through the last matrix; the result is scaled back in float32. A power of two rounds nothing;
- masters, moments and the sum of gradients are float32 as always (`trainer.optimizer`), and the loss is scaled, so that
  small gradients do not vanish (Micikevicius et al. 2018, arXiv 1710.03740).

Computing all in float32 instead would be right, too, and use an eighth of the card.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

FIRST_LOSS_SCALE = 2.0**12
LARGEST_LOSS_SCALE = 2.0**16
_STEPS_TO_DOUBLE = 200
# Rows of the MLP's product are scaled to at most this: 16,384 of them, times weights of 0.02, stay below 65,504.
_LARGEST_IN_A_ROW = 256.0


class LossScale:
    """The factor on the loss: halved when a gradient overflows, doubled after 200 steps without; 1 without float16."""

    def __init__(self, *, active: bool) -> None:
        self.active = active
        self.value = FIRST_LOSS_SCALE if active else 1.0
        self._good = 0

    def worked(self) -> None:
        """A step's gradients were finite."""
        self._good += 1
        if self.active and self._good % _STEPS_TO_DOUBLE == 0:
            self.value = min(2 * self.value, LARGEST_LOSS_SCALE)

    def overflowed(self) -> bool:
        """Halve it; False: it is 1 already, so the scale is not to blame."""
        self._good = 0
        if self.value <= 1.0:
            return False
        self.value /= 2
        return True


def widen(network: Any) -> None:
    """Let a float16 PaliGemma keep its residual stream and its MLP's product in float32's range, in place.

    Knows the layers of Gemma and Gemma 2.
    """
    body = network.model.language_model
    body.register_forward_pre_hook(_float32_embeddings, with_kwargs=True)
    body.rotary_emb.register_forward_hook(lambda _module, _inputs, turns: tuple(turn.half() for turn in turns))
    for name, module in body.named_modules():
        if name.rpartition(".")[2].endswith("norm"):
            module.register_forward_hook(lambda _module, _inputs, normed: normed.half())
    for layer in body.layers:
        layer.mlp.forward = _mlp_of(layer.mlp)


def _float32_embeddings(_module: Any, inputs: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return inputs, {**options, "inputs_embeds": options["inputs_embeds"].float()}


def _mlp_of(mlp: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    gated: Any = _Gated

    def forward(values: torch.Tensor) -> torch.Tensor:
        inner, scale = gated.apply(mlp.gate_proj(values), mlp.up_proj(values), mlp.act_fn)
        wide: torch.Tensor = mlp.down_proj(inner).float() * scale
        return wide

    return forward


class _Gated(torch.autograd.Function):
    """act(gate) * up in float32, every row over a power of two, as float16; keeps only its two inputs."""

    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor, act: Any) -> tuple[torch.Tensor, torch.Tensor]:
        product = act(gate.float()) * up.float()
        largest = product.abs().amax(dim=-1, keepdim=True)
        scale = torch.exp2(torch.ceil(torch.log2(largest / _LARGEST_IN_A_ROW))).clamp(min=1.0)
        ctx.save_for_backward(gate, up, scale)
        ctx.act = act
        ctx.mark_non_differentiable(scale)
        return (product / scale).half(), scale

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        gate, up, scale = ctx.saved_tensors
        with torch.enable_grad():
            inputs = gate.detach().float().requires_grad_(), up.detach().float().requires_grad_()
            product = ctx.act(inputs[0]) * inputs[1] / scale
            one, other = torch.autograd.grad(product, inputs, upstream[0].float())
        return one.half(), other.half(), None
