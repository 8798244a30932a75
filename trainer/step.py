"""One training step: loss on the suffix only, gradients accumulated over micro-batches, one optimizer move.

Only the rows that predict a suffix token pass through the vocabulary head: the same loss and gradients as the stock
model's, without logits for 256 image tokens (16 % of the FLOPs of a PaliGemma-3B step, most of its logits' memory).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from msgspec import Struct
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutputWithPooling

from trainer.model import LoadedModel
from trainer.tokens import IGNORED, Batch, Encoded, collate

Features = Callable[[torch.Tensor], torch.Tensor]


class StepResult(Struct, frozen=True, kw_only=True):
    """What a step did.

    Attributes:
        loss: Nats per suffix token before the step, not finite when the step was skipped.
        gradient_norm: Before clipping.
        finite: False: the optimizer did not move.
    """

    loss: float
    gradient_norm: float
    suffix_tokens: int
    finite: bool


def hidden_states(model: LoadedModel, batch: Batch, features: torch.Tensor, **options: Any) -> Any:
    """Output of the transformer body, before the vocabulary head; `features` are the vision tower's."""
    network = model.network
    projected = network.model.multi_modal_projector(features.to(model.device, model.dtype))
    output: Any = network.model(
        input_ids=batch.input_ids.to(model.device),
        attention_mask=batch.attention_mask.to(model.device),
        token_type_ids=batch.token_type_ids.to(model.device),
        mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=projected)},
        use_cache=options.pop("use_cache", False),
        **options,
    )
    return output


def head(model: LoadedModel, rows: torch.Tensor) -> torch.Tensor:
    """Logits of some rows, in float32."""
    logits: torch.Tensor = model.network.lm_head(rows)
    cap = getattr(model.network.config.get_text_config(), "final_logit_softcapping", None)
    if cap is not None:
        logits = torch.tanh(logits / cap) * cap
    return logits.float()


def token_losses(model: LoadedModel, batch: Batch, features: torch.Tensor) -> torch.Tensor:
    """Nats of every suffix token of the batch, in row order."""
    return functional.cross_entropy(*_suffix_rows(model, batch, features), reduction="none")


def summed_loss(model: LoadedModel, batch: Batch, features: torch.Tensor) -> torch.Tensor:
    """Nats summed over the suffix tokens of the batch."""
    return functional.cross_entropy(*_suffix_rows(model, batch, features), reduction="sum")


def _suffix_rows(model: LoadedModel, batch: Batch, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the rows that predict a suffix token, and these tokens."""
    hidden = hidden_states(model, batch, features).last_hidden_state
    targets = batch.labels[:, 1:].to(model.device)
    predicted = targets != IGNORED
    return head(model, hidden[:, :-1][predicted]), targets[predicted]


def micro_batches(model: LoadedModel, examples: Sequence[Encoded], size: int) -> list[Batch]:
    """Padded batches of at most `size` examples, in order."""
    return [
        collate(
            examples[start : start + size],
            image_token_id=model.image_token_id,
            image_tokens=model.image_tokens,
            pad_id=model.tokenizer.pad_id,
        )
        for start in range(0, len(examples), size)
    ]


def training_step(
    model: LoadedModel,
    optimizer: torch.optim.Optimizer,
    examples: Sequence[Encoded],
    features: Features,
    *,
    micro_batch_size: int,
    clip: float = 1.0,
) -> StepResult:
    """Accumulate, clip, move. A loss or gradient that is not finite leaves the optimizer and the weights untouched.

    Losses are summed over tokens and divided by the tokens of the whole effective batch, so the result does not
    depend on how it was cut into micro-batches.
    """
    batches = micro_batches(model, examples, micro_batch_size)
    tokens = sum(batch.suffix_tokens for batch in batches)
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for batch in batches:
        loss = summed_loss(model, batch, features(batch.images)) / tokens
        torch.autograd.backward(loss)
        total += float(loss.detach())
    norm = float(torch.nn.utils.clip_grad_norm_(model.trainable(), clip))
    finite = total == total and abs(total) != float("inf") and norm == norm and norm != float("inf")
    if finite:
        optimizer.step()
    else:
        optimizer.zero_grad(set_to_none=True)
    return StepResult(loss=total, gradient_norm=norm, suffix_tokens=tokens, finite=finite)


@torch.no_grad()
def evaluate(
    model: LoadedModel,
    examples: Sequence[Encoded],
    features: Features,
    *,
    batch_size: int,
    between: Callable[[int], None] = lambda _: None,
) -> tuple[list[float], list[int]]:
    """Held-out loss by case: (summed nats, suffix tokens) of every case, in the order of the case index.

    Examples of like length go together, which saves padding and changes no figure.
    """
    cases = 1 + max(example.case for example in examples)
    sums, tokens = [0.0] * cases, [0] * cases
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].suffix), i))
    model.network.eval()
    for start in range(0, len(order), batch_size):
        chosen = [examples[i] for i in order[start : start + batch_size]]
        batch = micro_batches(model, chosen, batch_size)[0]
        losses = token_losses(model, batch, features(batch.images)).double().cpu()
        for example, part in zip(chosen, torch.split(losses, [len(example.suffix) for example in chosen]), strict=True):
            sums[example.case] += float(part.sum())
            tokens[example.case] += len(example.suffix)
        between(len(chosen))
    return sums, tokens
