"""How many examples are held at once: found by trying, on the longest examples there are.

The size is doubled while it fits and still pays; the effective batch is not touched. Whether a step fits is known on a
GPU by its error; on a CPU the kernel would end the process, so there the growth of the process's peak is watched, and
the next size is not tried where it would not fit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import torch

from planner.errors import MissingPartError
from trainer.config import Settings
from trainer.made_up import made_up_examples, made_up_features
from trainer.memory import Memory, is_out_of_memory, release, set_checkpointing
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.peak import peak_memory_gib
from trainer.step import training_step

_USABLE_SHARE = 0.92
# A larger micro-batch that is not this much faster only takes memory.
_WORTH_IT = 1.03


def choose_memory(
    model: LoadedModel, settings: Settings, *, prompt_tokens: int, suffix_tokens: int, check: Callable[[], None]
) -> Memory:
    """Micro-batch and checkpointing for the longest prompt and suffix.

    Raises:
        MissingPartError: Not one example fits.
    """
    batch = settings.effective_batch()
    on = settings.checkpointing == "on"
    memory = Memory(micro_batch_size=batch, checkpointing=on, may_checkpoint=settings.checkpointing == "auto")
    if settings.micro_batch_size is not None or settings.is_tiny:
        memory.micro_batch_size = settings.micro_batch_size or batch
        set_checkpointing(model.network, on)
        return memory
    for checkpointing in (on, True) if memory.may_checkpoint else (on,):
        set_checkpointing(model.network, checkpointing)
        size = _largest_that_pays(model, batch, prompt_tokens, suffix_tokens, check)
        if size:
            memory.micro_batch_size, memory.checkpointing = size, checkpointing
            return memory
    raise MissingPartError(
        "Not one example of this length fits into memory. Use --quantization nf4, a smaller --context, or a larger GPU."
    )


def _largest_that_pays(model: LoadedModel, batch: int, prompt: int, suffix: int, check: Callable[[], None]) -> int:
    """The size at which doubling stops to fit or to pay; 0: not one example fits."""
    limit = memory_limit_gib(model.device)
    best, best_rate, peaks = 0, 0.0, [peak_memory_gib(model.device)]
    size = 1
    while True:
        check()
        growth = peaks[-1] - peaks[-2] if len(peaks) > 1 else 0.0
        if model.device.type == "cpu" and peaks[-1] + 2 * growth > limit:
            return best
        seconds = _seconds(model, size, prompt, suffix)
        peaks.append(peak_memory_gib(model.device))
        if seconds is None or (size > 1 and peaks[-1] > limit):
            return best
        if size / seconds < _WORTH_IT * best_rate:
            return best
        best, best_rate = size, size / seconds
        if size == batch:
            return best
        size = min(2 * size, batch)


def _seconds(model: LoadedModel, size: int, prompt: int, suffix: int) -> float | None:
    """The faster of two steps, or None where memory does not suffice."""
    examples = made_up_examples(model, size, prompt, suffix)
    features = made_up_features(model, size)
    # Learning rate 0: all the work of a step, and the adapters stay where they are.
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=0.0)
    model.network.train()
    found = []
    try:
        for _ in range(2):
            start = time.perf_counter()
            training_step(model, optimizer, examples, lambda rows: features[rows], micro_batch_size=size)
            if model.device.type == "cuda":
                torch.cuda.synchronize(model.device)
            found.append(time.perf_counter() - start)
        return min(found)
    except (RuntimeError, MemoryError) as problem:
        if not is_out_of_memory(problem):
            raise
    optimizer.zero_grad()
    release(model.device)
    return None


def memory_limit_gib(device: torch.device) -> float:
    """What the process may come to hold."""
    if device.type == "cuda":
        return _USABLE_SHARE * float(torch.cuda.get_device_properties(device).total_memory) / 2**30
    free = float(psutil.virtual_memory().available + psutil.Process().memory_info().rss)
    return _USABLE_SHARE * free / 2**30
