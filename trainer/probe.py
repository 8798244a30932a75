"""Timed shapes: seconds and bytes of training and answering, from which hours on this machine are computed."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import torch

from planner.record import Probe
from trainer.answers import Prefill, padded_prompts
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.step import training_step
from trainer.tokens import Encoded

TRAIN_SHAPES = (1.0, 2.0)
DECODED_TOKENS = 16


def peak_memory_gib(device: torch.device) -> float:
    """Peak of the process: reserved on a GPU, resident on a CPU."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_reserved(device)) / 2**30
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(peak) / (2**30 if sys.platform == "darwin" else 2**20)
    except ImportError:
        return float(psutil.Process().memory_info().rss) / 2**30


def probe(
    model: LoadedModel,
    *,
    run: str,
    micro_batch_size: int,
    prompt_tokens: int,
    suffix_tokens: int,
    repeats: int,
    check: Callable[[], None],
) -> Iterator[Probe]:
    """Time training at two shapes, reading a prompt (prefill) and writing (decode), on made-up tokens.

    The adapters are put back as they were. Suffixes of the second training shape are twice as long, and long enough
    that the whole sequence is at least 1.5 times the first.
    """
    positions = model.image_tokens + prompt_tokens
    for factor in TRAIN_SHAPES:
        suffix = (
            suffix_tokens if factor == 1 else max(round(factor * suffix_tokens), round(0.6 * positions) + suffix_tokens)
        )
        yield _train_probe(model, run, micro_batch_size, prompt_tokens, suffix, repeats, check)
    yield from _answer_probes(model, run, micro_batch_size, prompt_tokens, repeats, check)


def _examples(model: LoadedModel, count: int, prompt: int, suffix: int) -> list[Encoded]:
    generator = torch.Generator().manual_seed(0)

    def ids(length: int) -> tuple[int, ...]:
        low = min(300, model.vocabulary_size // 2)
        return tuple(torch.randint(low, model.vocabulary_size - 8, (length,), generator=generator).tolist())

    return [Encoded(prompt=ids(prompt), suffix=ids(suffix), image=row, case=0, truncated=False) for row in range(count)]


def _features(model: LoadedModel, rows: int) -> torch.Tensor:
    width = int(model.network.config.vision_config.hidden_size)
    return torch.randn(rows, model.image_tokens, width, generator=torch.Generator().manual_seed(0)).to(model.dtype)


def _train_probe(
    model: LoadedModel, run: str, micro_batch: int, prompt: int, suffix: int, repeats: int, check: Callable[[], None]
) -> Probe:
    examples = _examples(model, micro_batch, prompt, suffix)
    features = _features(model, micro_batch)
    # Learning rate 0: all the work of a step, and the adapters stay where they are.
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=0.0)
    model.network.train()

    def once() -> None:
        training_step(model, optimizer, examples, lambda rows: features[rows], micro_batch_size=micro_batch)

    seconds = _timed(once, repeats, model.device, check)
    return _event(model, run, "train", micro_batch, prompt, suffix, seconds)


def _answer_probes(
    model: LoadedModel, run: str, batch: int, prompt: int, repeats: int, check: Callable[[], None]
) -> Iterator[Probe]:
    model.network.eval()
    with torch.no_grad():
        examples = _examples(model, batch, prompt, 1)
        ids, mask = padded_prompts(model, examples)
        features = _features(model, batch)
        seconds = _timed(lambda: Prefill(model, ids, mask, features), repeats, model.device, check)
        yield _event(model, run, "prefill", batch, prompt, 0, seconds)
        state = Prefill(model, ids, mask, features)

        def once() -> None:
            state.decode(state.next_tokens)

        seconds = _timed(once, DECODED_TOKENS, model.device, check)
        yield _event(model, run, "decode", batch, prompt, DECODED_TOKENS, seconds)


def _timed(work: Callable[[], object], repeats: int, device: torch.device, check: Callable[[], None]) -> list[float]:
    found = []
    for turn in range(repeats + 2):
        check()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if turn >= 2:
            found.append(time.perf_counter() - start)
    return sorted(found)


def _event(
    model: LoadedModel, run: str, kind: str, batch: int, prompt: int, suffix: int, seconds: list[float]
) -> Probe:
    last = len(seconds) - 1
    return Probe(
        run=run,
        kind=kind,
        micro_batch_size=batch,
        image_tokens=model.image_tokens,
        prompt_tokens=prompt,
        suffix_tokens=suffix,
        seconds_median=statistics.median(seconds),
        seconds_p10=seconds[round(0.1 * last)],
        seconds_p90=seconds[round(0.9 * last)],
        repeats=len(seconds),
        quantization=model.quantization,
        peak_memory_gib=peak_memory_gib(model.device),
    )
