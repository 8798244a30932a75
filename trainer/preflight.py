"""The gate before the first step: silent failures that would make a plausible and wrong curve stop here.

None of them raises in the stock libraries. Every refusal is a sentence.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch

from planner.errors import PlannerError
from trainer.model import LoadedModel
from trainer.progress import say
from trainer.quantize import quantised_modules
from trainer.step import hidden_states, labelled_rows, token_losses
from trainer.tokens import IGNORED, Batch

_NEVER_TRAINED = ("vision_tower", "multi_modal_projector", "lm_head", "embed_tokens")
_TINY_DIFFERENCE = 1e-6
# int8 looks for outliers over all rows, so that a changed token moves others a little: 0.2 % of its own move and less.
_INT8_DIFFERENCE = 1e-2
_SAME_DIRECTION = 0.98
_NO_DERIVATIVE = (
    "A layer has no derivative: adapters below it would get wrong gradients, silently. Use another --quantization, or "
    "another version of bitsandbytes."
)
_LAST_LAYER_DIFFERENCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}


class PreflightError(PlannerError):
    """The set-up would measure something else than a calibration."""


def check_modules(model: LoadedModel) -> None:
    """Adapters and quantised layers sit where they should.

    Raises:
        PreflightError: They do not.
    """
    names = list(model.trainable_named())
    if not names:
        raise PreflightError("Nothing would be trained: no module of the language model took an adapter.")
    strays = [name for name in names if "lora_" not in name or any(part in name for part in _NEVER_TRAINED)]
    if strays:
        raise PreflightError(
            f"{len(strays)} of {len(names)} trainable tensors lie outside the language model's adapters "
            f"(the first is {strays[0]}). Adapters in the vision tower make its features change at every step."
        )
    wrong = [name for name in quantised_modules(model.network) if any(part in name for part in _NEVER_TRAINED)]
    if wrong:
        raise PreflightError(
            f"{len(wrong)} layers that must keep their precision are quantised (the first is {wrong[0]}). "
            "The skip list of this transformers version does not match; use --quantization bf16."
        )


def check_layout(model: LoadedModel, batch: Batch) -> None:
    """Image tokens are complete, and the suffix is marked exactly where there is a label.

    Raises:
        PreflightError: They are not.
    """
    images = (batch.input_ids == model.image_token_id).sum(dim=1)
    if not bool((images == model.image_tokens).all()):
        raise PreflightError(
            f"An example has {int(images.min())} image tokens, the image takes {model.image_tokens}: it was cut off."
        )
    labelled = batch.labels != IGNORED
    if not bool(((batch.token_type_ids == 1) == labelled).all()):
        raise PreflightError(
            "token_type_ids is not 1 exactly on the answer: the prompt would be learned, or the answer be seen."
        )


@torch.no_grad()
def check_attention(model: LoadedModel, batch: Batch, features: torch.Tensor) -> None:
    """The prompt attends both ways, the answer sees no later token of itself.

    Raises:
        PreflightError: Labels leak, or the prefix is causal.
    """
    model.network.eval()
    before = hidden_states(model, batch, features).last_hidden_state
    start = model.image_tokens
    rows = torch.arange(batch.input_ids.shape[0])
    last = batch.attention_mask.sum(dim=1) - 1
    suffix_start = (batch.labels != IGNORED).int().argmax(dim=1)

    # The last token of the answer: nothing before it may change.
    changed = _changed(model, batch, features, rows, last)
    causal = torch.arange(batch.input_ids.shape[1])[None, :] < last[:, None]
    moved = (changed - before).abs().amax(dim=-1).cpu()
    own = float(moved[rows, last].max())
    allowed = _INT8_DIFFERENCE * own if model.quantization == "int8" else _TINY_DIFFERENCE * float(before.abs().max())
    if float((moved * causal).max()) > allowed:
        raise PreflightError(
            "The answer leaks: changing its last token changes the prediction of earlier ones. "
            "The loss would fall towards zero without anything being learned."
        )
    # The last token of the prompt: its first one must feel it.
    changed = _changed(model, batch, features, rows, suffix_start - 1)
    felt = (changed[:, start] - before[:, start]).abs().max()
    if float(felt) <= _TINY_DIFFERENCE * float(before.abs().max()):
        raise PreflightError(
            "The prompt is read from left to right only, but PaliGemma reads image and prompt in both directions "
            "(token_type_ids is missing or wrong)."
        )
    # Another image: the answer must feel it.
    other = hidden_states(model, batch, torch.zeros_like(features)).last_hidden_state
    if float((other[rows, last] - before[rows, last]).abs().max()) <= _TINY_DIFFERENCE * float(before.abs().max()):
        raise PreflightError(
            "The image changes nothing: its features do not reach the answer. The curve would be that of a text model."
        )


def _changed(
    model: LoadedModel, batch: Batch, features: torch.Tensor, rows: torch.Tensor, places: torch.Tensor
) -> torch.Tensor:
    """Hidden states after one token of every row became another."""
    ids = batch.input_ids.clone()
    other = (ids[rows, places] + 7) % (model.vocabulary_size - 1)
    other = torch.where(other == model.image_token_id, other + 1, other)
    ids[rows, places] = other
    changed: torch.Tensor = hidden_states(
        model,
        Batch(
            input_ids=ids,
            attention_mask=batch.attention_mask,
            token_type_ids=batch.token_type_ids,
            labels=batch.labels,
            images=batch.images,
            suffix_tokens=batch.suffix_tokens,
        ),
        features,
    ).last_hidden_state
    return changed


def gradients(model: LoadedModel, batch: Batch, features: torch.Tensor) -> list[torch.Tensor]:
    """Of a batch, by adapter.

    Raises:
        PreflightError: Loss or gradients are not finite, none reaches the adapters, or a layer has no derivative.
    """
    model.network.train()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loss = token_losses(model, batch, features).mean()
        torch.autograd.backward(loss)
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.trainable()]
    for parameter in model.trainable():
        parameter.grad = None
    norms = [float(gradient.float().norm()) for gradient in found]
    if not math.isfinite(float(loss.detach())) or not all(math.isfinite(norm) for norm in norms):
        raise PreflightError(
            "Loss or gradients of the first batch are not finite. If --quantization fp32 is no better, the weights are "
            "damaged."
        )
    if not any(norm > 0 for norm in norms):
        raise PreflightError("No gradient reaches the adapters: nothing would be learned.")
    if any("autograd kernel was not registered" in str(warning.message) for warning in caught):
        raise PreflightError(_NO_DERIVATIVE)
    return found


def check_same_gradients(before: list[torch.Tensor], after: list[torch.Tensor]) -> None:
    """An evaluation in between changes no gradient (bitsandbytes repacks 4-bit weights for it on some processors).

    Raises:
        PreflightError: It does.
    """
    one, other = (torch.cat([gradient.float().flatten() for gradient in each]) for each in (before, after))
    cosine = float(torch.dot(one, other) / (one.norm() * other.norm()))
    if cosine < _SAME_DIRECTION:
        raise PreflightError(f"{_NO_DERIVATIVE} (An evaluation turned the gradient: cosine {cosine:.2f}.)")


@torch.no_grad()
def check_nan_is_seen(model: LoadedModel, batch: Batch, features: torch.Tensor) -> None:
    """A value that is not a number comes out as one.

    Raises:
        PreflightError: Something on the way replaces it.
    """
    model.network.eval()
    if bool(torch.isfinite(token_losses(model, batch, features * float("nan"))).all()):
        raise PreflightError(
            "A NaN goes in and a number comes out: something on the way filters it, and a broken run would look sound."
        )


@torch.no_grad()
def check_last_layer(model: LoadedModel, batch: Batch, features: torch.Tensor) -> bool:
    """Whether the shortened last layer computes what the stock one computes; where it does not, it is turned off."""
    if not model.short_last_layer:
        return False
    model.network.eval()
    short, _ = labelled_rows(model, batch, features)
    model.short_last_layer = False
    stock, _ = labelled_rows(model, batch, features)
    allowed = _LAST_LAYER_DIFFERENCE.get(model.dtype, 1e-4) * float(stock.abs().max())
    model.short_last_layer = float((short - stock).abs().max()) <= allowed
    return model.short_last_layer


def check_start(start_loss: float, unigram_entropy: float, *, pretrained: bool, warn: Callable[[str], None]) -> None:
    """A pretrained model knows more than how frequent each token is.

    Raises:
        PreflightError: It does not, so the prompt form, the images or the weights are wrong.
    """
    if start_loss < unigram_entropy:
        return
    sentence = (
        f"The loss before training ({start_loss:.2f} nats a token) is above that of guessing by frequency "
        f"({unigram_entropy:.2f})."
    )
    if pretrained:
        raise PreflightError(sentence + " Weights, prompt form or image preprocessing are wrong; nothing was trained.")
    warn(sentence + " That is usual for the small model on texts it has not seen.")


def run_gate(model: LoadedModel, batch: Batch, features: torch.Tensor, warn: Callable[[str], None] = say) -> None:
    """All checks that need no evaluation.

    Raises:
        PreflightError: The first that fails.
    """
    check_modules(model)
    check_layout(model, batch)
    before = gradients(model, batch, features)
    check_attention(model, batch, features)
    check_nan_is_seen(model, batch, features)
    if model.short_last_layer and not check_last_layer(model, batch, features):
        warn(
            "The shortened last layer does not agree with the one of this transformers version; the full one is used "
            "(4 % more work, the same curve)."
        )
    check_same_gradients(before, gradients(model, batch, features))
