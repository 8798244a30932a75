"""What an import derived, left out or found odd, in words."""

from __future__ import annotations

from planner.record.header import CalibrationHeader

REMARKS = {
    "effective_batch_size_derived": "Effective batch size {0:,.0f}, derived from the log's samples and steps a second.",
    "training_examples_derived": "About {0:,.0f} different training examples, derived from the log's epochs.",
    "logged_again": "{0:,.0f} points are followed by an earlier step (a resumed run); the later ones count.",
    "logged_twice": "{0:,.0f} points stand there twice for the same step; the later ones count.",
    "no_loss": "{0:,.0f} rows have no loss; left out.",
    "loss_not_finite": "{0:,.0f} losses are NaN or infinite; kept as such and not fitted.",
    "gradient_not_finite": "{0:,.0f} gradient norms are NaN or infinite: the optimizer may have stood still there.",
    "loss_zero": "{0:,.0f} losses are exactly 0, which trainers write in place of NaN; kept as not finite.",
    "before_the_first_step": "{0:,.0f} losses at step 0, before any training; left out.",
    "pauses": "{0:,.0f} pauses (gaps of over ten times the usual step) are not counted as training time.",
    "training_loss_beside": "{0:,.0f} points of training loss stand beside the held-out loss, which is the curve.",
    "held_out_too_few": "{0:,.0f} held-out evaluations are too few for a curve; it is made of the training loss.",
    "model_not_in_catalog": "The model is not in data/architectures.csv: its vocabulary, FLOPs and bytes are unknown.",
}  # fmt: skip
"""Sentence of every remark; `{0}` is its number."""


def import_notes(header: CalibrationHeader) -> tuple[str, ...]:
    """The remarks of an import as sentences; a code of a newer Plateau is shown as it is."""
    if header.imported is None:
        return ()
    return tuple(
        REMARKS.get(code, f"{code}: {{0:g}}").format(number) for code, number in header.imported.remarks.items()
    )
