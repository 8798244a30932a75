"""A link is a plan; what cannot be used in it is named."""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.cost.given import GivenCost, Modality, Risk, ServerQuote
from planner.cost.scenario import Layout, Scenario, ServingMode, Tenure
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
    serving_mode=st.sampled_from(ServingMode),
    layout=st.sampled_from(Layout),
    reverse_charge=st.none() | st.booleans(),
    carry_over=st.booleans(),
    first_month=st.none() | st.sampled_from(["2027-01", "2031-12"]),
)
texts = st.text(min_size=1, max_size=80)
own = st.builds(
    msgspec.structs.replace,
    scenarios,
    costs=st.lists(
        st.builds(
            GivenCost,
            code=st.sampled_from(["downtime", "ours"]),
            label=st.none() | texts,
            eur_once=st.floats(0, 1e6),
            vat=st.booleans(),
            source=texts,
        ),
        max_size=4,
    ).map(tuple),
    risks=st.lists(
        st.builds(
            Risk, name=texts, probability=st.floats(0, 1), impact_eur=st.floats(1, 1e6), mitigation=texts, source=texts
        ),
        max_size=4,
    ).map(tuple),
    modalities=st.sampled_from([(), (Modality(name="CT", share=0.4), Modality(name="MR & X=ray", share=0.6))]),
    quote=st.none()
    | st.builds(
        ServerQuote,
        supplier=texts,
        gpu=st.sampled_from(BOUNDS.gpus),
        price_eur=st.floats(1, 1e6),
        quoted_on=st.dates(datetime.date(2026, 1, 1), datetime.date(2026, 6, 1)),
        valid_until=st.dates(datetime.date(2026, 7, 1), datetime.date(2027, 6, 1)),
        watts_at_wall=st.floats(1, 1e4),
    ),
)


@given(scenario=own)
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
        ("budget_eur", "-5", "10,000"),
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


def test_what_is_used_instead_is_written_as_the_reader_writes_it() -> None:
    say = words("nl").screen.link
    _, notices = read_link(
        {"target_loss": "9.9"}, opening=OPENING, bounds=BOUNDS, calibration_id="medpix", say=say, tag="nl"
    )
    assert "'9.9'" in notices[0]
    assert "1 tot 3;" in notices[0]
    assert "geldt 1,6." in notices[0]


def test_good_values_of_a_link_are_used_beside_bad_ones() -> None:
    scenario, notices = read({"gpu": "H100 SXM", "budget_eur": "many"})
    assert scenario.gpu == "H100 SXM"
    assert len(notices) == 1


def test_a_link_of_another_calibration_is_named() -> None:
    _, notices = read({"calibration": "other", "target_loss": "2"})
    assert len(notices) == 1
    assert "other" in notices[0]
    assert "medpix" in notices[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("costs", '[{"code":"downtime","eur_once":-1,"source":"us"}]'),
        ("costs", '[{"code":"downtime"'),
        ("costs", "{}"),
        ("risks", "[" * 10_000),
        ("risks", "[" * 100_000),
        ("risks", '[{"name":"x","probability":2,"impact_eur":1,"source":"us"}]'),
        ("quote", '{"supplier":"x","gpu":"zz"}'),
        ("modalities", '[{"name":"CT","share":"much"}]'),
    ],
)
def test_a_bad_list_in_a_link_is_named_and_changes_nothing(name: str, text: str) -> None:
    scenario, notices = read({name: text})
    assert scenario == OPENING
    assert len(notices) == 1
    assert name in notices[0]
    assert len(notices[0]) < 400


hostile = st.one_of(
    st.text(),
    st.sampled_from(
        ["null", "[]", "{}", "[[]]", "true", "1e999", "-0", "=1+1", "$x$", "<script>", "../..", "\x00", "none"]
    ),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists, max_leaves=9).map(
        lambda value: msgspec.json.encode(value).decode()
    ),
)


@settings(max_examples=500)
@given(parameters=st.dictionaries(st.sampled_from([*FIELDS, "calibration", "x"]) | st.text(max_size=20), hostile))
def test_no_link_raises_and_every_difference_is_either_used_or_named(parameters: dict[str, str]) -> None:
    scenario, notices = read(parameters)
    assert isinstance(scenario, Scenario)
    assert len(notices) <= len(parameters)
    assert scenario.gpu in BOUNDS.gpus
    assert BOUNDS.target_loss_low <= scenario.target_loss <= BOUNDS.target_loss_high
