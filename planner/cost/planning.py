"""`cost_plan`: forecast and scenario to plan.

One set of draws goes through `planner.cost.yearly` for the totals; the same formula at the medians gives the budget
scenario; the same formula with one driver at its P10 and P90 gives the tornado. A draw that does not reach the target
within the horizon has infinite hours and cost, and stays in the quantiles.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from planner.catalog import Catalog, GpuSpec
from planner.cost.analyses import OptionName
from planner.cost.assumptions import assumptions
from planner.cost.basis import marks
from planner.cost.break_even import break_even
from planner.cost.carbon import carbon_of_a_year
from planner.cost.case import Case, case_of
from planner.cost.choice import choose
from planner.cost.conditional import if_reached
from planner.cost.drawing import Question
from planner.cost.ledger import Costing, ledger, ledger_total
from planner.cost.not_costed import not_costed
from planner.cost.options import BASIS, compared, not_fitting, option_rows, within
from planner.cost.plan import Option, Plan, PlanAsymptote, PlanCalibration, PlanCurve, PlanVerdict
from planner.cost.price_rows import rented_rows
from planner.cost.price_source import is_expired, price_source
from planner.cost.quantiles import NEVER, cost_quantiles, quantiles
from planner.cost.risks import plan_risks
from planner.cost.scenario import Scenario, Tenure
from planner.cost.sensitivity import influences
from planner.cost.years import plan_years
from planner.loss_paths import LossPathsOf
from planner.outcome import Finding, Forecast, Quality, Severity, is_blocked
from planner.record import Calibration

DRAWS = 4000


def cost_plan(
    forecast: Forecast,
    calibration: Calibration,
    scenario: Scenario,
    catalog: Catalog,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    quality: Sequence[Quality] = (),
    with_options: bool = True,
    today: datetime.date | None = None,
    paths: LossPathsOf | None = None,
) -> Plan:
    """The plan that follows from a forecast and a scenario.

    Args:
        forecast: From `planner.law.forecast`, for the scenario's target.
        calibration: For the model, probes and marks.
        scenario: What the hospital decides.
        catalog: From `planner.catalog.read_catalog`.
        seed: Same inputs and seed, same bytes.
        draws: Number of draws.
        quality: What the target means in answers.
        with_options: Also cost every other GPU, quantization and tenure (the slower part).
        today: The date of the plan; None: now.
        paths: The law for other numbers of studies (`planner.law.loss_paths`); None: years have no reachable loss.

    Raises:
        CatalogError: Unknown GPU or quantization.
        ScenarioError: A value out of its range, or no price for the chosen GPU and tenure and none typed.
    """
    case = case_of(
        forecast,
        calibration,
        scenario,
        catalog,
        seed=seed,
        draws=draws,
        day=today or datetime.datetime.now(datetime.UTC).date(),
    )
    question, scenario, gpu, drivers, cost = case.question, case.scenario, case.gpu, case.drivers, case.cost
    known = case.hours_known
    lines = ledger(
        Costing(
            cost=case.typical_cost,
            drivers=case.typical,
            scenario=scenario,
            gpu=gpu,
            catalog=catalog,
            work=case.work,
            hours_source=case.hours_sentence,
        )
    )
    chosen = _own_option(case)
    others = compared(question, scenario, case.base) if with_options else None
    return Plan(
        plateau_version=_version(),
        created=question.day.isoformat(),
        seed=seed,
        draws=draws,
        illustration=calibration.header.illustration,
        marks=marks(calibration),
        scenario=scenario,
        calibration=_calibration(question),
        verdict=PlanVerdict(
            name=forecast.verdict.name,
            probability=forecast.verdict.probability,
            sentence=forecast.verdict.sentence,
        ),
        asymptote=_asymptote(forecast),
        curve=_curve(forecast),
        findings=[*forecast.findings, *_offers(scenario, gpu, catalog, question.day)],
        quality=list(quality),
        examples=quantiles(drivers.examples) if question.counts_examples else NEVER,
        hours=chosen.hours,
        elapsed_hours=quantiles(cost.tuning_hours / scenario.gpus),
        hours_basis=chosen.hours_basis,
        hours_sentence=case.hours_sentence,
        hours_per_year=quantiles(cost.hours),
        cost_per_year=chosen.cost_per_year,
        if_reached=if_reached(drivers, cost, scenario, gpu, question, hours_known=known),
        probability_within_budget=chosen.probability_within_budget,
        memory=case.memory,
        budget_scenario=case.typical_name,
        lines=lines,
        total_eur=ledger_total(lines),
        assumptions=assumptions(
            question,
            scenario,
            case.model,
            gpu,
            case.quantization,
            case.hours_sentence,
            chosen.hours_basis,
            quantiles(drivers.training_s_per_example),
        ),
        not_costed=not_costed(scenario, illustration=calibration.header.illustration, hours_known=known),
        options=[chosen] if others is None else option_rows(question, others, chosen),
        influences=influences(question, drivers, case.typical, scenario, gpu),
        risks=plan_risks(scenario),
        carbon=carbon_of_a_year(question, scenario, drivers, cost) if known else None,
        years=plan_years(question, scenario, gpu, drivers, case.typical, case.hours_sentence, paths, hours_known=known),
        break_even=break_even(question, scenario, gpu, float(case.typical_cost.hours[0])) if known else None,
        choice=None if others is None else choose(others, _name(chosen)),
    )


def _name(option: Option) -> OptionName:
    return OptionName(gpu=option.gpu, quantization=option.quantization, tenure=option.tenure)


def _own_option(case: Case) -> Option:
    """The plan's own row of the table of options."""
    scenario, memory, cost = case.scenario, case.memory, case.cost
    _, source, as_of = price_source(scenario, case.gpu, case.question.catalog)
    return Option(
        gpu=scenario.gpu,
        quantization=scenario.quantization,
        tenure=scenario.tenure.value,
        fits=memory.fits,
        memory_gib_p95=memory.gib_p95,
        hours=quantiles(cost.tuning_hours),
        hours_basis=BASIS[case.training.basis],
        cost_per_year=cost_quantiles(cost.total),
        probability_within_budget=within(cost.total, scenario, stated=case.hours_known and case.question.chance_stated),
        reason=None if memory.fits else not_fitting(memory.gib_p95, memory.usable_gib),
        source=source,
        as_of=as_of,
    )


