"""Write the help of every command into docs/commands.md, between its markers: `python docs/make_commands.py`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from planner.cli import main

PAGE = Path(__file__).with_name("commands.md")
_BLOCK = re.compile(r"(<!-- help: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WIDTH = 100


def help_of(name: str) -> str:
    """`plateau NAME --help` at a fixed width."""
    group = click.Context(main, info_name="plateau", terminal_width=_WIDTH, max_content_width=_WIDTH)
    command = main.get_command(group, name)
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


def updated(page: str) -> str:
    """The page with the help of today."""
    return _BLOCK.sub(lambda found: f"{found[1]}```text\n{help_of(found['name'])}\n```\n{found[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text("utf-8")), "utf-8")
