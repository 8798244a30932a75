"""`calibrate`: a few short LoRA runs become a calibration record."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from planner.errors import MissingPartError, PlannerError

PALIGEMMA = "google/paligemma-3b-pt-224"


class _Group(click.Group):
    """`calibrate [options]` means `calibrate run [options]`; errors are sentences with the exit code of their kind."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before bare options."""
        if args and args[0].startswith("-") and args[0] not in ("--help", "--version"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except PlannerError as problem:
            click.echo(f"calibrate: {problem}", err=True)
            ctx.exit(problem.exit_code)
        except KeyboardInterrupt:
            ctx.exit(130)
        except OSError as problem:
            reason = problem.strerror or "the file system refused"
            click.echo(f"calibrate: {reason}. Check the place, its rights and its free space.", err=True)
            ctx.exit(2)
        except Exception as problem:
            if os.environ.get("PLATEAU_DEBUG"):
                raise
            click.echo(
                f"calibrate: an unexpected error ({type(problem).__name__}); this is a mistake of Plateau, not yours. "
                "What was measured is kept. PLATEAU_DEBUG=1 shows where; that text may show paths.",
                err=True,
            )
            ctx.exit(1)


def _budgets(_: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() and 0 < int(part) <= 10**9 for part in parts):
        raise click.BadParameter("write whole numbers of examples such as 128,256,512", param=parameter)
    return tuple(sorted({int(part) for part in parts}))


_JSON = click.option("--json", "as_json", is_flag=True, help="The result as one JSON object, last on stdout.")
_OPTIONS = [
    click.option("--data", required=True, multiple=True, type=click.Path(path_type=Path),
                 help="Folder of MedPix 2.0, VQA-RAD, SLAKE, ROCO or ROCOv2, or a table; may be given several times."),
    click.option("--held-out-data", type=click.Path(path_type=Path),
                 help="A further set that is only evaluated. [default: a part of --data]"),
    click.option("--language", default="en", show_default=True,
                 help="Of prompts and answers, such as de; of SLAKE also `zh` or `all`."),
    click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the calibration record."),
    click.option("--model", default="tiny", show_default=True, help=f"`tiny`, {PALIGEMMA}, or a local folder."),
    click.option("--budgets", callback=_budgets, help="Examples, such as 128,256,512. [default: six doublings]"),
    click.option("--effective-batch-size", type=click.IntRange(1, 4096), help="Examples a step."),
    click.option("--micro-batch-size", type=click.IntRange(1, 4096), help="Examples in memory at once."),
    click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True), help="Of the constant part."),
    click.option("--lora-targets", type=click.Choice(["attention", "all-linear"]), default="all-linear",
                 show_default=True, help="Layers of the language model that get an adapter."),
    click.option("--lora-rank", type=click.IntRange(1, 256), default=8, show_default=True, help="Of the adapters."),
    click.option("--context", "context_tokens", type=click.IntRange(2, 4096), help="Longest answer in tokens."),
    click.option("--quantization", type=click.Choice(["fp32", "bf16", "int8", "nf4"]), help="How weights are held."),
    click.option("--device", help="`cpu`, `cuda`, `cuda:1`. [default: the GPU if there is one]"),
    click.option("--schedule", type=click.Choice(["trunk", "separate"]), default="trunk", show_default=True,
                 help="One trunk with a cool-down branch a budget, or every budget alone."),
    click.option("--seed", type=click.IntRange(0, 10**6), default=0, show_default=True,
                 help="Of data order and adapters; another seed with --resume adds replicates."),
    click.option("--max-hours", type=click.FloatRange(0, min_open=True), help="Hard stop; go on with --resume."),
    click.option("--resume", is_flag=True, help="Go on with the record in --out."),
    click.option("--dry-run", is_flag=True, help="Say what would be done, how long it takes and what it needs."),
    click.option("--generation", "answers", type=click.IntRange(0, 1000), default=24, show_default=True,
                 help="Held-out answers written at each budget."),
    click.option("--keep-samples", is_flag=True, help="Keep the texts of those answers in samples.jsonl (private)."),
    click.option("--held-out-fraction", type=click.FloatRange(0, 0.5, min_open=True), default=0.1,
                 show_default=True, help="Share of the cases, where the dataset has no split of its own."),
    click.option("--image-column", default="image", show_default=True, help="Of a table."),
    click.option("--prompt-column", default="prompt", show_default=True, help="Of a table."),
    click.option("--answer-column", default="answer", show_default=True, help="Of a table."),
    click.option("--case-column", default="case", show_default=True, help="Of a table: the patient or case."),
    click.option("--pretraining-steps", type=click.IntRange(1, 100_000), help="Of the tiny model."),
]  # fmt: skip


