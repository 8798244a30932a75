"""Figures as people read them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.outcome import Quantiles, chance_in_words
from planner.report.words import LANGUAGES, numbers, words

amounts = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)
languages = st.sampled_from(sorted(LANGUAGES))
shows = st.sampled_from([numbers.eur, numbers.eur_cents, numbers.count, numbers.hours, numbers.examples, numbers.loss])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "not reached"),
        (0.0, "€0"),
        (-0.0, "€0"),
        (0.004, "under €0.01"),
        (0.25, "€0.25"),
        (3.14, "€3.10"),
        (12.0, "€12"),
        (3104.27, "€3,100"),
        (-3104.0, "-€3,100"),
        (1_234_567.0, "€1,200,000"),
    ],
)
def test_euro_of_a_range_has_two_significant_digits(value: float | None, shown: str) -> None:
    assert numbers.eur(value) == shown


def test_amounts_that_add_up_are_shown_to_the_cent() -> None:
    assert numbers.eur_cents(3104.269) == "€3,104.27"
    assert numbers.eur_cents(-0.001) == "€0.00"


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (1.0, "over 99 %"),
        (0.996, "over 99 %"),
        (0.9949, "99 %"),
        (0.0049, "under 1 %"),
        (0.0051, "1 %"),
        (0.864, "86 %"),
        (0.004, "under 1 %"),
    ],
)
def test_a_chance_never_claims_certainty(probability: float, shown: str) -> None:
    assert numbers.chance(probability) == shown


@given(st.floats(min_value=0.0, max_value=1.0))
def test_a_chance_in_a_sentence_of_a_plan_is_the_one_on_screen(probability: float) -> None:
    assert chance_in_words(probability) == numbers.chance(probability)


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        ("en", "3 x 2,100.50 EUR x 10 %, 1,000 EUR.", "3 x €2,100.50 x 10 %, €1,000."),
        ("en", "moved between 0.19 to 0.21 EUR/kWh", "moved between €0.19 to €0.21/kWh"),
        ("nl", "0,19 tot 0,21 EUR/kWh", "€ 0,19 tot € 0,21/kWh"),
        ("nl", "3 u × 1.234,50 EUR per jaar", "3 u × € 1.234,50 per jaar"),
        ("de", "0,19 bis 0,21 EUR/kWh", "0,19 bis 0,21 €/kWh"),
        ("de-CH", "2’100.50 EUR", "EUR 2’100.50"),
        ("en", "1.08 USD per EUR", "1.08 USD per EUR"),
    ],
)
def test_amounts_in_a_sentence_have_the_sign_of_the_figures_beside_it(language: str, text: str, shown: str) -> None:
    assert numbers.with_euro_sign(text, language) == shown
    assert numbers.with_euro_sign(shown, language) == shown


@given(amounts.map(abs), languages)
def test_an_amount_with_its_code_becomes_the_amount_with_its_sign(amount: float, language: str) -> None:
    text = f"{numbers.decimal(amount, 2, language)} EUR"
    assert numbers.with_euro_sign(text, language) == numbers.eur_cents(amount, language)


def test_shares_may_be_whole() -> None:
    assert [numbers.percent(share) for share in (0.21, 0.035, 1.0, 0.0)] == ["21 %", "3.5 %", "100 %", "0 %"]


def test_ranges_say_what_is_not_reached() -> None:
    assert numbers.span(Quantiles(p10=3100.0, p50=4000.0, p90=4900.0), numbers.eur) == "€3,100 to €4,900"
    assert numbers.span(Quantiles(p10=3100.0, p50=None, p90=None), numbers.eur) == "€3,100 or more"
    assert numbers.span(Quantiles(p10=None, p50=None, p90=None), numbers.eur) == "not reached"
    assert numbers.span(Quantiles(p10=2979.0, p50=2980.0, p90=2984.0), numbers.eur) == "about €3,000"


def test_dates_are_words_and_other_text_stays() -> None:
    assert numbers.date("2026-11-24") == "24 November 2026"
    assert numbers.short_date("2026-11-24T10:00:00Z") == "24 Nov 2026"
    assert numbers.date("last week") == "last week"


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'xx'"):
        words("xx")


@given(value=amounts, language=languages, show=shows)
def test_no_figure_is_minus_zero_or_holds_a_dollar_sign(value: float, language: str, show: numbers.Formatter) -> None:
    shown = show(value, language)
    assert "$" not in shown and "nan" not in shown
    assert not re.fullmatch(r"-\D*0*([.,]0*)?\D*", shown)


@given(value=amounts)
def test_two_significant_digits_are_within_five_percent(value: float) -> None:
    rounded = numbers.two_significant(value)
    assert math.copysign(1.0, rounded) == 1.0 or rounded < 0
    assert abs(rounded - value) <= 0.05 * abs(value) + 1e-300
    assert float(f"{rounded:.1e}") == rounded


@given(value=st.floats(min_value=0.01, max_value=1e9))
def test_cents_read_back_equal_the_amount(value: float) -> None:
    shown = numbers.eur_cents(value)
    assert float(shown.removeprefix("€").replace(",", "")) == pytest.approx(round(value, 2), abs=1e-9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        numbers.two_significant(value)