def _offers(scenario: Scenario, gpu: GpuSpec, catalog: Catalog, day: datetime.date) -> list[Finding]:
    """A quote or a contract price that is no longer valid, or a quote for another GPU, is named; the plan is made."""
    ask = "and has expired: ask for a new one before this plan is signed."
    quote = scenario.quote
    if quote is not None and quote.gpu != gpu.gpu:
        other = f"The quote of {quote.supplier} is for {quote.gpu} and is not used: this plan is for {gpu.gpu}."
        return [Finding(code="quote_other_gpu", severity=Severity.WARNING, sentence=other)]
    if scenario.tenure is Tenure.BUY:
        if quote is None or not is_expired(quote, day):
            return []
        offered = f"The quote of {quote.supplier} was valid until {quote.valid_until.isoformat()} {ask}"
        return [Finding(code="quote_expired", severity=Severity.WARNING, sentence=offered)]
    if scenario.price_eur_per_hour is not None:
        return []
    over = sorted({(row.provider, str(row.valid_until)) for row in rented_rows(gpu, scenario, catalog)
                   if row.expired(day)})  # fmt: skip
    return [
        Finding(
            code="price_expired",
            severity=Severity.WARNING,
            sentence=f"The price of {provider} was valid until {until} {ask}",
        )
        for provider, until in over
    ]


def _version() -> str:
    try:
        return version("plateau-planner")
    except PackageNotFoundError:
        return "not installed"


def _asymptote(forecast: Forecast) -> PlanAsymptote:
    """Where a finding forbids reading a floor, none is given, not even an interval."""
    blocked = is_blocked(forecast.findings)
    found = forecast.asymptote
    return PlanAsymptote(
        status=found.status,
        p05=None if blocked else found.p05,
        p50=None if blocked else found.p50,
        p95=None if blocked else found.p95,
        sentence=found.sentence,
    )


def _curve(forecast: Forecast) -> PlanCurve:
    return PlanCurve(
        band=forecast.band,
        measured_examples=forecast.measured_examples,
        measured_loss=forecast.measured_loss,
        largest_examples=forecast.largest_examples,
        horizon_examples=forecast.verdict.horizon_examples,
        loss_at_horizon=forecast.loss_at_horizon,
        sentence=forecast.sentence,
    )


def _calibration(question: Question) -> PlanCalibration:
    header = question.calibration.header
    return PlanCalibration(
        calibration_id=header.calibration_id,
        created=header.created,
        model=header.configuration.model,
        device=header.hardware.gpu or header.hardware.device,
        loss_kind=header.loss_kind.value,
        x_unit=header.x_unit.value,
        points=len(question.forecast.measured_examples),
    )
