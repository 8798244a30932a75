"""A link is a plan; what cannot be used in it is named."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from planner.cost.scenario import Scenario, Tenure
from planner.dashboard.link import Bounds, read_link, write_link
from planner.report.words import words

BOUNDS = Bounds(gpus=("L4", "H100 SXM"), quantizations=("bf16", "nf4"), target_loss_low=1.0, target_loss_high=3.0)
OPENING = Scenario(target_loss=1.6, gpu="L4", studies_per_day=40.0, budget_eur=10_000.0)
SAY = words("en").screen.link
FIELDS = [field.name for field in msgspec.structs.fields(Scenario)]


def read(parameters: dict[str, str]) -> tuple[Scenario, tuple[str, ...]]:
    return read_link(parameters, opening=OPENING, bounds=BOUNDS, calibration_id="medpix", say=SAY)


scenarios = st.builds(
    Scenario,
    target_loss=st.floats(1.0, 3.0),
    gpu=st.sampled_from(BOUNDS.gpus),
    quantization=st.sampled_from(BOUNDS.quantizations),
    tenure=st.sampled_from(Tenure),
    provider=st.none() | st.sampled_from(["aws", "lambda"]),
    budget_eur=st.none() | st.floats(1, 1e7),
    studies_per_day=st.none() | st.floats(0.1, 1e4),
    retunings_per_year=st.floats(0, 52),
    answer_tokens=st.integers(1, 512),
    vat_rate=st.floats(0, 1),
)


@given(scenario=scenarios)
def test_a_link_brings_back_its_scenario(scenario: Scenario) -> None:
    link = write_link(scenario, opening=OPENING, calibration_id="medpix")
    found, notices = read(link)
    assert not notices
    for field in FIELDS:
        expected, actual = getattr(scenario, field), getattr(found, field)
        if isinstance(expected, float):
            assert abs(actual - expected) <= 1e-9 * abs(expected), field
        else:
            assert actual == expected, field


def test_a_link_holds_only_what_differs_from_the_opening_scenario() -> None:
    assert write_link(OPENING, opening=OPENING, calibration_id="medpix") == {
        "calibration": "medpix",
        "target_loss": "1.6",
        "gpu": "L4",
    }


def test_an_input_that_was_emptied_stays_empty_in_the_link() -> None:
    emptied = msgspec.structs.replace(OPENING, studies_per_day=None)
    assert read(write_link(emptied, opening=OPENING, calibration_id="medpix")) == (emptied, ())


def test_a_bad_value_is_named_with_what_is_used_instead() -> None:
    for name, text, kept in (
        ("gpu", "zz", "L4"),
        ("target_loss", "99", "1.6"),
        ("target_loss", "nan", "1.6"),
        ("budget_eur", "-5", "10000"),
        ("tenure", "stolen", "on_demand"),
        ("vat_rate", "1,2", "0.21"),
        ("answer_tokens", "1.5", "64"),
    ):
        scenario, notices = read({name: text})
        assert scenario == OPENING
        assert len(notices) == 1
        assert name in notices[0]
        assert text in notices[0]
        assert kept in notices[0]


def test_good_values_of_a_link_are_used_beside_bad_ones() -> None:
    scenario, notices = read({"gpu": "H100 SXM", "budget_eur": "many"})
    assert scenario.gpu == "H100 SXM"
    assert len(notices) == 1


def test_a_link_of_another_calibration_is_named() -> None:
    _, notices = read({"calibration": "other", "target_loss": "2"})
    assert len(notices) == 1
    assert "other" in notices[0]
    assert "medpix" in notices[0]


@given(parameters=st.dictionaries(st.sampled_from([*FIELDS, "calibration", "x"]) | st.text(max_size=20), st.text()))
def test_no_link_raises_and_every_difference_is_either_used_or_named(parameters: dict[str, str]) -> None:
    scenario, notices = read(parameters)
    assert isinstance(scenario, Scenario)
    assert len(notices) <= len(parameters)
    assert scenario.gpu in BOUNDS.gpus
    assert BOUNDS.target_loss_low <= scenario.target_loss <= BOUNDS.target_loss_high
