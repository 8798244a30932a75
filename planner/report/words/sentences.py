"""What a plan says, in sentences: the same on screen, on paper and in the terminal.

A plan carries its own sentences for the verdict, the asymptote and the law, in English; `said` brings them into the
reader's language. The others are built from its figures here. None holds a dollar sign, which Markdown would take for
mathematics.
"""

from __future__ import annotations

import math
import re

from planner import outcome
from planner.cost.analyses import SobolIndex
from planner.cost.plan import Assumption, CostQuantiles, Influence, LedgerLine, Plan
from planner.cost.scenario import Layout
from planner.outcome import Quantiles, Severity, VerdictName
from planner.record import UNKNOWN
from planner.report.words import numbers
from planner.report.words.language import words
from planner.report.words.translation import translated

CONFIDENT = 0.9
"""Chance from which a target counts as reachable (DESIGN, section 2)."""
LEAST_CHANCE = 0.01
"""Chance below which what reaching the target costs rests on too few draws to be stated."""
SHARES = frozenset(
    [
        "vat_rate", "vat_recoverable_share", "residual_share", "maintenance_share_per_year", "discount_rate",
        "growth_wage", "growth_energy", "growth_price", "growth_gpu", "growth_inflation", "studies_growth_per_year",
        "smaller_models_per_year", "evaluation_share", "loading_share", "retuning_share",
    ]
)  # fmt: skip
"""Inputs that a plan holds as a share of one and people read in percent."""
_ONE_DECIMAL = re.compile(r"\d+\.\d0*")


def said(sentence: str, language: str = "en") -> str:
    """A sentence that a plan or a calibration carries, in a language."""
    return translated(sentence, language)


def headline(plan: Plan, language: str = "en") -> str:
    """The finding as a title."""
    return (
        words(language)
        .answer.headline[verdict_name(plan).value]
        .format(
            target=numbers.loss(plan.scenario.target_loss, language),
            cost=numbers.span(plan.if_reached.cost_per_year, numbers.eur, language),
            lowest=numbers.loss(plan.curve.loss_at_horizon.p50, language),
        )
    )


def answer(plan: Plan, language: str = "en") -> str:
    """Chance, cost if reached, and what is spent if not; with a budget also the chance to stay within it."""
    own = words(language).answer
    if is_blocked(plan):
        return f"{own.blocked} {_cost(plan, language)}"
    parts = [
        own.chance.format(
            target=numbers.loss(plan.scenario.target_loss, language),
            horizon=numbers.examples(plan.curve.horizon_examples, language),
            unit=unit(plan, language),
            chance=chance(plan, language),
        ),
        _cost(plan, language),
    ]
    if plan.scenario.budget_eur is not None and plan.probability_within_budget is not None:
        parts.append(
            own.within_budget.format(
                budget=numbers.eur(plan.scenario.budget_eur, language),
                chance=numbers.chance(plan.probability_within_budget, language),
            )
        )
    return " ".join(parts)


def decision(plan: Plan, language: str = "en") -> str:
    """What the board is asked to decide."""
    own = words(language).answer
    if plan.illustration:
        return own.decision_illustration
    if not plan.memory.fits:
        return own.decision_memory.format(memory=said(plan.memory.sentence, language))
    return own.decision[verdict_name(plan).value].format(
        total=numbers.eur_cents(plan.total_eur, language),
        model=plan.calibration.model,
        setup=setup(plan, language),
        p90=numbers.eur(plan.if_reached.cost_per_year.p90, language),
    )


def next_step(plan: Plan, language: str = "en") -> str:
    """What to do next: what a blocking finding asks for, else by verdict."""
    for finding in plan.findings:
        if finding.severity is Severity.BLOCKING:
            return words(language).answer.next_blocked.format(finding=said(finding.sentence, language))
    return words(language).answer.next_step[verdict_name(plan).value]


def lowest_loss(plan: Plan, language: str = "en") -> str:
    """The lowest loss that the data support within the horizon."""
    lowest = plan.curve.loss_at_horizon
    return words(language).answer.lowest.format(
        horizon=numbers.examples(plan.curve.horizon_examples, language),
        unit=unit(plan, language),
        p05=numbers.loss(lowest.p05, language),
        p50=numbers.loss(lowest.p50, language),
        p95=numbers.loss(lowest.p95, language),
    )


def not_costed(plan: Plan, language: str = "en") -> str:
    """How many lines have no figure, and which."""
    own = words(language).answer
    if not plan.not_costed:
        return own.nothing_left_out
    labels = "; ".join(label(line.code, line.label, language) for line in plan.not_costed)
    if len(plan.not_costed) == 1:
        return own.not_costed_one.format(labels=labels)
    return own.not_costed.format(count=len(plan.not_costed), labels=labels)


def not_costed_count(plan: Plan, language: str = "en") -> str:
    """How many lines have no figure, for a page that lists them elsewhere."""
    own = words(language).answer
    if not plan.not_costed:
        return own.nothing_left_out
    return own.not_costed_count.format(count=len(plan.not_costed), heading=words(language).paper.left_out_heading)


