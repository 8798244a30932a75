"""What a calibration is asked to do."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from planner.errors import InputError, Mistake
from trainer.dataset import Columns, Dataset, ReadOptions
from trainer.dataset.combine import read_datasets
from trainer.dataset.fingerprint import Gallery

TINY = "tiny"
BUDGETS_BY_DEFAULT = 6
SMALLEST_BUDGET_STEPS = 16


VARIED = {
    "targets": ("attention", "all-linear"),
    "context": None,
    "quantization": ("fp32", "bf16", "int8", "nf4"),
    "accumulation": None,
    "mask": ("suffix", "full"),
    "rank": None,
}
"""What `--vary` knows, with the values a key may have; None: whole numbers."""


class Variation(Struct, frozen=True, kw_only=True):
    """Values of one key of `--vary`; the first is the base's."""

    key: str
    values: tuple[str, ...]


class Settings(Struct, frozen=True, kw_only=True):
    """Options of `calibrate run`; None means: chosen by the model and the machine.

    Attributes:
        data: None only where nothing is learned (`timing_only`).
        more_data: Further sets to learn from; images that sets share are found by content.
        held_out_data: A set that is only evaluated, in place of a part of the others.
        language: See `trainer.dataset.ReadOptions`.
        model: `tiny`, a hub name, or a folder.
        budgets: Examples of each budget.
        context_tokens: Longest answer that is kept, its end included.
        loss_mask: Where the loss is taken in training: `suffix`, or `full` (prompt and answer).
        checkpointing: `auto`: only when nothing else fits; `on`, `off`.
        learning_rate_check: Short runs choose the rate of every configuration; None: where none is given, except for
            the tiny model alone.
        seed: Of data order and adapters. Another seed on the same record adds replicates.
        seeds: Further seeds, one after the other.
        subsets: Shares of the training cases that are calibrated besides all of them, nested.
        vary: Configurations beside the base; see `trainer.variation`.
        grid: Every combination of `vary` instead of one change at a time.
        timing_only: Seconds and bytes, no curve; random weights where the model's are not at hand.
        max_hours: Hard stop of this call.
        answers: Held-out answers generated at each budget.
        held_out_examples: At most so many are evaluated; None: see `trainer.held_out`.
    """

    out: Path
    data: Path | None = None
    more_data: tuple[Path, ...] = ()
    held_out_data: Path | None = None
    language: str = "en"
    model: str = TINY
    budgets: tuple[int, ...] | None = None
    effective_batch_size: int | None = None
    micro_batch_size: int | None = None
    learning_rate: float | None = None
    lora_targets: str = "all-linear"
    lora_rank: int = 8
    context_tokens: int | None = None
    loss_mask: str = "suffix"
    quantization: str | None = None
    device: str | None = None
    checkpointing: str = "auto"
    schedule: str = "trunk"
    learning_rate_check: bool | None = None
    seed: int = 0
    seeds: tuple[int, ...] = ()
    subsets: tuple[float, ...] = ()
    vary: tuple[Variation, ...] = ()
    grid: bool = False
    timing_only: bool = False
    max_hours: float | None = None
    resume: bool = False
    keep_samples: bool = False
    answers: int = 24
    held_out_fraction: float = 0.1
    held_out_examples: int | None = None
    columns: Columns = Columns()
    pretraining_steps: int | None = None

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other.

        Raises:
            InputError: All of them.
        """
        mistakes = []
        batch = self.effective_batch()
        if self.micro_batch_size is not None and batch % self.micro_batch_size:
            reason = f"an effective batch of {batch} cannot be cut into micro-batches of {self.micro_batch_size}"
            mistakes.append(_mistake("--micro-batch-size", reason, f"Use a divisor of {batch}"))
        smallest = 2 * batch
        if self.budgets is not None and min(self.budgets) < smallest:
            reason = f"a budget of {min(self.budgets)} examples is less than two steps of {batch}"
            mistakes.append(_mistake("--budgets", reason, f"Use budgets of at least {smallest} examples"))
        if self.data is None and not self.timing_only:
            mistakes.append(_mistake("--data", "no dataset is named", "Name a folder or a table"))
        if len({variation.key for variation in self.vary}) < len(self.vary):
            mistakes.append(_mistake("--vary", "a key stands there twice", "Give all values of a key at once"))
        if not re.fullmatch(r"[a-z]{2,3}", self.language):
            mistakes.append(_mistake("--language", "not a language code", "Write en, de, nl, fr, zh or all"))
        if mistakes:
            raise InputError(mistakes)

    def read_dataset(self, gallery: Gallery | None = None) -> Dataset:
        """Read all sets, as one.

        Raises:
            InputError: See `trainer.dataset.combine.read_datasets`.
        """
        options = ReadOptions(held_out_fraction=self.held_out_fraction, columns=self.columns, language=self.language)
        first = () if self.data is None else (self.data,)
        return read_datasets((*first, *self.more_data), options, held_out=self.held_out_data, gallery=gallery)

    @property
    def is_tiny(self) -> bool:
        """Whether the small model stands in for the real one."""
        return self.model == TINY

    @property
    def checks_learning_rate(self) -> bool:
        """Whether short runs choose the learning rate."""
        if self.learning_rate_check is None:
            return self.learning_rate is None and not self.is_tiny
        return self.learning_rate_check

    def all_seeds(self) -> tuple[int, ...]:
        """Every seed once, `seed` first."""
        return tuple(dict.fromkeys((self.seed, *self.seeds)))

    def effective_batch(self) -> int:
        """Examples a step."""
        return self.effective_batch_size or (8 if self.is_tiny else 16)

    def peak_learning_rate(self) -> float:
        """Of the constant part."""
        return self.learning_rate or (4e-3 if self.is_tiny else 2e-4)

    def context(self) -> int:
        """Longest suffix, `<eos>` included."""
        return self.context_tokens or (96 if self.is_tiny else 128)

    def lora_alpha(self) -> float:
        """Scale of the adapters."""
        return 2.0 * self.lora_rank

    def budget_examples(self) -> tuple[int, ...]:
        """The given budgets, else six doublings from sixteen steps on (a range of 32)."""
        if self.budgets is not None:
            return self.budgets
        first = SMALLEST_BUDGET_STEPS * self.effective_batch()
        return tuple(first * 2**index for index in range(BUDGETS_BY_DEFAULT))


def _mistake(option: str, reason: str, remedy: str) -> Mistake:
    return Mistake(file="calibrate run", field=option, reason=reason, remedy=remedy)
