"""What a plan says in words."""

from __future__ import annotations

import re
import string

import msgspec
import pytest

from planner.cost.analyses import SobolIndex
from planner.cost.plan import CostQuantiles, Plan
from planner.cost.scenario import Layout
from planner.outcome import Quantiles, VerdictName
from planner.report.words import LANGUAGES, sentences, words
from tests.factories import (
    every_verdict,
    example_plan,
    illustration_plan,
    not_enough_data_plan,
    undecided_plan,
    unreachable_plan,
)
from tests.report.plans import full_plan

SAID = (
    sentences.headline,
    sentences.answer,
    sentences.decision,
    sentences.next_step,
    sentences.lowest_loss,
    sentences.not_costed,
    sentences.curve_title,
    sentences.total,
    sentences.spent,
    sentences.setup,
)


def test_the_answer_gives_chance_cost_and_what_is_lost_if_it_fails() -> None:
    assert sentences.answer(example_plan()) == (
        "Reaching a loss of 1.30 within 38,000 examples: 93 %. If reached, likely €3,100 to €4,500 a year, 8 in 10; if "
        "not, at most €2,200 is spent before we know. The chance to stay within €5,000 a year is 91 %."
    )


@pytest.mark.parametrize(
    ("first", "total", "said"),
    [(0.413, 0.387, ("41 %", "41 %")), (0.413, 0.46, ("41 %", "46 %")), (0.0, 0.004, ("under 1 %", "under 1 %"))],
)
def test_an_input_explains_no_less_with_its_interactions_than_alone(
    first: float, total: float, said: tuple[str, str]
) -> None:
    share = SobolIndex(
        code="hours", label="Speed", first_order=first, first_order_confidence=0.1, total=total, total_confidence=0.1
    )
    assert sentences.explained(share) == said


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_verdict_on_adapters_of_modalities_has_their_own_chance(language: str) -> None:
    plan = full_plan()
    assert plan.scenario.layout is Layout.PER_MODALITY
    assert sentences.chance(plan, language) in sentences.verdict(plan, language)
    joint = example_plan()
    assert sentences.verdict(joint, language) == sentences.said(joint.verdict.sentence, language)


def test_an_unreachable_target_has_no_cost_but_what_is_spent() -> None:
    said = sentences.answer(unreachable_plan())
    assert "under 1 %" in said
    assert "cannot be said" in said
    assert "at most €2,400 is spent before we know" in said


def test_a_cost_without_upper_end_says_so() -> None:
    plan = example_plan()
    reached = msgspec.structs.replace(plan.if_reached, cost_per_year=CostQuantiles(p10=3100.0, p50=4000.0, p90=None))
    said = sentences.answer(msgspec.structs.replace(plan, if_reached=reached))
    assert "€3,100 or more a year, without an upper end" in said


@pytest.mark.parametrize("plan", every_verdict().values(), ids=lambda plan: plan.verdict.name)
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_sentence_of_every_verdict_is_whole_and_safe_for_markdown(plan: Plan, language: str) -> None:
    for say in SAID:
        said = say(plan, language)
        assert said.strip()
        assert not re.search(r"[${}]|\bNone to\b|\bnan\b", said), said


def test_the_headline_says_the_finding() -> None:
    plans = every_verdict()
    assert sentences.headline(plans[VerdictName.REACHABLE]).startswith("A loss of 1.30 can be reached")
    assert "1.21 is about the lowest" in sentences.headline(plans[VerdictName.UNREACHABLE])
    assert "more studies" in sentences.headline(plans[VerdictName.NOT_ENOUGH_DATA])
    assert "cannot tell yet" in sentences.headline(plans[VerdictName.UNDECIDED])


def test_no_decision_rests_on_an_illustration() -> None:
    assert sentences.decision(illustration_plan()).startswith("None.")
    assert not sentences.is_settled(illustration_plan())
    assert sentences.is_settled(example_plan())


def test_an_illustration_is_marked_even_where_the_plan_forgot_its_mark() -> None:
    assert sentences.marks(example_plan(illustration=True)) == ["illustration, not PaliGemma-3B"]
    assert sentences.marks(illustration_plan()) == ["illustration, not PaliGemma-3B"]
    assert sentences.marks(example_plan()) == []


def test_a_set_up_that_does_not_fit_asks_for_another() -> None:
    plan = example_plan()
    memory = msgspec.structs.replace(plan.memory, fits=False, sentence="Needs 40 GiB, 22 GiB can be used.")
    assert sentences.decision(msgspec.structs.replace(plan, memory=memory)) == (
        "Choose another GPU or another quantization: Needs 40 GiB, 22 GiB can be used."
    )


def test_what_blocks_comes_before_any_other_advice() -> None:
    assert "training loss only" in sentences.next_step(undecided_plan())
    assert "different studies" in sentences.next_step(not_enough_data_plan())


@pytest.mark.parametrize(
    ("quantiles", "why"),
    [
        (Quantiles(p10=1.0, p50=2.0, p90=3.0), None),
        (Quantiles(p10=1.0, p50=2.0, p90=None), "not reached in at least 1 of 10 draws: no P90"),
        (Quantiles(p10=1.0, p50=None, p90=None), "not reached in at least half of the draws: no P50"),
        (Quantiles(p10=None, p50=None, p90=None), "not reached in at least 9 of 10 draws: no P10"),
    ],
)
def test_a_missing_quantile_is_explained(quantiles: Quantiles, why: str | None) -> None:
    assert sentences.why_missing(quantiles) == why


def test_one_line_that_is_not_costed_is_one_line() -> None:
    plan = example_plan()
    assert sentences.not_costed(example_plan(not_costed=plan.not_costed[:1])).startswith("One line")
    assert sentences.not_costed(plan).startswith("7 lines")
    assert "Every line" in sentences.not_costed(example_plan(not_costed=[]))


def test_every_language_fills_the_same_places() -> None:
    """A template that forgets a figure, or asks for one that does not exist, is found without printing."""
    reference = flat(words("en"))
    for language in LANGUAGES:
        translated = flat(words(language))
        for place, template in reference.items():
            if place.startswith(("labels", "locale", "language")):
                continue
            assert fields(translated[place]) == fields(template), f"{language}: {place}"


def test_every_translation_names_the_same_codes_of_a_plan() -> None:
    named = [set(words(language).labels) for language in LANGUAGES if language != "en"]
    assert all(codes == named[0] for codes in named)
    assert words("en").labels == {}


def test_a_blocked_law_says_so_before_its_figures() -> None:
    assert sentences.answer(undecided_plan()).startswith("What follows is arithmetic, not a forecast to rely on")


def flat(value: object, place: str = "") -> dict[str, str]:
    """Every text of a language by its place."""
    if isinstance(value, str):
        return {place: value}
    parts = msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value
    pairs = parts.items() if isinstance(parts, dict) else enumerate(parts)  # type: ignore[arg-type]
    return {where: text for key, part in pairs for where, text in flat(part, f"{place}.{key}".strip(".")).items()}


def fields(template: str) -> list[str]:
    """Names of the figures that a template shows."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)
