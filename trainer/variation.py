"""Configurations side by side: `--vary targets=attention,all-linear --vary context=256,512`.

The first value of every key is the base. `calibrate run` makes the base and, one at a time, what differs from it in one
key (a star: 1 + sum of the further values); `calibrate sweep` makes every combination (a grid). All configurations are
evaluated on the same held-out tokens, at the same budgets in examples, so that `plateau compare` is fair.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from msgspec import Struct, structs

from trainer.config import BUDGETS_BY_DEFAULT, SMALLEST_BUDGET_STEPS, Settings, Variation

TAGS = {"targets": "", "context": "c", "quantization": "", "accumulation": "a", "mask": "", "rank": "r"}


class Variant(Struct, frozen=True, kw_only=True):
    """One configuration.

    Attributes:
        tag: In the ids of its runs; empty for the base.
        settings: As if it were calibrated alone.
    """

    tag: str
    settings: Settings

    @property
    def prefix(self) -> str:
        """Of run ids; sorts behind the base's runs."""
        return f"v.{self.tag}." if self.tag else ""

    def of_run(self, run: str) -> bool:
        """Whether a run is one of this configuration."""
        return run.startswith(self.prefix) if self.tag else not run.startswith("v.")


def variants_of(settings: Settings) -> tuple[Variant, ...]:
    """The base first, then the others in the order given."""
    variations = settings.vary
    firsts = tuple(variation.values[0] for variation in variations)
    if settings.grid:
        chosen = list(itertools.product(*(variation.values for variation in variations)))
    else:
        chosen = [firsts]
        for place, variation in enumerate(variations):
            chosen += [(*firsts[:place], value, *firsts[place + 1 :]) for value in variation.values[1:]]
    examples = common_budgets(settings, chosen)
    return tuple(
        Variant(
            tag="-".join(
                f"{TAGS[variation.key]}{value}"
                for variation, value, first in zip(variations, values, firsts, strict=True)
                if value != first
            ),
            settings=_varied(settings, values, examples),
        )
        for values in chosen
    )


def common_budgets(settings: Settings, chosen: Sequence[tuple[str, ...]]) -> tuple[int, ...]:
    """Budgets that are whole steps of every configuration's effective batch."""
    batches = {_varied(settings, values, None).effective_batch() for values in chosen}
    whole = math.lcm(*batches)
    if settings.budgets is None:
        first = SMALLEST_BUDGET_STEPS * max(batches)
        wanted = tuple(first * 2**index for index in range(BUDGETS_BY_DEFAULT))
    else:
        wanted = settings.budgets
    return tuple(sorted({max(2 * whole, whole * round(examples / whole)) for examples in wanted}))


def _varied(settings: Settings, values: Sequence[str], budgets: tuple[int, ...] | None) -> Settings:
    changes: dict[str, object] = {"vary": (), "grid": False, "budgets": budgets}
    for variation, value in zip(settings.vary, values, strict=True):
        changes |= _change(settings, variation, value)
    return structs.replace(settings, **changes)


def _change(settings: Settings, variation: Variation, value: str) -> dict[str, object]:
    match variation.key:
        case "targets":
            return {"lora_targets": value}
        case "context":
            return {"context_tokens": int(value)}
        case "quantization":
            return {"quantization": value}
        case "mask":
            return {"loss_mask": value}
        case "rank":
            return {"lora_rank": int(value)}
        case _:  # accumulation: so many micro-batches make an effective batch
            micro = settings.micro_batch_size or settings.effective_batch()
            return {"effective_batch_size": micro * int(value)}
