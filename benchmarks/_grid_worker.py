"""One cell of the grid in a process of its own: a model is loaded once and stepped at growing micro-batches.

    python -m benchmarks._grid_worker CELL.json

prints one JSON object a micro-batch, until one does not fit.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import Struct

from benchmarks._step_sides import batch_of, quietly
from trainer.energy import EnergyMeter
from trainer.lora import TARGETS, add_lora, lora_pattern
from trainer.made_up import made_up_examples, made_up_features
from trainer.memory import Memory, is_out_of_memory, release, set_checkpointing
from trainer.model import LoadedModel, load_model
from trainer.optimizer import MasterAdamW
from trainer.peak import peak_memory_gib, reset_peak
from trainer.probe import Prober
from trainer.quantize import compute_dtype
from trainer.random_weights import PlaceholderTokenizer
from trainer.step import training_step

WARM_UPS = 2


class Cell(Struct, frozen=True, kw_only=True):
    """What one process measures.

    Attributes:
        weights: Folder of (random) weights.
        side: `ours`; `stock`: Trainer and peft, adapters in the language model alone; `usual`: as in tutorials, with
            checkpointing, adapters by suffix name, and peft's preparation of quantized weights.
    """

    weights: str
    side: str
    quantization: str
    lora_targets: str
    micro_batches: tuple[int, ...]
    lora_rank: int = 8
    prompt_tokens: int = 16
    suffix_tokens: int = 64
    steps: int = 8
    device: str = "cuda"
    checkpointing: bool = False


def main(file: str) -> None:
    """Measure and print."""
    cell = msgspec.json.decode(Path(file).read_bytes(), type=Cell)
    for found in _ours(cell) if cell.side == "ours" else _stock(cell):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _ours(cell: Cell) -> Iterator[dict[str, Any]]:
    model = _loaded(cell)
    add_lora(model.network, targets=cell.lora_targets, rank=cell.lora_rank, alpha=16, seed=0, dtype=model.dtype)
    set_checkpointing(model.network, cell.checkpointing)
    model.network.train()
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-4)
    for size in cell.micro_batches:
        examples = made_up_examples(model, size, cell.prompt_tokens, cell.suffix_tokens)
        features = made_up_features(model, size)

        def once(examples: Any = examples, features: Any = features, size: int = size) -> None:
            training_step(model, optimizer, examples, lambda rows: features[rows], micro_batch_size=size)

        found = _timed(once, cell, model.device)
        if found is None:
            return
        yield {"micro_batch": size, **found, **_decoding(model, cell, size)}


def _decoding(model: LoadedModel, cell: Cell, size: int) -> dict[str, float]:
    """Answer tokens a second, of a whole batch."""
    prober = Prober(
        model=model,
        settings=None,  # type: ignore[arg-type]
        memory=Memory(micro_batch_size=size),
        run="grid",
        prompt_tokens=cell.prompt_tokens,
        suffix_tokens=cell.suffix_tokens,
        repeats=3,
        check=lambda: None,
    )
    for event in prober.unless_too_large(prober.answer, size):
        if event.kind == "decode":
            return {"decode_tokens_per_s": size / event.seconds_median}
    return {}


def _stock(cell: Cell) -> Iterator[dict[str, Any]]:
    import peft

    model = _loaded(cell)
    usual = cell.side == "usual"
    with quietly():
        network: Any = model.network
        if usual and cell.quantization in ("nf4", "int8"):
            prepare: Any = peft.prepare_model_for_kbit_training
            network = prepare(network)
        targets: Any = list(TARGETS[cell.lora_targets]) if usual else lora_pattern(cell.lora_targets)
        make: Any = peft.LoraConfig
        network = peft.get_peft_model(network, make(r=cell.lora_rank, lora_alpha=16, target_modules=targets))
    for size in cell.micro_batches:
        examples = made_up_examples(model, size, cell.prompt_tokens, cell.suffix_tokens)
        side = model.image_size_px
        pixels = torch.randn(size, 3, side, side, generator=torch.Generator().manual_seed(1)).to(model.dtype)
        rows = batch_of(model, examples, pixels)

        def all_steps(rows: Any = rows, size: int = size) -> list[float]:
            return _trainer_steps(network, rows, size, cell, checkpointing=usual or cell.checkpointing)

        found = _timed_many(all_steps, model.device)
        if found is None:
            return
        yield {"micro_batch": size, **found}


def _loaded(cell: Cell) -> LoadedModel:
    """As each side would load it; the stock side without this trainer's changes to the network."""
    device = torch.device(cell.device)
    if cell.side == "ours":
        return load_model(
            cell.weights, name="grid", quantization=cell.quantization, device=device, tokenizer=PlaceholderTokenizer()
        )
    from transformers import BitsAndBytesConfig, PaliGemmaForConditionalGeneration

    dtype = compute_dtype(cell.quantization, device)
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": cell.device}}
    make: Any = BitsAndBytesConfig
    if cell.quantization == "int8":
        options["quantization_config"] = make(load_in_8bit=True)
    elif cell.quantization == "nf4":
        options["quantization_config"] = make(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    with quietly():
        loading: Any = PaliGemmaForConditionalGeneration
        network = loading.from_pretrained(cell.weights, **options).requires_grad_(False)
    return LoadedModel(
        network=network,
        tokenizer=PlaceholderTokenizer(),
        name="grid",
        device=device,
        dtype=dtype,
        quantization=cell.quantization,
    )


def _trainer_steps(
    network: Any, rows: dict[str, torch.Tensor], size: int, cell: Cell, *, checkpointing: bool
) -> list[float]:
    """Seconds of every step of Trainer.train(), warm-up included."""
    with quietly():
        from transformers import Trainer, TrainerCallback, TrainingArguments

    seconds: list[float] = []
    device = torch.device(cell.device)

    class Watch(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            _wait(device)
            self.start = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            _wait(device)
            seconds.append(time.perf_counter() - self.start)

    data = [{name: values[row] for name, values in rows.items()} for row in range(size)]
    with tempfile.TemporaryDirectory() as folder, quietly():
        arguments = TrainingArguments(
            output_dir=folder,
            use_cpu=device.type == "cpu",
            per_device_train_batch_size=size,
            max_steps=cell.steps + WARM_UPS,
            learning_rate=1e-4,
            lr_scheduler_type="constant",
            gradient_checkpointing=checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
            bf16=device.type == "cuda" and compute_dtype(cell.quantization, device) == torch.bfloat16,
            fp16=device.type == "cuda" and compute_dtype(cell.quantization, device) == torch.float16,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        Trainer(model=network, args=arguments, train_dataset=data, callbacks=[Watch()]).train()
    return seconds


def _timed(once: Callable[[], None], cell: Cell, device: torch.device) -> dict[str, Any] | None:
    def steps() -> list[float]:
        seconds = []
        for _ in range(cell.steps + WARM_UPS):
            start = time.perf_counter()
            once()
            _wait(device)
            seconds.append(time.perf_counter() - start)
        return seconds

    return _timed_many(steps, device)


def _timed_many(steps: Callable[[], list[float]], device: torch.device) -> dict[str, Any] | None:
    """Median seconds, peak and joules a step; None where memory does not suffice."""
    reset_peak(device)
    meter = EnergyMeter(device)
    try:
        seconds = steps()
    except (RuntimeError, MemoryError) as problem:
        if not is_out_of_memory(problem):
            raise
        release(device)
        return None
    joules = meter.joules()
    return {
        "seconds_per_step": statistics.median(seconds[WARM_UPS:]),
        "peak_gib": peak_memory_gib(device),
        "energy_joules_per_step": None if joules is None else joules / len(seconds),
    }


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main(sys.argv[1])
