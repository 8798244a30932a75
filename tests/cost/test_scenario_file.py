"""A scenario from TOML is checked whole: every mistake at once, with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.cost.scenario import Scenario, Tenure
from planner.cost.scenario_file import read_scenario, scenario_from
from planner.errors import ScenarioError


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
