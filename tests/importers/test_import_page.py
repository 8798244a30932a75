"""docs/import.md against what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner.cli.records import import_command
from planner.importers import READERS, Role
from planner.importers.names import role_of
from planner.importers.sources import MAX_BYTES, MOST_FILES
from planner.importers.table import MOST_ENTRIES
from planner.importers.trainer_state import MAX_BYTES as JSON_BYTES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text("utf-8")
MIB = 1024 * 1024


def test_the_page_has_a_row_for_every_reader() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)) == set(READERS)


def test_the_page_names_every_option_and_no_other() -> None:
    options = {option for parameter in import_command.params for option in parameter.opts if option.startswith("--")}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) == options - {"--out", "--json"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("val_loss", Role.HELD_OUT_LOSS), ("test_loss", Role.HELD_OUT_LOSS), ("train_loss", Role.TRAINING_LOSS),
        ("loss", Role.LOSS), ("samples_seen", Role.EXAMPLES), ("train/global_step", Role.STEPS),
        ("iteration", Role.STEPS), ("Wall time", Role.CLOCK), ("_timestamp", Role.CLOCK), ("_runtime", Role.ELAPSED),
        ("elapsed", Role.ELAPSED),
    ],
)  # fmt: skip
def test_a_name_that_the_page_mentions_is_what_it_says(name: str, role: Role) -> None:
    assert f"`{name}`" in PAGE
    assert role_of(name) is role


def test_the_limits_are_those_of_the_readers() -> None:
    assert f"At most {MAX_BYTES // MIB} MiB, {MOST_ENTRIES:,} values and {MOST_FILES:,} files" in PAGE
    assert f"a JSON log: {JSON_BYTES // MIB} MiB" in PAGE