def why_missing(quantiles: Quantiles | CostQuantiles, language: str = "en") -> str | None:
    """Why a quantile is missing, or None when all three are there."""
    own = words(language).answer
    if quantiles.p10 is None:
        return own.no_p10
    if quantiles.p50 is None:
        return own.no_p50
    return own.no_p90 if quantiles.p90 is None else None


def curve_title(plan: Plan, language: str = "en") -> str:
    """What the chart of the curve shows, as its title."""
    titles = words(language).answer.curve_title
    if is_blocked(plan):
        return titles["BLOCKED"]
    return titles[plan.asymptote.status.value].format(
        low=numbers.loss(plan.asymptote.p05, language), high=numbers.loss(plan.asymptote.p95, language)
    )


def curve_alt(plan: Plan, language: str = "en") -> str:
    """The chart of the curve for those who do not see it."""
    paper, curve = words(language).paper, plan.curve
    lowest = curve.loss_at_horizon
    return paper.curve_alt.format(
        kind=paper.curve_loss.get(plan.calibration.loss_kind, paper.curve_loss["unknown"]),
        unit=unit(plan, language),
        count=len(curve.measured_examples),
        first=numbers.loss(next(iter(curve.measured_loss), None), language),
        first_x=numbers.examples(next(iter(curve.measured_examples), None), language),
        last=numbers.loss(next(reversed(curve.measured_loss), None), language),
        last_x=numbers.examples(next(reversed(curve.measured_examples), None), language),
        horizon=numbers.examples(curve.horizon_examples, language),
        p05=numbers.loss(lowest.p05, language),
        p50=numbers.loss(lowest.p50, language),
        p95=numbers.loss(lowest.p95, language),
        target=numbers.loss(plan.scenario.target_loss, language),
        asymptote=said(plan.asymptote.sentence, language),
    )


def influence_title(plan: Plan, language: str = "en") -> str:
    """Which input moves the yearly cost most, as the title of the tornado."""
    paper = words(language).paper
    visible = visible_influences(plan, language)
    if not visible:
        return paper.influence_none if plan.cost_per_year.p50 is None else paper.influence_small
    low, high = _ends(visible[0], language)
    return paper.influence_title.format(label=label(visible[0].code, visible[0].label, language), low=low, high=high)


def influence_alt(plan: Plan, language: str = "en") -> str:
    """The tornado for those who do not see it."""
    to = words(language).numbers.to
    bars = "; ".join(
        f"{label(item.code, item.label, language)}: {to.format(*_ends(item, language))}"
        for item in visible_influences(plan, language)
    )
    return words(language).paper.influence_alt.format(bars=bars)


def visible_influences(plan: Plan, language: str = "en") -> list[Influence]:
    """Bars whose ends differ after rounding: one between equal figures says nothing."""
    return [item for item in plan.influences if len(set(_ends(item, language))) > 1]


def explained(share: SobolIndex, language: str = "en") -> tuple[str, str]:
    """The share of the spread that an input explains alone, and with its interactions, which is never less.

    Whole percent: the sampling leaves a few of them open.
    """
    alone = numbers.chance(share.first_order, language)
    return alone, numbers.chance(max(share.total, share.first_order), language)


def value_with_unit(item: Assumption, language: str = "en") -> str:
    """The value of an input as people read it."""
    if item.code in SHARES:
        try:
            share = float(item.value)
        except ValueError:
            share = math.nan
        if math.isfinite(share):
            return f"{numbers.percent(share, language)} {said(item.unit, language)}".strip()
    unit = "" if item.unit == "ratio" else said(item.unit, language)
    in_dimes = item.unit.startswith(("EUR", "USD")) and _ONE_DECIMAL.fullmatch(item.value) is not None
    value = numbers.decimal(float(item.value), 2, language) if in_dimes else figure(item.value, language)
    return numbers.with_euro_sign(f"{value} {unit}".strip(), language)


def figure(text: str, language: str = "en") -> str:
    """A figure that stands as text in a plan ("14600", "0.048 to 0.13"), as the reader writes it; else the text."""
    try:
        return numbers.plain(float(text.replace(",", "")), language)
    except ValueError:
        return said(text, language)


def basis(code: str, language: str = "en") -> str:
    """Where a figure comes from, in a word; an unknown code is shown as it is."""
    return words(language).paper.basis.get(code, code)


def known(name: str, language: str = "en") -> str:
    """The name of a model or a device, or the word for one that nobody gave."""
    return words(language).numbers.unknown if name == UNKNOWN else name


def illustration(language: str = "en") -> str:
    """The mark of every figure that rests on a stand-in model."""
    return words(language).answer.illustration


def marks(plan: Plan, language: str = "en") -> list[str]:
    """What must stand wherever a figure of the plan is shown; never empty for an illustration."""
    if not plan.illustration:
        return [said(mark, language) for mark in plan.marks]
    english = words("en").answer.illustration
    return [words(language).answer.illustration, *(said(mark, language) for mark in plan.marks if mark != english)]


