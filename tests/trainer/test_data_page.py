"""docs/data.md is held against the code: its options, layouts, numbers of the record, limits and figures."""

from __future__ import annotations

import re
from pathlib import Path

from planner.record import Answers
from trainer import conditioning
from trainer.cli import main
from trainer.dataset import FORMATS
from trainer.dataset.fingerprint import NEAR_BITS
from trainer.rating import SCALE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text("utf-8")


def test_every_command_and_option_of_the_page_exists() -> None:
    lines = re.findall(r"^    calibrate ([a-z-]+)(.*)$", PAGE, re.MULTILINE)
    assert len(lines) >= 7
    for name, rest in lines:
        command = main.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest):
            assert option in known, (name, option)
    everything = {
        option for command in main.commands.values() for parameter in command.params for option in parameter.opts
    }
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= everything


def test_every_layout_is_listed() -> None:
    rows = PAGE.split("## Layouts", 1)[1].split("\n## ", 1)[0].count("\n| ") - 1
    assert rows == len(FORMATS) + 1


def test_the_numbers_of_answers_are_fields_of_the_record() -> None:
    listed = PAGE.split("## Answers", 1)[1].split("\n## ", 1)[0]
    named = {name for row in re.findall(r"^\| ([a-z0-9_, =or]+) \|", listed, re.MULTILINE) for name in row.split()}
    named = {name.strip(",") for name in named} - {"number", "=", "or"}
    assert named <= set(Answers.__struct_fields__)
    assert {"token_f1", "rouge_l", "exact_match", "degenerate_rate"} <= named


def test_limits_and_scale_are_those_of_the_code() -> None:
    assert f"two pictures are the same within {NEAR_BITS} bits" in PAGE
    assert f"under {conditioning._FEW_HELD_OUT_CASES} cases" in PAGE
    assert f"over {conditioning._MANY_PASSES:.0f} at the largest" in PAGE
    assert f"over {conditioning._CUT_SHARE:.0%}".replace("%", " %") in PAGE
    assert f"over {conditioning._COPIED_SHARE:.0%}".replace("%", " %") in PAGE
    assert ", ".join(map(str, conditioning.CONTEXTS)) + " tokens" in PAGE
    assert f"else {conditioning.TOKENS_PER_WORD} a word" in PAGE
    for level, words in SCALE.items():
        assert f"{level} {words}" in PAGE
