"""What columns and metrics are called: the names that trainers and trackers give to steps, losses and times.

Names are compared without case and punctuation, so that `train/loss`, `Train loss` and `train_loss` are one. A name
that means the thing and nothing else comes before one that only contains the words.
"""

from __future__ import annotations

import re
from enum import StrEnum

from planner.record import LossKind


class Role(StrEnum):
    """What a column most likely is, by its name."""

    EXAMPLES = "examples"
    STEPS = "steps"
    HELD_OUT_LOSS = "held_out_loss"
    TRAINING_LOSS = "training_loss"
    LOSS = "loss"
    CLOCK = "clock"
    ELAPSED = "elapsed"
    LEARNING_RATE = "learning_rate"
    GRADIENT_NORM = "gradient_norm"
    SMOOTHED = "smoothed"
    OTHER = "other"


LOSS_ROLES = {
    LossKind.HELD_OUT: Role.HELD_OUT_LOSS,
    LossKind.TRAINING: Role.TRAINING_LOSS,
    LossKind.UNKNOWN: Role.LOSS,
}

# Best first: a trainer's own count beats a tracker's count of its calls.
STEPS = (
    ("train_global_step", "trainer_global_step", "global_step"),
    ("optimizer_step", "update", "updates", "num_updates"),
    ("step", "steps", "iteration", "iterations", "iter"),
)
EXAMPLES = (
    "examples",
    "samples",
    "examples_seen",
    "samples_seen",
    "num_examples",
    "num_samples",
    "n_examples",
    "pairs",
    "training_examples",
)
CLOCKS = ("wall_time", "timestamp", "unix_time", "datetime", "time")
ELAPSED = ("runtime", "elapsed", "elapsed_seconds", "elapsed_time", "seconds", "train_seconds", "relative_time")
SESSION_SECONDS = "train_runtime"
"""Of Hugging Face: at every entry where tokens were counted, else once at the end, with evaluation."""
LEARNING_RATES = ("learning_rate", "train_learning_rate", "lr", "train_lr", "lr_adamw")
GRADIENT_NORMS = ("grad_norm", "train_grad_norm", "gradient_norm", "train_gradient_norm")
EPOCHS = ("epoch", "train_epoch")
SAMPLES_PER_SECOND = ("train_samples_per_second", "train_train_samples_per_second")
STEPS_PER_SECOND = ("train_steps_per_second", "train_train_steps_per_second")
FINAL_SECONDS = (SESSION_SECONDS, "train_train_runtime")
FINAL_MEAN_LOSS = ("train_loss", "train_train_loss")
"""Of Hugging Face's last entry: the mean training loss of the whole run, no point of a curve."""

_LOSSES = {
    LossKind.HELD_OUT: (
        (
            "eval_loss",
            "evaluation_loss",
            "val_loss",
            "valid_loss",
            "validation_loss",
            "dev_loss",
            "held_out_loss",
            "heldout_loss",
            "loss_eval",
            "loss_val",
            "loss_valid",
            "loss_validation",
        ),
        ("test_loss", "loss_test"),
    ),
    LossKind.TRAINING: (("train_loss", "training_loss", "loss_train", "loss_training"), ("train_loss_step",)),
    LossKind.UNKNOWN: (("loss",), ("nll", "cross_entropy"), ("value",)),
}
_HELD_OUT_WORDS = frozenset(["eval", "evaluation", "val", "valid", "validation", "dev", "test", "heldout"])
_TRAINING_WORDS = frozenset(["train", "training"])
# Words beside "loss" that make it another quantity, or another x than the row's.
_NOT_THE_LOSS = frozenset(["aux", "auxiliary", "balance", "best", "change", "count", "delta", "kl", "lowest", "max"])
_NOT_THE_LOSS |= {"min", "perplexity", "ppl", "ratio", "regularization", "runtime", "scale", "scaler", "std", "var"}
_NOT_THE_LOSS |= {"vs", "weight", "z"}
_ONE_BATCH = frozenset(["batch", "step"])
_BY_WORDS = 9
"""Rank of a name that only contains the words."""
_SMOOTHED = re.compile(r"(^|[_(\s])(smooth\w*|ema|ewma|rolling|running|moving)([_)\s]|$)")
_EXTREMES = ("__min", "__max")


def plain(name: str) -> str:
    """A name without case and punctuation."""
    return re.sub(r"[\s_/.-]+", "_", name.strip().lower()).strip("_")


def is_smoothed(name: str) -> bool:
    """Whether a name says that the values were averaged over time."""
    return _SMOOTHED.search(plain(name)) is not None


def is_extreme(name: str) -> bool:
    """Whether this is the least or largest value of a bucket, as Weights & Biases writes them beside a metric."""
    return name.lower().endswith(_EXTREMES)


def loss_rank(name: str) -> tuple[LossKind, int] | None:
    """The kind of loss that a name means and how clearly (0 is clearest); None: it is no loss."""
    if is_smoothed(name) or is_extreme(name):
        return None
    key = plain(name)
    for kind, tiers in _LOSSES.items():
        for rank, names in enumerate(tiers):
            if key in names:
                return kind, rank
    words = frozenset(key.split("_"))
    if "loss" not in words or words & _NOT_THE_LOSS or key in FINAL_MEAN_LOSS:
        return None
    held_out, training = bool(words & _HELD_OUT_WORDS), bool(words & _TRAINING_WORDS)
    if held_out:
        # Lightning: `val_loss_epoch` is over the whole set, `val_loss_step` over one batch of it.
        return None if training or words & _ONE_BATCH else (LossKind.HELD_OUT, _BY_WORDS)
    if "epoch" in words:
        return None
    return (LossKind.TRAINING if training else LossKind.UNKNOWN), _BY_WORDS


def role_of(name: str) -> Role:
    """What a column most likely is."""
    key = plain(name)
    if is_smoothed(name):
        return Role.SMOOTHED
    loss = loss_rank(name)
    if loss is not None:
        return LOSS_ROLES[loss[0]]
    for role, names in (
        (Role.EXAMPLES, EXAMPLES),
        (Role.STEPS, [name for tier in STEPS for name in tier]),
        (Role.CLOCK, CLOCKS),
        (Role.ELAPSED, ELAPSED),
        (Role.LEARNING_RATE, LEARNING_RATES),
        (Role.GRADIENT_NORM, GRADIENT_NORMS),
    ):
        if key in names:
            return role
    return Role.OTHER


def is_evaluation_seconds(name: str) -> bool:
    """Whether this is the time that one evaluation took (`eval/runtime`, `eval_reports_runtime`)."""
    key = plain(name)
    return key.startswith("eval_") and key.endswith("_runtime")