def setup(plan: Plan, language: str = "en") -> str:
    """GPU, quantization and how the GPU is had."""
    many = f"{plan.scenario.gpus} × " if plan.scenario.gpus > 1 else ""
    return f"{many}{plan.scenario.gpu}, {plan.scenario.quantization}, {tenure(plan.scenario.tenure.value, language)}"


def tenure(code: str, language: str = "en") -> str:
    """How a GPU is had, in words; an unknown code is shown as it is."""
    return words(language).paper.tenure.get(code, code)


def label(code: str, own: str, language: str = "en") -> str:
    """What a code of the plan is called in a language; the plan's own label where that has no word."""
    return words(language).labels.get(code) or said(own, language)


def unit(plan: Plan, language: str = "en") -> str:
    """What the x of the curve counts."""
    known = words(language).paper.curve_x
    return known.get(plan.calibration.x_unit, known["unknown"])


def axis(plan: Plan, language: str = "en") -> str:
    """What the x of the curve counts, as the title of an axis."""
    known = words(language).paper.curve_axis
    return known.get(plan.calibration.x_unit, known["unknown"])


def formula(line: LedgerLine, plan: Plan, language: str = "en") -> str:
    """How a line is computed, without the sentence on hours, which stands elsewhere in full."""
    own, sentence, _ = line.formula.partition(plan.hours_sentence) if plan.hours_sentence else (line.formula, "", "")
    # Translated with its full stop: the message catalog knows it by that.
    return said(own.rstrip(), language).rstrip(".") if sentence else said(own, language)


def total(plan: Plan, language: str = "en") -> str:
    """What the lines of the budget scenario add up to."""
    own = words(language).answer
    return own.total.format(total=numbers.eur_cents(plan.total_eur, language)) if plan.lines else own.no_lines


def spent(plan: Plan, language: str = "en") -> str:
    """What is spent before we know that the target is missed, as a clause."""
    own = words(language).answer
    most = plan.if_reached.spent_if_missed_eur
    return own.spent_unbounded if most is None else own.spent.format(spent=numbers.eur(most, language))


def is_blocked(plan: Plan) -> bool:
    """Whether the diagnosis of the law forbids to rely on its figures."""
    return outcome.is_blocked(plan.findings)


def chance(plan: Plan, language: str = "en") -> str:
    """Chance that the target is reached; none is stated where the diagnosis forbids a verdict."""
    if is_blocked(plan):
        return words(language).answer.chance_blocked
    return numbers.chance(plan.if_reached.probability, language)


def are_hours_known(plan: Plan) -> bool:
    """Whether the calibration says how long a fine-tuning takes; a log of steps of unknown size does not."""
    return all(line.code != "tuning" for line in plan.not_costed)


def verdict_name(plan: Plan) -> VerdictName:
    """The law's verdict; what the law calls reachable and this set-up reaches with less than nine in ten is undecided.

    The law speaks about one adapter on all studies. Adapters of single modalities have fewer studies each.
    """
    if plan.verdict.name is VerdictName.REACHABLE and not is_confident(plan.if_reached.probability):
        return VerdictName.UNDECIDED
    return plan.verdict.name


def verdict(plan: Plan, language: str = "en") -> str:
    """The law's sentence on the target, and the chance of adapters of single modalities, of which it does not speak."""
    of_the_law = said(plan.verdict.sentence, language)
    if plan.scenario.layout is Layout.JOINT or is_blocked(plan) or not are_hours_known(plan):
        return of_the_law
    return words(language).answer.verdict_of_adapters.format(verdict=of_the_law, chance=chance(plan, language))


def is_reachable(plan: Plan) -> bool:
    """Whether the target is reached with nine in ten."""
    return verdict_name(plan) is VerdictName.REACHABLE


def is_confident(probability: float) -> bool:
    """Whether a chance is at least nine in ten, which is called reachable."""
    return probability >= CONFIDENT


def is_settled(plan: Plan) -> bool:
    """Whether the verdict is one that a yearly budget can rest on."""
    return is_reachable(plan) and plan.memory.fits and not plan.illustration


def _ends(item: Influence, language: str) -> tuple[str, str]:
    low, high = sorted((item.cost_low_eur, item.cost_high_eur))
    return numbers.eur(low, language), numbers.eur(high, language)


def cost_if_reached(plan: Plan) -> CostQuantiles:
    """Yearly cost where the target is reached; no figure where fewer than one draw in a hundred says it."""
    if plan.if_reached.probability < LEAST_CHANCE:
        return CostQuantiles(p10=None, p50=None, p90=None)
    return plan.if_reached.cost_per_year


def _cost(plan: Plan, language: str) -> str:
    own = words(language).answer
    cost = cost_if_reached(plan)
    if not are_hours_known(plan):
        return said(plan.if_reached.sentence, language)
    if cost.p10 is None:
        template = own.cost_never
    elif cost.p90 is None:
        template = own.cost_unbounded
    else:
        template = own.cost
    return template.format(cost=numbers.span(cost, numbers.eur, language), spent=spent(plan, language))
