"""What `calibrate` says at its end."""

from __future__ import annotations

from typing import Any

from planner.record import Answers
from trainer.calibration import Outcome, final_losses


def result_text(outcome: Outcome) -> str:
    """A small table and what to do next."""
    lines = []
    if outcome.calibration.header.illustration:
        lines.append("Illustration with a small model, not PaliGemma-3B.")
    lines.append(f"{'examples':>10}  {'held-out loss':>13}  {'token F1':>8}  {'degenerate':>10}")
    for run, event in final_losses(outcome.calibration):
        found = run.of(Answers)
        quality = f"{found[-1].token_f1:>8.2f}  {found[-1].degenerate_rate:>10.0%}" if found else f"{'-':>8}  {'-':>10}"
        lines.append(f"{event.examples:>10,.0f}  {event.loss:>13.4f}  {quality}")
    if outcome.interrupted:
        lines.append(f"Stopped early ({outcome.interrupted.replace('_', ' ')}). Go on with --resume.")
    if outcome.failed:
        lines.append(
            f"{len(outcome.failed)} runs did not come to their end ({', '.join(outcome.failed)}). "
            "Use a lower --learning-rate in a new record."
        )
    return "\n".join(lines)


def result_figures(outcome: Outcome) -> dict[str, Any]:
    """The same as plain values."""
    header = outcome.calibration.header
    budgets = []
    for run, event in final_losses(outcome.calibration):
        found = run.of(Answers)
        budgets.append(
            {
                "run": run.id,
                "examples": event.examples,
                "loss": event.loss,
                "token_f1": found[-1].token_f1 if found else None,
                "degenerate_rate": found[-1].degenerate_rate if found else None,
                "train_seconds": event.train_seconds,
            }
        )
    return {
        "status": "interrupted" if outcome.interrupted else "failed" if outcome.failed else "done",
        "interrupted": outcome.interrupted,
        "failed_runs": list(outcome.failed),
        "illustration": header.illustration,
        "model": header.configuration.model,
        "budgets": budgets,
    }
