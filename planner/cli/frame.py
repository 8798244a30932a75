"""What every command has: exit codes, `--json`, one sentence for an error, and no traceback unless asked for.

Commands are loaded by name, and what is heavy only inside them: `plateau --help` stays as quick as a shell builtin.
"""

from __future__ import annotations

import difflib
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

import click

from planner.errors import InputError, PlannerError

DONE, FAILED, WRONG_USE, NO_TRUSTWORTHY_ANSWER, MISSING_PART, INTERRUPTED = 0, 1, 2, 3, 4, 130
_MOST_MISTAKES = 20
_COMMANDS = {
    "import": ("planner.cli.records", "import_command"),
    "export": ("planner.cli.records", "export"),
    "fit": ("planner.cli.fits", "fit"),
    "compare": ("planner.cli.comparison", "compare"),
    "plan": ("planner.cli.plans", "plan"),
    "explain": ("planner.cli.plans", "explain"),
    "report": ("planner.cli.plans", "report"),
    "prices": ("planner.cli.prices", "prices"),
    "dashboard": ("planner.cli.dashboard", "dashboard"),
}

F = TypeVar("F", bound=Callable[..., Any])


class _Commands(click.Group):
    """Loads a command when it is named; turns every error into its sentence and exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the way through, not of the alphabet."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module that has it."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(module), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(_COMMANDS)}."
            ctx.fail(f"No such command {args[0][:40]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and leave with an exit code of DESIGN section 9."""
        code = self._run(list(sys.argv[1:] if args is None else args), prog_name or "plateau", **extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(self, args: list[str], prog_name: str, **extra: Any) -> int:
        try:
            with warnings.catch_warnings():
                if "--debug" not in args:
                    warnings.simplefilter("ignore")  # meant for developers of numpy's users, not for a board
                code = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.ClickException as problem:
            problem.show()
            return WRONG_USE
        except PlannerError as problem:
            _say(_sentences(problem))
            return problem.exit_code
        except (KeyboardInterrupt, click.Abort):
            _say("Stopped by Ctrl-C.")
            return INTERRUPTED
        except BrokenPipeError:
            # The reader (`head`) has enough; without this Python complains once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except OSError as problem:
            _say(f"{problem.strerror or 'The file system refused'}: check the place, its rights and its free space.")
            return WRONG_USE
        except Exception as problem:
            if "--debug" in args:
                raise
            _say(
                f"An unexpected error ({type(problem).__name__}); this is a mistake of Plateau, not yours. "
                f"`plateau --debug ...` shows where. Please report that text; it may show paths."
            )
            return FAILED
        return code if isinstance(code, int) else DONE


def _say(text: str) -> None:
    click.echo(f"plateau: {text}", err=True)


def _sentences(problem: PlannerError) -> str:
    """At most twenty mistakes of a file; a table with a broken column has thousands."""
    if not isinstance(problem, InputError) or len(problem.mistakes) <= _MOST_MISTAKES:
        return str(problem)
    shown = [str(mistake) for mistake in problem.mistakes[:_MOST_MISTAKES]]
    return "\n".join([*shown, f"and {len(problem.mistakes) - _MOST_MISTAKES:,} more like these."])


@click.group(
    name="plateau",
    cls=_Commands,
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 2 wrong use or bad input, 3 no trustworthy answer (it is written all the same), "
    "4 a part is missing, 130 Ctrl-C.",
)
@click.option("--debug", is_flag=True, help="Show where an unexpected error arose.")
@click.version_option(package_name="plateau-planner")
def main(debug: bool) -> None:
    """Plateau: a calibration record becomes a loss curve, GPU-hours, and a yearly budget.

    RECORD is a folder made by `calibrate run`, a packed record (.jsonl), the name of a saved calibration, or `example`.
    """


def with_json(command: F) -> F:
    """The `--json` option."""
    return click.option("--json", "as_json", is_flag=True, help="The result as one line of JSON, last on stdout.")(
        command
    )


def finish(text: str, figures: Any, *, as_json: bool, code: int = DONE) -> None:
    """Say the result: text for people on stdout, or on stderr with the JSON last on stdout; leave with the code."""
    click.echo(text, err=as_json, color=False if os.environ.get("NO_COLOR") else None)
    if as_json:
        click.echo(json.dumps(_plain(figures), ensure_ascii=False, allow_nan=False))
    click.get_current_context().exit(code)


def _plain(value: Any) -> Any:
    """Plain JSON values; what is not finite is null."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    import msgspec

    return _plain(msgspec.to_builtins(value))
