"""One set of draws for a scenario on a GPU: the law's examples, seconds, prices and rates."""

from __future__ import annotations

import datetime

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.cost.basis import PlannedModel, calibration_examples
from planner.cost.drivers import Drivers, electricity_row, equipment_draws, eur_per_usd_draws, rent_draws
from planner.cost.scenario import Scenario, Tenure
from planner.hardware.log_seconds import LogSeconds, seconds_from_log
from planner.hardware.throughput import Seconds, answering_seconds_per_study, training_seconds_per_example
from planner.outcome import Forecast
from planner.record import UNKNOWN, Calibration, XUnit

FloatArray = NDArray[np.float64]


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
    def effective_batch_size(self) -> int | None:
        """Of the calibration; a micro-batch is never larger."""
        return self.calibration.header.configuration.effective_batch_size

    @property
    def calibration_examples(self) -> float:
        """Examples that the calibration itself costs; a stand-in's are no cost of the real model."""
        return 0.0 if self.calibration.header.illustration else calibration_examples(self.calibration)


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
    catalog = question.catalog
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(question.seed).spawn(6)]
    own = question.own_seconds
    known = question.hours_known(gpu, quantization)
    if own is not None and known:
        training = seconds_from_log(own, model.architecture, model.shape, gpu, quantization, catalog, streams[1], draws)
    else:
        training = training_seconds_per_example(
            question.calibration, model.architecture, model.shape, gpu, quantization, catalog, streams[1], draws
        )
    answering = answering_seconds_per_study(
        question.calibration,
        model.architecture,
        model.shape.prompt_tokens,
        scenario.answer_tokens,
        gpu,
        quantization,
        catalog,
        streams[2],
        draws,
    )
    eur_per_usd = eur_per_usd_draws(scenario, catalog, question.day, streams[3], draws)
    nothing = np.full(draws, np.nan)
    bought = scenario.tenure is Tenure.BUY
    tariff = scenario.electricity_eur_per_kwh or electricity_row(scenario, catalog).price_per_kwh
    drivers = Drivers(
        examples=_examples(question, streams[0], draws) if known else np.full(draws, np.inf),
        training_s_per_example=training.seconds_m,
        answering_s_per_study=answering.seconds_m,
        rent_eur_per_hour=nothing if bought else rent_draws(gpu, scenario, catalog, eur_per_usd, streams[4], draws),
        equipment_eur=equipment_draws(gpu, scenario, catalog, eur_per_usd, streams[5], draws) if bought else nothing,
        electricity_eur_per_kwh=np.full(draws, tariff),
        eur_per_usd=eur_per_usd,
    )
    return drivers, training


def _examples(question: Question, stream: np.random.Generator, draws: int) -> FloatArray:
    """The law's draws, spread evenly over all of them and shuffled; inf beyond the horizon.

    The shuffle depends on the seed alone: with a lower target no draw needs fewer examples.
    """
    law_m = question.forecast.examples_m
    pick = stream.permutation(np.arange(draws) * len(law_m) // draws if draws < len(law_m) else np.arange(draws))
    examples = law_m[pick % len(law_m)]
    return np.where(examples <= question.forecast.verdict.horizon_examples, examples, np.inf)
