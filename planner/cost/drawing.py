"""One set of draws for a scenario on a GPU: the law's examples, seconds, prices and rates."""

from __future__ import annotations

import datetime

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.cost.basis import PlannedModel, calibration_examples
from planner.cost.drivers import Drivers
from planner.cost.modalities import shares_of
from planner.cost.price_draws import equipment_draws, eur_per_usd_draws, rent_draws
from planner.cost.price_rows import electricity_row, staff_eur_per_hour
from planner.cost.scenario import Layout, Scenario, Tenure
from planner.hardware.log_seconds import LogSeconds, seconds_from_log
from planner.hardware.throughput import Seconds, answering_seconds_per_study, training_seconds_per_example
from planner.outcome import Forecast, is_blocked
from planner.record import UNKNOWN, Calibration, XUnit

FloatArray = NDArray[np.float64]

_EXAMPLES, _TRAINING, _ANSWERING, _CURRENCY, _RENT, _EQUIPMENT, _TRANSFER, _RISKS, _CARBON = range(9)


class Question(Struct, frozen=True, kw_only=True):
    """What stays the same whatever the hospital chooses.

    Attributes:
        own_seconds: What an imported log measured itself.
        day: Of the plan; ages of prices and rates count from here.
        seed: Same question, scenario and seed: same draws.
    """

    forecast: Forecast
    calibration: Calibration
    catalog: Catalog
    own_seconds: LogSeconds | None
    day: datetime.date
    seed: int

    @property
    def counts_examples(self) -> bool:
        """False for a log whose x counts steps of unknown size."""
        return self.calibration.header.x_unit is XUnit.EXAMPLES

    def hours_known(self, gpu: GpuSpec, quantization: Quantization) -> bool:
        """Whether x can be turned into hours; where not, hours and costs are unknown, not infinite.

        Steps of unknown size are hours on the GPU alone that the log itself was timed on, as it was run there.
        """
        own = self.own_seconds
        if self.counts_examples:
            return True
        return own is not None and own.gpu.gpu == gpu.gpu and own.quantization in (quantization.quantization, UNKNOWN)

    @property
    def chance_stated(self) -> bool:
        """False where the diagnosis of the law forbids a chance, that of staying within a budget too."""
        return not is_blocked(self.forecast.findings)

    @property
    def effective_batch_size(self) -> int | None:
        """Of the calibration; a micro-batch is never larger."""
        return self.calibration.header.configuration.effective_batch_size

    @property
    def calibration_examples(self) -> float:
        """Examples that the calibration itself costs; a stand-in's are no cost of the real model."""
        return 0.0 if self.calibration.header.illustration else calibration_examples(self.calibration)

    def stream(self, number: int) -> np.random.Generator:
        """The random stream of one input: changing another input leaves its draws as they were."""
        # The same child that `SeedSequence.spawn` would make, without making its siblings.
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))


class SecondsDrawn(Struct, frozen=True, kw_only=True):
    """Seconds on one GPU at one quantization; they depend on no price."""

    training: Seconds
    answering: Seconds


def seconds_drawn(
    question: Question,
    answer_tokens: int,
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    draws: int,
) -> SecondsDrawn:
    """Seconds of an example in training and of a study in answering."""
    catalog, own = question.catalog, question.own_seconds
    shape = model.shape
    if own is not None and question.hours_known(gpu, quantization):
        training = seconds_from_log(
            own, model.architecture, shape, gpu, quantization, catalog, question.stream(_TRAINING), draws
        )
    else:
        training = training_seconds_per_example(
            question.calibration,
            model.architecture,
            shape,
            gpu,
            quantization,
            catalog,
            question.stream(_TRAINING),
            draws,
        )
    answering = answering_seconds_per_study(
        question.calibration,
        model.architecture,
        shape.prompt_tokens,
        answer_tokens,
        gpu,
        quantization,
        catalog,
        question.stream(_ANSWERING),
        draws,
    )
    return SecondsDrawn(training=training, answering=answering)


def law_index(question: Question, draws: int) -> NDArray[np.intp]:
    """Which draw of the law every draw of the plan takes: spread evenly over all of them and shuffled.

    The shuffle depends on the seed alone: with a lower target no draw needs fewer examples.
    """
    available = len(question.forecast.examples_m)
    spread = np.arange(draws) * available // draws if draws < available else np.arange(draws)
    return np.asarray(question.stream(_EXAMPLES).permutation(spread) % available)


