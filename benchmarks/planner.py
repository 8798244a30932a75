"""How fast a plan follows from a scenario, and whether any of thousands of random scenarios breaks its promises.

The forecast is made by hand (9 t^-0.42 + c with draws), so that the figures are the cost model's own.
"""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from benchmarks.figure import Figure, at_most
from planner.catalog import Catalog, read_catalog
from planner.cost import Layout, Scenario, ServingMode, Tenure, analysed, cost_plan
from planner.cost.given import Risk
from planner.cost.plan import CostQuantiles, Plan, encode_plan
from planner.loss_paths import LossPaths
from planner.outcome import Asymptote, AsymptoteStatus, CurveBand, Forecast, Interval, Verdict, VerdictName
from planner.record import Calibration, CalibrationHeader, Configuration, Dataset, Hardware, LossKind, Schedule, XUnit
from planner.report.focus import focus_csv
from planner.report.sheet import board_csv
from planner.report.words import numbers

HORIZON = 40_000.0


def measure(quick: bool) -> list[Figure]:
    """Milliseconds on one core, and violations over random scenarios."""
    catalog, calibration = read_catalog(), _calibration()
    scenario = Scenario(target_loss=1.4, gpu="L4", budget_eur=5000.0, studies_per_day=120.0)
    forecast = _forecast(1.4)
    times = 5 if quick else 30

    def state() -> Plan:
        return cost_plan(forecast, calibration, scenario, catalog, with_options=False)

    def everything() -> Plan:
        return cost_plan(forecast, calibration, scenario, catalog)

    options = everything().options
    return [
        at_most("one state of the dashboard, 4,000 draws, one core, median", _milliseconds(state, times), "ms", 40),
        at_most(
            f"the same with all {len(options)} GPU x quantization x tenure, one core, median",
            _milliseconds(everything, times),
            "ms",
            150,
        ),
        _analysed_seconds(everything(), forecast, calibration, catalog, 1 if quick else 5),
        *_promises(300 if quick else 10_000, calibration, catalog),
    ]


def _analysed_seconds(plan: Plan, forecast: Forecast, calibration: Calibration, catalog: Catalog, times: int) -> Figure:
    """Front, comparisons, reselection, Sobol and inverse questions together; reported, nothing is aimed at."""

    def further() -> Plan:
        return analysed(plan, forecast, calibration, catalog, _paths)

    seconds = _milliseconds(further, times) / 1000
    return Figure(name="all that is asked beyond one year, median", value=seconds, unit="s")


def _promises(number: int, calibration: Calibration, catalog: Catalog) -> list[Figure]:
    """Violations in `number` random pairs of scenarios."""
    random = np.random.default_rng(1)
    broken = dict.fromkeys(
        (
            "lower target that costs less",
            "dearer GPU that costs less",
            "more re-tunings that cost less",
            "lines that do not add up to the cent on screen, in JSON and CSV",
            "fiscal years that do not add up to the cent, in JSON and CSV",
            "plans with NaN, infinity, -0 or a negative number",
        ),
        0,
    )
    same = 0
    for index in range(number):
        scenario = _random_scenario(random, catalog)
        here = _plan(scenario, calibration, catalog)
        lower, dearer, more = (
            _plan(msgspec.structs.replace(scenario, **changed), calibration, catalog)
            for changed in (
                {"target_loss": scenario.target_loss * random.uniform(0.4, 1.0)},
                _dearer(scenario, 1.0 + random.exponential(1.0)),
                {"retunings_per_year": scenario.retunings_per_year + random.exponential(3.0)},
            )
        )
        for name, other in zip(list(broken)[:3], (lower, dearer, more), strict=True):
            broken[name] += not _never_less(other, here)
        broken["lines that do not add up to the cent on screen, in JSON and CSV"] += not _lines_add_up(here)
        broken["fiscal years that do not add up to the cent, in JSON and CSV"] += not _years_add_up(here)
        broken["plans with NaN, infinity, -0 or a negative number"] += not all(
            math.isfinite(value) and math.copysign(1.0, value) > 0 for value in _figures(here)
        )
        if index < number // 20:
            same += encode_plan(here) != encode_plan(_plan(scenario, calibration, catalog))
    figures = [at_most(f"{name}, of {number:,}", float(count), "plans", 0) for name, count in broken.items()]
    return [*figures, at_most(f"same seed, other bytes, of {number // 20:,}", float(same), "plans", 0)]


