"""Options that `calibrate run` and `calibrate sweep` share, and how their values are read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

PALIGEMMA = "google/paligemma-3b-pt-224"
PALIGEMMA_2 = "google/paligemma2-3b-pt-224"


def _budgets(_: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() and 0 < int(part) <= 10**9 for part in parts):
        raise click.BadParameter("write whole numbers of examples such as 128,256,512", param=parameter)
    return tuple(sorted({int(part) for part in parts}))


def _seeds(_: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    if value is None:
        return ()
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) <= 10**6 for part in parts):
        raise click.BadParameter("write whole numbers such as 0,1,2", param=parameter)
    return tuple(dict.fromkeys(int(part) for part in parts))


def _subsets(_: click.Context, parameter: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Shares below 1; the whole set is always calibrated."""
    if value is None:
        return ()
    try:
        shares = {float(Fraction(part.strip())) for part in value.split(",")}
    except (ValueError, ZeroDivisionError):
        shares = {0.0}
    if not all(0 < share <= 1 for share in shares):
        raise click.BadParameter("write shares of the cases such as 1/4,1/2,1", param=parameter)
    return tuple(sorted(shares - {1.0}))


def _variations(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Any, ...]:
    if not values:
        return ()
    from trainer.config import VARIED, Variation

    found = []
    for text in values:
        key, _separator, listed = text.partition("=")
        known = VARIED.get(key, ())
        chosen = tuple(dict.fromkeys(part.strip() for part in listed.split(",")))
        if key not in VARIED:
            raise click.BadParameter(f"{key!r} cannot be varied; use one of {', '.join(VARIED)}", param=parameter)
        allowed = [part.isascii() and part.isdigit() and 0 < int(part) <= 4096 if known is None else part in known
                   for part in chosen]  # fmt: skip
        if not all(allowed):
            wanted = "whole numbers" if known is None else " or ".join(known)
            raise click.BadParameter(f"{key}: write {wanted}, separated by commas", param=parameter)
        found.append(Variation(key=key, values=chosen))
    return tuple(found)


_OPTIONS = [
    click.option("--data", multiple=True, type=click.Path(path_type=Path),
                 help="Folder of MedPix 2.0, VQA-RAD, SLAKE, ROCO or ROCOv2, or a table; may be given several times."),
    click.option("--held-out-data", type=click.Path(path_type=Path),
                 help="A further set that is only evaluated. [default: a part of --data]"),
    click.option("--language", default="en", show_default=True,
                 help="Of prompts and answers, such as de; of SLAKE also `zh` or `all`."),
    click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the calibration record."),
    click.option("--model", default="tiny", show_default=True,
                 help=f"`tiny`, {PALIGEMMA}, {PALIGEMMA_2}, or a local folder."),
    click.option("--budgets", callback=_budgets,
                 help="In examples, such as 128,256,512. [default: six doublings, 16 to 512 steps of the effective "
                 "batch]"),
    click.option("--effective-batch-size", type=click.IntRange(1, 4096),
                 help="Examples a step. [default: 16; 8 of `tiny`]"),
    click.option("--micro-batch-size", type=click.IntRange(1, 4096),
                 help="Examples in memory at once; divides the effective batch. [default: found by trying; all of "
                 "them of `tiny`]"),
    click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True),
                 help="Of the constant part. [default: what the learning-rate check chooses around 2e-4; 4e-3 of "
                 "`tiny`]"),
    click.option("--lora-targets", type=click.Choice(["attention", "all-linear"]), default="all-linear",
                 show_default=True, help="Layers of the language model that get an adapter."),
    click.option("--lora-rank", type=click.IntRange(1, 256), default=8, show_default=True,
                 help="Of the adapters; their alpha is twice the rank."),
    click.option("--context", "context_tokens", type=click.IntRange(2, 4096),
                 help="Longest answer in tokens, its end included; longer ones are cut. [default: 128; 96 of `tiny`]"),
    click.option("--loss-mask", type=click.Choice(["suffix", "full"]), default="suffix", show_default=True,
                 help="Where the loss is taken in training; held-out loss is always that of the answer."),
    click.option("--quantization", type=click.Choice(["fp32", "bf16", "int8", "nf4"]),
                 help="How weights of the language model are held: 32, 16, 8 or 4 bits. [default: bf16 on a GPU (held "
                 "in float16 on V100 and T4), fp32 on a CPU]"),
    click.option("--checkpointing", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
                 help="Compute activations twice to save memory; `auto`: only when nothing else fits."),
    click.option("--device", help="`cpu`, `cuda`, `cuda:1`. [default: the GPU if there is one; the CPU for `tiny`]"),
    click.option("--schedule", type=click.Choice(["trunk", "separate"]), default="trunk", show_default=True,
                 help="One trunk with a cool-down branch a budget, or every budget alone."),
    click.option("--seed", type=click.IntRange(0, 10**6), default=0, show_default=True,
                 help="Of data order and adapters; another seed with --resume adds replicates."),
    click.option("--seeds", callback=_seeds, help="Replicates: further seeds in turn, such as 1,2. [default: none]"),
    click.option("--subsets", callback=_subsets,
                 help="Nested shares of the training cases to calibrate as well, such as 1/4,1/2,1. "
                 "[default: all cases only]"),
    click.option("--vary", multiple=True, callback=_variations, metavar="KEY=A,B",
                 help="Further configurations, the first value being the base: targets, context (tokens), "
                 "quantization, accumulation (micro-batches a step), mask or rank."),
    click.option("--learning-rate-check/--no-learning-rate-check", default=None,
                 help="Short runs choose the rate of every configuration. [default: where no rate is given; not for "
                 "`tiny`]"),
    click.option("--timing-only", is_flag=True,
                 help="Seconds and bytes, no curve; --data may be left out, random weights stand in for missing ones."),
    click.option("--max-hours", type=click.FloatRange(0, min_open=True),
                 help="Hard stop of this call after so many hours; go on with --resume. [default: none]"),
    click.option("--resume", is_flag=True, help="Go on with the record in --out."),
    click.option("--dry-run", is_flag=True, help="Say what would be done, how long it takes and what it needs."),
    click.option("--generation", "answers", type=click.IntRange(0, 1000), default=24, show_default=True,
                 help="Held-out answers written at each budget."),
    click.option("--keep-samples", is_flag=True, help="Keep the texts of those answers in samples.jsonl (private)."),
    click.option("--held-out-fraction", type=click.FloatRange(0, 0.5, min_open=True), default=0.1,
                 show_default=True, help="Share of the cases, where the dataset has no split of its own."),
    click.option("--held-out-examples", type=click.IntRange(1), help="At most so many are evaluated at each budget. "
                 "[default: as many as keep evaluation near 4 % of the time, at least 100]"),
    click.option("--image-column", default="image", show_default=True, help="Of a table."),
    click.option("--prompt-column", default="prompt", show_default=True, help="Of a table."),
    click.option("--answer-column", default="answer", show_default=True, help="Of a table."),
    click.option("--case-column", default="case", show_default=True, help="Of a table: the patient or case."),
    click.option("--pretraining-steps", type=click.IntRange(1, 100_000),
                 help="Steps in which the tiny model is made, on other data. [default: 600]"),
]  # fmt: skip


def run_options(command: Any) -> Any:
    """All of them on one command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
