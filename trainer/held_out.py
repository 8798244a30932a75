"""How much of the held-out set is evaluated, so that evaluating does not eat the calibration.

Every budget is evaluated on the same examples, whole cases chosen by hash. Evaluating an example costs about 0.4 of
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
    """Whole cases by hash until `limit` examples are reached; at least one case."""
    cases: dict[str, int] = {}
    for example in held_out:
        cases[example.case] = cases.get(example.case, 0) + 1
    kept: set[str] = set()
    count = 0
    for case in sorted(cases, key=lambda name: (case_share(name), name)):
        if kept and count + cases[case] > limit:
            break
        kept.add(case)
        count += cases[case]
    return tuple(example for example in held_out if example.case in kept)
