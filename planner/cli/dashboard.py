"""`plateau dashboard`: Streamlit with the packaged app and the packaged settings, wherever it is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from planner.cli.opening import EXAMPLE, example_file, open_calibration

RECORD_VARIABLE = "PLATEAU_RECORD"
_SECTIONS = ("server", "client", "runner", "browser")


@click.command(short_help="The same with sliders, in the browser.")
@click.argument("record", default=EXAMPLE)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Say where it will run as one line of JSON, and start it.")
def dashboard(*, record: str, port: int, as_json: bool) -> None:
    """Open the dashboard with a record, or with the bundled example, on this machine only.

    It runs until Ctrl-C, needs no GPU and asks no other host for anything.
    """
    import json

    from planner.resources import app_file

    place = _readable(record)
    address = f"http://127.0.0.1:{port}"
    click.echo(f"The dashboard opens at {address} with {record}. Ctrl-C ends it.", err=True)
    if as_json:
        click.echo(json.dumps({"address": address, "record": record}))
    sys.stdout.flush()
    # Settings of the user's own Streamlit apps must not open this one to the network.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment[RECORD_VARIABLE] = place
    command = [sys.executable, "-m", "streamlit", "run", str(app_file()), f"--server.port={port}", *settings_flags()]
    os.execve(sys.executable, command, environment)  # noqa: S606


def settings_flags() -> list[str]:
    """The packaged settings as flags, which win over every other source; looks come from the file beside the app."""
    import tomllib

    from planner.resources import settings_file

    settings: dict[str, dict[str, Any]] = tomllib.loads(settings_file().read_text("utf-8"))
    flags = []
    for section in _SECTIONS:
        for key, value in settings.get(section, {}).items():
            for one in value if isinstance(value, list) else [value]:
                shown = str(one).lower() if isinstance(one, bool) else str(one)
                flags.append(f"--{section}.{key}={shown}")
    return flags


def _readable(record: str) -> str:
    """Where the dashboard finds the record; checked here, so that a mistake is said in the terminal.

    A saved calibration is packed into a private file that the dashboard reads.
    """
    calibration = open_calibration(record)
    if record == EXAMPLE and not Path(record).exists():
        return str(example_file())
    if Path(record).exists():
        return str(Path(record).resolve())
    from planner.record import write_packed
    from planner.store import home

    place = home() / "open.jsonl"
    write_packed(place, calibration)
    return str(place)