def _lines_add_up(plan: Plan) -> bool:
    """The lines in the plan, in its JSON and in the sheet against the total of the plan."""
    total = _exact(plan.total_eur)
    written = json.loads(encode_plan(plan))
    sheet = csv.DictReader(io.StringIO(board_csv(plan).decode("utf-8-sig"), newline=""))
    return (
        total
        == sum((_exact(line.amount_eur) for line in plan.lines), start=Decimal(0))
        == sum((_exact(line["amount_eur"]) for line in written["lines"]), start=Decimal(0))
        == sum((Decimal(row["BilledCost"]) for row in sheet if row["x_Record"] == "line"), start=Decimal(0))
        == sum((Decimal(numbers.eur_cents(line.amount_eur).strip("€").replace(",", "")) for line in plan.lines),
               start=Decimal(0))
    )  # fmt: skip


def _years_add_up(plan: Plan) -> bool:
    """Cells of the cash by fiscal year in both directions, and the charges in FOCUS columns."""
    years = plan.years
    assert years is not None
    columns = [sum((_exact(line.amounts_eur[f]) for line in years.lines), start=Decimal(0))
               for f in range(len(years.years))]  # fmt: skip
    charges = csv.DictReader(io.StringIO(focus_csv(plan).decode(), newline=""))
    return (
        columns == [_exact(year.cash_eur) for year in years.years]
        and sum(columns, start=Decimal(0)) == _exact(years.total_eur)
        and sum((Decimal(row["BilledCost"]) for row in charges), start=Decimal(0)) == _exact(years.total_eur)
    )


def _exact(amount_eur: float) -> Decimal:
    return Decimal(repr(amount_eur))


def _figures(plan: Plan) -> list[float]:
    """Every number that the plan computes; what was typed may be negative, such as falling prices."""
    written = msgspec.to_builtins(plan)
    del written["scenario"]
    return _numbers(written)


def _dearer(scenario: Scenario, factor: float) -> dict[str, float]:
    assert scenario.price_eur_per_hour is not None
    assert scenario.server_quote_eur is not None
    return {
        "price_eur_per_hour": scenario.price_eur_per_hour * factor,
        "server_quote_eur": scenario.server_quote_eur * factor,
    }


def _never_less(dear: Plan, cheap: Plan) -> bool:
    def values(found: CostQuantiles) -> list[float]:
        return [math.inf if value is None else value for value in (found.p10, found.p50, found.p90)]

    ordered = all(
        more >= less * (1 - 1e-9)
        for more, less in zip(values(dear.cost_per_year), values(cheap.cost_per_year), strict=True)
    )
    assert dear.years is not None and cheap.years is not None
    over_years = all(
        more >= less * (1 - 1e-9) for more, less in zip(values(dear.years.cash), values(cheap.years.cash), strict=True)
    )
    rounding_eur = 0.01 * len(dear.lines)  # every line is rounded to the cent, in both plans
    return ordered and over_years and dear.total_eur >= cheap.total_eur - rounding_eur - 1e-9


def _numbers(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for part in parts for number in _numbers(part)]


def _plan(scenario: Scenario, calibration: Calibration, catalog: Catalog) -> Plan:
    forecast = _forecast(scenario.target_loss)
    return cost_plan(forecast, calibration, scenario, catalog, draws=300, with_options=False)


