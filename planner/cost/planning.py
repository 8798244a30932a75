"""`cost_plan`: forecast and scenario to plan.

One set of draws goes through `planner.cost.yearly` for the totals; the same formula at the medians gives the budget
scenario; the same formula with one driver at its P10 and P90 gives the tornado. A draw that does not reach the target
within the horizon has infinite hours and cost, and stays in the quantiles.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import msgspec

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.cost.assumptions import assumptions
from planner.cost.basis import PlannedModel, marks, planned_model
from planner.cost.break_even import break_even
from planner.cost.carbon import carbon_of_a_year
from planner.cost.choice import choose
from planner.cost.conditional import UNKNOWN_EXAMPLES, budget_scenario, if_reached
from planner.cost.drawing import Question, drawn
from planner.cost.ledger import Costing, ledger, ledger_total
from planner.cost.not_costed import not_costed
from planner.cost.options import BASIS, compared, not_fitting, option_rows, within
from planner.cost.plan import Basis, Option, Plan, PlanAsymptote, PlanCalibration, PlanCurve, PlanMemory, PlanVerdict
from planner.cost.price_source import is_expired, price_source
from planner.cost.quantiles import NEVER, cost_quantiles, quantiles
from planner.cost.risks import plan_risks
from planner.cost.scenario import Scenario, Tenure
from planner.cost.scenario_file import check_scenario
from planner.cost.sensitivity import influences
from planner.cost.yearly import SECONDS_PER_HOUR, first_year, yearly_cost
from planner.cost.years import plan_years
from planner.hardware.log_seconds import log_seconds
from planner.hardware.memory import largest_fitting_shape, usable_gib
from planner.hardware.throughput import Seconds
from planner.loss_paths import LossPathsOf
from planner.outcome import Finding, Forecast, Quality, Severity
from planner.record import Calibration, Eval, Train

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
    question, scenario, gpu, quantization = asked(
        forecast, calibration, scenario, catalog, seed=seed, day=today or datetime.datetime.now(datetime.UTC).date()
    )
    known = question.hours_known(gpu, quantization)
    base = planned_model(calibration, catalog)
    model, memory = _fitted(question, base, gpu, quantization)
    drivers, training = drawn(question, scenario, model, gpu, quantization, draws)
    work = first_year(scenario, question.calibration_examples)
    cost = yearly_cost(drivers, scenario, gpu, catalog, work)
    typical, name = budget_scenario(drivers, question, hours_known=known)
    hours_sentence = _hours_sentence(question, training, gpu, quantization)
    typical_cost = yearly_cost(typical, scenario, gpu, catalog, work)
    lines = ledger(
        Costing(
            cost=typical_cost,
            drivers=typical,
            scenario=scenario,
            gpu=gpu,
            catalog=catalog,
            work=work,
            hours_source=hours_sentence,
        )
    )
    hours_basis = BASIS[training.basis]
    _, price_origin, price_day = price_source(scenario, gpu, catalog)
    chosen = Option(
        gpu=gpu.gpu,
        quantization=quantization.quantization,
        tenure=scenario.tenure.value,
        fits=memory.fits,
        memory_gib_p95=memory.gib_p95,
        hours=quantiles(cost.tuning_hours),
        hours_basis=hours_basis,
        cost_per_year=cost_quantiles(cost.total),
        probability_within_budget=within(cost.total, scenario, hours_known=known),
        reason=None if memory.fits else not_fitting(memory.gib_p95, memory.usable_gib),
        source=price_origin,
        as_of=price_day,
    )
    others = compared(question, scenario, base) if with_options else None
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
        findings=[*forecast.findings, *_expired(scenario, question.day)],
        quality=list(quality),
        examples=quantiles(drivers.examples) if question.counts_examples else NEVER,
        hours=chosen.hours,
        hours_basis=hours_basis,
        hours_sentence=hours_sentence,
        hours_per_year=quantiles(cost.hours),
        cost_per_year=chosen.cost_per_year,
        if_reached=if_reached(drivers, cost, scenario, gpu, question, hours_known=known),
        probability_within_budget=chosen.probability_within_budget,
        memory=memory,
        budget_scenario=name,
        lines=lines,
        total_eur=ledger_total(lines),
        assumptions=assumptions(
            question,
            scenario,
            model,
            gpu,
            quantization,
            hours_sentence,
            hours_basis,
            quantiles(drivers.training_s_per_example),
        ),
        not_costed=not_costed(scenario, illustration=calibration.header.illustration, hours_known=known),
        options=[chosen] if others is None else option_rows(question, others, chosen),
        influences=influences(question, drivers, typical, scenario, gpu),
        risks=plan_risks(scenario),
        carbon=carbon_of_a_year(question, scenario, drivers, cost) if known else None,
        years=plan_years(question, scenario, gpu, drivers, typical, hours_sentence, paths, hours_known=known),
        break_even=break_even(question, scenario, gpu, float(typical_cost.hours[0])),
        choice=None if others is None else choose(others, chosen),
    )


def asked(
    forecast: Forecast,
    calibration: Calibration,
    scenario: Scenario,
    catalog: Catalog,
    *,
    seed: int,
    day: datetime.date,
) -> tuple[Question, Scenario, GpuSpec, Quantization]:
    """The question behind a plan, with the scenario checked and its names as the catalog writes them.

    Raises:
        CatalogError: Unknown GPU or quantization.
        ScenarioError: A value out of its range.
    """
    gpu, quantization = catalog.gpu(scenario.gpu), catalog.quantization(scenario.quantization)
    checked = msgspec.structs.replace(check_scenario(scenario), gpu=gpu.gpu, quantization=quantization.quantization)
    question = Question(
        forecast=forecast,
        calibration=calibration,
        catalog=catalog,
        own_seconds=log_seconds(calibration, catalog),
        day=day,
        seed=seed,
    )
    return question, checked, gpu, quantization


def _expired(scenario: Scenario, day: datetime.date) -> list[Finding]:
    """A quote that is no longer valid is named; the plan is made with it all the same."""
    quote = scenario.quote
    if quote is None or scenario.tenure is not Tenure.BUY or not is_expired(quote, day):
        return []
    return [
        Finding(
            code="quote_expired",
            severity=Severity.WARNING,
            sentence=f"The quote of {quote.supplier} was valid until {quote.valid_until.isoformat()} and has expired: "
            "ask for a new one before this plan is signed.",
        )
    ]


def _version() -> str:
    try:
        return version("plateau-planner")
    except PackageNotFoundError:
        return "not installed"


def _fitted(
    question: Question, model: PlannedModel, gpu: GpuSpec, quantization: Quantization
) -> tuple[PlannedModel, PlanMemory]:
    """The model with the shape that is trained on this GPU, and the verdict on memory."""
    shape, estimate, fits = largest_fitting_shape(
        model.architecture,
        quantization,
        model.shape,
        gpu,
        question.catalog,
        effective_batch_size=question.effective_batch_size,
    )
    limit = usable_gib(gpu, question.catalog)
    how = f"micro-batch {shape.micro_batch_size}" + (", with activation checkpointing" if shape.checkpointing else "")
    verb = "fits" if fits else "does not fit"
    memory = PlanMemory(
        gib_p50=estimate.gib_p50,
        gib_p95=estimate.gib_p95,
        usable_gib=limit,
        fits=fits,
        micro_batch_size=shape.micro_batch_size,
        components_gib=estimate.components_gib,
        basis=Basis.UNPROBED,
        sentence=f"Training {model.name} {verb} on {gpu.gpu} ({how}): {estimate.gib_p50:.1f} GiB expected, "
        f"{estimate.gib_p95:.1f} GiB with 95 %, {limit:.1f} GiB usable. Computed, not measured on this card.",
    )
    return msgspec.structs.replace(model, shape=shape), memory


def _asymptote(forecast: Forecast) -> PlanAsymptote:
    """Where a finding forbids reading a floor, none is given, not even an interval."""
    blocked = any(finding.severity is Severity.BLOCKING for finding in forecast.findings)
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


def _hours_sentence(question: Question, training: Seconds, gpu: GpuSpec, quantization: Quantization) -> str:
    if not question.hours_known(gpu, quantization):
        evaluations = [event for run in question.calibration.runs for event in (*run.of(Eval), *run.of(Train))]
        last = max((event.train_seconds or 0.0 for event in evaluations), default=0.0)
        machine = question.calibration.header.hardware.gpu or "an unknown machine"
        own = f" The log itself took {last / SECONDS_PER_HOUR:.1f} hours on {machine}." if last else ""
        return f"Hours are unknown: {UNKNOWN_EXAMPLES}.{own}"
    if gpu.bf16_dense_tflops is None and quantization.precision_class == "bf16":
        return f"{training.sentence} {gpu.gpu} has no bf16: fp16 arithmetic with loss scaling is assumed."
    return training.sentence
