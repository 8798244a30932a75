"""One training step, twice: by this trainer, and by Hugging Face's Trainer with peft.

Both sides take the same examples, tokens, padding, weights and adapters. The stock side gets its pixels ready made (the
usual collator would also decode and resize images at every step: not counted here, in its favour).
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from msgspec import Struct

from trainer.last_layer import shorten_last_layer
from trainer.lora import TARGETS, add_lora, lora_pattern
from trainer.made_up import made_up_examples
from trainer.memory import set_checkpointing
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.quiet import hush
from trainer.random_weights import PlaceholderTokenizer
from trainer.step import micro_batches, training_step
from trainer.tokens import Encoded

PROMPT_TOKENS, SUFFIX_TOKENS = 16, 64
LEARNING_RATE, RANK = 1e-4, 8
# Share of the tower in a PaliGemma-3B's forward pass is kept: 0.22 of 1.6 TFLOP.
TOWER_OF_HIDDEN = {1024: (384, 1436, 16, 6), 512: (192, 718, 8, 6), 128: (48, 96, 1, 4)}


class Shape(Struct, frozen=True, kw_only=True):
    """A PaliGemma of any size at 224 px (256 image tokens)."""

    hidden: int = 1024
    layers: int = 8
    intermediate: int = 4096
    vocabulary: int = 32_768
    head_size: int = 256
    batch: int = 4
    image_size_px: int = 224

    @property
    def config(self) -> dict[str, Any]:
        """As in config.json."""
        width, inner, layers, heads = TOWER_OF_HIDDEN[self.hidden]
        return {
            "projection_dim": self.hidden,
            "hidden_size": self.hidden,
            "vocab_size": self.vocabulary,
            "image_token_index": self.vocabulary - 1,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 1,
            "text_config": {
                "model_type": "gemma",
                "hidden_size": self.hidden,
                "intermediate_size": self.intermediate,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.hidden // self.head_size,
                "num_key_value_heads": 1,
                "head_dim": self.head_size,
                "vocab_size": self.vocabulary,
                "pad_token_id": 0,
            },
            "vision_config": {
                "model_type": "siglip_vision_model",
                "hidden_size": width,
                "intermediate_size": inner,
                "num_hidden_layers": layers,
                "num_attention_heads": heads,
                "image_size": self.image_size_px,
                "patch_size": 14,
                "vision_use_head": False,
            },
        }


def network_of(shape: Shape, dtype: torch.dtype = torch.float32) -> Any:
    """Random weights, the same for the same shape."""
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    hush()
    make: Any = PaliGemmaConfig
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Any = PaliGemmaForConditionalGeneration(make(**shape.config))
    return network.to(dtype).requires_grad_(False)


def pixels_of(shape: Shape, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Made-up images."""
    size = (shape.batch, 3, shape.image_size_px, shape.image_size_px)
    return torch.randn(size, generator=torch.Generator().manual_seed(1)).to(dtype)


class Ours:
    """This trainer's step, image features computed once before."""

    def __init__(self, shape: Shape, dtype: torch.dtype = torch.float32, *, checkpointing: bool = False) -> None:
        self.network = network_of(shape, dtype)
        shorten_last_layer(self.network)
        with torch.no_grad():
            self.features = self.network.model.vision_tower(pixels_of(shape, dtype)).last_hidden_state
        add_lora(self.network, targets="all-linear", rank=RANK, alpha=2 * RANK, seed=0, dtype=dtype)
        self.model = LoadedModel(
            network=self.network,
            tokenizer=PlaceholderTokenizer(),
            name="benchmark",
            device=torch.device("cpu"),
            dtype=dtype,
            quantization="fp32",
            short_last_layer=True,
        )
        set_checkpointing(self.network, checkpointing)
        self.examples = made_up_examples(self.model, shape.batch, PROMPT_TOKENS, SUFFIX_TOKENS)
        self.optimizer = MasterAdamW(self.model.trainable_named(), learning_rate=LEARNING_RATE)
        self.network.train()

    def step(self) -> float:
        """One step; its loss."""
        return training_step(
            self.model,
            self.optimizer,
            self.examples,
            lambda rows: self.features[rows],
            micro_batch_size=len(self.examples),
        ).loss


class Stock:
    """Hugging Face's Trainer on a peft model.

    `usual` is the recipe found in the wild: activation checkpointing on, adapters by suffix name, so that they also
    land in the vision tower.
    """

    def __init__(self, shape: Shape, dtype: torch.dtype = torch.float32, *, usual: bool = False) -> None:
        with quietly():
            from peft import LoraConfig, get_peft_model

        self.usual, self.shape = usual, shape
        network = network_of(shape, dtype)
        model = LoadedModel(
            network=network,
            tokenizer=PlaceholderTokenizer(),
            name="benchmark",
            device=torch.device("cpu"),
            dtype=dtype,
            quantization="fp32",
        )
        examples = made_up_examples(model, shape.batch, PROMPT_TOKENS, SUFFIX_TOKENS)
        self.batch = batch_of(model, examples, pixels_of(shape, dtype))
        targets = list(TARGETS["all-linear"]) if usual else lora_pattern("all-linear")
        with quietly(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            make: Any = LoraConfig
            self.network: Any = get_peft_model(network, make(r=RANK, lora_alpha=2 * RANK, target_modules=targets))

    def steps(self, count: int, between: Callable[[float, float], None]) -> None:
        """`count` steps of Trainer.train(); `between` is called after each with its CPU seconds and its loss."""
        with quietly():
            from transformers import Trainer, TrainerCallback, TrainingArguments

        losses: list[float] = []

        class Watch(TrainerCallback):
            def on_step_begin(self, *_: Any, **__: Any) -> None:
                self.start = time.process_time()

            def on_step_end(self, *_: Any, **__: Any) -> None:
                between(time.process_time() - self.start, losses[-1])

        class Watched(Trainer):
            def compute_loss(self, *args: Any, **options: Any) -> Any:
                found = super().compute_loss(*args, **options)
                losses.append(float((found[0] if isinstance(found, tuple) else found).detach()))
                return found

        rows = [{name: values[row] for name, values in self.batch.items()} for row in range(self.shape.batch)]
        with tempfile.TemporaryDirectory() as folder, quietly():
            arguments = TrainingArguments(
                output_dir=folder,
                use_cpu=True,
                per_device_train_batch_size=self.shape.batch,
                max_steps=count,
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="constant",
                weight_decay=0.0,
                gradient_checkpointing=self.usual,
                gradient_checkpointing_kwargs={"use_reentrant": False} if self.usual else None,
                logging_strategy="no",
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                remove_unused_columns=False,
            )
            Watched(model=self.network, args=arguments, train_dataset=rows, callbacks=[Watch()]).train()


def batch_of(model: LoadedModel, examples: list[Encoded], pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the processor's collator would give."""
    batch = micro_batches(model, examples, len(examples))[0]
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "token_type_ids": batch.token_type_ids,
        "labels": batch.labels,
        "pixel_values": pixels,
    }


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
