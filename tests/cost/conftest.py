"""A catalog, a calibration, and forecasts made by hand: the cost model is tested without the law."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from planner.catalog import Catalog, read_catalog
from planner.outcome import Asymptote, AsymptoteStatus, CurveBand, Forecast, Interval, Verdict, VerdictName
from planner.record import Calibration
from tests.factories import example_calibration

TODAY = datetime.date(2026, 11, 24)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return read_catalog()


@pytest.fixture(scope="session")
def illustration() -> Calibration:
    return example_calibration()


@pytest.fixture(scope="session")
def own() -> Calibration:
    """A calibration of the real model, timed on a CPU."""
    return example_calibration(illustration=False)


def made_forecast(
    target_loss: float, *, floor: float = 1.1, floor_sd: float = 0.08, horizon: float = 40_000.0, draws: int = 1500
) -> Forecast:
    """loss = 9 t^(-b) + c with draws of b and c that do not depend on the target."""
    random = np.random.default_rng(5)
    exponent = random.normal(0.42, 0.02, draws)
    floor_m = random.normal(floor, floor_sd, draws)
    gap = target_loss - floor_m
    with np.errstate(invalid="ignore", divide="ignore"):
        examples_m = np.where(gap > 0, (9.0 / np.maximum(gap, 1e-12)) ** (1.0 / exponent), np.inf)
    chance = float((examples_m <= horizon).mean())
    name = (
        VerdictName.REACHABLE if chance >= 0.9 else VerdictName.UNREACHABLE if chance <= 0.1 else VerdictName.UNDECIDED
    )
    grid = [64.0, 512.0, 4096.0, horizon]
    return Forecast(
        target_loss=target_loss,
        examples_m=examples_m,
        asymptote=Asymptote(
            status=AsymptoteStatus.IDENTIFIED, p05=0.97, p50=floor, p95=1.23, sentence="Between 0.97 and 1.23."
        ),
        verdict=Verdict(
            name=name,
            probability=chance,
            sentence="Made up.",
            target_loss=target_loss,
            horizon_examples=horizon,
            horizon_reason="data",
        ),
        loss_at_horizon=Interval(p05=1.1, p50=1.2, p95=1.3),
        findings=(),
        band=CurveBand(
            examples=grid,
            p05=[float(9 * x**-0.42 + 0.97) for x in grid],
            p50=[float(9 * x**-0.42 + 1.1) for x in grid],
            p95=[float(9 * x**-0.42 + 1.23) for x in grid],
        ),
        measured_examples=grid[:3],
        measured_loss=[float(9 * x**-0.42 + 1.1) for x in grid[:3]],
        largest_examples=4096.0,
        sentence="loss = 9 examples^(-0.42) + 1.1",
    )
