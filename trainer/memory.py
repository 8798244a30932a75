"""What is held at once: the micro-batch, checkpointing, and what to do when it does not fit."""

from __future__ import annotations

import gc
from typing import Any

import torch
from msgspec import Struct

from trainer.quiet import quiet

HALVINGS = 3
_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


class Memory(Struct, kw_only=True):
    """How a step is cut; the effective batch never changes.

    Attributes:
        micro_batch_size: Examples in memory at once.
        checkpointing: Activations are computed again in the backward pass: 27 % more work, a tenth of the memory.
        may_checkpoint: Whether it may be turned on when nothing else helps.
        evaluation_batch_size: Examples of a held-out evaluation at once.
        answers_at_once: Answers that are written side by side.
        halvings: Of the micro-batch, so far.
    """

    micro_batch_size: int
    checkpointing: bool = False
    may_checkpoint: bool = True
    evaluation_batch_size: int = 32
    answers_at_once: int = 32
    halvings: int = 0

    def shrink(self) -> bool:
        """Half the micro-batch, at most three times; then checkpointing; False: nothing is left to try."""
        if self.micro_batch_size > 1 and self.halvings < HALVINGS:
            self.micro_batch_size //= 2
            self.halvings += 1
            return True
        if self.may_checkpoint and not self.checkpointing:
            self.checkpointing = True
            return True
        return False


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception says that memory did not suffice: of CUDA, of its libraries, or of the CPU."""
    if isinstance(problem, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(problem, RuntimeError) and any(words in str(problem).lower() for words in _WORDS)


def release(device: torch.device) -> None:
    """Give back what a failed attempt held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def set_checkpointing(network: Any, on: bool) -> None:
    """Turn activation checkpointing of the language model on or off."""
    with quiet():
        if not on:
            network.gradient_checkpointing_disable()
        else:  # the older name is deprecated in transformers 5.23, and the only one before
            enable = getattr(network, "activation_checkpointing_enable", None) or network.gradient_checkpointing_enable
            enable({"use_reentrant": False})
            # Only re-entrant checkpointing needs inputs with gradients; here they would be computed for nothing.
            network.disable_input_require_grads()