def _run_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group(cls=_Group, context_settings={"help_option_names": ["--help"]})
@click.version_option(package_name="plateau-planner")
def main() -> None:
    """Calibrate: a few short LoRA runs of PaliGemma on your own images become a loss curve.

    `calibrate --data FOLDER --out RECORD` is short for `calibrate run`. Exit codes: 0 done, 2 bad input, 3 a run
    diverged, 4 a part is missing (weights, GPU), 75 stopped early (go on with --resume), 130 Ctrl-C.
    """


@main.command()
@_run_options
@_JSON
def run(*, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Train every budget to its end and write the record."""
    settings = _settings(**options)
    if dry_run:
        from trainer.dry_run import dry_run as plan

        result = plan(settings)
        click.echo(result.text, err=as_json)
        if as_json:
            click.echo(json.dumps(result.figures))
        return
    code = _run_once(settings, as_json)
    sys.exit(code)


@main.command()
@_run_options
@click.option("--seeds", callback=_budgets, default="1,2", help="Replicates after --seed, such as 1,2.")
@_JSON
def sweep(*, as_json: bool, seeds: tuple[int, ...], **options: Any) -> None:
    """Run the calibration for several seeds in turn, into one record: replicates of every budget."""
    options.pop("dry_run")
    for seed in (options.pop("seed"), *seeds):
        settings = _settings(seed=seed, **options)
        options["resume"] = True
        code = _run_once(settings, as_json)
        if code:
            sys.exit(code)


@main.command()
@click.option("--model", default=PALIGEMMA, show_default=True, help="What to download.")
@_JSON
def fetch(*, model: str, as_json: bool) -> None:
    """Download the weights, at a pinned revision. The only command that uses the network."""
    from trainer.fetch import fetch as download

    revision = download(model)
    click.echo(f"{model} at revision {revision} is in the local cache.", err=as_json)
    if as_json:
        click.echo(json.dumps({"model": model, "revision": revision}))


def _settings(**options: Any) -> Any:
    from trainer.config import Settings
    from trainer.dataset import Columns

    data, *more_data = options.pop("data")
    columns = Columns(**{name: options.pop(f"{name}_column") for name in ("image", "prompt", "answer", "case")})
    return Settings(columns=columns, data=data, more_data=tuple(more_data), **options)


def _run_once(settings: Any, as_json: bool) -> int:
    from trainer.dataset import read_dataset
    from trainer.progress import say

    for path in (settings.data, *settings.more_data, *filter(None, [settings.held_out_data])):
        if not path.exists():
            read_dataset(path)  # says what is wrong, before anything heavy is loaded
    say("Loading PyTorch.")
    try:
        from trainer.calibration import calibrate
    except ModuleNotFoundError as problem:
        raise MissingPartError(
            f"The package {problem.name} is not installed. "
            "Install the training part: pip install 'plateau-planner[train]'."
        ) from None
    from trainer.result import result_figures, result_text
    from trainer.stopping import StopFlag, StoppedEarlyError

    stop = StopFlag(settings.max_hours)
    try:
        with stop.signals():
            outcome = calibrate(settings, stop)
    except StoppedEarlyError as stopped:
        say("Stopped before the first run; nothing was measured yet. The same command starts again.")
        return stopped.exit_code
    if as_json:
        say(result_text(outcome))
        click.echo(json.dumps(result_figures(outcome)))
    else:
        click.echo(result_text(outcome))
    return outcome.exit_code


if __name__ == "__main__":
    main()
