"""What moves the yearly cost: one input at a time (tornado), and shares of its variance (Sobol)."""

from __future__ import annotations

import numpy as np

from planner.catalog import GpuSpec
from planner.cost.analyses import SobolIndex
from planner.cost.drawing import Question
from planner.cost.drivers import Drivers
from planner.cost.plan import Influence
from planner.cost.quantiles import FloatArray
from planner.cost.scenario import Layout, Scenario
from planner.cost.yearly import first_year, yearly_cost

LABELS = {
    "examples": "Examples needed (the law)",
    "training_s_per_example": "Training speed",
    "answering_s_per_study": "Answering speed",
    "rent_eur_per_hour": "Price of a GPU-hour",
    "equipment_eur": "Price of the server",
    "eur_per_usd": "Exchange rate",
    "modality_transfer": "What a study teaches other modalities",
    "risks_eur": "Named risks",
}
SMALLEST_INFLUENCE_EUR = 0.5
SOBOL_BASE_DRAWS = 512
_DOLLAR_PRICES = ("rent_eur_per_hour", "equipment_eur")


def influences(
    question: Question, drivers: Drivers, typical: Drivers, scenario: Scenario, gpu: GpuSpec
) -> list[Influence]:
    """Total at a driver's P10 and P90 (of its finite draws), all others as in the budget scenario; largest first."""
    bars = []
    for field in _varying(drivers, scenario):
        column = _finite(drivers, field)
        ends = {field: np.quantile(column, [0.1, 0.9])}
        moved = _with(typical, scenario, ends, typical.eur_per_usd)
        work = first_year(scenario, question.calibration_examples)
        total = yearly_cost(moved, scenario, gpu, question.catalog, work).total
        bars.append(
            Influence(code=field, label=LABELS[field], cost_low_eur=float(total[0]), cost_high_eur=float(total[-1]))
        )
    moved_bars = [bar for bar in bars if abs(bar.cost_high_eur - bar.cost_low_eur) > SMALLEST_INFLUENCE_EUR]
    return sorted(moved_bars, key=lambda bar: -abs(bar.cost_high_eur - bar.cost_low_eur))


def sobol_indices(
    question: Question, drivers: Drivers, typical: Drivers, scenario: Scenario, gpu: GpuSpec
) -> list[SobolIndex]:
    """First-order and total Sobol indices of the yearly cost where the target is reached; the largest total first.

    Inputs are independent and take their empirical quantiles; sampling after Saltelli et al. 2010 (SALib). A price in
    dollars is one input, the exchange rate another.
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    fields = _varying(drivers, scenario)
    if len(fields) < 2:
        return []
    # SALib takes a seed of 0 for none.
    problem = {"num_vars": len(fields), "names": fields, "bounds": [[0.0, 1.0]] * len(fields)}
    places = sampling.sample(problem, SOBOL_BASE_DRAWS, calc_second_order=False, seed=question.seed + 1)
    columns = {
        field: np.quantile(_native(drivers, scenario, field), places[:, index]) for index, field in enumerate(fields)
    }
    rate = columns.get("eur_per_usd", np.full(len(places), float(typical.eur_per_usd[0])))
    for field in _DOLLAR_PRICES:
        if field in columns and _in_dollars(scenario, field):
            columns[field] = columns[field] * rate
    spread = Drivers(
        **{
            field: columns.get(field, np.full(len(places), float(getattr(typical, field)[0])))
            for field in typical.__struct_fields__
        }
    )
    work = first_year(scenario, question.calibration_examples)
    total = yearly_cost(spread, scenario, gpu, question.catalog, work).total
    if float(total.std()) < SMALLEST_INFLUENCE_EUR:
        return []
    found = analysis.analyze(problem, total, calc_second_order=False, seed=question.seed + 1)
    rows = [
        SobolIndex(
            code=field,
            label=LABELS[field],
            first_order=_share(found["S1"][index]),
            first_order_confidence=_share(found["S1_conf"][index]),
            total=max(_share(found["ST"][index]), _share(found["S1"][index])),
            total_confidence=_share(found["ST_conf"][index]),
        )
        for index, field in enumerate(fields)
    ]
    return sorted(rows, key=lambda row: -row.total)


def _share(value: float) -> float:
    """Never below 0, which an estimate can be, and never minus zero."""
    return max(float(value), 0.0) + 0.0


def _varying(drivers: Drivers, scenario: Scenario) -> list[str]:
    """Inputs of the cost that have more than one finite value."""
    found = []
    for field in LABELS:
        if field == "modality_transfer" and scenario.layout is Layout.JOINT:
            continue
        column = _finite(drivers, field)
        if len(column) and float(column.min()) != float(column.max()):
            found.append(field)
    return found


def _finite(drivers: Drivers, field: str) -> FloatArray:
    column = getattr(drivers, field)
    return np.asarray(column[np.isfinite(column)])


def _native(drivers: Drivers, scenario: Scenario, field: str) -> FloatArray:
    """Draws of an input; a dollar price without its exchange rate."""
    if field in _DOLLAR_PRICES and _in_dollars(scenario, field):
        return np.asarray(getattr(drivers, field) / drivers.eur_per_usd)
    return _finite(drivers, field)


def _in_dollars(scenario: Scenario, field: str) -> bool:
    if field == "rent_eur_per_hour":
        return scenario.price_eur_per_hour is None
    return scenario.server_quote_eur is None and scenario.quote is None


def _with(typical: Drivers, scenario: Scenario, ends: dict[str, FloatArray], usual_rate: FloatArray) -> Drivers:
    """Inputs at other values; the exchange rate moves the catalog's dollar prices with it."""
    moved = typical
    for field, values in ends.items():
        moved = moved.replaced(field, values)
    if "eur_per_usd" in ends:
        for field in _DOLLAR_PRICES:
            if _in_dollars(scenario, field):
                moved = moved.replaced(field, getattr(typical, field) * ends["eur_per_usd"] / usual_rate)
    return moved
