"""Timed shapes: seconds, bytes, FLOPs and joules of training and answering; hours on this machine follow from them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from msgspec import Struct

from planner.hardware.architecture import architecture_from_config
from planner.record import Probe
from trainer import flops
from trainer.answers import Prefill, padded_prompts
from trainer.config import Settings
from trainer.energy import EnergyMeter
from trainer.made_up import made_up_examples, made_up_features
from trainer.memory import Memory, is_out_of_memory, release
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.peak import peak_memory_gib, reset_peak
from trainer.progress import say
from trainer.step import training_step

DECODED_TOKENS = 16
WARM_UPS = 2


class Prober(Struct, frozen=True, kw_only=True):
    """Times one configuration.

    Attributes:
        run: Id of the run that the events belong to.
        repeats: Timed repetitions of a shape.
        check: Called before every repetition; raises to stop.
    """

    model: LoadedModel
    settings: Settings
    memory: Memory
    run: str
    prompt_tokens: int
    suffix_tokens: int
    repeats: int
    check: Callable[[], None]

    def probes(self) -> Iterator[Probe]:
        """Training at three shapes, reading prompts (prefill) and writing (decode) one and many at a time.

        The second training shape is at least 1.5 times as long as the first, the third has half the micro-batch: length
        and batch tell arithmetic from fixed costs. A shape that does not fit is left out, and said. The adapters are
        put back as they were.
        """
        micro = self.memory.micro_batch_size
        shapes = [(micro, self.suffix_tokens), (micro, self.longer_suffix)]
        if micro > 1:
            shapes.append((micro // 2, self.suffix_tokens))
        for size, suffix in shapes:
            yield from self.unless_too_large(self.train, size, suffix)
        for size in dict.fromkeys((1, micro)):
            yield from self.unless_too_large(self.answer, size)

    @property
    def longer_suffix(self) -> int:
        """Suffix of a sequence at least 1.5 times as long."""
        positions = self.model.image_tokens + self.prompt_tokens
        return max(2 * self.suffix_tokens, round(0.6 * positions) + self.suffix_tokens)

    def unless_too_large(self, timed: Callable[..., list[Probe]], *shape: int) -> list[Probe]:
        """Probes of a shape; none where memory does not suffice."""
        try:
            return timed(*shape)
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem):
                raise
        for parameter in self.model.trainable():
            parameter.grad = None
        release(self.model.device)
        say(f"A probe of {shape[0]} examples does not fit into memory and is left out.")
        return []

    def train(self, micro_batch_size: int, suffix_tokens: int) -> list[Probe]:
        """Optimizer steps of one micro-batch."""
        model = self.model
        examples = made_up_examples(model, micro_batch_size, self.prompt_tokens, suffix_tokens)
        features = made_up_features(model, micro_batch_size)
        # Learning rate 0: all the work of a step, and the adapters stay where they are.
        optimizer = MasterAdamW(model.trainable_named(), learning_rate=0.0)
        model.network.train()

        def once() -> None:
            training_step(model, optimizer, examples, lambda rows: features[rows], micro_batch_size=micro_batch_size)

        work = micro_batch_size * flops.step_flops_per_example(
            architecture_from_config(model.network.config.to_dict()),
            prompt_tokens=self.prompt_tokens,
            suffix_tokens=suffix_tokens,
            lora_targets=self.settings.lora_targets,
            lora_rank=self.settings.lora_rank,
            short_last_layer=model.short_last_layer,
        )
        timing = self._timed(once, self.repeats)
        return [self._event("train", micro_batch_size, suffix_tokens, work, timing, self.memory.checkpointing)]

    def answer(self, batch: int) -> list[Probe]:
        """Reading a batch of prompts, and one token of each."""
        model = self.model
        architecture = architecture_from_config(model.network.config.to_dict())
        model.network.eval()
        with torch.no_grad():
            ids, mask = padded_prompts(model, made_up_examples(model, batch, self.prompt_tokens, 1))
            features = made_up_features(model, batch)
            timing = self._timed(lambda: Prefill(model, ids, mask, features), self.repeats)
            work = batch * flops.prefill_flops_per_study(architecture, self.prompt_tokens)
            found = [self._event("prefill", batch, 0, work, timing)]
            state = Prefill(model, ids, mask, features)

            def once() -> None:
                state.decode(state.next_tokens)

            timing = self._timed(once, DECODED_TOKENS)
            middle = WARM_UPS + DECODED_TOKENS // 2
            work = batch * flops.decode_flops_per_study(architecture, self.prompt_tokens, middle)
            return [*found, self._event("decode", batch, DECODED_TOKENS, work, timing)]

    def _timed(self, work: Callable[[], object], repeats: int) -> dict[str, Any]:
        """Seconds and energy of some repetitions, the warm-up left out."""
        device = self.model.device
        reset_peak(device)
        for _ in range(WARM_UPS):
            self.check()
            work()
        _wait(device)
        meter = EnergyMeter(device)
        seconds = []
        for _ in range(repeats):
            self.check()
            start = time.perf_counter()
            work()
            _wait(device)
            seconds.append(time.perf_counter() - start)
        joules = meter.joules()
        seconds.sort()
        last = len(seconds) - 1
        return {
            "seconds_median": statistics.median(seconds),
            "seconds_p10": seconds[round(0.1 * last)],
            "seconds_p90": seconds[round(0.9 * last)],
            "repeats": repeats,
            "energy_joules": None if joules is None else joules / repeats,
        }

    def _event(
        self, kind: str, batch: int, suffix: int, work: float, timing: dict[str, Any], checkpointing: bool = False
    ) -> Probe:
        return Probe(
            run=self.run,
            kind=kind,
            micro_batch_size=batch,
            image_tokens=self.model.image_tokens,
            prompt_tokens=self.prompt_tokens,
            suffix_tokens=suffix,
            quantization=self.model.quantization,
            checkpointing=checkpointing,
            peak_memory_gib=peak_memory_gib(self.model.device),
            tflop=work / 1e12,
            **timing,
        )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
