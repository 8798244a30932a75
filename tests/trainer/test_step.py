"""The step: loss and gradients of the stock model to the last digits of float32, however it is cut."""

from __future__ import annotations

import pytest
import torch
from msgspec import structs

from tests.trainer.models import random_examples, random_features, random_model
from trainer.step import evaluate, micro_batches, summed_loss, token_losses, training_step


def test_loss_and_gradients_on_the_suffix_alone_equal_the_stock_model() -> None:
    model = random_model()
    examples, features = random_examples(model), random_features(model)
    batch = micro_batches(model, examples, 4)[0]
    network = model.network

    ours = summed_loss(model, batch, features) / batch.suffix_tokens
    torch.autograd.backward(ours)
    our_gradients = {name: p.grad.clone() for name, p in model.trainable_named().items()}
    network.zero_grad()

    from transformers.modeling_outputs import BaseModelOutputWithPooling

    projected = network.model.multi_modal_projector(features)
    stock = network(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        token_type_ids=batch.token_type_ids,
        labels=batch.labels,
        mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=projected)},
    ).loss
    torch.autograd.backward(stock)
    torch.testing.assert_close(ours, stock, rtol=3e-7, atol=0)
    for name, parameter in model.trainable_named().items():
        torch.testing.assert_close(our_gradients[name], parameter.grad, rtol=1e-5, atol=1e-8)


def test_cached_features_equal_the_pixels() -> None:
    model = random_model()
    pixels = torch.randn(4, 3, 28, 28, generator=torch.Generator().manual_seed(2))
    batch = micro_batches(model, random_examples(model), 4)[0]
    with torch.no_grad():
        features = model.network.model.vision_tower(pixels).last_hidden_state
        ours = summed_loss(model, batch, features) / batch.suffix_tokens
        stock = model.network(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            token_type_ids=batch.token_type_ids,
            labels=batch.labels,
            pixel_values=pixels,
        ).loss
    torch.testing.assert_close(ours, stock, rtol=3e-7, atol=0)


def test_padding_changes_no_loss() -> None:
    model = random_model()
    examples, features = random_examples(model), random_features(model)
    together = token_losses(model, micro_batches(model, examples, 4)[0], features)
    alone = [
        token_losses(model, micro_batches(model, [example], 1)[0], features[row : row + 1])
        for row, example in enumerate(examples)
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_micro_batches_change_neither_loss_nor_adapter(size: int) -> None:
    results = []
    for micro in (4, size):
        model = random_model()
        features = random_features(model)
        optimizer = torch.optim.SGD(model.trainable(), lr=0.1)
        result = training_step(
            model, optimizer, random_examples(model), lambda rows, f=features: f[rows], micro_batch_size=micro
        )
        results.append((result, [p.detach().clone() for p in model.trainable()]))
    assert results[0][0].loss == pytest.approx(results[1][0].loss, rel=1e-6)
    assert results[0][0].suffix_tokens == results[1][0].suffix_tokens == 24
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_moves_nothing(poison: float) -> None:
    model = random_model()
    features = random_features(model)
    features[2, 0, 0] = poison
    optimizer = torch.optim.AdamW(model.trainable(), lr=0.1)
    before = [p.detach().clone() for p in model.trainable()]
    result = training_step(model, optimizer, random_examples(model), lambda rows: features[rows], micro_batch_size=2)
    assert not result.finite
    assert not optimizer.state
    assert all(torch.equal(now, then) for now, then in zip(model.trainable(), before, strict=True))


def test_evaluation_adds_up_by_case_whatever_the_batch() -> None:
    model = random_model()
    examples, features = random_examples(model), random_features(model)
    sums, tokens = evaluate(model, examples, lambda rows: features[rows], batch_size=4)
    again, _ = evaluate(model, examples, lambda rows: features[rows], batch_size=1)
    assert tokens == [12, 12]
    assert sums == pytest.approx(again, rel=1e-5)
    whole = token_losses(model, micro_batches(model, examples, 4)[0], features)
    assert sum(sums) == pytest.approx(float(whole.sum()), rel=1e-5)


def test_accumulation_counts_tokens_not_micro_batches() -> None:
    model = random_model()
    features = random_features(model)
    long, short = random_examples(model, ((3, 20), (3, 2)))
    short = structs.replace(short, image=1)
    optimizer = torch.optim.SGD(model.trainable(), lr=0.0)
    result = training_step(model, optimizer, [long, short], lambda rows: features[rows], micro_batch_size=1)
    expected = torch.cat(
        [token_losses(model, micro_batches(model, [e], 1)[0], features[e.image][None]) for e in (long, short)]
    ).mean()
    assert result.loss == pytest.approx(float(expected), rel=1e-6)
