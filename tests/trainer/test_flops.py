"""FLOPs of the trainer's own step: the closed form and PyTorch's counter."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from planner.hardware.architecture import architecture_from_config
from tests.trainer.models import random_features, random_model
from trainer import flops
from trainer.answers import Prefill, padded_prompts
from trainer.made_up import made_up_examples
from trainer.step import micro_batches, summed_loss


def counted_model(targets: str):  # type: ignore[no-untyped-def]
    """With attention that the counter knows on a CPU."""
    model = random_model(targets)
    model.network.config.text_config._attn_implementation = "eager"
    model.network.model.language_model.config._attn_implementation = "eager"
    return model


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("targets", ["attention", "all-linear"])
def test_a_step_has_the_flops_that_the_counter_counts(targets: str, short: bool) -> None:
    model = counted_model(targets)
    model.short_last_layer = short
    model.network.train()
    batch = micro_batches(model, made_up_examples(model, 2, 6, 9), 2)[0]
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(summed_loss(model, batch, random_features(model, 2)))
    closed = 2 * flops.step_flops_per_example(
        architecture_from_config(model.network.config.to_dict()),
        prompt_tokens=6,
        suffix_tokens=9,
        lora_targets=targets,
        lora_rank=4,
        short_last_layer=short,
    )
    # Nothing needs the input gradients of the first layer's q, k and v; the closed form leaves out the base's, not the
    # adapters' (0.02 % of a PaliGemma-3B step).
    unneeded = 2 * 2.0 * (4 + 6 + 9) * 64 * 4 * 3
    assert counter.get_total_flops() == pytest.approx(closed - unneeded, rel=1e-6)


def test_reading_and_writing_have_the_flops_that_the_counter_counts() -> None:
    model = counted_model("all-linear")
    model.network.eval()
    architecture = architecture_from_config(model.network.config.to_dict())
    ids, mask = padded_prompts(model, made_up_examples(model, 3, 6, 1))
    features = random_features(model, 3)
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            state = Prefill(model, ids, mask, features)
        # Adapters are not in the closed form of answering: they can be merged into the weights.
        lora = 2.0 * architecture.lora_parameters("all-linear", 4) * ids.shape[1]
        closed = 3 * (flops.prefill_flops_per_study(architecture, 6) + lora)
        assert counter.get_total_flops() == pytest.approx(closed, rel=1e-6)
        with FlopCounterMode(display=False) as counter:
            state.decode(state.next_tokens)
        lora = 2.0 * architecture.lora_parameters("all-linear", 4)
        assert counter.get_total_flops() == pytest.approx(
            3 * (flops.decode_flops_per_study(architecture, 6, 1) + lora), rel=1e-6
        )
