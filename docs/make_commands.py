"""Write the help of every command into docs, between its markers: `python docs/make_commands.py`.

`plateau` is in commands.md, `calibrate` in calibrate.md.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from planner.cli import main
from trainer.cli import main as calibrate

PAGE = Path(__file__).with_name("commands.md")
CALIBRATE_PAGE = Path(__file__).with_name("calibrate.md")
_BLOCK = re.compile(r"(<!-- help: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WIDTH = 100


def help_of(name: str, program: click.Group = main, called: str = "plateau") -> str:
    """`plateau NAME --help` (or of another program) at a fixed width."""
    group = click.Context(program, info_name=called, terminal_width=_WIDTH, max_content_width=_WIDTH)
    command = program.get_command(group, name)
    if command is None:
        raise ValueError(f"no command {name}")
    context = click.Context(
        command,
        info_name=name,
        parent=group,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        help_option_names=["--help"],
    )
    return command.get_help(context)


def updated(page: str, program: click.Group = main, called: str = "plateau") -> str:
    """The page with the help of today."""
    return _BLOCK.sub(
        lambda found: f"{found[1]}```text\n{help_of(found['name'], program, called)}\n```\n{found[3]}", page
    )


def updated_calibrate(page: str) -> str:
    """The page of `calibrate` with the help of today."""
    return updated(page, calibrate, "calibrate")


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text("utf-8")), "utf-8")
    CALIBRATE_PAGE.write_text(updated_calibrate(CALIBRATE_PAGE.read_text("utf-8")), "utf-8")
