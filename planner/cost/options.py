"""Every GPU x quantization x tenure beside the chosen one, and what moves the cost of the chosen one most."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from planner.catalog import GpuSpec, Quantization
from planner.cost.basis import PlannedModel
from planner.cost.drawing import Question, drawn
from planner.cost.drivers import Drivers, has_price
from planner.cost.plan import Basis, Influence, Option
from planner.cost.price_source import price_source
from planner.cost.quantiles import NEVER, NEVER_PAID, FloatArray, cost_quantiles, quantiles
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import yearly_cost
from planner.hardware.memory import MemoryEstimate, largest_fitting_shape, usable_gib
from planner.hardware.throughput import TimingBasis

OPTION_DRAWS = 500
BASIS = {
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
SMALLEST_INFLUENCE_EUR = 0.5


def within(total_eur: FloatArray, scenario: Scenario, *, hours_known: bool) -> float | None:
    """P(within budget); None where no budget was given, and where the cost is unknown."""
    if scenario.budget_eur is None or not hours_known:
        return None
    return float((total_eur <= scenario.budget_eur).mean())


def options(question: Question, scenario: Scenario, model: PlannedModel, chosen: Option) -> Iterator[Option]:
    """Every GPU and quantization, rented as the scenario says and bought.

    A GPU without a dated price is listed with its memory and the reason, not left out.

    Args:
        question: Law, calibration, catalog.
        scenario: The scenario; its typed price and quote are those of its own GPU and apply to no other.
        model: The model.
        chosen: The row of the chosen option, with the plan's own figures.
    """
    rented = scenario.tenure if scenario.tenure is not Tenure.BUY else Tenure.ON_DEMAND
    for gpu in question.catalog.gpus:
        typed = {} if gpu.gpu == scenario.gpu else {"price_eur_per_hour": None, "server_quote_eur": None}
        places = [msgspec.structs.replace(scenario, gpu=gpu.gpu, tenure=t, **typed) for t in (rented, Tenure.BUY)]
        priced = [here for here in places if has_price(gpu, here, question.catalog)]
        for quantization in question.catalog.quantizations:
            shape, estimate, fits = largest_fitting_shape(
                model.architecture,
                quantization,
                model.shape,
                gpu,
                question.catalog,
                effective_batch_size=question.effective_batch_size,
            )
            fitted = msgspec.structs.replace(model, shape=shape)
            for here in priced or places[:1]:
                if (gpu.gpu, quantization.quantization, here.tenure.value) == (
                    chosen.gpu,
                    chosen.quantization,
                    chosen.tenure,
                ):
                    yield chosen
                elif priced:
                    yield _option(question, here, fitted, gpu, quantization, estimate, fits)
                else:
                    yield _unpriced(question, here, gpu, quantization, estimate)


def _option(
    question: Question,
    scenario: Scenario,
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    estimate: MemoryEstimate,
    fits: bool,
) -> Option:
    drivers, training = drawn(question, scenario, model, gpu, quantization, OPTION_DRAWS)
    cost = yearly_cost(drivers, scenario, gpu, question.catalog, question.calibration_examples)
    known = question.hours_known(gpu, quantization)
    _, source, as_of = price_source(scenario, gpu, question.catalog)
    reasons = [] if fits else [not_fitting(estimate.gib_p95, usable_gib(gpu, question.catalog))]
    if not known:
        reasons.append("hours unknown: the log counts steps of unknown size")
    return Option(
        gpu=gpu.gpu,
        quantization=quantization.quantization,
        tenure=scenario.tenure.value,
        fits=fits,
        memory_gib_p95=estimate.gib_p95,
        hours=quantiles(cost.tuning_hours),
        hours_basis=BASIS[training.basis],
        cost_per_year=cost_quantiles(cost.total),
        probability_within_budget=within(cost.total, scenario, hours_known=known),
        reason="; ".join(reasons) or None,
        source=source,
        as_of=as_of,
    )


def not_fitting(gib_p95: float, usable: float) -> str:
    """Why an option is not feasible."""
    return f"needs {gib_p95:.1f} GiB, {usable:.1f} usable"


def _unpriced(
    question: Question, scenario: Scenario, gpu: GpuSpec, quantization: Quantization, estimate: MemoryEstimate
) -> Option:
    limit = usable_gib(gpu, question.catalog)
    fits = estimate.gib_p95 <= limit
    tenure = scenario.tenure.value.replace("_", " ")
    unpriced = f"no dated price ({tenure}): type your own"
    return Option(
        gpu=gpu.gpu,
        quantization=quantization.quantization,
        tenure=scenario.tenure.value,
        fits=fits,
        memory_gib_p95=estimate.gib_p95,
        hours=NEVER,
        hours_basis=Basis.UNPROBED,
        cost_per_year=NEVER_PAID,
        probability_within_budget=None,
        reason=unpriced if fits else f"{not_fitting(estimate.gib_p95, limit)}; {unpriced}",
        source=gpu.source,
        as_of=None,
    )


def influences(
    question: Question, drivers: Drivers, typical: Drivers, scenario: Scenario, gpu: GpuSpec
) -> list[Influence]:
    """Total at a driver's P10 and P90 (of its finite draws), all others as in the budget scenario; largest first."""
    bars = []
    for field, label in _INFLUENCES:
        column = getattr(drivers, field)
        finite = column[np.isfinite(column)]
        if not len(finite) or float(finite.min()) == float(finite.max()):
            continue
        ends = _moved(typical, scenario, field, np.quantile(finite, [0.1, 0.9]))
        total = yearly_cost(ends, scenario, gpu, question.catalog, question.calibration_examples).total
        bars.append(Influence(code=field, label=label, cost_low_eur=float(total[0]), cost_high_eur=float(total[-1])))
    moved = [bar for bar in bars if abs(bar.cost_high_eur - bar.cost_low_eur) > SMALLEST_INFLUENCE_EUR]
    return sorted(moved, key=lambda bar: -abs(bar.cost_high_eur - bar.cost_low_eur))


def _moved(typical: Drivers, scenario: Scenario, field: str, ends: FloatArray) -> Drivers:
    """One driver at both ends; the exchange rate moves the catalog's dollar prices with it."""
    moved = typical.replaced(field, ends)
    if field != "eur_per_usd":
        return moved
    if scenario.price_eur_per_hour is None:
        moved = moved.replaced("rent_eur_per_hour", typical.rent_eur_per_hour * ends / typical.eur_per_usd)
    if scenario.server_quote_eur is None:
        moved = moved.replaced("equipment_eur", typical.equipment_eur * ends / typical.eur_per_usd)
    return moved
