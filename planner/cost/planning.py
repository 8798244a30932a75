"""`cost_plan`: forecast and scenario to plan.

One set of draws goes through `planner.cost.yearly` for the totals; the same formula at the medians gives the budget
scenario; the same formula with one driver at its P10 and P90 gives the tornado. A draw that does not reach the target
within the horizon has infinite hours and cost, and stays in the quantiles.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.cost.assumptions import assumptions
from planner.cost.basis import PlannedModel, calibration_examples, marks, planned_model
from planner.cost.drivers import (
    Drivers,
    electricity_row,
    equipment_draws,
    eur_per_usd_draws,
    has_price,
    rent_draws,
)
from planner.cost.ledger import ledger, ledger_total, not_costed
from planner.cost.plan import (
    Basis,
    CostQuantiles,
    IfReached,
    Influence,
    Option,
    Plan,
    PlanAsymptote,
    PlanCalibration,
    PlanCurve,
    PlanMemory,
    PlanVerdict,
)
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import SECONDS_PER_HOUR, YearlyCost, yearly_cost
from planner.hardware.memory import TrainingShape, largest_fitting_shape, usable_gib
from planner.hardware.throughput import (
    Seconds,
    TimingBasis,
    answering_seconds_per_study,
    training_seconds_per_example,
)
from planner.outcome import Forecast, Quality, Quantiles, Severity
from planner.record import Calibration, Eval, XUnit

FloatArray = NDArray[np.float64]

DRAWS = 4000
OPTION_DRAWS = 500
_BASIS = {
    TimingBasis.MEASURED: Basis.MEASURED,
    TimingBasis.EXTRAPOLATED: Basis.EXTRAPOLATED,
    TimingBasis.UNPROBED: Basis.UNPROBED,
}
_INFLUENCES = (
    ("examples", "Examples needed (the law)"),
    ("training_s_per_example", "Training speed"),
    ("answering_s_per_study", "Answering speed"),
    ("rent_eur_per_hour", "Price of a GPU-hour"),
    ("equipment_eur", "Price of the server"),
    ("eur_per_usd", "Exchange rate"),
)


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
        with_options: Also cost every other GPU and quantization (the slower part).
        today: The date of the plan; None: now.

    Raises:
        CatalogError: Unknown GPU or quantization.
        ScenarioError: The chosen GPU has no price for the tenure and none was typed.
    """
    day = today or datetime.datetime.now(datetime.UTC).date()
    gpu, quantization = catalog.gpu(scenario.gpu), catalog.quantization(scenario.quantization)
    scenario = msgspec.structs.replace(scenario, gpu=gpu.gpu, quantization=quantization.quantization)
    model = planned_model(calibration, catalog)
    memory = _memory(model, gpu, quantization, catalog, calibration)
    model = msgspec.structs.replace(model, shape=_shape(model, gpu, quantization, catalog, calibration))
    drivers, training = _drivers(
        forecast, calibration, scenario, model, gpu, quantization, catalog, day, seed=seed, draws=draws
    )
    spent_on_calibration = calibration_examples(calibration) if not calibration.header.illustration else 0.0
    cost = yearly_cost(drivers, scenario, gpu, catalog, spent_on_calibration)
    typical, name = _budget_scenario(drivers, forecast, calibration)
    lines = ledger(
        yearly_cost(typical, scenario, gpu, catalog, spent_on_calibration),
        typical,
        scenario,
        gpu,
        catalog,
        training.sentence,
    )
    basis = _BASIS[training.basis]
    return Plan(
        plateau_version=_version(),
        created=day.isoformat(),
        seed=seed,
        draws=draws,
        illustration=calibration.header.illustration,
        marks=marks(calibration),
        scenario=scenario,
        calibration=_calibration(calibration, forecast),
        verdict=PlanVerdict(
            name=forecast.verdict.name,
            probability=forecast.verdict.probability,
            sentence=forecast.verdict.sentence,
        ),
        asymptote=_asymptote(forecast),
        curve=PlanCurve(
            band=forecast.band,
            measured_examples=forecast.measured_examples,
            measured_loss=forecast.measured_loss,
            largest_examples=forecast.largest_examples,
            horizon_examples=forecast.verdict.horizon_examples,
            loss_at_horizon=forecast.loss_at_horizon,
            sentence=forecast.sentence,
        ),
        findings=list(forecast.findings),
        quality=list(quality),
        examples=quantiles(drivers.examples),
        hours=quantiles(cost.tuning_hours),
        hours_basis=basis,
        hours_sentence=_hours_sentence(training, calibration),
        hours_per_year=quantiles(cost.hours),
        cost_per_year=cost_quantiles(cost.total),
        if_reached=_if_reached(drivers, cost, scenario, gpu, catalog, forecast, calibration),
        probability_within_budget=_within(cost.total, scenario.budget_eur),
        memory=memory,
        budget_scenario=name,
        lines=lines,
        total_eur=ledger_total(lines),
        assumptions=assumptions(scenario, model, gpu, quantization, catalog, training.sentence, basis),
        not_costed=not_costed(scenario),
        options=list(_options(forecast, calibration, scenario, catalog, day, seed)) if with_options else [],
        influences=list(_influences(drivers, typical, scenario, gpu, catalog, spent_on_calibration)),
    )


