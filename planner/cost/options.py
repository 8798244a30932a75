"""Every GPU x quantization x tenure beside the chosen one, with its draws for a choice between them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import Struct

from planner.catalog import GpuSpec, Quantization
from planner.cost.basis import PlannedModel
from planner.cost.drawing import Question, SecondsDrawn, examples_drawn, prices_drawn, seconds_drawn, with_seconds
from planner.cost.drivers import Drivers
from planner.cost.figures import Basis, CostQuantiles
from planner.cost.plan import Option
from planner.cost.price_rows import has_price
from planner.cost.price_source import price_source
from planner.cost.quantiles import NEVER, NEVER_PAID, FloatArray, rows_of_quantiles
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import first_year, yearly_cost
from planner.hardware.memory import MemoryEstimate, largest_fitting_shape, usable_gib
from planner.hardware.throughput import TimingBasis
from planner.outcome import Quantiles

OPTION_DRAWS = 500
BASIS = {
    TimingBasis.MEASURED: Basis.MEASURED,
    TimingBasis.EXTRAPOLATED: Basis.EXTRAPOLATED,
    TimingBasis.UNPROBED: Basis.UNPROBED,
}


class Candidate(Struct, frozen=True, kw_only=True):
    """An option that has a price, with everything that it is costed from.

    Attributes:
        scenario: The plan's, with this GPU, quantization and tenure.
        drivers: `OPTION_DRAWS` draws, the same of the law for all options.
        hours_known: Whether x can be turned into hours here.
    """

    scenario: Scenario
    model: PlannedModel
    gpu: GpuSpec
    quantization: Quantization
    memory: MemoryEstimate
    fits: bool
    drivers: Drivers
    basis: Basis
    hours_known: bool

    @property
    def feasible(self) -> bool:
        """Whether it has the memory and known hours."""
        return self.fits and self.hours_known


class Unpriced(Struct, frozen=True, kw_only=True):
    """An option without a dated price."""

    scenario: Scenario
    gpu: GpuSpec
    quantization: Quantization
    memory: MemoryEstimate


class Options(Struct, frozen=True, kw_only=True):
    """All options and their draws.

    Attributes:
        total_om: Yearly cost, shape (candidates, draws); inf where the target is missed.
        tuning_hours_om: Hours of one fine-tuning, same shape.
    """

    candidates: list[Candidate]
    unpriced: list[Unpriced]
    total_om: FloatArray
    tuning_hours_om: FloatArray


def within(total_eur: FloatArray, scenario: Scenario, *, stated: bool) -> float | None:
    """P(within budget); None where no budget was given, the cost is unknown, or the diagnosis forbids a chance."""
    if scenario.budget_eur is None or not stated:
        return None
    return float((total_eur <= scenario.budget_eur).mean())


def compared(question: Question, scenario: Scenario, model: PlannedModel) -> Options:
    """Every GPU, quantization and tenure.

    Args:
        question: Law, calibration, catalog.
        scenario: The scenario; its typed price and quote are those of its own GPU and tenure and apply to no other.
        model: The model.
    """
    everything = list(_candidates(question, scenario, model))
    candidates = [option for option in everything if isinstance(option, Candidate)]
    unpriced = [option for option in everything if isinstance(option, Unpriced)]
    totals, hours = [], []
    for candidate in candidates:
        work = first_year(candidate.scenario, question.calibration_examples)
        cost = yearly_cost(candidate.drivers, candidate.scenario, candidate.gpu, question.catalog, work)
        totals.append(cost.total)
        hours.append(cost.tuning_hours)
    empty = np.empty((0, OPTION_DRAWS))
    return Options(
        candidates=candidates,
        unpriced=unpriced,
        total_om=np.stack(totals) if totals else empty,
        tuning_hours_om=np.stack(hours) if hours else empty,
    )


def _candidates(question: Question, scenario: Scenario, model: PlannedModel) -> Iterator[Candidate | Unpriced]:
    catalog = question.catalog
    examples: FloatArray | None = None
    for gpu in catalog.gpus:
        places = [_place(scenario, gpu, tenure) for tenure in Tenure]
        prices = {
            here.tenure: prices_drawn(question, here, gpu, OPTION_DRAWS)
            for here in places
            if has_price(gpu, here, catalog)
        }
        for quantization in catalog.quantizations:
            shape, estimate, fits = largest_fitting_shape(
                model.architecture,
                quantization,
                msgspec.structs.replace(model.shape, gpus=scenario.gpus),
                gpu,
                catalog,
                effective_batch_size=question.effective_batch_size,
                probed=model.probed,
            )
            if not prices:
                unpriced = _place(scenario, gpu, scenario.tenure, quantization)
                yield Unpriced(scenario=unpriced, gpu=gpu, quantization=quantization, memory=estimate)
                continue
            fitted = msgspec.structs.replace(model, shape=shape)
            seconds: SecondsDrawn = seconds_drawn(
                question, scenario.answer_tokens, fitted, gpu, quantization, OPTION_DRAWS
            )
            known = question.hours_known(gpu, quantization)
            for tenure, drawn in prices.items():
                if examples is None:
                    examples = examples_drawn(question, scenario, drawn.modality_transfer, OPTION_DRAWS)
                yield Candidate(
                    scenario=_place(scenario, gpu, tenure, quantization),
                    model=fitted,
                    gpu=gpu,
                    quantization=quantization,
                    memory=estimate,
                    fits=fits,
                    drivers=with_seconds(drawn, examples if known else np.full(OPTION_DRAWS, np.inf), seconds),
                    basis=BASIS[seconds.training.basis],
                    hours_known=known,
                )


def _place(scenario: Scenario, gpu: GpuSpec, tenure: Tenure, quantization: Quantization | None = None) -> Scenario:
    """The scenario elsewhere; what was typed for its own GPU and tenure stays there."""
    own = gpu.gpu == scenario.gpu
    changed: dict[str, object] = {"gpu": gpu.gpu, "tenure": tenure}
    if quantization is not None:
        changed["quantization"] = quantization.quantization
    if not own or tenure is not scenario.tenure:
        changed["price_eur_per_hour"] = None
    if not own:
        changed["server_quote_eur"] = None
    return msgspec.structs.replace(scenario, **changed)


def option_rows(question: Question, found: Options, chosen: Option) -> list[Option]:
    """The table of all options; the plan's own row keeps the plan's own figures.

    A GPU without a dated price is listed with its memory and the reason, not left out.
    """
    costs = rows_of_quantiles(found.total_om)
    hours = rows_of_quantiles(found.tuning_hours_om)
    rows = []
    for candidate, total, cost, hour in zip(found.candidates, found.total_om, costs, hours, strict=True):
        here = candidate.scenario
        if (here.gpu, here.quantization, here.tenure.value) == (chosen.gpu, chosen.quantization, chosen.tenure):
            rows.append(chosen)
        else:
            rows.append(_row(question, candidate, total, cost, hour))
    return rows + [_unpriced_row(question, option) for option in found.unpriced]


def _row(question: Question, candidate: Candidate, total: FloatArray, cost: Quantiles, hours: Quantiles) -> Option:
    gpu, here = candidate.gpu, candidate.scenario
    _, source, as_of = price_source(here, gpu, question.catalog)
    reasons = [] if candidate.fits else [not_fitting(candidate.memory.gib_p95, usable_gib(gpu, question.catalog))]
    if not candidate.hours_known:
        reasons.append("hours unknown: the log counts steps of unknown size")
    return Option(
        gpu=gpu.gpu,
        quantization=candidate.quantization.quantization,
        tenure=here.tenure.value,
        fits=candidate.fits,
        memory_gib_p95=candidate.memory.gib_p95,
        hours=hours,
        hours_basis=candidate.basis,
        cost_per_year=CostQuantiles(p10=cost.p10, p50=cost.p50, p90=cost.p90),
        probability_within_budget=within(total, here, stated=candidate.hours_known and question.chance_stated),
        reason="; ".join(reasons) or None,
        source=source,
        as_of=as_of,
    )


def not_fitting(gib_p95: float, usable: float) -> str:
    """Why an option is not feasible."""
    return f"needs {gib_p95:.1f} GiB, {usable:.1f} usable"


def _unpriced_row(question: Question, option: Unpriced) -> Option:
    limit = usable_gib(option.gpu, question.catalog)
    fits = option.memory.gib_p95 <= limit
    unpriced = "no dated price: type your own"
    return Option(
        gpu=option.gpu.gpu,
        quantization=option.quantization.quantization,
        tenure=option.scenario.tenure.value,
        fits=fits,
        memory_gib_p95=option.memory.gib_p95,
        hours=NEVER,
        hours_basis=Basis.UNPROBED,
        cost_per_year=NEVER_PAID,
        probability_within_budget=None,
        reason=unpriced if fits else f"{not_fitting(option.memory.gib_p95, limit)}; {unpriced}",
        source=option.gpu.source,
        as_of=None,
    )
