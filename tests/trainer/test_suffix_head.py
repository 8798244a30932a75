"""Head and loss on the suffix rows: bit for bit the stock model's, and to 2e-6 when cut into chunks."""

from __future__ import annotations

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from tests.trainer.models import random_examples, random_features, random_model
from trainer import suffix_head
from trainer.step import micro_batches, summed_loss, token_losses
from trainer.tokens import IGNORED

WIDTH, VOCABULARY, ROWS = 32, 500, 40


def parts(cap: float | None, dtype: torch.dtype = torch.float32):  # type: ignore[no-untyped-def]
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(ROWS, WIDTH, generator=draw).to(dtype).requires_grad_()
    weight = torch.randn(VOCABULARY, WIDTH, generator=draw).to(dtype)
    return rows, weight, torch.randint(0, VOCABULARY, (ROWS,), generator=draw), cap


def in_chunks_of(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setitem(suffix_head.LARGEST_LOGITS_BYTES, "cpu", 4 * VOCABULARY * rows)


@pytest.mark.parametrize("cap", [None, 5.0])
@pytest.mark.parametrize("chunk", [1, 7, 16, 39])
def test_chunks_change_neither_loss_nor_gradient(
    monkeypatch: pytest.MonkeyPatch, cap: float | None, chunk: int
) -> None:
    rows, weight, targets, _ = parts(cap)
    whole = suffix_head.summed_loss(rows, weight, targets, cap) / 3
    (expected,) = torch.autograd.grad(whole, rows)
    in_chunks_of(monkeypatch, chunk)
    chunked = suffix_head.summed_loss(rows, weight, targets, cap) / 3
    (found,) = torch.autograd.grad(chunked, rows)
    assert float(chunked.detach()) == pytest.approx(float(whole.detach()), rel=2e-6)
    assert float((found - expected).abs().max()) <= 2e-6 * float(expected.abs().max())
    each = suffix_head.token_losses(rows, weight, targets, cap)
    assert float(each.detach().sum()) / 3 == pytest.approx(float(whole.detach()), rel=2e-6)


def test_bf16_chunks_keep_the_gradient_s_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, weight, targets, _ = parts(None, torch.bfloat16)
    (expected,) = torch.autograd.grad(suffix_head.summed_loss(rows, weight, targets, None) / 40, rows)
    in_chunks_of(monkeypatch, 16)
    (found,) = torch.autograd.grad(suffix_head.summed_loss(rows, weight, targets, None) / 40, rows)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected.float(), rtol=2e-2, atol=1e-4)


def test_a_chunk_holds_what_it_may_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, weight, targets, _ = parts(None)
    largest: list[int] = []
    real = suffix_head.logits
    monkeypatch.setattr(suffix_head, "logits", lambda *a: largest.append(len(a[0])) or real(*a))
    in_chunks_of(monkeypatch, 16)
    suffix_head.summed_loss(rows, weight, targets, None)
    assert largest == [16, 16, 8]


def test_a_trained_head_gets_its_gradient() -> None:
    rows, weight, targets, _ = parts(None)
    weight.requires_grad_()
    suffix_head.summed_loss(rows, weight, targets, None).backward()
    assert weight.grad is not None
    assert float(weight.grad.abs().max()) > 0


@pytest.mark.parametrize("lengths", [((4, 7),) * 4, ((4, 64),) * 3])
def test_on_few_rows_the_gradients_are_the_stock_model_s_bit_for_bit(lengths: tuple[tuple[int, int], ...]) -> None:
    model = random_model()
    model.short_last_layer = False
    network = model.network
    examples, features = random_examples(model, lengths), random_features(model)[: len(lengths)]
    batch = micro_batches(model, examples, 4)[0]
    each = token_losses(model, batch, features)
    ours = summed_loss(model, batch, features) / batch.suffix_tokens
    torch.autograd.backward(ours)
    gradients = {name: p.grad.clone() for name, p in model.trainable_named().items()}
    network.zero_grad()
    projected = network.model.multi_modal_projector(features)
    stock = network(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        token_type_ids=batch.token_type_ids,
        labels=batch.labels,
        mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=projected)},
    )
    torch.autograd.backward(stock.loss)
    assert all(torch.equal(gradients[name], p.grad) for name, p in model.trainable_named().items())
    labelled = batch.labels[:, 1:] != IGNORED
    losses = torch.nn.functional.cross_entropy(
        stock.logits[:, :-1][labelled].float(), batch.labels[:, 1:][labelled], reduction="none"
    )
    assert torch.equal(each, losses)
    # The same numbers, added up in another order: one unit in the last place.
    assert float(ours.detach()) == pytest.approx(float(stock.loss.detach()), rel=1.2e-7)