def examples_drawn(question: Question, scenario: Scenario, transfer: FloatArray, draws: int) -> FloatArray:
    """Examples of a joint fine-tuning by draw; inf beyond the horizon, for every modality where each has its adapter.

    An adapter of one modality has only its share of the studies and needs, at transfer x, the share w + (1 - w) x of
    the joint examples (`planner.cost.modalities`).
    """
    examples = question.forecast.examples_m[law_index(question, draws)]
    horizon = question.forecast.verdict.horizon_examples
    if scenario.layout is Layout.PER_MODALITY:
        within = np.min([w / (w + (1.0 - w) * transfer) for w in shares_of(scenario)], axis=0)
        return np.where(examples <= horizon * within, examples, np.inf)
    return np.where(examples <= horizon, examples, np.inf)


def prices_drawn(question: Question, scenario: Scenario, gpu: GpuSpec, draws: int) -> Drivers:
    """All drivers but examples and seconds, which are nan.

    Raises:
        ScenarioError: No price for the scenario's tenure and none typed.
    """
    catalog = question.catalog
    eur_per_usd = eur_per_usd_draws(scenario, catalog, question.day, question.stream(_CURRENCY), draws)
    nothing = np.full(draws, np.nan)
    images = scenario.unique_studies or question.calibration.header.dataset.training_examples or np.inf
    bought = scenario.tenure is Tenure.BUY
    tariff = scenario.electricity_eur_per_kwh or electricity_row(scenario, catalog).price_per_kwh
    uniform = question.stream(_TRANSFER).random(draws)
    transfer = uniform if scenario.modality_transfer is None else np.full(draws, scenario.modality_transfer)
    happens = question.stream(_RISKS).random((len(scenario.risks), draws))
    risks = sum(
        ((happens[i] < risk.probability) * risk.impact_eur for i, risk in enumerate(scenario.risks)),
        start=np.zeros(draws),
    )
    carbon_sd = catalog.parameter("carbon_log_sd").value
    return Drivers(
        examples=nothing,
        training_s_per_example=nothing,
        answering_s_per_study=nothing,
        once_per_image_s=nothing,
        images=np.full(draws, images),
        rent_eur_per_hour=nothing
        if bought
        else rent_draws(gpu, scenario, catalog, eur_per_usd, question.stream(_RENT), draws, day=question.day),
        equipment_eur=equipment_draws(gpu, scenario, catalog, eur_per_usd, question.stream(_EQUIPMENT), draws)
        if bought
        else nothing,
        electricity_eur_per_kwh=np.full(draws, tariff),
        eur_per_usd=eur_per_usd,
        staff_eur_per_hour=np.full(draws, staff_eur_per_hour(scenario, catalog)),
        price_level=np.ones(draws),
        modality_transfer=transfer,
        risks_eur=np.asarray(risks),
        carbon_factor=np.exp(carbon_sd * question.stream(_CARBON).standard_normal(draws)),
    )


def with_seconds(prices: Drivers, examples: FloatArray, seconds: SecondsDrawn) -> Drivers:
    """Prices with examples and seconds filled in."""
    filled = {
        "examples": examples,
        "training_s_per_example": seconds.training.seconds_m,
        "once_per_image_s": np.full_like(seconds.training.seconds_m, seconds.training.once_per_image_s),
        "answering_s_per_study": seconds.answering.seconds_m,
    }
    return Drivers(**({field: getattr(prices, field) for field in prices.__struct_fields__} | filled))


def drawn(
    question: Question,
    scenario: Scenario,
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    draws: int,
) -> tuple[Drivers, Seconds]:
    """All drivers, and how the training seconds came about.

    Each input has its own random stream, so that changing one leaves the draws of the others as they were.

    Raises:
        ScenarioError: No price for the scenario's tenure and none typed.
    """
    seconds = seconds_drawn(question, scenario.answer_tokens, model, gpu, quantization, draws)
    prices = prices_drawn(question, scenario, gpu, draws)
    known = question.hours_known(gpu, quantization)
    examples = examples_drawn(question, scenario, prices.modality_transfer, draws) if known else np.full(draws, np.inf)
    return with_seconds(prices, examples, seconds), seconds.training
