"""From texts to token ids in PaliGemma's layout, and to padded batches.

    <image> x N  <bos> prompt <newline>  |  answer <eos>
    prefix: attended in both directions  |  suffix: causal, the only part with a loss

`token_type_ids` is 1 exactly on the suffix. Left out, the prefix silently becomes causal; all zero, the labels leak.
The loss mask `full` also labels the prompt, as trainers without a mask do; the prompt sees itself, so there is little
to learn from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import Protocol

import torch
from msgspec import Struct

from trainer.dataset import Example

IGNORED = -100
LOSS_MASKS = ("suffix", "full")


class Tokenizer(Protocol):
    """What is needed of a tokenizer."""

    pad_id: int
    bos_id: int
    eos_id: int

    def encode(self, text: str) -> list[int]:
        """Token ids, without special tokens."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text, without special tokens."""
        ...


class Encoded(Struct, frozen=True, kw_only=True):
    """One example as token ids.

    Attributes:
        prompt: From `<bos>` to the newline; the image tokens come before it.
        suffix: The answer and `<eos>`.
        image: Row in the feature cache.
        case: Index of its case.
        truncated: Whether the answer was longer than the context.
        closed: See `trainer.dataset.Example`.
        index: Place in its list.
    """

    prompt: tuple[int, ...]
    suffix: tuple[int, ...]
    image: int
    case: int
    truncated: bool
    closed: bool | None = None
    index: int = 0


class Batch(Struct, frozen=True, kw_only=True):
    """Padded tensors of several examples, shape (examples, tokens).

    Attributes:
        suffix_tokens: Of all examples together.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor
    labels: torch.Tensor
    images: torch.Tensor
    suffix_tokens: int


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> tuple[int, ...]:
    """`<bos> prompt <newline>`; the newline is tokenised alone, as in PaliGemma's own training."""
    return (tokenizer.bos_id, *tokenizer.encode(prompt), *tokenizer.encode("\n"))


def encode(
    examples: Sequence[Example], tokenizer: Tokenizer, *, context_tokens: int, image_rows: dict[str, int]
) -> list[Encoded]:
    """Encode examples; an answer longer than `context_tokens` (with `<eos>`) is cut and keeps its `<eos>`."""
    cases: dict[str, int] = {}
    encoded = []
    for index, example in enumerate(examples):
        answer = tokenizer.encode(example.answer)
        kept = answer[: context_tokens - 1]
        encoded.append(
            Encoded(
                prompt=encode_prompt(tokenizer, example.prompt),
                suffix=(*kept, tokenizer.eos_id),
                image=image_rows[str(example.image)],
                case=cases.setdefault(example.case, len(cases)),
                truncated=len(kept) < len(answer),
                closed=example.closed,
                index=index,
            )
        )
    return encoded


def collate(
    examples: Sequence[Encoded], *, image_token_id: int, image_tokens: int, pad_id: int, loss_mask: str = "suffix"
) -> Batch:
    """Pad on the right; padding is masked, has type 0 and no label."""
    length = image_tokens + max(len(example.prompt) + len(example.suffix) for example in examples)
    shape = (len(examples), length)
    input_ids = torch.full(shape, pad_id, dtype=torch.long)
    attention_mask = torch.zeros(shape, dtype=torch.long)
    token_type_ids = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, IGNORED, dtype=torch.long)
    for row, example in enumerate(examples):
        start = image_tokens + len(example.prompt)
        end = start + len(example.suffix)
        input_ids[row, :image_tokens] = image_token_id
        input_ids[row, image_tokens:start] = torch.tensor(example.prompt)
        input_ids[row, start:end] = torch.tensor(example.suffix)
        labelled = start if loss_mask == "suffix" else image_tokens + 1  # nothing predicts <bos>
        labels[row, labelled:end] = input_ids[row, labelled:end]
        attention_mask[row, :end] = 1
        token_type_ids[row, start:end] = 1
    return Batch(
        input_ids=input_ids,
        attention_mask=attention_mask,
        token_type_ids=token_type_ids,
        labels=labels,
        images=torch.tensor([example.image for example in examples]),
        suffix_tokens=sum(len(example.suffix) for example in examples),
    )


def predicting_rows(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which positions predict a labelled token; labels of an example are contiguous.

    Returns:
        Positions, shape (examples, most labels of an example), padded with valid ones; and which of them count, same
        shape.
    """
    predicted = labels[:, 1:] != IGNORED
    counts = predicted.sum(dim=1, keepdim=True)
    place = torch.arange(int(counts.max()))[None, :]
    first = predicted.int().argmax(dim=1, keepdim=True)
    return (first + place).clamp(max=labels.shape[1] - 1), place < counts


def unigram_entropy_nats(examples: Sequence[Encoded]) -> float:
    """Entropy of the suffix tokens: the loss of a model that knows only how frequent each token is."""
    counts = Counter(token for example in examples for token in example.suffix)
    total = sum(counts.values())
    return -sum(count / total * log(count / total) for count in counts.values())
