"""The plan: what follows from a forecast and a scenario. Plain data, one JSON document (`docs/plan.schema.json`).

None stands for "infinite" in quantiles (an unreachable target has no P90) and for "not known" elsewhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from planner.cost.analyses import (
    BreakEven,
    CalibrateLonger,
    Choice,
    Comparison,
    FrontPoint,
    LossForBudget,
    PlanCarbon,
    PlanRisk,
    PlanYears,
    Reselection,
    SobolIndex,
)
from planner.cost.figures import Basis, CostQuantiles
from planner.cost.scenario import Scenario
from planner.errors import Mistake, PlanError
from planner.outcome import AsymptoteStatus, CurveBand, Finding, Interval, Probability, Quality, Quantiles, VerdictName
from planner.reading import decode_json

PLAN_SCHEMA_VERSION = 2

__all__ = [
    "PLAN_SCHEMA_VERSION",
    "Assumption",
    "Basis",
    "CostQuantiles",
    "IfReached",
    "Influence",
    "LedgerLine",
    "NotCosted",
    "Option",
    "Plan",
    "PlanAsymptote",
    "PlanCalibration",
    "PlanCurve",
    "PlanMemory",
    "PlanVerdict",
    "VatTreatment",
    "encode_plan",
    "parse_plan",
]


class PlanVerdict(Struct, frozen=True, kw_only=True):
    """The verdict; see `planner.outcome.Verdict`."""

    name: VerdictName
    probability: Probability
    sentence: str


class PlanAsymptote(Struct, frozen=True, kw_only=True):
    """The asymptote in nats per suffix token; the interval is null where the law gives none."""

    status: AsymptoteStatus
    p05: float | None
    p50: float | None
    p95: float | None
    sentence: str


class IfReached(Struct, frozen=True, kw_only=True):
    """Figures conditional on the target being reached, beside what is spent if it is missed.

    Attributes:
        probability: P(reached within the horizon).
        spent_if_missed_eur: P90 of what is spent before we know that it is missed, in the first year.
    """

    probability: Probability
    examples: Quantiles
    hours: Quantiles
    cost_per_year: CostQuantiles
    spent_if_missed_eur: float | None
    sentence: str


class PlanMemory(Struct, frozen=True, kw_only=True):
    """Peak memory of training on the chosen GPU. `fits` means that P95 fits into what is usable."""

    gib_p50: float
    gib_p95: float
    usable_gib: float
    fits: bool
    micro_batch_size: int
    components_gib: dict[str, float]
    basis: Basis
    sentence: str


class VatTreatment(StrEnum):
    """Who accounts for the VAT of a line."""

    STANDARD = "standard"
    REVERSE_CHARGE = "reverse_charge"
    NONE = "none"


class LedgerLine(Struct, frozen=True, kw_only=True):
    """One line of the budget scenario; the lines add up to `Plan.total_eur` to the cent.

    Attributes:
        code: Stable identifier, for example `training_rent`.
        label: For the board, English; translations go by `code`.
        amount_eur: A year, without VAT (which is a line of its own), rounded to the cent.
        quantity, unit, unit_price_eur: What is multiplied, where the line is a product.
        formula: In words and numbers.
        vat: Who accounts for its VAT: the supplier, or the hospital where a provider bills from abroad.
        vat_eur: VAT of this line that is not recovered, to the cent; it stands in the line `vat` or
            `vat_reverse_charge`, not in `amount_eur`.
    """

    code: str
    label: str
    amount_eur: float
    quantity: float | None = None
    unit: str | None = None
    unit_price_eur: float | None = None
    formula: str
    basis: Basis
    source: str
    as_of: str | None = None
    vat: VatTreatment = VatTreatment.NONE
    vat_eur: float = 0.0


class Assumption(Struct, frozen=True, kw_only=True):
    """One input: value, unit, where from, how certain; `stale` where its date is older than 180 days."""

    code: str
    label: str
    value: str
    unit: str
    uncertainty: str
    basis: Basis
    source: str
    as_of: str | None = None
    stale: bool = False


class NotCosted(Struct, frozen=True, kw_only=True):
    """A line that a board asks about and that nobody has given a figure for."""

    code: str
    label: str
    remedy: str


class Option(Struct, frozen=True, kw_only=True):
    """One GPU x quantization x tenure, with source and date of its price. `reason`: why not feasible, else None."""

    gpu: str
    quantization: str
    tenure: str
    fits: bool
    memory_gib_p95: float
    hours: Quantiles
    hours_basis: Basis
    cost_per_year: CostQuantiles
    probability_within_budget: Probability | None
    reason: str | None
    source: str
    as_of: str | None


class Influence(Struct, frozen=True, kw_only=True):
    """One bar of the tornado: yearly cost with this input at its P10 and P90, all others at their median."""

    code: str
    label: str
    cost_low_eur: float
    cost_high_eur: float


class PlanCurve(Struct, frozen=True, kw_only=True):
    """What the chart of the curve needs."""

    band: CurveBand
    measured_examples: list[float]
    measured_loss: list[float]
    largest_examples: float
    horizon_examples: float
    loss_at_horizon: Interval
    sentence: str


class PlanCalibration(Struct, frozen=True, kw_only=True):
    """The calibration that the plan rests on."""

    calibration_id: str
    created: str
    model: str
    device: str
    loss_kind: str
    x_unit: str
    points: int


class Plan(Struct, frozen=True, kw_only=True):
    """What follows from a forecast and a scenario; null is infinite in quantiles and "not known" elsewhere.

    Attributes:
        marks: Sentences that must stand wherever a figure of this plan is shown ("illustration, not PaliGemma-3B").
        hours: GPU-hours of one fine-tuning that reaches the target (P10/P50/P90, infinite mass kept).
        hours_per_year: All GPU-hours of a year: trials, re-tunings, evaluation, serving.
        total_eur: Sum of `lines`: the budget scenario, named in `budget_scenario`.
        probability_within_budget: Null where no budget was given.
        elapsed_hours: On the clock, of the same: `hours` shared by the GPUs that train together.
        carbon, years, break_even: Null where hours or prices are not known, or in a plan of schema 1.
        choice: Null where only the plan's own option was costed.
        sobol, front, comparisons, reselection, loss_for_budget, calibrate_longer: Made by
            `planner.cost.analysed`; empty or null before.
    """

    schema_version: Annotated[int, Meta(ge=1)] = PLAN_SCHEMA_VERSION
    plateau_version: str
    created: str
    seed: int
    draws: int
    illustration: bool
    marks: list[str]
    scenario: Scenario
    calibration: PlanCalibration
    verdict: PlanVerdict
    asymptote: PlanAsymptote
    curve: PlanCurve
    findings: list[Finding]
    quality: list[Quality]
    examples: Quantiles
    hours: Quantiles
    hours_basis: Basis
    hours_sentence: str
    hours_per_year: Quantiles
    cost_per_year: CostQuantiles
    if_reached: IfReached
    probability_within_budget: Probability | None
    memory: PlanMemory
    budget_scenario: str
    lines: list[LedgerLine]
    total_eur: float
    assumptions: list[Assumption]
    not_costed: list[NotCosted]
    options: list[Option]
    influences: list[Influence]
    elapsed_hours: Quantiles | None = None
    risks: list[PlanRisk] = []
    carbon: PlanCarbon | None = None
    years: PlanYears | None = None
    break_even: BreakEven | None = None
    choice: Choice | None = None
    sobol: list[SobolIndex] = []
    front: list[FrontPoint] = []
    comparisons: list[Comparison] = []
    reselection: Reselection | None = None
    loss_for_budget: LossForBudget | None = None
    calibrate_longer: CalibrateLonger | None = None


def encode_plan(plan: Plan) -> bytes:
    """The plan as indented JSON; the same plan gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def parse_plan(data: bytes, *, file: str) -> Plan:
    """Read what `encode_plan` wrote.

    Raises:
        PlanError: Not a plan, damaged, or of a newer schema.
    """

    class Version(Struct):
        schema_version: int

    version = decode_json(data, Version, file=file, error=PlanError).schema_version
    if version > PLAN_SCHEMA_VERSION:
        raise PlanError(
            Mistake(
                file=file,
                field="schema_version",
                reason=f"written by a newer Plateau (schema {version}, this one reads up to {PLAN_SCHEMA_VERSION})",
                remedy="Upgrade Plateau",
            )
        )
    return decode_json(data, Plan, file=file, error=PlanError, remedy="Write the plan again with `plateau plan`")
