"""A scenario on its own GPU with all that a plan is made of: the question, the model, the draws, one year's cost."""

from __future__ import annotations

import datetime

import msgspec
from msgspec import Struct

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.cost.basis import PlannedModel, planned_model
from planner.cost.conditional import UNKNOWN_EXAMPLES, budget_scenario
from planner.cost.drawing import Question, drawn
from planner.cost.drivers import Drivers
from planner.cost.figures import Basis
from planner.cost.plan import PlanMemory
from planner.cost.scenario import Scenario
from planner.cost.scenario_file import check_scenario
from planner.cost.yearly import SECONDS_PER_HOUR, Work, YearlyCost, first_year, yearly_cost
from planner.errors import Mistake, ScenarioError
from planner.hardware.basis import TimingBasis
from planner.hardware.log_seconds import log_seconds
from planner.hardware.memory import USUAL_EFFECTIVE_BATCH, MemoryEstimate, largest_fitting_shape, usable_gib
from planner.hardware.throughput import Seconds
from planner.outcome import Forecast
from planner.record import Calibration, Eval, Train


class Case(Struct, frozen=True, kw_only=True):
    """What a plan is made of.

    Attributes:
        base: The planned model before a micro-batch was chosen for the GPU; `model` is after.
        drivers: Draws of the first year; `typical` are the single values of the budget scenario, named `typical_name`.
        cost, typical_cost: The first year of both.
        hours_known: Whether x can be turned into hours.
        hours_sentence: Where the hours come from.
    """

    question: Question
    scenario: Scenario
    gpu: GpuSpec
    quantization: Quantization
    base: PlannedModel
    model: PlannedModel
    memory: PlanMemory
    training: Seconds
    drivers: Drivers
    typical: Drivers
    typical_name: str
    work: Work
    cost: YearlyCost
    typical_cost: YearlyCost
    hours_known: bool
    hours_sentence: str


def case_of(
    forecast: Forecast,
    calibration: Calibration,
    scenario: Scenario,
    catalog: Catalog,
    *,
    seed: int,
    draws: int,
    day: datetime.date,
) -> Case:
    """The case of a scenario.

    Raises:
        CatalogError: Unknown GPU or quantization.
        ScenarioError: A value out of its range, or no price for the chosen GPU and tenure and none typed.
    """
    question, checked, gpu, quantization = asked(forecast, calibration, scenario, catalog, seed=seed, day=day)
    known = question.hours_known(gpu, quantization)
    base = planned_model(calibration, catalog)
    model, memory = _fitted(question, base, gpu, quantization, checked.gpus)
    drivers, training = drawn(question, checked, model, gpu, quantization, draws)
    typical, name = budget_scenario(drivers, question, hours_known=known)
    work = first_year(checked, question.calibration_examples)
    return Case(
        question=question,
        scenario=checked,
        gpu=gpu,
        quantization=quantization,
        base=base,
        model=model,
        memory=memory,
        training=training,
        drivers=drivers,
        typical=typical,
        typical_name=name,
        work=work,
        cost=yearly_cost(drivers, checked, gpu, catalog, work),
        typical_cost=yearly_cost(typical, checked, gpu, catalog, work),
        hours_known=known,
        hours_sentence=_hours_sentence(question, training, gpu, quantization),
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
    if checked.quote is not None:
        named = catalog.gpu(checked.quote.gpu).gpu
        checked = msgspec.structs.replace(checked, quote=msgspec.structs.replace(checked.quote, gpu=named))
    question = Question(
        forecast=forecast,
        calibration=calibration,
        catalog=catalog,
        own_seconds=log_seconds(calibration, catalog),
        day=day,
        seed=seed,
    )
    most = question.effective_batch_size or USUAL_EFFECTIVE_BATCH
    if checked.gpus > most:
        raise ScenarioError(
            Mistake(
                file="scenario",
                field="gpus",
                reason=f"an effective batch of {most} examples"
                + ("" if question.effective_batch_size else " (assumed, the record does not say it)")
                + f" cannot be shared by {checked.gpus} GPUs",
                remedy=f"Give {most} or fewer; a larger effective batch is another configuration, to be calibrated",
            )
        )
    return question, checked, gpu, quantization


def _fitted(
    question: Question, model: PlannedModel, gpu: GpuSpec, quantization: Quantization, gpus: int
) -> tuple[PlannedModel, PlanMemory]:
    """The model with the shape that is trained on this GPU, and the verdict on memory."""
    shape, estimate, fits = largest_fitting_shape(
        model.architecture,
        quantization,
        msgspec.structs.replace(model.shape, gpus=gpus),
        gpu,
        question.catalog,
        effective_batch_size=question.effective_batch_size,
        probed=model.probed,
    )
    limit = usable_gib(gpu, question.catalog)
    how = f"micro-batch {shape.micro_batch_size}" + (f" on each of {gpus}" if gpus > 1 else "")
    how += ", with activation checkpointing" if shape.checkpointing else ""
    verb = "fits" if fits else "does not fit"
    memory = PlanMemory(
        gib_p50=estimate.gib_p50,
        gib_p95=estimate.gib_p95,
        usable_gib=limit,
        fits=fits,
        micro_batch_size=shape.micro_batch_size,
        components_gib=estimate.components_gib,
        basis=Basis(estimate.basis.value),
        sentence=f"Training {model.name} {verb} on {gpu.gpu} ({how}): {estimate.gib_p50:.1f} GiB expected, "
        f"{estimate.gib_p95:.1f} GiB at P95, {limit:.1f} GiB usable. {_how_known(estimate, model)}"
        + (f" {model.assumed}" if model.assumed and not question.calibration.header.illustration else ""),
    )
    return msgspec.structs.replace(model, shape=shape), memory


def _how_known(estimate: MemoryEstimate, model: PlannedModel) -> str:
    if model.probed is None or estimate.basis is TimingBasis.UNPROBED:
        return "Computed, not measured on this card."
    probes = f"{len(model.probed.peaks)} probes on {model.probed.gpu or 'the calibration GPU'}"
    if estimate.basis is TimingBasis.MEASURED:
        return f"Computed and corrected by {probes} with these settings."
    return f"Extrapolated: computed and corrected by {probes} with other settings or on another card."


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
