"""The lines of a run, and a whole calibration in memory."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from planner.record.header import (
    AtLeastOne,
    CalibrationHeader,
    Configuration,
    Count,
    Identifier,
    Label,
    NonNegative,
    Positive,
    Share,
)

Rate = Annotated[float, Meta(ge=1, le=5)]
Agreement = Annotated[float, Meta(ge=-1, le=1)]


class _Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event"):
    """What every line of a run has."""

    run: Identifier


class Started(_Event, frozen=True, kw_only=True, tag="started"):
    """A run begins, or goes on after a resume (`resumed_examples` > 0).

    Attributes:
        budget_examples: Examples it may process, its learning rate annealed for that end; None: not planned.
        unique_examples: Different examples in its training set; None: unknown.
        seed: Of data order and adapters.
        branch_of: Run id of the trunk that it leaves, None for a separate run.
        configuration: When it differs from the calibration's.
        micro_batch_size: Examples in memory at once; None: unknown.
        checkpointing: Activations are computed again in the backward pass, to save memory.
    """

    budget_examples: Positive | None = None
    unique_examples: Count | None = None
    seed: int | None = None
    branch_of: Identifier | None = None
    resumed_examples: NonNegative = 0.0
    configuration: Configuration | None = None
    micro_batch_size: AtLeastOne | None = None
    checkpointing: bool = False


class Probe(_Event, frozen=True, kw_only=True, tag="probe"):
    """A timed shape.

    Attributes:
        kind: `train`, `prefill` or `decode`.
        seconds_median: A step (train), a batch (prefill), a token of the whole batch (decode).
        peak_memory_gib: Of the process (CPU: resident; GPU: reserved).
        tflop: Floating-point operations of what was timed, in closed form, in units of 10**12; what checkpointing
            computes again is not counted.
        energy_joules: Of the GPU while it ran, by the driver's counter; None without one.
    """

    kind: Identifier
    micro_batch_size: AtLeastOne
    image_tokens: Count
    prompt_tokens: Count
    suffix_tokens: Count
    seconds_median: Positive
    seconds_p10: Positive
    seconds_p90: Positive
    repeats: AtLeastOne
    quantization: Label
    checkpointing: bool = False
    peak_memory_gib: Positive | None = None
    tflop: Positive | None = None
    energy_joules: Positive | None = None


class LearningRateCheck(_Event, frozen=True, kw_only=True, tag="learning_rate_check"):
    """A short annealed run at one learning rate, judged on training examples that it did not see.

    Attributes:
        examples: Length of that run.
        loss: At its end, nats per suffix token; None: it diverged.
        chosen: The calibration goes on with this rate.
    """

    learning_rate: Positive
    examples: NonNegative
    chosen: bool
    loss: NonNegative | None = None


class Train(_Event, frozen=True, kw_only=True, tag="train"):
    """Progress between evaluations. `train_seconds` is monotonic, without evaluation, and survives a resume."""

    step: Count
    examples: NonNegative
    loss: NonNegative
    learning_rate: NonNegative | None = None
    gradient_norm: NonNegative | None = None
    suffix_tokens: Count | None = None
    train_seconds: NonNegative | None = None


class Eval(_Event, frozen=True, kw_only=True, tag="eval"):
    """A held-out evaluation (in imported logs: whatever loss the log has).

    Attributes:
        examples: Processed so far, in the record's x unit.
        unique_examples: Different ones among them.
        loss: Nats per suffix token, token-weighted.
        annealed: True when the learning rate has come to its end here; only such points are final losses.
        case_loss_sums: Nats summed over the tokens of each held-out case, in a fixed order.
        case_tokens: Suffix tokens of each held-out case.
    """

    step: Count
    examples: NonNegative
    loss: NonNegative
    annealed: bool
    unique_examples: NonNegative | None = None
    case_loss_sums: list[NonNegative] | None = None
    case_tokens: list[AtLeastOne] | None = None
    train_seconds: NonNegative | None = None
    eval_seconds: NonNegative | None = None
    peak_memory_gib: Positive | None = None


class Answers(_Event, frozen=True, kw_only=True, tag="answers"):
    """Quality of a few greedy held-out answers; numbers only.

    Attributes:
        degenerate_rate: Share that loops, has no end or is empty; the three beside it may overlap.
        exact_match: Share of the closed questions answered exactly; schema 1 counted every question.
        closed_answers: How many of the answers are to closed questions.
        distinct_1: Different words among all words of all answers; distinct_2: of word pairs.
    """

    examples: NonNegative
    answers: AtLeastOne
    token_f1: Share
    degenerate_rate: Share
    loss: NonNegative | None = None
    exact_match: Share | None = None
    closed_answers: Count | None = None
    rouge_l: Share | None = None
    distinct_1: Share | None = None
    distinct_2: Share | None = None
    loop_rate: Share | None = None
    no_end_rate: Share | None = None
    empty_rate: Share | None = None
    generation_seconds: NonNegative | None = None


class Rating(_Event, frozen=True, kw_only=True, tag="rating"):
    """Blinded ratings of a budget's answers by radiologists, 1 (wrong, could harm) to 5 (right and complete).

    The newest of a run counts: ratings are read back as a whole.

    Attributes:
        answers: Answers with at least one rating.
        raters: Sheets that were read.
        ratings: Single ratings of this budget's answers.
        rating_mean: Mean over answers of the mean over raters.
        rating_sd: Between answers.
        usable_share: Share of the ratings that are 4 or 5.
        agreement_alpha: Krippendorff's alpha (ordinal) over all answers on the sheet, the references included.
        reference_rating_mean: The same of the references on the sheet, which were rated blindly among the answers.
    """

    examples: NonNegative
    answers: AtLeastOne
    raters: AtLeastOne
    ratings: AtLeastOne
    rating_mean: Rate
    usable_share: Share
    rating_sd: NonNegative | None = None
    agreement_alpha: Agreement | None = None
    reference_rating_mean: Rate | None = None
    reference_usable_share: Share | None = None
    loss: NonNegative | None = None


class Checkpoint(_Event, frozen=True, kw_only=True, tag="checkpoint"):
    """Adapter and optimizer are on disk; a resume starts here."""

    step: Count
    examples: NonNegative


class OutOfMemory(_Event, frozen=True, kw_only=True, tag="out_of_memory"):
    """The micro-batch was halved, the effective batch kept; `checkpointing`: from here on."""

    step: Count
    micro_batch_size: AtLeastOne
    next_micro_batch_size: Count
    checkpointing: bool = False


class NonFinite(_Event, frozen=True, kw_only=True, tag="non_finite"):
    """A loss or gradient was not finite: the optimizer did not move. In imported logs: a masked point."""

    step: Count
    examples: NonNegative


class Interrupted(_Event, frozen=True, kw_only=True, tag="interrupted"):
    """Stopped early; `reason` is `ctrl_c`, `sigterm`, `time_limit` or `disk_full`."""

    reason: Identifier
    examples: NonNegative


class Finished(_Event, frozen=True, kw_only=True, tag="finished"):
    """The run came to its end; `status` is `done`, `diverged` or `out_of_memory`."""

    status: Identifier
    examples: NonNegative
    suffix_tokens: Count | None = None
    train_seconds: NonNegative | None = None
    wall_seconds: NonNegative | None = None
    peak_memory_gib: Positive | None = None


Event = (
    Started
    | Probe
    | LearningRateCheck
    | Train
    | Eval
    | Answers
    | Rating
    | Checkpoint
    | OutOfMemory
    | NonFinite
    | Interrupted
    | Finished
)


class Run(Struct, frozen=True, kw_only=True):
    """The events of one run, in the order of the file."""

    id: str
    events: tuple[Event, ...]

    def of(self, kind: type[Any]) -> list[Any]:
        """The run's events of one class."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def started(self) -> Started | None:
        """The last `started`: after a resume the newest counts."""
        found = self.of(Started)
        return found[-1] if found else None

    @property
    def finished(self) -> Finished | None:
        """The last `finished`, None while it runs or after an interruption."""
        found = self.of(Finished)
        return found[-1] if found else None


class Calibration(Struct, frozen=True, kw_only=True):
    """A whole record in memory.

    Attributes:
        notes: What the reader had to leave out, a sentence each.
    """

    header: CalibrationHeader
    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()
