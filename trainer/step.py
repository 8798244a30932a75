"""One training step: loss on the suffix only, gradients accumulated over micro-batches, one optimizer move.

Only the rows that predict a suffix token pass through the last layer's MLP and the vocabulary head: the same loss and
gradients as the stock model's, without logits for 256 image tokens (16 % of the FLOPs of a PaliGemma-3B step, most of
its logits' memory).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from msgspec import Struct
from transformers.modeling_outputs import BaseModelOutputWithPooling

from trainer import suffix_head
from trainer.float16 import LossScale
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.tokens import IGNORED, Batch, Encoded, collate, predicting_rows

Features = Callable[[torch.Tensor], torch.Tensor]


class Optimizer(Protocol):
    """What a step needs of an optimizer."""

    def step(self) -> Any:
        """Move."""

    def zero_grad(self) -> None:
        """Forget the gradients."""


class StepResult(Struct, frozen=True, kw_only=True):
    """What a step did.

    Attributes:
        loss: Nats per labelled token before the step, not finite when the step was skipped.
        gradient_norm: Before clipping.
        suffix_tokens: Labelled tokens: those of the answers, unless the loss mask is `full`.
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
    return suffix_head.logits(rows, model.network.lm_head.weight, model.logit_cap).float()


def token_losses(model: LoadedModel, batch: Batch, features: torch.Tensor) -> torch.Tensor:
    """Nats of every labelled token of the batch, in row order."""
    rows, targets = labelled_rows(model, batch, features)
    return suffix_head.token_losses(rows, model.network.lm_head.weight, targets, model.logit_cap)


def summed_loss(model: LoadedModel, batch: Batch, features: torch.Tensor) -> torch.Tensor:
    """Nats summed over the labelled tokens of the batch."""
    rows, targets = labelled_rows(model, batch, features)
    return suffix_head.summed_loss(rows, model.network.lm_head.weight, targets, model.logit_cap)


def labelled_rows(model: LoadedModel, batch: Batch, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states of the rows that predict a labelled token, shape (n, width), and these tokens, shape (n,)."""
    rows, counted = predicting_rows(batch.labels)
    targets = batch.labels[:, 1:]
    targets = targets[targets != IGNORED].to(model.device)
    options = {"suffix_rows": rows.to(model.device)} if model.short_last_layer else {}
    hidden = hidden_states(model, batch, features, **options).last_hidden_state
    if model.short_last_layer:
        flat = counted.flatten().nonzero()[:, 0]
    else:
        flat = (rows + batch.labels.shape[1] * torch.arange(len(rows))[:, None])[counted]
    return hidden.flatten(0, 1).index_select(0, flat.to(model.device)), targets


def micro_batches(
    model: LoadedModel, examples: Sequence[Encoded], size: int, *, loss_mask: str = "suffix"
) -> list[Batch]:
    """Padded batches of at most `size` examples, in order."""
    return [
        collate(
            examples[start : start + size],
            image_token_id=model.image_token_id,
            image_tokens=model.image_tokens,
            pad_id=model.tokenizer.pad_id,
            loss_mask=loss_mask,
        )
        for start in range(0, len(examples), size)
    ]


def training_step(
    model: LoadedModel,
    optimizer: Optimizer,
    examples: Sequence[Encoded],
    features: Features,
    *,
    micro_batch_size: int,
    clip: float = 1.0,
    loss_mask: str = "suffix",
    between: Callable[[], None] = lambda: None,
) -> StepResult:
    """Accumulate, clip, move. A loss or gradient that is not finite leaves the optimizer and the weights untouched.

    Losses are summed over tokens and divided by the tokens of the whole effective batch, so the result does not
    depend on how it was cut into micro-batches. Examples of like length go together, which saves padding. `between` is
    called before every micro-batch; what it raises leaves everything untouched. In float16 a step whose gradients
    overflow is done again with half the loss scale, so that no example is lost.
    """
    by_length = sorted(examples, key=lambda example: len(example.prompt) + len(example.suffix))
    batches = micro_batches(model, by_length, micro_batch_size, loss_mask=loss_mask)
    tokens = sum(int((batch.labels != IGNORED).sum()) for batch in batches)
    masters = optimizer if isinstance(optimizer, MasterAdamW) else None
    scale = masters.loss_scale if masters else LossScale(active=False)
    while True:
        optimizer.zero_grad()
        losses = []
        for batch in batches:
            between()
            loss = summed_loss(model, batch, features(batch.images)) / tokens
            torch.autograd.backward(loss * scale.value if scale.active else loss)
            losses.append(loss.detach())
            if masters:
                masters.collect()
        norm = float(torch.nn.utils.clip_grad_norm_(masters.masters if masters else model.trainable(), clip))
        total = float(torch.stack(losses).double().sum())
        finite = math.isfinite(total) and math.isfinite(norm)
        if finite or not math.isfinite(total) or not scale.overflowed():
            break
    if finite:
        scale.worked()
        optimizer.step()
    optimizer.zero_grad()
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
