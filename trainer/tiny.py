"""A PaliGemma small enough for two CPU cores, built from `PaliGemmaConfig`, with a tokenizer of its own.

It is briefly pretrained in full, on another distribution than the calibration's: answers of an imaginary hospital with
house rules of its own (`trainer.sample`), and prose of the training cases that is no answer (disease discussions of
MedPix) or, where a dataset has none, the words of its training answers in a random order. LoRA on random weights would
learn nothing: embeddings and head are tied and frozen, which caps the logits.

Everything it makes is an illustration, not PaliGemma-3B. The folder has the layout of any Hugging Face model, so that
it is loaded by the same code as the real one.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import structs
from tokenizers import Tokenizer as Bpe

from planner.record import write_atomically
from trainer import sample
from trainer.dataset import Dataset
from trainer.disk import system_errors
from trainer.model import HubTokenizer, LoadedModel
from trainer.quiet import hush
from trainer.shape import TinyShape
from trainer.step import micro_batches, token_losses
from trainer.tiny_tokenizer import SPECIAL, background_texts, learned_texts, tokenizer_of
from trainer.tokens import Encoded, encode_prompt


def build(dataset: Dataset, folder: Path, shape: TinyShape, *, advance: Callable[[int, float], None]) -> None:
    """Make the model in `folder`, unless the same one is there already.

    The dataset's training texts teach the tokenizer and, as background, the language; held-out texts are not used.
    `advance` is called after every step with (steps done, loss).
    """
    key = _key(dataset, shape)
    marker = folder / "complete.json"
    if marker.exists() and json.loads(marker.read_text())["key"] == key:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    background = background_texts(dataset, shape.seed)
    model = new_model(tokenizer_of(dataset, shape), shape)
    _pretrain(model, background, shape, 0.5 if dataset.background_texts else 0.15, advance)
    save(model, folder)
    write_atomically(marker, json.dumps({"key": key}).encode())


def new_model(tokenizer: Bpe, shape: TinyShape) -> LoadedModel:
    """Random weights of this shape."""
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    special = {f"{name[1:-1]}_token_id": SPECIAL.index(name) for name in SPECIAL[:3]}
    numbers = shape.config(tokenizer.get_vocab_size())
    numbers["text_config"] |= special
    make: Any = PaliGemmaConfig
    config = make(**numbers, **special, image_token_index=SPECIAL.index("<image>"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        network: Any = PaliGemmaForConditionalGeneration(config)
        # The default 0.02 caps the logits of the tied head; 1/sqrt(hidden) starts them at unit size.
        torch.nn.init.normal_(network.get_input_embeddings().weight, std=shape.hidden**-0.5)
    return LoadedModel(
        network=network.float(),
        tokenizer=HubTokenizer(_fast(tokenizer)),
        name="tiny",
        device=torch.device("cpu"),
        dtype=torch.float32,
        quantization="fp32",
    )


def save(model: LoadedModel, folder: Path) -> None:
    """Write model and tokenizer in Hugging Face's layout, weights as safetensors.

    Raises:
        OSError: The disk is full, or refuses.
    """
    hush()
    tokenizer = model.tokenizer
    assert isinstance(tokenizer, HubTokenizer)
    with system_errors():
        model.network.save_pretrained(folder)
        tokenizer.save(folder)
    for file in folder.iterdir():
        file.chmod(0o600)


def _fast(tokenizer: Bpe) -> Any:
    from transformers import PreTrainedTokenizerFast

    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer, **dict(zip(("pad_token", "eos_token", "bos_token"), SPECIAL[:3], strict=True))
    )


def _key(dataset: Dataset, shape: TinyShape) -> str:
    digest = hashlib.sha256(repr(structs.asdict(shape)).encode())
    for text in (*dataset.background_texts, *learned_texts(dataset)):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


def _pretrain(
    model: LoadedModel,
    background: Sequence[str],
    shape: TinyShape,
    prose_share: float,
    advance: Callable[[int, float], None],
) -> None:
    """Full fine-tuning on drawn studies, and on a share of passages under a blank image."""
    network = model.network
    optimizer = torch.optim.AdamW(network.parameters(), lr=shape.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    stream = _stream(model, background, shape, prose_share)
    network.train()
    for step in range(shape.pretraining_steps):
        left = 1 - step / shape.pretraining_steps
        for group in optimizer.param_groups:
            group["lr"] = shape.learning_rate * min(1.0, (step + 1) / 20, 4 * left)
        examples, images = zip(*(next(stream) for _ in range(shape.batch_size)), strict=True)
        batch = micro_batches(model, examples, shape.batch_size)[0]
        features = network.model.vision_tower(torch.from_numpy(np.stack(images))).last_hidden_state
        loss = token_losses(model, batch, features).mean()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        advance(step + 1, float(loss.detach()))
    network.requires_grad_(False)


def _stream(
    model: LoadedModel, background: Sequence[str], shape: TinyShape, prose_share: float
) -> Iterator[tuple[Encoded, np.ndarray]]:
    draw = random.Random(shape.seed + 1)  # noqa: S311
    tokenizer = model.tokenizer
    prompt = encode_prompt(tokenizer, "caption en")
    passages = [tokenizer.encode(text) for text in background]
    blank = np.zeros((3, shape.image_size_px, shape.image_size_px), dtype=np.float32)
    hospital = sample.Hospital(seed=shape.seed, departure=0.05, exponent=1.0)
    while True:
        if draw.random() < prose_share:
            text = draw.choice(passages)
            start = draw.randrange(max(1, len(text) - shape.longest_text_tokens))
            passage = text[start : start + shape.longest_text_tokens]
            yield _encoded(prompt, (*passage, tokenizer.eos_id)), blank
            continue
        study = sample.draw_study(hospital, draw, 1)
        grey = np.asarray(study.image.resize((shape.image_size_px,) * 2), dtype=np.float32) / 127.5 - 1
        for question, answer in study.rows:
            suffix = (*tokenizer.encode(answer), tokenizer.eos_id)
            yield _encoded(encode_prompt(tokenizer, question), suffix), np.stack([grey] * 3)


def _encoded(prompt: tuple[int, ...], suffix: tuple[int, ...]) -> Encoded:
    return Encoded(prompt=prompt, suffix=suffix, image=0, case=0, truncated=False)
