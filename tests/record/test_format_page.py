"""docs/record.md is the list of the format: it names every field and event, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec

from planner.record import CalibrationHeader, Configuration, Dataset, Event, Hardware, Imported

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "record.md").read_text("utf-8")


def cells(head: str) -> dict[str, list[str]]:
    """Rows of the table under a heading by their first cell."""
    part = PAGE.split(f"## {head}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")][2:]
    return {row[0].strip(" `*"): [cell.strip() for cell in row] for row in rows}


def names(text: str) -> list[str]:
    return re.findall(r"[a-z][a-z0-9_]+", re.sub(r"\([^)]*\)", "", text))


def test_every_event_is_listed_with_its_fields_and_which_may_be_null() -> None:
    listed = cells("Events")
    assert set(listed) == {kind.__struct_config__.tag for kind in get_args(Event)}
    for kind in get_args(Event):
        fields = [field for field in msgspec.structs.fields(kind) if field.name != "run"]
        row = listed[kind.__struct_config__.tag][1]
        assert sorted(names(row)) == sorted(field.name for field in fields), kind
        may_be_null = re.findall(r"\*([a-z0-9_]+)\*", row)
        assert sorted(may_be_null) == sorted(field.name for field in fields if field.default is None), kind


def test_every_field_of_the_header_is_listed() -> None:
    listed = cells("Header")
    assert set(listed) == set(CalibrationHeader.__struct_fields__)
    for name, kind in (
        ("configuration", Configuration),
        ("dataset", Dataset),
        ("hardware", Hardware),
        ("imported", Imported),
    ):
        said = names(listed[name][1])
        assert [field for field in kind.__struct_fields__ if field not in said] == []
