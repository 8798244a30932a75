"""float32 masters behind bf16 adapters."""

from __future__ import annotations

import torch

from trainer.optimizer import MasterAdamW


def trained(dtype: torch.dtype, steps: int, rate: float) -> tuple[torch.nn.Parameter, MasterAdamW]:
    parameter = torch.nn.Parameter(torch.full((4,), 1.0, dtype=dtype))
    optimizer = MasterAdamW({"p": parameter}, learning_rate=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        parameter.grad = torch.ones(4, dtype=dtype)
        optimizer.step()
    return parameter, optimizer


def test_steps_too_small_for_bf16_add_up_in_the_master() -> None:
    """A step of 1e-4 on a weight of 1 is a thirtieth of what bf16 resolves."""
    parameter, optimizer = trained(torch.bfloat16, 100, 1e-4)
    assert torch.allclose(optimizer.tensors()["master.p"], torch.full((4,), 0.99), atol=1e-4)
    assert torch.equal(parameter.detach(), torch.full((4,), 0.99).bfloat16())
    bare = torch.nn.Parameter(torch.full((4,), 1.0, dtype=torch.bfloat16))
    stock = torch.optim.AdamW([bare], lr=1e-4, weight_decay=0.0)
    for _ in range(100):
        bare.grad = torch.ones(4, dtype=torch.bfloat16)
        stock.step()
    assert torch.equal(bare.detach(), torch.ones(4).bfloat16()), "stock bf16 does not move: hence masters"


def test_float32_adapters_are_their_own_masters_and_move_as_with_adamw() -> None:
    parameter, _ = trained(torch.float32, 5, 1e-2)
    twin = torch.nn.Parameter(torch.ones(4))
    stock = torch.optim.AdamW([twin], lr=1e-2, weight_decay=0.0)
    for _ in range(5):
        twin.grad = torch.ones(4)
        stock.step()
    assert torch.equal(parameter, twin)


def test_what_is_put_back_takes_the_same_next_step() -> None:
    parameter, optimizer = trained(torch.bfloat16, 3, 1e-3)
    kept = optimizer.tensors()
    other = torch.nn.Parameter(torch.zeros(4, dtype=torch.bfloat16))
    again = MasterAdamW({"p": other}, learning_rate=1e-3)
    again.load(kept)
    assert torch.equal(other, parameter)
    for one, each in ((optimizer, parameter), (again, other)):
        one.zero_grad()
        each.grad = torch.full((4,), 0.5, dtype=torch.bfloat16)
        one.step()
    assert torch.equal(again.tensors()["master.p"], optimizer.tensors()["master.p"])


def test_a_new_run_forgets_the_moments_of_the_last_one() -> None:
    parameter, optimizer = trained(torch.bfloat16, 3, 1e-3)
    with torch.no_grad():
        parameter.fill_(2.0)
    optimizer.start_from_parameters()
    assert list(optimizer.tensors()) == ["master.p"]
    assert torch.equal(optimizer.tensors()["master.p"], torch.full((4,), 2.0))


def test_gradients_of_many_micro_batches_add_up_in_float32() -> None:
    """256 gradients of 1 after one of 1,024: bf16 would stay at 1,024."""
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.bfloat16))
    optimizer = MasterAdamW({"p": parameter}, learning_rate=1e-3)
    for gradient in (1024.0, *[1.0] * 256):
        parameter.grad = torch.tensor([gradient], dtype=torch.bfloat16)
        optimizer.collect()
    assert parameter.grad is None
    assert float(optimizer.masters[0].grad) == 1280.0  # type: ignore[arg-type]
    optimizer.zero_grad()
    assert optimizer.masters[0].grad is None
