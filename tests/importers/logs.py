"""Logs as other trainers write them, made here."""

from __future__ import annotations

import json
from typing import Any

STEPS = tuple(range(10, 1001, 10))


def loss(step: int) -> float:
    return 1.0 + 5.0 * step**-0.4


def trainer_state(**changes: Any) -> dict[str, Any]:
    """Training loss every 10 steps, held-out loss every 100, four epochs of 4,000 examples, batch 16."""
    history: list[dict[str, Any]] = []
    for step in STEPS:
        history.append(
            {
                "epoch": step / 250,
                "grad_norm": 1.0,
                "learning_rate": 1e-4 * (1 - step / 1000),
                "loss": loss(step),
                "step": step,
            }
        )
        if step % 100 == 0:
            history.append({"epoch": step / 250, "eval_loss": loss(step) + 0.1, "eval_runtime": 10.0, "step": step})
    history.append(
        {
            "epoch": 4.0,
            "step": 1000,
            "train_loss": 1.5,
            "train_runtime": 2000.0,
            "train_samples_per_second": 7.999,
            "train_steps_per_second": 0.5,
            "total_flos": 1e15,
        }
    )
    return {
        "best_metric": None,
        "best_model_checkpoint": "/home/someone/secret/checkpoint-1000",
        "epoch": 4.0,
        "global_step": 1000,
        "max_steps": 1000,
        "num_train_epochs": 4,
        "log_history": history,
        "is_world_process_zero": True,
    } | changes


def encoded(state: dict[str, Any]) -> bytes:
    """As `json.dump` of the Trainer writes it: NaN and Infinity bare."""
    return json.dumps(state, indent=2, sort_keys=True).encode()


def tensorboard_csv(steps: tuple[int, ...] = STEPS) -> bytes:
    rows = [f"{1_727_501_144.5 + 2.5 * step},{step},{loss(step)}" for step in steps]
    return "\n".join(["Wall time,Step,Value", *rows]).encode()
