"""The surface: commands and options are documented, help is quick, errors are sentences with the right exit code."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import msgspec
import pytest

from planner.cli import frame, main
from planner.cli.scenario_options import OPTIONS
from planner.cost.scenario import Scenario
from planner.errors import InputError, MissingPartError, Mistake
from tests.cli.conftest import TARGET, Plateau

ROOT = Path(__file__).resolve().parents[2]
PLATEAU = Path(sys.executable).with_name("plateau")
COMMANDS = ["import", "export", "fit", "compare", "plan", "explain", "report", "prices", "dashboard"]
PAGE = (ROOT / "docs" / "commands.md").read_text("utf-8")


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_commands", ROOT / "docs" / "make_commands.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_commands_are_those_of_the_design() -> None:
    assert main.list_commands(click.Context(main)) == COMMANDS


def test_the_page_of_commands_shows_the_help_of_today() -> None:
    assert generator().updated(PAGE) == PAGE, "run python docs/make_commands.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_has_words(name: str) -> None:
    for parameter in command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert all(option in PAGE for option in parameter.opts), parameter.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(name: str, plateau: Plateau) -> None:
    done = plateau(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: plateau {name}")
    assert "--json" in done.out


def test_no_option_asks() -> None:
    assert not [p.name for name in COMMANDS for p in command(name).params if getattr(p, "prompt", None)]


def test_every_value_of_a_scenario_is_an_option_and_its_default_is_the_one_in_the_help() -> None:
    tables = {"modalities", "quote", "costs", "risks"}
    assert {field for field, *_ in OPTIONS} == set(Scenario.__struct_fields__) - tables
    fields = {field.name: field for field in msgspec.structs.fields(Scenario)}
    for name, option, _, words in OPTIONS:
        said = words.partition("[default: ")[2].rstrip("]")
        default = fields[name].default
        if default in (None, msgspec.NODEFAULT):
            assert not said or not said[0].isdigit(), option
        else:
            assert said == (f"{default:g}" if isinstance(default, float) else str(default)), option


def test_help_loads_no_library_that_takes_long() -> None:
    code = "import sys\nfrom planner.cli import main\ntry:\n    main(['--help'])\nfinally:\n    print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "Usage: plateau" in done.stdout
    assert not {"numpy", "scipy", "pandas", "streamlit", "torch", "SALib"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fits"], "Did you mean"),
        (["fit"], "Missing argument 'RECORD'"),
        (["fit", "x", "--target"], "Did you mean '--target-loss'?"),
        (["fit", "x", "--target-loss"], "requires an argument"),
        (["fit", "x", "--target-loss", "1,5"], "has a decimal comma"),
        (["fit", "x", "--target-loss", "nan"], "expected a number, got 'nan'"),
        (["plan", "x", "--answer-tokens", "2.5"], "expected a whole number of 1 or more"),
        (["plan", "x", "--tenure", "stolen"], "is not one of"),
    ],
)
def test_wrong_use_is_said_and_ends_with_2(plateau: Plateau, arguments: list[str], words: str) -> None:
    done = plateau(*arguments)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""


def raising(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    def broken() -> None:
        raise problem

    monkeypatch.setitem(frame._COMMANDS, "prices", ("tests.cli.test_surface", "BROKEN"))
    monkeypatch.setattr(sys.modules[__name__], "BROKEN", click.command("prices")(broken), raising=False)


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (MissingPartError("No GPU."), 4, "plateau: No GPU."),
        (InputError(Mistake(file="a.csv", row=3, reason="odd", remedy="Mend it")), 2, "a.csv line 3: odd. Mend it"),
        (KeyboardInterrupt(), 130, "Stopped by Ctrl-C."),
        (OSError(28, "No space left on device", "/home/someone/x"), 2, "No space left on device"),
        (ZeroDivisionError("secret patient"), 1, "An unexpected error (ZeroDivisionError)"),
    ],
)
def test_an_error_is_a_sentence_with_the_exit_code_of_its_kind(
    monkeypatch: pytest.MonkeyPatch, plateau: Plateau, problem: BaseException, code: int, words: str
) -> None:
    raising(monkeypatch, problem)
    done = plateau("prices")
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err + done.out
    assert "someone" not in done.err
    assert "secret" not in done.err


def test_debug_shows_where_an_unexpected_error_arose(monkeypatch: pytest.MonkeyPatch, plateau: Plateau) -> None:
    raising(monkeypatch, ZeroDivisionError("here"))
    with pytest.raises(ZeroDivisionError, match="here"):
        plateau("--debug", "prices")


def test_of_a_thousand_mistakes_the_first_twenty_are_shown(monkeypatch: pytest.MonkeyPatch, plateau: Plateau) -> None:
    raising(
        monkeypatch, InputError([Mistake(file="a.csv", row=i, reason="odd", remedy="Mend it") for i in range(1000)])
    )
    assert len(plateau("prices").err.splitlines()) == 21
    assert "and 980 more like these" in plateau("prices").err


def test_a_real_process_shows_no_traceback_and_leaves_with_the_code(tmp_path: Path, record: Path) -> None:
    environment = os.environ | {"PLATEAU_HOME": str(tmp_path)}
    for arguments, code in ((["fit", "absent"], 2), (["fit", str(record), "--target-loss", TARGET], 0)):
        done = subprocess.run([PLATEAU, *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
    piped = subprocess.run(
        f"{PLATEAU} prices L4 --all | head -1", shell=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert piped.stderr == ""


def test_ctrl_c_ends_a_real_process_with_130(tmp_path: Path) -> None:
    program = (
        "import os, signal, click, planner.cli.frame as frame\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background inherits it ignored
        "frame._COMMANDS['prices'] = ('__main__', 'wait')\n"
        "wait = click.command()(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "frame.main(['prices'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "plateau: Stopped by Ctrl-C."
