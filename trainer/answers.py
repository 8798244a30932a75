"""Greedy answers to held-out prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from trainer.answer_quality import Answer, Quality, judge
from trainer.feature_cache import FeatureCache
from trainer.model import LoadedModel
from trainer.step import head, hidden_states
from trainer.tokens import Encoded

__all__ = ["Answer", "Prefill", "Quality", "generate", "judge", "padded_prompts"]


@torch.no_grad()
def generate(
    model: LoadedModel,
    examples: Sequence[Encoded],
    features: FeatureCache,
    *,
    longest_tokens: int,
    between: Callable[[], None] = lambda: None,
) -> list[Answer]:
    """Greedy answers to the prompts of some examples, all in one batch; `between` is called before every token."""
    model.network.eval()
    ids, mask = padded_prompts(model, examples)
    state = Prefill(model, ids, mask, features(torch.tensor([example.image for example in examples])))
    tokens: list[torch.Tensor] = [state.next_tokens]
    eos = model.tokenizer.eos_id
    ended = state.next_tokens == eos
    while len(tokens) < longest_tokens and not bool(ended.all()):
        between()
        tokens.append(state.decode(tokens[-1]))
        ended |= tokens[-1] == eos
    answers = []
    for row, example in enumerate(examples):
        line = [int(column[row]) for column in tokens]
        end = line.index(eos) if eos in line else len(line)
        answers.append(
            Answer(
                text=model.tokenizer.decode(line[:end]),
                reference=model.tokenizer.decode(example.suffix[:-1]),
                ended=eos in line,
                closed=example.closed,
                item=example.index,
            )
        )
    return answers


def padded_prompts(model: LoadedModel, examples: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, padded on the left: rotary positions are relative, so padding changes nothing."""
    length = model.image_tokens + max(len(example.prompt) for example in examples)
    ids = torch.full((len(examples), length), model.tokenizer.pad_id)
    mask = torch.zeros_like(ids)
    for row, example in enumerate(examples):
        line = [model.image_token_id] * model.image_tokens + list(example.prompt)
        ids[row, length - len(line) :] = torch.tensor(line)
        mask[row, length - len(line) :] = 1
    return ids, mask


class Prefill:
    """The prompts, read once; then `decode` adds a token to each."""

    def __init__(self, model: LoadedModel, ids: torch.Tensor, mask: torch.Tensor, features: torch.Tensor) -> None:
        from trainer.tokens import Batch

        batch = Batch(
            input_ids=ids,
            attention_mask=mask,
            token_type_ids=torch.zeros_like(ids),
            labels=ids,
            images=ids,
            suffix_tokens=0,
        )
        output = hidden_states(model, batch, features, use_cache=True)
        self._model = model
        self._mask = mask.to(model.device)
        self._past = output.past_key_values
        self.next_tokens = head(model, output.last_hidden_state[:, -1]).argmax(-1)

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """The next token of every row."""
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
        output = self._model.network.model(
            input_ids=tokens[:, None], attention_mask=self._mask, past_key_values=self._past, use_cache=True
        )
        self._past = output.past_key_values
        return head(self._model, output.last_hidden_state[:, -1]).argmax(-1)
