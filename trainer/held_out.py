"""How much of the held-out set is evaluated, so that evaluating does not eat the calibration.

Every budget is evaluated on the same examples, spread over the cases. Evaluating an example costs about 0.4 of
training on it (forward only); on all of a large held-out set a calibration of a few thousand examples would spend a
third of its time on evaluation. The default keeps it near 4 %, and never below 100 examples.
"""

from __future__ import annotations

from collections.abc import Sequence

from trainer.config import Settings
from trainer.dataset import Example
from trainer.dataset.split import case_share
from trainer.schedule import Budget, total_steps

FEWEST = 100
SHARE_OF_TIME = 0.04
COST_OF_TRAINING = 0.4


def held_out_limit(settings: Settings, budgets: Sequence[Budget]) -> int:
    """Examples to evaluate at every budget and before the first step; a function of the budgets alone."""
    if settings.held_out_examples is not None:
        return settings.held_out_examples
    trained = total_steps(budgets, trunk=True) * settings.effective_batch()
    evaluations = len(budgets) + 1
    return max(FEWEST, int(SHARE_OF_TIME * trained / (COST_OF_TRAINING * evaluations)))


def evaluated(held_out: Sequence[Example], limit: int) -> tuple[Example, ...]:
    """`limit` examples: one of every case, then a second of each, cases by hash.

    Answers of one case resemble each other, so many cases tell more than many examples of a few.
    """
    turns: dict[str, int] = {}
    ranked = []
    for index, example in enumerate(held_out):
        turn = turns[example.case] = turns.get(example.case, -1) + 1
        ranked.append((turn, case_share(example.case), index))
    kept = {index for _, _, index in sorted(ranked)[:limit]}
    return tuple(example for index, example in enumerate(held_out) if index in kept)
