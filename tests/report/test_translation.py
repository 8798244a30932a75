"""Sentences of a plan in the reader's language."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog import read_catalog
from planner.cost import Scenario, ServingMode, Tenure
from planner.cost.plan import Plan
from planner.errors import PlannerError
from planner.report.words import LANGUAGES, words
from planner.report.words.language import spoken
from planner.report.words.sentences import formula, value_with_unit
from planner.report.words.translation import catalog, translated, untranslated
from tests.report.plans import full_plan, planner_of

OTHERS = [code for code in LANGUAGES if code != "en"]
SENTENCES = frozenset(
    [
        "sentence", "hours_sentence", "budget_scenario", "formula", "uncertainty", "unit", "remedy", "reason", "marks",
        "data_axis_sentence", "assumptions", "source",
    ]
)  # fmt: skip
CITED = re.compile(
    r"https?://|github[ :]|^codecarbon@|\.(?:com|eu|bg|ai|ch|org|net)\b|^Dettmers et al\. |^Eurostat nrg_|^data/\S+$"
)
"""Addresses, repositories, papers and tables of statistics keep their names."""
ABBREVIATIONS = ("USt.", "Std.")
SYMBOLS = frozenset(["", "GiB", "kWh", "s", "EUR", "USD", "EUR/h", "USD/h", "EUR/kWh", "TFLOP/s", "ratio"])
OPENING = Scenario(target_loss=1.7, gpu="L4", studies_per_day=40.0, budget_eur=10_000.0, unique_studies=14_600.0)
SCENARIOS = [
    OPENING,
    msgspec.structs.replace(OPENING, target_loss=1.25),
    msgspec.structs.replace(OPENING, target_loss=0.3),
    msgspec.structs.replace(OPENING, tenure=Tenure.COMMITMENT_1_YEAR, prepaid=True, serving_mode=ServingMode.ALWAYS_ON),
    msgspec.structs.replace(OPENING, gpu="T4", modality_count=3, price_eur_per_hour=0.5, usd_per_eur=1.1),
    Scenario(target_loss=1.7, gpu="L4", horizon_years=1),
]


def texts(value: object, key: str = "") -> Iterator[str]:
    """Every text of a plan that people read as a sentence."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, key)
    elif isinstance(value, str) and key in SENTENCES:
        yield value


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@cache
def names() -> frozenset[str]:
    """What is called the same in every language: cards, bits, providers and models of the catalog."""
    known = read_catalog()
    return frozenset(
        [
            *(gpu.gpu for gpu in known.gpus),
            *(row.quantization for row in known.quantizations),
            *(row.provider for row in known.prices),
            "google/paligemma-3b-pt-224",
            "tiny",
        ]
    )


def left(text: str, language: str, own: frozenset[str] = frozenset()) -> list[str]:
    """What of a text stays in English although it has words of ours."""
    return [
        part for part in untranslated(text, language) if part not in SYMBOLS | names() | own and not CITED.search(part)
    ]


def left_of(plan: Plan, language: str) -> list[str]:
    scenario = plan.scenario
    own = frozenset(
        [
            *(text for risk in scenario.risks for text in (risk.name, f"{risk.mitigation}.", risk.source)),
            *(part for cost in scenario.costs for part in cost.source.split(", ")),
            *(modality.name for modality in scenario.modalities),
            *([scenario.quote.supplier, f"{scenario.quote.gpus} x {scenario.quote.gpu}"] if scenario.quote else []),
        ]
    )
    return [part for text in texts(msgspec.to_builtins(plan)) for part in left(text, language, own)]


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_a_plan_with_everything_is_translated(language: str) -> None:
    assert left_of(full_plan(), language) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=range(len(SCENARIOS)))
def test_every_sentence_of_every_kind_of_plan_is_translated(scenario: Scenario) -> None:
    planner = planner_of(scenario)
    plan = planner.whole(planner.with_options())
    for language in OTHERS:
        assert left_of(plan, language) == []


def test_an_error_of_the_inputs_is_translated() -> None:
    with pytest.raises(PlannerError) as caught:
        planner_of(msgspec.structs.replace(OPENING, gpu="T4", provider="nobody")).quick()
    for mistake in caught.value.mistakes:  # type: ignore[attr-defined]
        assert left(mistake.reason, "de", frozenset(["nobody"])) == []
        assert left(mistake.remedy, "de") == []


def test_every_source_of_a_catalog_that_a_plan_names_is_translated() -> None:
    known = read_catalog()
    rows = [*known.gpus, *known.quantizations, *known.labour, *known.electricity, *known.currency, *known.indices]
    for row in rows:
        for language in OTHERS:
            assert left(row.source, language) == [], row.source


def test_a_chain_of_changes_is_translated_to_its_end() -> None:
    said = "L4 in bf16, spot, change to that year's smaller model in year 2, change to T4 in int8, spot in year 4"
    assert translated(said, "nl") == (
        "L4 in bf16, spot, ga over op het kleinere model van dat jaar in jaar 2, ga over op T4 in int8, spot in jaar 4"
    )


