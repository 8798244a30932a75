"""What an import derived, left out or found odd, in words."""

from __future__ import annotations

from planner.record.header import CalibrationHeader

REMARKS = {
    "effective_batch_size_derived": "Effective batch size {0:,.0f}, derived from the log's samples and steps a second.",
    "training_examples_derived": "Different training examples: about {0:,.0f}, derived from the log's epochs.",
    "logged_again": "Points that a resumed run logged again: {0:,.0f}; what it logged first is left out.",
    "logged_twice": "Points that stand there twice for one step: {0:,.0f}; the later ones count.",
    "no_loss": "Rows without a loss: {0:,.0f}; left out.",
    "loss_not_finite": "Losses that are NaN or infinite: {0:,.0f}; kept as such and not fitted.",
    "gradient_not_finite": "Gradient norms that are NaN or infinite: {0:,.0f}; the optimizer may have stood still.",
    "loss_zero": "Losses that are exactly 0, which trainers write in place of NaN: {0:,.0f}; kept as not finite.",
    "before_the_first_step": "Losses at step 0, before any training: {0:,.0f}; left out.",
    "torn_tail": "The log ends in the middle of an entry: its last {0:,.0f} bytes are left out.",
    "carried_forward": "Losses that repeat the one before to the last digit: {0:,.0f}; left out as filled in.",
    "averaged": "Rows that put several values into one: {0:,.0f}; the curve is smoother than the run was.",
    "log_calls": "The {0:,.0f} rows are numbered by calls of the logger, which need not be optimizer steps.",
    "pauses": "Pauses (ten times the usual time a step, or half an hour more): {0:,.0f}; not counted as training time.",
    "pause_seconds": "Pauses took {0:,.0f} s in all.",
    "evaluation_seconds": "Evaluation took {0:,.0f} s in all; not counted as training time.",
    "training_loss_beside": "Points of training loss beside the held-out loss, which is the curve: {0:,.0f}.",
    "held_out_too_few": "Held-out evaluations: {0:,.0f}, too few for a curve; it is made of the training loss.",
    "model_not_in_catalog": "The model is not in data/architectures.csv: its vocabulary, FLOPs and bytes are unknown.",
}
"""Sentence of every remark; `{0}` is its number."""


def import_notes(header: CalibrationHeader) -> tuple[str, ...]:
    """The remarks of an import as sentences; a code of a newer Plateau is shown as it is."""
    if header.imported is None:
        return ()
    return tuple(
        REMARKS.get(code, f"{code}: {{0:g}}").format(number) for code, number in header.imported.remarks.items()
    )