def quantiles(values: FloatArray) -> Quantiles:
    """P10, P50 and P90 as order statistics, so that mass at infinity is kept; None is infinite."""
    found = np.quantile(values, [0.1, 0.5, 0.9], method="inverted_cdf")
    p10, p50, p90 = (float(value) if math.isfinite(value) else None for value in found)
    return Quantiles(p10=p10, p50=p50, p90=p90)


def cost_quantiles(values_eur: FloatArray) -> CostQuantiles:
    """`quantiles` of a cost in euro."""
    found = quantiles(values_eur)
    return CostQuantiles(p10=found.p10, p50=found.p50, p90=found.p90)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("plateau-planner")
    except PackageNotFoundError:
        return "not installed"


def _drivers(
    forecast: Forecast,
    calibration: Calibration,
    scenario: Scenario,
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    day: datetime.date,
    *,
    seed: int,
    draws: int,
) -> tuple[Drivers, Seconds]:
    """All draws. Each input has its own stream, so that changing one leaves the others as they were."""
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    pick = streams[0].permutation(np.arange(draws) % len(forecast.examples_m))
    examples = forecast.examples_m[pick]
    examples = np.where(examples <= forecast.verdict.horizon_examples, examples, np.inf)
    if calibration.header.x_unit is not XUnit.EXAMPLES:
        examples = np.full(draws, np.inf)
    training = training_seconds_per_example(
        calibration, model.architecture, model.shape, gpu, quantization, catalog, streams[1], draws
    )
    answering = answering_seconds_per_study(
        model.architecture,
        model.shape.prompt_tokens,
        scenario.answer_tokens,
        gpu,
        quantization,
        catalog,
        streams[2],
        draws,
    )
    eur_per_usd = eur_per_usd_draws(scenario, catalog, day, streams[3], draws)
    nothing = np.full(draws, np.nan)
    bought = scenario.tenure is Tenure.BUY
    tariff = scenario.electricity_eur_per_kwh or electricity_row(scenario, catalog).price_per_kwh
    drivers = Drivers(
        examples=examples,
        training_s_per_example=training.seconds_m,
        answering_s_per_study=answering.seconds_m,
        rent_eur_per_hour=nothing if bought else rent_draws(gpu, scenario, catalog, eur_per_usd, streams[4], draws),
        equipment_eur=equipment_draws(gpu, scenario, catalog, eur_per_usd, streams[5], draws) if bought else nothing,
        electricity_eur_per_kwh=np.full(draws, tariff),
        eur_per_usd=eur_per_usd,
    )
    return drivers, training


def _shape(
    model: PlannedModel, gpu: GpuSpec, quantization: Quantization, catalog: Catalog, calibration: Calibration
) -> TrainingShape:
    return largest_fitting_shape(
        model.architecture,
        quantization,
        model.shape,
        gpu,
        catalog,
        effective_batch_size=calibration.header.configuration.effective_batch_size,
    )[0]