def _random_scenario(random: np.random.Generator, catalog: Catalog) -> Scenario:
    given = random.random(12) < 0.5
    return Scenario(
        target_loss=float(random.uniform(0.6, 3.0)),
        gpu=str(random.choice([gpu.gpu for gpu in catalog.gpus])),
        quantization=str(random.choice([row.quantization for row in catalog.quantizations])),
        tenure=Tenure(str(random.choice([tenure.value for tenure in Tenure]))),
        price_eur_per_hour=float(random.lognormal(0.5, 1.0)),
        server_quote_eur=float(random.lognormal(10.0, 1.0)),
        retunings_per_year=float(random.exponential(2.0)),
        retuning_share=float(random.uniform()),
        trials=1.0 + float(random.exponential(2.0)),
        studies_per_day=float(random.lognormal(4.0, 1.5)) if given[0] else None,
        serving_mode=ServingMode.ALWAYS_ON if given[1] else ServingMode.BATCH,
        staff_hours_per_year=float(random.lognormal(4.0, 1.0)) if given[2] else None,
        staff_eur_per_hour=60.0,
        vat_rate=0.21 if given[3] else 0.0,
        discount_rate=0.035 if given[4] else 0.0,
        budget_eur=float(random.lognormal(9.0, 1.0)) if given[5] else None,
        egress_gib_per_year=float(random.lognormal(5.0, 1.0)) if given[6] else None,
        support_eur_per_year=float(random.lognormal(6.0, 1.0)) if given[7] else None,
        horizon_years=int(random.integers(1, 11)),
        first_month=f"2027-{random.integers(1, 13):02d}",
        fiscal_year_start_month=int(random.integers(1, 13)),
        prepaid=bool(given[8]),
        carry_over=bool(given[9]),
        layout=Layout.PER_MODALITY if given[10] else Layout.JOINT,
        modality_count=int(random.integers(1, 5)),
        risks=(Risk(name="delay", probability=0.2, impact_eur=12_345.67, source="board"),) if given[11] else (),
    )


def _milliseconds(call: Callable[[], object], times: int) -> float:
    """Median processor time: what one core needs, whatever else the machine does."""
    call()
    found = []
    for _ in range(times):
        start = time.process_time()
        call()
        found.append(1000 * (time.process_time() - start))
    return statistics.median(found)


def _paths(studies: float | None) -> LossPaths:
    """The law of `_forecast` on a grid."""
    exponent, floor = _law_draws()
    horizon = HORIZON if studies is None else 4.0 * studies
    grid = np.geomspace(64.0, horizon, 80)
    return LossPaths(
        examples_q=grid,
        loss_mq=9.0 * grid ** -exponent[:, None] + floor[:, None],
        horizon_examples=horizon,
        limited_by="studies",
        unique_studies=studies,
        data_axis_measured=False,
    )


def _law_draws() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return random.normal(0.42, 0.02, 4000), random.normal(1.1, 0.08, 4000)


def _calibration() -> Calibration:
    """A CPU calibration of PaliGemma-3B without runs: the cost model needs its header only."""
    return Calibration(
        header=CalibrationHeader(
            calibration_id="benchmark",
            created="2026-11-24",
            illustration=False,
            loss_kind=LossKind.HELD_OUT,
            x_unit=XUnit.EXAMPLES,
            configuration=Configuration(
                model="google/paligemma-3b-pt-224", effective_batch_size=16, schedule=Schedule.SEPARATE
            ),
            dataset=Dataset(format="csv"),
            hardware=Hardware(device="cpu"),
        ),
        runs=(),
    )


def _forecast(target_loss: float) -> Forecast:
    exponent, floor = _law_draws()
    gap = target_loss - floor
    examples_m = np.where(gap > 0, (9.0 / np.maximum(gap, 1e-12)) ** (1.0 / exponent), np.inf)
    grid = np.geomspace(64.0, HORIZON, 60)
    middle = [float(9.0 * x**-0.42 + 1.1) for x in grid]
    return Forecast(
        target_loss=target_loss,
        examples_m=examples_m,
        asymptote=Asymptote(status=AsymptoteStatus.IDENTIFIED, p05=0.97, p50=1.1, p95=1.23, sentence="Made up."),
        verdict=Verdict(
            name=VerdictName.UNDECIDED,
            probability=float((examples_m <= HORIZON).mean()),
            sentence="Made up.",
            target_loss=target_loss,
            horizon_examples=HORIZON,
            horizon_reason="data",
        ),
        loss_at_horizon=Interval(p05=1.1, p50=1.2, p95=1.3),
        findings=(),
        band=CurveBand(examples=[float(x) for x in grid], p05=middle, p50=middle, p95=middle),
        measured_examples=[64.0, 512.0, 4096.0],
        measured_loss=[2.67, 1.76, 1.37],
        largest_examples=4096.0,
        sentence="Made up.",
    )
