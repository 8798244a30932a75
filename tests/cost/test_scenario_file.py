"""A scenario from TOML is checked whole: every mistake at once, with its key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from planner.catalog import Catalog
from planner.cost import cost_plan
from planner.cost.given import GivenCost, Modality, Risk, ServerQuote
from planner.cost.scenario import Scenario, Tenure
from planner.cost.scenario_file import read_scenario, scenario_from
from planner.errors import ScenarioError
from planner.record import Calibration
from tests.cost.conftest import TODAY, made_forecast

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "scenario.toml"
COMMENTED = re.compile(r"^# (\w+ = )", re.MULTILINE)
INSTEAD = ("server_quote_eur", "modality_count")
"""Keys of the example that are given instead of a table that it has."""


def test_a_file_with_every_kind_of_value_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hospital.toml"
    file.write_text('target_loss = 1.3\ngpu = "L4"\ntenure = "spot"\nstudies_per_day = 40\nvat_rate = 0.19\n')
    assert read_scenario(file) == Scenario(
        target_loss=1.3, gpu="L4", tenure=Tenure.SPOT, studies_per_day=40.0, vat_rate=0.19
    )


def test_every_mistake_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "hospital.toml"
    file.write_text('gpu = 3\ntenure = "rented"\ntrails = 2\nprice_eur_per_hour = -1\nvat_rate = 1.5\ncountry = "NL"\n')
    with pytest.raises(ScenarioError) as caught:
        read_scenario(file)
    found = {mistake.field: mistake for mistake in caught.value.mistakes}
    assert set(found) == {"gpu", "tenure", "trails", "price_eur_per_hour", "vat_rate", "country", "target_loss"}
    assert {mistake.file for mistake in found.values()} == {"hospital.toml"}
    assert "Did you mean trials?" in found["trails"].remedy
    assert "expected a number above 0, got -1" in found["price_eur_per_hour"].reason
    assert "on_demand" in found["tenure"].reason


@pytest.mark.parametrize("text", ["gpu = ", "target_loss = 1,3", "\x00", "gpu = 1\ngpu = 2"])
def test_what_is_not_toml_is_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=r"^s\.toml: not TOML"):
        read_scenario(file)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_price_that_is_not_a_positive_number_is_refused(value: float) -> None:
    with pytest.raises(ScenarioError, match="price_eur_per_hour"):
        scenario_from({"target_loss": 1.3, "gpu": "L4", "price_eur_per_hour": value})


def test_a_number_in_quotes_is_refused_because_it_may_carry_a_decimal_comma() -> None:
    with pytest.raises(ScenarioError, match="target_loss"):
        scenario_from({"target_loss": "1,3", "gpu": "L4"})


def test_the_example_in_the_documentation_has_every_key_and_makes_a_plan(own: Calibration, catalog: Catalog) -> None:
    written = tomllib.loads(COMMENTED.sub(r"\1", EXAMPLE.read_text("utf-8")))
    assert set(written) == {field.encode_name for field in msgspec.structs.fields(Scenario)}
    for name, table in (("quote", ServerQuote), ("modalities", Modality), ("costs", GivenCost), ("risks", Risk)):
        rows = written[name] if isinstance(written[name], list) else [written[name]]
        assert {key for row in rows for key in row} == set(table.__struct_fields__)
    scenario = read_scenario(EXAMPLE)
    made = cost_plan(made_forecast(scenario.target_loss), own, scenario, catalog, with_options=False, today=TODAY)
    assert {line.code for line in made.lines} >= {"staff", "equipment", "clinical_validation", "risk_1", "vat"}


@pytest.mark.parametrize("key", [key.split()[0] for key in COMMENTED.findall(EXAMPLE.read_text("utf-8"))])
def test_every_key_that_the_example_leaves_out_is_right_in_its_place(key: str, tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").replace(f"# {key} = ", f"{key} = ", 1)
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    if key in INSTEAD:
        with pytest.raises(ScenarioError, match=f"scenario.toml, {key}: "):
            read_scenario(file)
    else:
        assert getattr(read_scenario(file), key) is not None
