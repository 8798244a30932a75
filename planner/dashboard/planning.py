"""From a law and a scenario to a plan, in three steps: what a moved slider shows, other GPUs, and everything else."""

from __future__ import annotations

from collections.abc import Sequence

from planner.catalog import read_catalog
from planner.cost import Advice, analysed, cost_plan
from planner.cost.plan import Plan
from planner.cost.scenario import Scenario
from planner.curve import of_configuration
from planner.law import Law, loss_paths, next_run
from planner.loss_paths import LossPaths
from planner.outcome import Forecast, Quality
from planner.record import Calibration


class Planner:
    """One calibration under one scenario.

    Args:
        law: Of the configuration that is planned with.
        calibration: For the model, probes and marks.
        scenario: What the hospital decides.
        prediction: The law's forecast for the scenario's target.
        quality: What the target means in answers.
    """

    def __init__(
        self, law: Law, calibration: Calibration, scenario: Scenario, prediction: Forecast, quality: Sequence[Quality]
    ) -> None:
        self._law = law
        self._calibration = of_configuration(calibration, law.curve.configuration)
        self._scenario = scenario
        self._prediction = prediction
        self._quality = quality
        self._known_paths: dict[float | None, LossPaths] = {}

    def quick(self) -> Plan:
        """The plan of the chosen set-up.

        Raises:
            PlannerError: The scenario cannot be planned.
        """
        return cost_plan(
            self._prediction,
            self._calibration,
            self._scenario,
            read_catalog(),
            quality=self._quality,
            with_options=False,
        )

    def with_options(self) -> Plan:
        """The plan beside every GPU and quantization, and what more studies would allow in later years.

        Raises:
            PlannerError: The scenario cannot be planned.
        """
        return cost_plan(
            self._prediction,
            self._calibration,
            self._scenario,
            read_catalog(),
            quality=self._quality,
            paths=self._paths,
        )

    def whole(self, plan: Plan) -> Plan:
        """The plan with its front, comparisons, the spread explained, and advice on the next run."""
        return analysed(plan, self._prediction, self._calibration, read_catalog(), self._paths, advice=self._advice())

    def _paths(self, unique_studies: float | None) -> LossPaths:
        if unique_studies not in self._known_paths:
            self._known_paths[unique_studies] = loss_paths(self._law, unique_studies)
        return self._known_paths[unique_studies]

    def _advice(self) -> Advice:
        further = next_run(
            self._law,
            self._scenario.target_loss,
            horizon_examples=self._prediction.verdict.horizon_examples,
            unique_examples=self._scenario.unique_studies,
        )
        best = further.best
        return Advice(
            examples=None if best is None else best.budget_examples,
            replicates=None if best is None else best.replicates,
            chance_settled=None if best is None else best.chance_settled,
            examples_factor_now=further.examples_factor_now,
            examples_factor_after=None if best is None else best.examples_factor,
            sentence=further.sentence,
        )