def _memory(
    model: PlannedModel, gpu: GpuSpec, quantization: Quantization, catalog: Catalog, calibration: Calibration
) -> PlanMemory:
    shape, estimate, fits = largest_fitting_shape(
        model.architecture,
        quantization,
        model.shape,
        gpu,
        catalog,
        effective_batch_size=calibration.header.configuration.effective_batch_size,
    )
    limit = usable_gib(gpu, catalog)
    how = f"micro-batch {shape.micro_batch_size}" + (", with activation checkpointing" if shape.checkpointing else "")
    verb = "fits" if fits else "does not fit"
    return PlanMemory(
        gib_p50=estimate.gib_p50,
        gib_p95=estimate.gib_p95,
        usable_gib=limit,
        fits=fits,
        micro_batch_size=shape.micro_batch_size,
        components_gib=estimate.components_gib,
        basis=Basis.UNPROBED,
        sentence=f"Training {verb} on {gpu.gpu} ({how}): {estimate.gib_p50:.1f} GiB expected, {estimate.gib_p95:.1f} "
        f"GiB with 95 %, {limit:.1f} GiB usable. Computed, not measured on this card.",
    )


def _budget_scenario(drivers: Drivers, forecast: Forecast, calibration: Calibration) -> tuple[Drivers, str]:
    """The single scenario whose lines add up, and its name."""
    typical = drivers.medians()
    if np.isfinite(typical.examples[0]):
        return typical, (
            f"Target reached with the median effort ({typical.examples[0]:,.0f} examples), every other input at its "
            "median"
        )
    if calibration.header.x_unit is not XUnit.EXAMPLES:
        none = typical.replaced("examples", np.array([0.0]))
        return (
            none,
            "Without fine-tuning: its hours are unknown, because the log does not say how many examples a step has",
        )
    horizon = forecast.verdict.horizon_examples
    return typical.replaced("examples", np.array([horizon])), (
        f"Target missed in most draws: fine-tuning up to the horizon of {horizon:,.0f} examples, every other input at "
        "its median"
    )


def _if_reached(
    drivers: Drivers,
    cost: YearlyCost,
    scenario: Scenario,
    gpu: GpuSpec,
    catalog: Catalog,
    forecast: Forecast,
    calibration: Calibration,
) -> IfReached:
    reached = np.isfinite(drivers.examples)
    probability = float(reached.mean())
    missed = _spent_if_missed(drivers, scenario, gpu, catalog, forecast, calibration)
    nothing = Quantiles(p10=None, p50=None, p90=None)
    if not reached.any():
        return IfReached(
            probability=probability,
            examples=nothing,
            hours=nothing,
            cost_per_year=CostQuantiles(p10=None, p50=None, p90=None),
            spent_if_missed_eur=missed,
            sentence="No draw reaches the target within the horizon, so there is no figure for reaching it.",
        )
    return IfReached(
        probability=probability,
        examples=quantiles(drivers.examples[reached]),
        hours=quantiles(cost.tuning_hours[reached]),
        cost_per_year=cost_quantiles(cost.total[reached]),
        spent_if_missed_eur=missed,
        sentence=f"Conditional: figures of the {100 * probability:.0f} % of draws that reach the target.",
    )


def _spent_if_missed(
    drivers: Drivers,
    scenario: Scenario,
    gpu: GpuSpec,
    catalog: Catalog,
    forecast: Forecast,
    calibration: Calibration,
) -> float | None:
    """P90 of what one fine-tuning up to the horizon costs, VAT included, before it is known that the target is missed.

    Bought hardware is spent as a whole year of it. None where examples are unknown.
    """
    if calibration.header.x_unit is not XUnit.EXAMPLES:
        return None
    horizon = np.full_like(drivers.examples, forecast.verdict.horizon_examples)
    once = msgspec.structs.replace(
        scenario,
        trials=1.0,
        retunings_per_year=0.0,
        studies_per_day=None,
        staff_hours_per_year=None,
        storage_gib=None,
    )
    cost = yearly_cost(drivers.replaced("examples", horizon), once, gpu, catalog, 0.0)
    return quantiles(cost.total).p90


