"""The words of one language as one value: a translation that lacks a word does not load."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from babel import Locale, UnknownLocaleError
from msgspec import Struct

from planner.report.words.screen import ScreenWords

LANGUAGES = {"en": "English", "nl": "Nederlands", "de": "Deutsch"}
"""Code to own name; every code is a package beside this module with its `WORDS`."""


class NumberWords(Struct, frozen=True, kw_only=True):
    """What stands where a figure cannot stand alone."""

    not_reached: str
    unknown: str
    under: str
    over: str
    or_more: str
    to: str
    about: str


class AnswerWords(Struct, frozen=True, kw_only=True):
    """The answer, its title and the decision asked, by verdict; keys of the tables are those of `VerdictName`."""

    headline: dict[str, str]
    decision: dict[str, str]
    next_step: dict[str, str]
    next_blocked: str
    decision_illustration: str
    decision_memory: str
    blocked: str
    chance_blocked: str
    chance: str
    cost: str
    cost_never: str
    cost_unbounded: str
    spent: str
    spent_unbounded: str
    within_budget: str
    lowest: str
    no_p90: str
    no_p50: str
    no_p10: str
    not_costed: str
    not_costed_one: str
    not_costed_count: str
    nothing_left_out: str
    verdict_of_adapters: str
    illustration: str
    quality_unknown: str
    curve_title: dict[str, str]
    total: str
    no_lines: str


class PaperWords(Struct, frozen=True, kw_only=True):
    """Headings, columns and fixed texts of the board paper."""

    illustration_title: str
    overline: str
    subject: str
    header: str
    footer: str
    page: str
    decision_title: str
    tile_chance: str
    tile_chance_note: str
    tile_cost: str
    tile_cost_note: str
    tile_cost_unknown: str
    tile_missed: str
    tile_missed_note: str
    tile_budget: str
    tile_budget_note: str
    tile_left_out: str
    tile_left_out_note: str
    verdict_title: str
    asymptote_title: str
    quality_title: str
    next_title: str
    left_out_title: str
    curve_alt: str
    curve_loss: dict[str, str]
    curve_x: dict[str, str]
    curve_axis: dict[str, str]
    curve_measured: str
    curve_line: str
    curve_band: str
    curve_target: str
    curve_asymptote: str
    curve_horizon: str
    cost_heading: str
    cost_lead: str
    cost_columns: list[str]
    cost_total: str
    cost_caption: str
    totals_caption: str
    totals_lead: str
    totals_columns: list[str]
    totals_all: str
    totals_reached: str
    totals_hours: str
    left_out_heading: str
    left_out_lead: str
    options_heading: str
    options_lead: str
    options_none: str
    options_refused: str
    options_caption: str
    options_columns: list[str]
    options_bars: str
    options_this: str
    options_infeasible: str
    options_more: str
    options_budget: str
    risks_heading: str
    risk_missed: str
    risk_missed_text: str
    risk_hours: str
    risk_memory: str
    risk_left_out: str
    risk_left_out_text: str
    influence_title: str
    influence_lead: str
    influence_alt: str
    influence_none: str
    influence_small: str
    assumptions_heading: str
    assumptions_lead: str
    assumptions_caption: str
    assumptions_columns: list[str]
    assumptions_more: str
    method_heading: str
    method: list[tuple[str, str]]
    method_facts: str
    glossary_heading: str
    glossary: list[tuple[str, str]]
    signature: list[str]
    as_of: str
    basis: dict[str, str]
    tenure: dict[str, str]
    severity: dict[str, str]
    attachment: str
    risk_dates: str
    risk_dates_text: str
    logo_alt: str
    hospital_unnamed: str
    totals_carbon: str
    years_heading: str
    years_caption: str
    years_line: str
    years_total: str
    years_all: str
    years_ranges_lead: str
    years_ranges_caption: str
    years_figure: str
    years_range: str
    years_expense: str
    years_within: str
    years_income: str
    years_loss: str
    years_more: str
    options_choice: str
    options_break_even: str
    options_reselection: str
    options_for_budget: str
    risk_named: str
    change_heading: str
    change_target: str
    change_target_text: str
    change_budget: str
    change_budget_text: str
    change_run: str
    risk_more: str
    risk_more_text: str
    comparisons: dict[str, str]
    assumptions_lines: dict[str, str]
    stale: str


class Words(Struct, frozen=True, kw_only=True):
    """All words of one language; `{name}` is filled by `sentences`, `planner.report.document` and the dashboard.

    Attributes:
        locale: Babel's name of the locale that writes numbers and dates where the reader has no own one.
        language: Two-letter code, for the PDF.
        screen: Of the dashboard.
        labels: What a code of a plan (line, input, influence, line without figure) is called; empty where the plan's
            own label stands.
    """

    locale: str
    language: str
    numbers: NumberWords
    answer: AnswerWords
    paper: PaperWords
    screen: ScreenWords
    labels: dict[str, str]


@cache
def words(language: str = "en") -> Words:
    """The words of a language, named by its code or by the tag of a locale ("nl", "nl-BE").

    Raises:
        ValueError: A language that Plateau does not speak.
    """
    code = _code(language)
    if code not in LANGUAGES:
        raise ValueError(f"expected one of the languages {', '.join(LANGUAGES)}, got {language!r}")
    found: Words = import_module(f"planner.report.words.{code}").WORDS
    return found


@cache
def locale_of(language: str) -> Locale:
    """The locale that writes numbers and dates: the reader's own where the tag has a region, else the language's.

    Raises:
        ValueError: A language that Plateau does not speak.
    """
    own = Locale.parse(words(language).locale)
    try:
        return Locale.parse(language.replace("-", "_")) if _code(language) != language else own
    except (UnknownLocaleError, ValueError):
        return own


def spoken(tag: str | None) -> str:
    """The tag of a browser's locale where Plateau speaks its language, else English."""
    return tag if tag and _code(tag) in LANGUAGES and _code(tag) != tag else _known(tag)


def _known(tag: str | None) -> str:
    return tag if tag in LANGUAGES else "en"


def _code(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
