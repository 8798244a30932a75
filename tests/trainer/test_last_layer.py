"""The last layer on the suffix rows, for both families."""

from __future__ import annotations

import pytest
import torch

from tests.trainer.models import random_examples, random_features, random_model
from trainer.memory import set_checkpointing
from trainer.preflight import check_last_layer
from trainer.step import micro_batches, summed_loss

FAMILIES = pytest.mark.parametrize("family", ["gemma", "gemma2"])


def loss_and_gradients(model, batch, features):  # type: ignore[no-untyped-def]
    model.network.zero_grad()
    loss = summed_loss(model, batch, features) / batch.suffix_tokens
    torch.autograd.backward(loss)
    return float(loss.detach()), [p.grad.clone() for p in model.trainable()]


@FAMILIES
@pytest.mark.parametrize("checkpointing", [False, True])
def test_loss_and_gradients_are_those_of_the_whole_layer(family: str, checkpointing: bool) -> None:
    model = random_model(family=family)
    model.network.train()
    set_checkpointing(model.network, checkpointing)
    batch, features = micro_batches(model, random_examples(model), 4)[0], random_features(model)
    short = loss_and_gradients(model, batch, features)
    model.short_last_layer = False
    whole = loss_and_gradients(model, batch, features)
    assert short[0] == pytest.approx(whole[0], rel=1e-6)
    for one, other in zip(short[1], whole[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


@FAMILIES
def test_the_gate_keeps_it_where_it_agrees(family: str) -> None:
    model = random_model(family=family)
    batch, features = micro_batches(model, random_examples(model), 4)[0], random_features(model)
    assert check_last_layer(model, batch, features)
    assert model.short_last_layer


def test_the_gate_turns_it_off_where_another_transformers_computes_otherwise() -> None:
    model = random_model()
    layer = model.network.model.language_model.layers[-1]
    real = layer.mlp.forward
    # As if a later version scaled the whole layer's output: only a full sequence sees it.
    layer.mlp.forward = lambda x: real(x) * (1.5 if x.shape[1] > 10 else 1.0)
    batch, features = micro_batches(model, random_examples(model), 4)[0], random_features(model)
    assert not check_last_layer(model, batch, features)
    assert not model.short_last_layer
