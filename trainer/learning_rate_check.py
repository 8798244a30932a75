"""A short check of the learning rate, so that a rate that suits one configuration better is not taken for a floor.

Short annealed runs at a third of the rate, at it and at three times it; where the best lies at the edge, one step
further, twice at most. They are judged on training examples that none of them saw: the held-out set stays untouched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from msgspec import Struct

from planner.record import LearningRateCheck
from trainer.feature_cache import FeatureCache
from trainer.lora import reset_lora
from trainer.memory import Memory
from trainer.model import LoadedModel
from trainer.optimizer import MasterAdamW
from trainer.progress import say, stage
from trainer.schedule import DataOrder, learning_rate, make_budgets
from trainer.step import evaluate, training_step
from trainer.tokens import Encoded

RATIO = 3.0
FURTHER = 2
STEPS = 32
JUDGES = 64


class RateCheck(Struct, frozen=True, kw_only=True):
    """What the short runs share.

    Attributes:
        training: Examples, of which the runs see the first and are judged on some of the others.
        check: Called before every step; raises to stop.
    """

    model: LoadedModel
    training: Sequence[Encoded]
    features: FeatureCache
    memory: Memory
    loss_mask: str
    batch: int
    seed: int
    check: Callable[[], None]

    def choose(self, rate: float, run: str) -> list[LearningRateCheck]:
        """Events of all rates that were tried, ascending, one of them chosen; none where too few could judge."""
        order = DataOrder(len(self.training), self.batch, self.seed)
        steps = min(STEPS, (len(self.training) - 8) // self.batch)
        if steps < 8:
            say("The training set is too small for a check of the learning rate; the rate stays as it is.")
            return []
        unseen = [order(step) for step in range(steps, len(self.training) // self.batch)]
        judges = [self.training[index] for step in unseen for index in step][:JUDGES]
        losses: dict[float, float] = {}
        with stage("Learning-rate check", 3 * steps) as bar:

            def tried(candidate: float) -> None:
                losses[candidate] = self._loss(candidate, steps, order, judges, bar.advance)

            for candidate in (rate / RATIO, rate, rate * RATIO):
                tried(candidate)
            for _ in range(FURTHER):
                best = min(losses, key=lambda candidate: losses[candidate])
                if best == max(losses):
                    tried(best * RATIO)
                elif best == min(losses):
                    tried(best / RATIO)
                else:
                    break
        best = min(losses, key=lambda candidate: losses[candidate])
        if not math.isfinite(losses[best]):
            best = rate
        say(_sentence(losses, best, rate))
        return [
            LearningRateCheck(
                run=run,
                learning_rate=_short(candidate),
                examples=steps * self.batch,
                chosen=candidate == best,
                loss=loss if math.isfinite(loss) else None,
            )
            for candidate, loss in sorted(losses.items())
        ]

    def _loss(
        self,
        rate: float,
        steps: int,
        order: DataOrder,
        judges: Sequence[Encoded],
        advance: Callable[[int, str], None],
    ) -> float:
        """Loss on the judges after a short annealed run from fresh adapters; infinite when it diverged."""
        budget = make_budgets([steps * self.batch], self.batch)[0]
        reset_lora(self.model.trainable_named(), self.seed)
        optimizer = MasterAdamW(self.model.trainable_named(), learning_rate=rate)
        self.model.network.train()
        for step in range(steps):
            optimizer.set_learning_rate(learning_rate(step, rate, budget))
            result = training_step(
                self.model,
                optimizer,
                [self.training[index] for index in order(step)],
                self.features,
                micro_batch_size=self.memory.micro_batch_size,
                loss_mask=self.loss_mask,
                between=self.check,
            )
            advance(1, f"rate {rate:.1e}")
            if not result.finite:
                return math.inf
        sums, tokens = evaluate(
            self.model,
            judges,
            self.features,
            batch_size=self.memory.evaluation_batch_size,
            between=lambda _: self.check(),
        )
        loss = math.fsum(sums) / sum(tokens)
        return loss if math.isfinite(loss) else math.inf


def _short(rate: float) -> float:
    """Three digits: a rate is no more exact than that."""
    return float(f"{rate:.3g}")


def _sentence(losses: dict[float, float], best: float, given: float) -> str:
    found = ", ".join(
        f"{rate:.2g}: {loss:.3f}" if math.isfinite(loss) else f"{rate:.2g}: diverged"
        for rate, loss in sorted(losses.items())
    )
    verdict = "stays" if best == given else f"becomes {best:.2g}"
    return f"Learning rate {given:.2g} {verdict} (loss after a short run by rate: {found})."
