"""Quality of answers: token F1 against the reference, and degenerate text (loops, no end, nothing)."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from msgspec import Struct

from trainer.feature_cache import FeatureCache
from trainer.model import LoadedModel
from trainer.step import head, hidden_states
from trainer.tokens import Encoded

_WORD = re.compile(r"\w+")
_LONGEST_PERIOD = 8
_LOOP_REPEATS = 4
_LOOP_SHARE = 0.5
_COMPRESSION_LIMIT = 2.4


class Answer(Struct, frozen=True, kw_only=True):
    """A generated answer beside its reference."""

    text: str
    reference: str
    ended: bool


class Quality(Struct, frozen=True, kw_only=True):
    """Means over some answers."""

    token_f1: float
    degenerate_rate: float
    exact_match: float
    distinct_2: float


def words(text: str) -> list[str]:
    """Lower-case words, without punctuation."""
    return _WORD.findall(text.lower())


def token_f1(text: str, reference: str) -> float:
    """Harmonic mean of precision and recall of the words, as in SQuAD; two empty texts agree."""
    found, wanted = words(text), words(reference)
    if not found or not wanted:
        return float(found == wanted)
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))


def longest_loop(items: Sequence[str]) -> tuple[int, int]:
    """(words, period) of the longest run that repeats itself with a period of at most eight words."""
    best, best_period = 0, 1
    for period in range(1, _LONGEST_PERIOD + 1):
        length = 0
        for index in range(period, len(items)):
            length = length + 1 if items[index] == items[index - period] else 0
            if length and length + period > best:
                best, best_period = length + period, period
    return best, best_period


def is_degenerate(text: str, *, ended: bool) -> bool:
    """Empty, without an end, or a loop ("cec. cec. cec.").

    A loop is a passage that says the same at least four times and makes up half of the text, or a text that deflates
    by more than 2.4 (Whisper's rule). Repetition of one word twice or thrice, as in prose, is none.
    """
    found = words(text)
    if not found or not ended:
        return True
    length, period = longest_loop(found)
    if length >= _LOOP_REPEATS * period and length >= _LOOP_SHARE * len(found):
        return True
    raw = " ".join(found).encode()
    return len(raw) / len(zlib.compress(raw, 9)) > _COMPRESSION_LIMIT


def judge(answers: Sequence[Answer]) -> Quality:
    """Means over at least one answer."""
    pairs = [pair for answer in answers for pair in zip(words(answer.text), words(answer.text)[1:], strict=False)]
    count = len(answers)
    return Quality(
        token_f1=sum(token_f1(answer.text, answer.reference) for answer in answers) / count,
        degenerate_rate=sum(is_degenerate(answer.text, ended=answer.ended) for answer in answers) / count,
        exact_match=sum(words(answer.text) == words(answer.reference) for answer in answers) / count,
        distinct_2=len(set(pairs)) / len(pairs) if pairs else 0.0,
    )


@torch.no_grad()
def generate(
    model: LoadedModel, examples: Sequence[Encoded], features: FeatureCache, *, longest_tokens: int
) -> list[Answer]:
    """Greedy answers to the prompts of some examples, all in one batch."""
    model.network.eval()
    ids, mask = padded_prompts(model, examples)
    state = Prefill(model, ids, mask, features(torch.tensor([example.image for example in examples])))
    tokens: list[torch.Tensor] = [state.next_tokens]
    eos = model.tokenizer.eos_id
    ended = state.next_tokens == eos
    while len(tokens) < longest_tokens and not bool(ended.all()):
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


def keep(path: Path, answers: Sequence[Answer], *, examples: int) -> None:
    """Append texts to a private file; it is part of no export."""
    import os

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        for answer in answers:
            file.write(msgspec.json.encode({"examples": examples, **msgspec.structs.asdict(answer)}) + b"\n")
