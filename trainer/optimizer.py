"""AdamW with float32 masters: adapters may compute in bf16, what is learned is kept in float32.

A bf16 number has 8 bits of mantissa: a step of 2e-4 on a weight of 0.05 would be rounded away, and so would the last
micro-batches of a sum of gradients. The optimizer adds gradients up and moves weights in float32, and rounds the result
into the adapter afterwards. Where the adapters are float32 the masters are the adapters; where they are float16 the
gradients come scaled by `loss_scale` and are collected without it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from trainer.float16 import LossScale

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class MasterAdamW:
    """AdamW (Loshchilov & Hutter 2019) without weight decay on named parameters."""

    def __init__(self, parameters: Mapping[str, torch.nn.Parameter], *, learning_rate: float) -> None:
        self._parameters = dict(parameters)
        self._masters = {
            name: p if p.dtype == torch.float32 else torch.nn.Parameter(p.detach().float())
            for name, p in self._parameters.items()
        }
        self._adam = torch.optim.AdamW(self._masters.values(), lr=learning_rate, weight_decay=0.0)
        self.loss_scale = LossScale(active=any(p.dtype == torch.float16 for p in self._parameters.values()))
        self._apart = [name for name, p in self._parameters.items() if p is not self._masters[name]]

    @property
    def masters(self) -> list[torch.nn.Parameter]:
        """What is learned, with the gradients of all micro-batches so far."""
        return list(self._masters.values())

    def set_learning_rate(self, rate: float) -> None:
        """Of the next step."""
        for group in self._adam.param_groups:
            group["lr"] = rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in (*self._parameters.values(), *self._masters.values()):
            parameter.grad = None

    def collect(self) -> None:
        """Add the gradients of a micro-batch to those of the masters."""
        for name in self._apart:
            parameter, master = self._parameters[name], self._masters[name]
            if parameter.grad is not None:
                gradient = parameter.grad.float()
                if self.loss_scale.active:
                    gradient /= self.loss_scale.value
                master.grad = gradient if master.grad is None else master.grad.add_(gradient)
                parameter.grad = None

    def step(self) -> None:
        """Move the masters by their gradients, then round them into the adapters."""
        self.collect()
        self._adam.step()
        with torch.no_grad():
            for name in self._apart:
                self._parameters[name].copy_(self._masters[name])

    def start_from_parameters(self) -> None:
        """Masters as the adapters are now (a run begins), moments forgotten."""
        with torch.no_grad():
            for name, master in self._masters.items():
                if master is not self._parameters[name]:
                    master.copy_(self._parameters[name])
        self._adam.state.clear()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Copies of masters and moments, by name."""
        found = {f"master.{name}": master.detach().cpu().clone() for name, master in self._masters.items()}
        for name, master in self._masters.items():
            for key in _MOMENTS:
                if key in (state := self._adam.state.get(master, {})):
                    found[f"{key}.{name}"] = torch.as_tensor(state[key]).detach().cpu().clone()
        return found

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `tensors` gave; the adapters follow."""
        state: dict[int, dict[str, torch.Tensor]] = {}
        with torch.no_grad():
            for index, (name, master) in enumerate(self._masters.items()):
                master.copy_(tensors[f"master.{name}"])
                self._parameters[name].copy_(master)
                found = {key: tensors[f"{key}.{name}"].clone() for key in _MOMENTS if f"{key}.{name}" in tensors}
                if found:
                    state[index] = found
        groups = self._adam.state_dict()["param_groups"]
        self._adam.load_state_dict({"state": state, "param_groups": groups})