def test_days_are_written_as_the_reader_writes_them() -> None:
    said = "Quote of Server House for a server with 2 x L4, valid until 2027-01-31"
    assert translated(said, "de").endswith("gültig bis 31.01.2027")
    assert translated(said, "en").endswith("valid until 31 Jan 2027")


def test_every_language_knows_the_same_sentences_with_the_same_parts() -> None:
    known = {language: catalog(language) for language in OTHERS}
    assert len({frozenset(templates) for templates in known.values()}) == 1
    for language in LANGUAGES:
        for english, other in catalog(language).items():
            assert fields(other) <= fields(english), english
            assert fields(english) - fields(other) <= {"option"}, english


def test_a_translation_ends_in_a_full_stop_where_its_english_does_and_has_no_stray_one() -> None:
    for language in OTHERS:
        for english, other in catalog(language).items():
            if not other.endswith(ABBREVIATIONS):
                assert other.endswith(".") == english.endswith("."), other
            assert not re.search(r"\.\.|  | [,;]", other), other


@pytest.mark.parametrize("language", OTHERS)
def test_how_a_line_is_computed_is_shown_in_the_words_of_its_whole_formula(language: str) -> None:
    for plan in (full_plan(), planner_of(OPENING).quick()):
        for line in plan.lines:
            assert translated(line.formula, language).startswith(formula(line, plan, language))


def test_money_with_one_decimal_is_written_to_the_cent() -> None:
    wage = msgspec.structs.replace(full_plan().assumptions[0], code="staff_eur_per_hour", value="45.20", unit="EUR")
    tariff = msgspec.structs.replace(wage, code="energy", value="0.1902", unit="EUR/kWh")
    assert [value_with_unit(wage, language) for language in LANGUAGES] == ["€45.20", "€ 45,20", "45,20 €"]
    assert value_with_unit(tariff, "de") == "0,1902 €/kWh"


def test_every_line_of_a_plan_has_a_name_in_every_language() -> None:
    plan = full_plan()
    named = [item.code for item in (*plan.assumptions, *plan.not_costed, *plan.influences, *plan.sobol)]
    named += [line.code for line in plan.lines if not line.code.startswith("risk_")]
    for language in OTHERS:
        assert {code for code in named if code not in words(language).labels} == set()


@pytest.mark.parametrize(
    ("text", "dutch", "german"),
    [
        ("16,384", "16.384", "16.384"),
        ("0.048", "0,048", "0,048"),
        ("21%", "21 %", "21 %"),
        ("1.19e+03", "1.190", "1.190"),
        ("2026", "2026", "2026"),
        ("google/paligemma-3b-pt-224", "google/paligemma-3b-pt-224", "google/paligemma-3b-pt-224"),
        ("80 h x 45.20 EUR/h", "80 u × € 45,20/u", "80 h × 45,20 €/h"),
    ],
)
def test_figures_are_written_as_the_reader_writes_them(text: str, dutch: str, german: str) -> None:
    assert translated(text, "nl") == dutch
    assert translated(text, "de") == german


def test_a_swiss_reader_sees_swiss_numbers_in_german_words() -> None:
    assert translated("16,384", "de-CH") == "16’384"
    assert translated("as typed", "de-CH") == "wie eingegeben"


def test_sentences_in_a_row_and_clauses_are_translated_one_by_one() -> None:
    said = "The verdict stands: different studies are missing, not runs. Own words. More money would lower it."
    assert translated(said, "nl") == (
        "Het oordeel staat: er ontbreken verschillende onderzoeken, geen runs. Own words. Meer geld zou die verlagen."
    )
    assert translated("needs 17.8 GiB, 14.4 usable; no dated price: type your own", "de") == (
        "braucht 17,8 GiB, 14,4 nutzbar; kein datierter Preis: Geben Sie Ihren eigenen ein"
    )


@given(text=st.text(max_size=200))
def test_any_text_survives(text: str) -> None:
    for language in LANGUAGES:
        assert isinstance(translated(text, language), str)


@given(text=st.text(alphabet=st.characters(categories=["L"]), min_size=1, max_size=40))
def test_words_that_nobody_knows_stay_as_they_are(text: str) -> None:
    known = set(catalog("nl")) | set(catalog("en"))
    if text not in known:
        assert translated(text, "nl") == text


@pytest.mark.parametrize(
    ("browser", "tag"),
    [("nl-BE", "nl-BE"), ("de", "de"), ("en-US", "en-US"), ("fr-FR", "en"), ("", "en"), (None, "en"), ("x" * 50, "en")],
)
def test_a_browser_is_answered_in_its_language_where_there_is_one(browser: str | None, tag: str) -> None:
    assert spoken(browser) == tag
