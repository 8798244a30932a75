"""`calibrate`: a few short LoRA runs become a calibration record."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from planner.errors import MissingPartError, PlannerError
from trainer import rating_commands

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


_JSON = click.option("--json", "as_json", is_flag=True, help="The result as one JSON object, last on stdout.")
_OPTIONS = [
    click.option("--data", multiple=True, type=click.Path(path_type=Path),
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
    click.option("--loss-mask", type=click.Choice(["suffix", "full"]), default="suffix", show_default=True,
                 help="Where the loss is taken in training; held-out loss is always that of the answer."),
    click.option("--quantization", type=click.Choice(["fp32", "bf16", "int8", "nf4"]), help="How weights are held."),
    click.option("--checkpointing", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
                 help="Compute activations twice to save memory; `auto`: only when nothing else fits."),
    click.option("--device", help="`cpu`, `cuda`, `cuda:1`. [default: the GPU if there is one]"),
    click.option("--schedule", type=click.Choice(["trunk", "separate"]), default="trunk", show_default=True,
                 help="One trunk with a cool-down branch a budget, or every budget alone."),
    click.option("--seed", type=click.IntRange(0, 10**6), default=0, show_default=True,
                 help="Of data order and adapters; another seed with --resume adds replicates."),
    click.option("--seeds", callback=_seeds, help="Replicates: further seeds in turn, such as 1,2."),
    click.option("--subsets", callback=_subsets,
                 help="Nested shares of the training cases to calibrate as well, such as 1/4,1/2,1."),
    click.option("--vary", multiple=True, callback=_variations, metavar="KEY=A,B",
                 help="Further configurations: targets, context, quantization, accumulation, mask or rank."),
    click.option("--learning-rate-check/--no-learning-rate-check", default=None,
                 help="Short runs choose the rate of every configuration. [default: where no rate is given; not for "
                 "`tiny`]"),
    click.option("--timing-only", is_flag=True,
                 help="Seconds and bytes, no curve; --data may be left out, random weights stand in for missing ones."),
    click.option("--max-hours", type=click.FloatRange(0, min_open=True), help="Hard stop; go on with --resume."),
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
@click.option(
    "--rating-sheet",
    type=click.Path(path_type=Path),
    help="Write a blinded sheet of answers for radiologists at the end (.csv or .html); keeps their texts.",
)
@_JSON
def run(*, as_json: bool, dry_run: bool, rating_sheet: Path | None, **options: Any) -> None:
    """Train every budget to its end and write the record."""
    if rating_sheet is not None:
        rating_commands.check_place(options["out"], rating_sheet)
        options["keep_samples"] = True
    settings = _settings(**options)
    if settings.timing_only:
        sys.exit(_time_once(settings, as_json))
    if dry_run:
        from trainer.dry_run import dry_run as plan

        result = plan(settings)
        click.echo(result.text, err=as_json)
        if as_json:
            click.echo(json.dumps(result.figures))
        return
    code = _run_once(settings, as_json)
    if rating_sheet is not None and code == 0:
        written = rating_commands.write_sheet(settings.out, rating_sheet)
        click.echo(rating_commands.sheet_text(rating_sheet, written), err=True)
    sys.exit(code)


@main.command()
@_run_options
@_JSON
def sweep(*, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Calibrate every combination of --vary, with replicates, into one record.

    `run` changes one key at a time, `sweep` combines them. Without --vary and --seeds: two replicates more.
    """
    if not options["vary"] and not options["seeds"]:
        options["seeds"] = (options["seed"] + 1, options["seed"] + 2)
    settings = _settings(grid=True, **options)
    if dry_run:
        from trainer.variation import variants_of

        for variant in variants_of(settings):
            click.echo(variant.tag or "base", err=as_json)
        return
    sys.exit(_time_once(settings, as_json) if settings.timing_only else _run_once(settings, as_json))


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

    data, *more_data = options.pop("data") or (None,)
    columns = Columns(**{name: options.pop(f"{name}_column") for name in ("image", "prompt", "answer", "case")})
    return Settings(columns=columns, data=data, more_data=tuple(more_data), **options)


@contextmanager
def _training_part() -> Iterator[None]:
    """Imports of what the planner does without."""
    from trainer.progress import say

    say("Loading PyTorch.")
    try:
        yield
    except ModuleNotFoundError as problem:
        raise MissingPartError(
            f"The package {problem.name} is not installed. "
            "Install the training part: pip install 'plateau-planner[train]'."
        ) from None


def _run_once(settings: Any, as_json: bool) -> int:
    from trainer.dataset import read_dataset
    from trainer.progress import say
    from trainer.stopping import StopFlag, StoppedEarlyError

    for path in (settings.data, *settings.more_data, *filter(None, [settings.held_out_data])):
        if not path.exists():
            read_dataset(path)  # says what is wrong, before anything heavy is loaded
    stop = StopFlag(settings.max_hours)
    try:
        with stop.signals():
            with stop.at_once(), _training_part():
                from trainer.calibration import calibrate
            outcome = calibrate(settings, stop)
    except StoppedEarlyError as stopped:
        say("Stopped before the first run; nothing was measured yet. The same command starts again.")
        return stopped.exit_code
    from trainer.result import result_figures, result_text

    if as_json:
        say(result_text(outcome))
        click.echo(json.dumps(result_figures(outcome)))
    else:
        click.echo(result_text(outcome))
    return outcome.exit_code


def _time_once(settings: Any, as_json: bool) -> int:
    from trainer.progress import say
    from trainer.stopping import StopFlag, StoppedEarlyError

    stop = StopFlag(settings.max_hours)
    try:
        with stop.signals():
            with stop.at_once(), _training_part():
                from trainer.timing import time_only
            calibration = time_only(settings, stop)
    except StoppedEarlyError as stopped:
        say("Stopped early; what was timed is kept. Go on with --resume.")
        return stopped.exit_code
    from trainer.result import timing_figures, timing_text

    click.echo(timing_text(calibration), err=as_json)
    if as_json:
        click.echo(json.dumps(timing_figures(calibration)))
    return 0


main.add_command(rating_commands.rating_sheet)
main.add_command(rating_commands.rate)


if __name__ == "__main__":
    main()
