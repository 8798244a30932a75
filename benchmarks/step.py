"""One training step beside Hugging Face's Trainer with peft: CPU time, peak memory, and what the feature cache spares.

Times are CPU seconds of one thread, the two sides in turn within one process, so that a busy machine slows both alike;
the ratio is that of the medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from msgspec import structs

from benchmarks._step_sides import PROMPT_TOKENS, RANK, SUFFIX_TOKENS, Ours, Shape, Stock, network_of, pixels_of
from benchmarks.figure import Figure, at_least, at_most
from planner.hardware.architecture import architecture_from_config, training_flops_per_example
from trainer.flops import step_flops_per_example

QUICK = Shape(hidden=512, layers=4, intermediate=2048, vocabulary=8192)
REAL_VOCABULARY = 257_216


def measure(quick: bool) -> list[Figure]:
    """Ratios stock / ours."""
    torch.set_num_threads(1)
    shape = QUICK if quick else Shape()
    size = f"hidden {shape.hidden:,}, {shape.layers} layers, batch {shape.batch}"
    rounds = 3 if quick else 6
    stock, ours, apart = _in_turn(shape, rounds, usual=False)
    usual, ours_again, _ = _in_turn(shape, rounds, usual=True)
    figures = [
        at_least(f"step: stock / ours ({size})", stock / ours, "x", 1.3),
        Figure(name="  CPU seconds a step, ours", value=ours, unit="s"),
        Figure(name="  by FLOPs alone", value=_flops_ratio(shape, usual=False), unit="x"),
        at_most("  losses of both sides, largest relative difference", apart, "", 1e-4),
        at_most("  share of the head in the stock step's FLOPs", _head_share(shape), "", 0.27),
        at_least("step: usual recipe (checkpointing, suffix names) / ours", usual / ours_again, "x", 1.9),
        Figure(name="  by FLOPs alone", value=_flops_ratio(shape, usual=True), unit="x"),
    ]
    wide = structs.replace(shape, vocabulary=REAL_VOCABULARY)
    peaks = {side: _peak_gib(side, wide) for side in ("stock", "ours")}
    figures += [
        at_least(
            f"peak memory of a step: stock / ours ({REAL_VOCABULARY:,} words)", peaks["stock"] / peaks["ours"], "x", 2.5
        ),
        Figure(name="  above the loaded model, ours", value=peaks["ours"], unit="GiB"),
        Figure(name="  above the loaded model, stock", value=peaks["stock"], unit="GiB"),
    ]
    return figures + _second_pass(shape)


def _in_turn(shape: Shape, rounds: int, *, usual: bool) -> tuple[float, float, float]:
    """Median CPU seconds of (stock, ours), the first round left out, and the largest difference of their losses."""
    ours, stock = Ours(shape), Stock(shape, usual=usual)
    named = dict(ours.network.named_parameters())
    with torch.no_grad():  # both sides start from the same adapters
        for name, parameter in stock.network.named_parameters():
            twin = named.get(name.removeprefix("base_model.model."))
            if "lora_" in name and twin is not None:
                parameter.copy_(twin)
    times: dict[str, list[float]] = {"stock": [], "ours": []}
    apart = [0.0]

    def between(seconds: float, loss: float) -> None:
        start = time.process_time()
        own = ours.step()
        times["ours"].append(time.process_time() - start)
        times["stock"].append(seconds)
        apart.append(abs(own - loss) / loss)

    stock.steps(rounds, between)
    return statistics.median(times["stock"][1:]), statistics.median(times["ours"][1:]), max(apart)


def _flops_ratio(shape: Shape, *, usual: bool) -> float:
    """What the closed form promises; the tower's own backward pass of the usual recipe is not in it."""
    architecture = architecture_from_config(shape.config)
    stock = training_flops_per_example(
        architecture,
        tokens=architecture.image_tokens + PROMPT_TOKENS + SUFFIX_TOKENS,
        lora_parameters=architecture.lora_parameters("all-linear", RANK),
        checkpointing=usual,
    )
    ours = step_flops_per_example(
        architecture,
        prompt_tokens=PROMPT_TOKENS,
        suffix_tokens=SUFFIX_TOKENS,
        lora_targets="all-linear",
        lora_rank=RANK,
    )
    return stock / ours


def _head_share(shape: Shape) -> float:
    architecture = architecture_from_config(shape.config)
    tokens = architecture.image_tokens + PROMPT_TOKENS + SUFFIX_TOKENS
    lora = architecture.lora_parameters("all-linear", RANK)
    whole = training_flops_per_example(architecture, tokens=tokens, lora_parameters=lora)
    return 1 - training_flops_per_example(architecture, tokens=tokens, lora_parameters=lora, head_rows=0) / whole


def _peak_gib(side: str, shape: Shape) -> float:
    """Peak of a process of its own during one step, minus what it held when the model was loaded."""
    program = (
        "import sys, torch, msgspec\n"
        "from benchmarks._step_sides import Ours, Shape, Stock\n"
        "from benchmarks.step import peak_above\n"
        "torch.set_num_threads(1)\n"
        "shape = msgspec.json.decode(sys.argv[2], type=Shape)\n"
        "side = Ours(shape) if sys.argv[1] == 'ours' else Stock(shape)\n"
        "step = side.step if sys.argv[1] == 'ours' else lambda: side.steps(1, lambda *_: None)\n"
        "print(peak_above(step))\n"
    )
    import msgspec

    command = [sys.executable, "-c", program, side, msgspec.json.encode(shape).decode()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return float(done.stdout.splitlines()[-1])


def peak_above(step: object) -> float:
    """GiB by which the process grows at most while `step` runs (Linux)."""
    assert callable(step)
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again at what is resident now
    before = _field_gib(status, "VmRSS")
    step()
    return _field_gib(status, "VmHWM") - before


def _field_gib(status: Path, name: str) -> float:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 2**20


def _second_pass(shape: Shape) -> list[Figure]:
    """Getting the features of some images: from their files through the tower, and from the mapped file."""
    from PIL import Image

    from trainer.dataset.image_file import pixels

    network = network_of(shape)
    grey = (pixels_of(shape)[:, 0] * 40 + 128).clamp(0, 255).byte().numpy()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{row}.png" for row in range(shape.batch)]
        for file, image in zip(files, grey, strict=True):
            Image.fromarray(image).save(file)
        first: list[float] = []
        second: list[float] = []
        for _ in range(3):
            start = time.process_time()
            stacked = torch.stack([torch.from_numpy(pixels(file, shape.image_size_px)) for file in files])
            with torch.no_grad():
                found = network.model.vision_tower(stacked).last_hidden_state
            first.append(time.process_time() - start)
            path = Path(folder) / "features.bin"
            path.write_bytes(found.numpy().tobytes())
            mapped = torch.from_file(str(path), shared=True, size=found.numel()).view(found.shape)
            start = time.process_time()
            mapped[torch.arange(shape.batch)].clone()
            second.append(time.process_time() - start)
    spared = statistics.median(first) - statistics.median(second)
    return [
        Figure(name="feature cache: CPU seconds spared a step on a second pass", value=spared, unit="s"),
        Figure(
            name="feature cache: images to features, files and tower / mapped file",
            value=statistics.median(first) / max(statistics.median(second), 1e-6),
            unit="x",
        ),
    ]
