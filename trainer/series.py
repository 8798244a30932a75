"""What a calibration trains, in order: series of budgets that share a configuration, a seed and a set of cases.

Nested subsets of the cases tell what more studies would bring: at the same number of examples a run on a quarter of the
cases has seen each of them more often. Only budgets that go through a subset more than once can tell, so only those are
run on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from trainer.config import Settings
from trainer.dataset import Example
from trainer.dataset.split import case_share
from trainer.schedule import Budget, make_budgets, total_steps
from trainer.variation import Variant


class Series(Struct, frozen=True, kw_only=True):
    """Budgets of one configuration, one seed and one set of cases.

    Attributes:
        share: Of the training cases.
        examples: Indices of the training examples.
    """

    variant: Variant
    seed: int
    share: float
    examples: tuple[int, ...]
    budgets: tuple[Budget, ...]

    @property
    def trunk(self) -> str:
        """Run id of the constant-rate trunk."""
        return f"{self.variant.prefix}trunk-s{self.seed}{self._part}"

    def run(self, budget: Budget) -> str:
        """Run id of a budget; zeros so that runs sort by size."""
        return f"{self.variant.prefix}b{budget.examples:07d}-s{self.seed}{self._part}"

    def steps(self, *, trunk: bool) -> int:
        """Optimizer steps of all budgets."""
        return total_steps(self.budgets, trunk=trunk)

    @property
    def _part(self) -> str:
        return "" if self.share == 1.0 else f"-p{round(100 * self.share):02d}"


def series_of(settings: Settings, variants: Sequence[Variant], training: Sequence[Example]) -> tuple[Series, ...]:
    """Every series: the base with all its seeds and subsets first, then configuration by configuration."""
    everything = tuple(range(len(training)))
    found = []
    for variant in variants:
        budgets = make_budgets(variant.settings.budget_examples(), variant.settings.effective_batch())
        found += [
            Series(variant=variant, seed=seed, share=1.0, examples=everything, budgets=budgets)
            for seed in settings.all_seeds()
        ]
        if variant.tag:
            continue
        for share in sorted(settings.subsets, reverse=True):
            chosen = subset(training, share)
            repeated = tuple(budget for budget in budgets if budget.examples > len(chosen))
            if share < 1 and repeated:
                found.append(
                    Series(variant=variant, seed=settings.seed, share=share, examples=chosen, budgets=repeated)
                )
    return tuple(found)


def subset(training: Sequence[Example], share: float) -> tuple[int, ...]:
    """Indices of the examples of a share of the cases, chosen by hash: smaller shares lie inside larger ones."""
    cases = sorted({example.case for example in training}, key=lambda case: (case_share(case), case))
    kept = set(cases[: max(1, round(share * len(cases)))])
    return tuple(index for index, example in enumerate(training) if example.case in kept)


def open_series(series: Sequence[Series], finished: set[str], *, trunk: bool) -> tuple[Series, ...]:
    """Those with something left to do; a trunk that ended early (diverged) leaves nothing to do."""
    return tuple(
        each
        for each in series
        if not (trunk and each.trunk in finished) and any(each.run(budget) not in finished for budget in each.budgets)
    )
