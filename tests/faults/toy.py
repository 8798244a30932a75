"""A run of the real loop on a random network, small enough for hundreds of steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from planner.record import RunLog, create_record
from tests.factories import example_calibration
from tests.trainer.conftest import small
from tests.trainer.models import random_examples, random_features, random_model
from trainer.checkpoint import Progress
from trainer.feature_cache import FeatureCache
from trainer.loop import Bench, advance
from trainer.memory import Memory
from trainer.optimizer import MasterAdamW
from trainer.progress import Stage
from trainer.schedule import Budget, DataOrder
from trainer.stopping import StopFlag

BATCH = 4


class Toy:
    """A bench, its optimizer and the log of its run."""

    def __init__(self, folder: Path, *, micro_batch_size: int = BATCH, stop: StopFlag | None = None) -> None:
        self.record = folder
        if not (folder / "calibration.json").exists():
            create_record(folder, example_calibration().header)
        model = random_model()
        self.saved: list[int] = []
        self.bench = Bench(
            model=model,
            training=random_examples(model, ((3, 4), (2, 6), (4, 5), (3, 3), (2, 7), (5, 2), (3, 5), (2, 3))),
            held_out=random_examples(model),
            features=FeatureCache(random_features(model, rows=8)),
            settings=small(folder, folder, effective_batch_size=BATCH, learning_rate=1e-3),
            order=DataOrder(8, BATCH, 0),
            memory=Memory(micro_batch_size=micro_batch_size),
            stop=stop or StopFlag(),
            stage=Stage(),
            save=lambda run, progress, tensors: self.saved.append(progress.step),
        )
        self.optimizer = MasterAdamW(model.trainable_named(), learning_rate=1e-3)

    def run(self, steps: int, budget: Budget | None = None) -> Progress:
        """Train so many steps from the start."""
        with RunLog(self.record, "run") as log:
            return advance(self.bench, log, "run", self.optimizer, Progress(), until=steps, budget=budget)

    def adapters(self) -> list[torch.Tensor]:
        """Copies."""
        return [parameter.detach().clone() for parameter in self.bench.model.trainable()]


def at_calls(real: Callable[..., object], calls: set[int], fault: Callable[..., object]) -> Callable[..., object]:
    """`real`, except that some calls (0-based) meet a fault first."""
    count = iter(range(10**9))

    def wrapped(*arguments: object, **options: object) -> object:
        return fault(real, *arguments, **options) if next(count) in calls else real(*arguments, **options)

    return wrapped
