"""`calibration.json`: the configuration, dataset counts and hardware of a calibration."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

SCHEMA_VERSION = 2
UNKNOWN = "unknown"

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
AtLeastOne = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Identifier = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9 ()+_./:-]{1,80}$")]


class LossKind(StrEnum):
    """Which loss was recorded."""

    HELD_OUT = "held_out"
    TRAINING = "training"
    UNKNOWN = UNKNOWN


class XUnit(StrEnum):
    """What the x of a curve counts."""

    EXAMPLES = "examples"
    STEPS = "steps"
    UNKNOWN = UNKNOWN


class Schedule(StrEnum):
    """How a budget's learning rate ends."""

    SEPARATE = "separate"
    TRUNK = "trunk"
    CONSTANT = "constant"
    DECAYING = "decaying"
    UNKNOWN = UNKNOWN


class Configuration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that changes the curve; one law per configuration. None means unknown.

    Attributes:
        model: Hub name of the architecture, `tiny`, or `unknown`; never a path.
        image_size_px: Side of the square image.
        image_tokens: Tokens an image takes.
        context_length_tokens: Longest suffix that is kept.
        quantization: Name in `data/quantizations.csv`.
        precision: Arithmetic of the step: `float32`, `bfloat16`, `float16`.
        lora_targets: `attention` or `all-linear`, of the language model.
        lora_parameters: Trainable parameters.
        effective_batch_size: Examples a step.
        loss_mask: `suffix` or `full`.
        dataset_digest: Salted digest of the training set.
    """

    model: Label = UNKNOWN
    image_size_px: AtLeastOne | None = None
    image_tokens: Count | None = None
    context_length_tokens: AtLeastOne | None = None
    quantization: Label | None = None
    precision: Label | None = None
    lora_targets: Label | None = None
    lora_rank: AtLeastOne | None = None
    lora_alpha: Positive | None = None
    lora_parameters: AtLeastOne | None = None
    effective_batch_size: AtLeastOne | None = None
    learning_rate: Positive | None = None
    schedule: Schedule = Schedule.UNKNOWN
    loss_mask: Label | None = None
    dataset_digest: Identifier | None = None


class Dataset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counts of the dataset. None means unknown (an imported log, an older record).

    Attributes:
        images: Different files.
        near_duplicate_images: Images that look like an earlier one, by content.
        held_out_images_in_training: Held-out images that look like a training image of another case.
        duplicate_answers: Training answers that stand there already, word for word.
        contradictory_answers: Training examples whose image and prompt have another answer elsewhere.
        answer_tokens_p50: Of the answers before they are cut, their end included; so p95 and max.
        truncated_share_by_context: Share of the answers that a context of so many tokens cuts.
        closed_questions: Training questions with a fixed choice of answers (yes or no).
        languages: Answers by language code, as far as they are long enough to tell.
        held_out_unigram_nats: Held-out loss of a model that knows how frequent each token is in training.
        held_out_unigram_standard_error_nats: Its standard error, by case: how sharply this held-out set can measure.
    """

    format: Identifier
    training_examples: Count | None = None
    training_cases: Count | None = None
    held_out_examples: Count | None = None
    held_out_cases: Count | None = None
    held_out_tokens: Count | None = None
    suffix_tokens_mean: Positive | None = None
    prompt_tokens_mean: Positive | None = None
    truncated_share: Share | None = None
    duplicate_answers: Count | None = None
    images: Count | None = None
    near_duplicate_images: Count | None = None
    held_out_images_in_training: Count | None = None
    contradictory_answers: Count | None = None
    answer_tokens_p50: Count | None = None
    answer_tokens_p95: Count | None = None
    answer_tokens_max: Count | None = None
    truncated_share_by_context: dict[Identifier, Share] | None = None
    closed_questions: Count | None = None
    open_questions: Count | None = None
    captions: Count | None = None
    languages: dict[Identifier, Count] | None = None
    held_out_unigram_nats: Positive | None = None
    held_out_unigram_standard_error_nats: NonNegative | None = None


class Hardware(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the seconds were measured.

    Attributes:
        device: `cpu`, `cuda`, `mps` or `unknown`. Seconds of a CPU are never transferred to a GPU.
        gpu: Name in `data/gpus.csv` where it is known, else what the driver calls it, or None.
        native_arithmetic: Low precisions that the device computes in (`bf16`, `fp16`, `int8`); others are emulated.
        matmul_tflops_per_s: Rate of a large matrix product in the step's arithmetic, measured here.
    """

    device: Identifier = UNKNOWN
    gpu: Label | None = None
    gpus: AtLeastOne | None = None
    memory_gib: Positive | None = None
    cpu_cores: AtLeastOne | None = None
    native_arithmetic: list[Label] | None = None
    matmul_tflops_per_s: Positive | None = None


class Imported(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an imported calibration comes from; the sentences are in `planner.record.imported`.

    Attributes:
        log: Kind of log, a module of `planner.importers`.
        rows: Rows or entries that the log has.
        seconds: What `train_seconds` rest on: `wall_clock`, `estimated` (an even share of the total) or `unknown`.
        remarks: What was derived, left out or odd, by code, each with its number.
    """

    log: Identifier
    rows: Count
    seconds: Identifier = UNKNOWN
    remarks: dict[Identifier, NonNegative] = {}


class CalibrationHeader(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`calibration.json`.

    Attributes:
        illustration: True when a small model stands in for the real one: everything downstream says so.
        interval_source: Set where the interval is calibrated on other models.
        architecture: Numbers of `planner.hardware.architecture.ModelArchitecture`, or None when unknown.
        suffix_unigram_entropy_nats: Entropy of the suffix tokens of the training set: the loss of a model that knows
            only how frequent each token is.
        vocabulary_size: Tokens; ln of it is the loss of guessing.
        environment: Versions by package name.
        budgets_planned: Budgets in examples.
        timing_only: Nothing was learned (random weights allowed): seconds and bytes, no curve.
        imported: Set where another program's log was imported, None for a calibration of ours.
    """

    schema_version: AtLeastOne = SCHEMA_VERSION
    calibration_id: Identifier
    created: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    illustration: bool
    loss_kind: LossKind
    x_unit: XUnit
    configuration: Configuration
    dataset: Dataset
    hardware: Hardware
    architecture: dict[str, int | float | bool] | None = None
    suffix_unigram_entropy_nats: Positive | None = None
    vocabulary_size: AtLeastOne | None = None
    environment: dict[str, Label] = {}
    budgets_planned: list[Positive] = []
    timing_only: bool = False
    imported: Imported | None = None
