"""What `calibrate` says at its end."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from planner.record import Answers, Calibration, Probe
from trainer.calibration import Outcome, final_losses

REMEDIES = {
    "diverged": "Use a lower --learning-rate in a new record.",
    "out_of_memory": "Use --checkpointing on, a smaller --context or --quantization nf4 in a new record.",
}


def result_text(outcome: Outcome) -> str:
    """A small table and what to do next."""
    lines = []
    if outcome.calibration.header.illustration:
        lines.append("Illustration with a small model, not PaliGemma-3B.")
    final = final_losses(outcome.calibration)
    several = any("-s0" not in run.id or run.id.count("-") > 1 for run, _ in final)
    lines.append(f"{'examples':>10}  {'held-out loss':>13}  {'token F1':>8}  {'degenerate':>10}")
    for run, event in final:
        found = run.of(Answers)
        quality = f"{found[-1].token_f1:>8.2f}  {found[-1].degenerate_rate:>10.0%}" if found else f"{'-':>8}  {'-':>10}"
        name = f"  {run.id}" if several else ""
        lines.append(f"{event.examples:>10,.0f}  {event.loss:>13.4f}  {quality}{name}")
    if outcome.interrupted:
        lines.append(f"Stopped early ({outcome.interrupted.replace('_', ' ')}). Go on with --resume.")
    if outcome.failed:
        status = {run.id: run.finished.status for run in outcome.calibration.runs if run.finished}
        for reason, remedy in REMEDIES.items():
            if runs := [run for run in outcome.failed if status[run] == reason]:
                lines.append(
                    f"{len(runs)} of the runs ended early: {reason.replace('_', ' ')} ({', '.join(runs)}). {remedy}"
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


def timing_text(calibration: Calibration) -> str:
    """A table of all probes."""
    peak = calibration.header.hardware.matmul_tflops_per_s
    lines = [
        f"{'':<24}{'batch':>6}{'tokens':>7}{'seconds':>10}{'a second':>10}{'TFLOP/s':>9}{'of matmul':>10}{'GiB':>7}"
    ]
    for run in calibration.runs:
        for event in run.of(Probe):
            tokens = event.image_tokens + event.prompt_tokens + event.suffix_tokens
            rate = (event.tflop or 0.0) / event.seconds_median
            share = f"{rate / peak:>10.0%}" if peak else f"{'-':>10}"
            memory = f"{event.peak_memory_gib:>7.2f}" if event.peak_memory_gib else f"{'-':>7}"
            name = f"{run.id.removesuffix('.timing')} {event.kind}".removeprefix("timing ")
            lines.append(
                f"{name:<24}{event.micro_batch_size:>6}{tokens:>7}{event.seconds_median:>10.4g}"
                f"{event.micro_batch_size / event.seconds_median:>10.4g}{rate:>9.3g}{share}{memory}"
            )
    return "\n".join(lines)


def timing_figures(calibration: Calibration) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "status": "done",
        "timing_only": True,
        "model": calibration.header.configuration.model,
        "matmul_tflops_per_s": calibration.header.hardware.matmul_tflops_per_s,
        "probes": [to_builtins(event) for run in calibration.runs for event in run.of(Probe)],
    }
