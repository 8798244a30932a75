"""How fast a plan follows from a scenario, and whether any of thousands of random scenarios breaks its promises.

The forecast is made by hand (9 t^-0.42 + c with draws), so that the figures are the cost model's own.
"""

from __future__ import annotations

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
from planner.cost import Scenario, ServingMode, Tenure, cost_plan
from planner.cost.plan import CostQuantiles, Plan, encode_plan
from planner.outcome import Asymptote, AsymptoteStatus, CurveBand, Forecast, Interval, Verdict, VerdictName
from planner.record import Calibration, CalibrationHeader, Configuration, Dataset, Hardware, LossKind, Schedule, XUnit

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
        at_most("one state of the dashboard, 4,000 draws, median", _milliseconds(state, times), "ms", 40),
        at_most(
            f"the same with all {len(options)} GPU x quantization x tenure, median",
            _milliseconds(everything, times),
            "ms",
            150,
        ),
        *_promises(300 if quick else 10_000, calibration, catalog),
    ]


def _promises(number: int, calibration: Calibration, catalog: Catalog) -> list[Figure]:
    """Violations in `number` random pairs of scenarios."""
    random = np.random.default_rng(1)
    broken = dict.fromkeys(
        (
            "lower target that costs less",
            "dearer GPU that costs less",
            "more re-tunings that cost less",
            "lines that do not add up to the cent",
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
        total = sum((Decimal(repr(line.amount_eur)) for line in here.lines), start=Decimal(0))
        broken["lines that do not add up to the cent"] += total != Decimal(repr(here.total_eur))
        broken["plans with NaN, infinity, -0 or a negative number"] += not all(
            math.isfinite(value) and math.copysign(1.0, value) > 0 for value in _numbers(msgspec.to_builtins(here))
        )
        if index < number // 20:
            same += encode_plan(here) != encode_plan(_plan(scenario, calibration, catalog))
    figures = [at_most(f"{name}, of {number:,}", float(count), "plans", 0) for name, count in broken.items()]
    return [*figures, at_most(f"same seed, other bytes, of {number // 20:,}", float(same), "plans", 0)]


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
    return ordered and dear.total_eur >= cheap.total_eur - 0.02


def _numbers(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for part in parts for number in _numbers(part)]


def _plan(scenario: Scenario, calibration: Calibration, catalog: Catalog) -> Plan:
    forecast = _forecast(scenario.target_loss)
    return cost_plan(forecast, calibration, scenario, catalog, draws=300, with_options=False)


def _random_scenario(random: np.random.Generator, catalog: Catalog) -> Scenario:
    given = random.random(5) < 0.5
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
    )


def _milliseconds(call: Callable[[], object], times: int) -> float:
    call()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    return statistics.median(found)


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
    random = np.random.default_rng(5)
    exponent, floor = random.normal(0.42, 0.02, 4000), random.normal(1.1, 0.08, 4000)
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