def _within(total_eur: FloatArray, budget_eur: float | None) -> float | None:
    return None if budget_eur is None else float((total_eur <= budget_eur).mean())


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


def _calibration(calibration: Calibration, forecast: Forecast) -> PlanCalibration:
    header = calibration.header
    return PlanCalibration(
        calibration_id=header.calibration_id,
        created=header.created,
        model=header.configuration.model,
        device=header.hardware.gpu or header.hardware.device,
        loss_kind=header.loss_kind.value,
        x_unit=header.x_unit.value,
        points=len(forecast.measured_examples),
    )


def _hours_sentence(training: Seconds, calibration: Calibration) -> str:
    if calibration.header.x_unit is XUnit.EXAMPLES:
        return training.sentence
    last = max((event.train_seconds or 0.0 for run in calibration.runs for event in run.of(Eval)), default=0.0)
    own = f" The log itself took {last / SECONDS_PER_HOUR:.1f} hours on an unknown machine." if last else ""
    return f"Hours are unknown: the log counts steps and does not say how many examples a step has.{own}"


def _options(
    forecast: Forecast, calibration: Calibration, scenario: Scenario, catalog: Catalog, day: datetime.date, seed: int
) -> Iterator[Option]:
    """Every GPU x quantization, rented as the scenario says and bought, where it can be priced."""
    rented = scenario.tenure if scenario.tenure is not Tenure.BUY else Tenure.ON_DEMAND
    spent = calibration_examples(calibration) if not calibration.header.illustration else 0.0
    base = planned_model(calibration, catalog)
    batch = calibration.header.configuration.effective_batch_size
    for gpu in catalog.gpus:
        chosen = gpu.gpu == scenario.gpu
        for tenure in (rented, Tenure.BUY):
            own = {} if chosen else {"price_eur_per_hour": None, "server_quote_eur": None}
            here = msgspec.structs.replace(scenario, gpu=gpu.gpu, tenure=tenure, **own)
            if not has_price(gpu, here, catalog):
                continue
            for quantization in catalog.quantizations:
                shape, estimate, fits = largest_fitting_shape(
                    base.architecture, quantization, base.shape, gpu, catalog, effective_batch_size=batch
                )
                model = msgspec.structs.replace(base, shape=shape)
                drivers, training = _drivers(
                    forecast, calibration, here, model, gpu, quantization, catalog, day, seed=seed, draws=OPTION_DRAWS
                )
                cost = yearly_cost(drivers, here, gpu, catalog, spent)
                yield Option(
                    gpu=gpu.gpu,
                    quantization=quantization.quantization,
                    tenure=tenure.value,
                    fits=fits,
                    memory_gib_p95=estimate.gib_p95,
                    hours=quantiles(cost.tuning_hours),
                    hours_basis=_BASIS[training.basis],
                    cost_per_year=cost_quantiles(cost.total),
                    probability_within_budget=_within(cost.total, scenario.budget_eur),
                    reason=None if fits else f"needs {estimate.gib_p95:.0f} GiB, {usable_gib(gpu, catalog):.0f} usable",
                    source=gpu.source,
                    as_of=gpu.as_of,
                )


def _influences(
    drivers: Drivers, typical: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog, spent: float
) -> Iterator[Influence]:
    """Total at a driver's P10 and P90 (of its finite draws), all others as in the budget scenario; largest first."""
    bars = []
    for field, label in _INFLUENCES:
        column = getattr(drivers, field)
        finite = column[np.isfinite(column)]
        if not len(finite) or float(finite.min()) == float(finite.max()):
            continue
        ends = np.quantile(finite, [0.1, 0.9])
        low, high = (
            float(yearly_cost(typical.replaced(field, np.array([end])), scenario, gpu, catalog, spent).total[0])
            for end in ends
        )
        bars.append(Influence(code=field, label=label, cost_low_eur=low, cost_high_eur=high))
    moved = [bar for bar in bars if abs(bar.cost_high_eur - bar.cost_low_eur) > 0.5]
    yield from sorted(moved, key=lambda bar: -abs(bar.cost_high_eur - bar.cost_low_eur))
