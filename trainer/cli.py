"""`calibrate`: a few short LoRA runs become a calibration record."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from planner.errors import MissingPartError, PlannerError
from trainer import rating_commands
from trainer.run_options import PALIGEMMA, run_options


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


_JSON = click.option("--json", "as_json", is_flag=True, help="The result as one JSON object, last on stdout.")


@click.group(cls=_Group, context_settings={"help_option_names": ["--help"]})
@click.version_option(package_name="plateau-planner")
def main() -> None:
    """Calibrate: a few short LoRA runs of PaliGemma on your own images become a loss curve.

    `calibrate --data FOLDER --out RECORD` is short for `calibrate run`. Exit codes: 0 done, 2 bad input, 3 a run
    diverged, 4 a part is missing (weights, GPU), 75 stopped early (go on with --resume), 130 Ctrl-C.
    """


@main.command()
@run_options
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
    code = _go(settings, dry_run=dry_run, as_json=as_json)
    if rating_sheet is not None and code == 0 and not dry_run and not settings.timing_only:
        written = rating_commands.write_sheet(settings.out, rating_sheet)
        click.echo(rating_commands.sheet_text(rating_sheet, written), err=True)
    sys.exit(code)


@main.command()
@run_options
@_JSON
def sweep(*, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Calibrate every combination of --vary, with replicates, into one record.

    `run` changes one key at a time, `sweep` combines them. Without --vary and --seeds: two replicates more.
    """
    if not options["vary"] and not options["seeds"]:
        options["seeds"] = (options["seed"] + 1, options["seed"] + 2)
    sys.exit(_go(_settings(grid=True, **options), dry_run=dry_run, as_json=as_json))


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


def _go(settings: Any, *, dry_run: bool, as_json: bool) -> int:
    if settings.timing_only:
        return _time_once(settings, as_json)
    if not dry_run:
        return _run_once(settings, as_json)
    from trainer.dry_run import dry_run as plan

    result = plan(settings)
    click.echo(result.text, err=as_json)
    if as_json:
        click.echo(json.dumps(result.figures))
    return 0


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
