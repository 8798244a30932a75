"""The tiny model's tokenizer, and the texts of a dataset that teach it. Loads no torch, so that a dry run can count."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tokenizers import Tokenizer as Bpe
from tokenizers import decoders, models, pre_tokenizers, trainers

from trainer import sample
from trainer.dataset import Dataset
from trainer.shape import TinyShape

SPECIAL = ("<pad>", "<eos>", "<bos>", "<image>")


def tokenizer_of(dataset: Dataset, shape: TinyShape) -> Bpe:
    """Learned from the dataset's training texts and from drawn studies; held-out texts are not used."""
    texts = [*_reports(shape.seed, 400), *background_texts(dataset, shape.seed), *learned_texts(dataset)]
    return train_tokenizer(texts, shape.vocabulary)


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Bpe:
    """Byte-level BPE: any text can be written with it."""
    tokenizer = Bpe(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, "answer en\n", "caption en\n"], trainer)
    return tokenizer


def learned_texts(dataset: Dataset) -> list[str]:
    """Prompts and answers of the training examples, each once."""
    return list(dict.fromkeys(text for example in dataset.training for text in (example.prompt, example.answer)))


def background_texts(dataset: Dataset, seed: int) -> list[str]:
    """Prose of the training cases that is no answer; without any, the words of the answers in a random order."""
    if dataset.background_texts:
        return list(dataset.background_texts)
    draw = random.Random(seed)  # noqa: S311
    texts = []
    for example in dataset.training:
        words = example.answer.split()
        draw.shuffle(words)
        texts.append(" ".join(words))
    return texts


def _reports(seed: int, studies: int) -> list[str]:
    draw = random.Random(seed)  # noqa: S311
    hospital = sample.Hospital(seed=seed)
    return [text for _ in range(studies) for row in sample.draw_study(hospital, draw, 2).rows for text in row]
