"""A calibration by one trunk with branches beside separate runs: steps, forecasts, floors; and what the record costs.

Same trainer, model, data and budgets; only the schedule differs. What is counted are optimizer steps, which are the
same on any machine. The forecast is that of four times the largest budget, and its truth is run, too.
"""

from __future__ import annotations

import math
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from benchmarks._protocol import SHARED
from benchmarks.figure import Figure, at_least, at_most
from planner.curve import LossCurve, loss_curves
from planner.law import Law, fit_law
from planner.record import Answers, Calibration, Eval, RunLog, Train
from trainer import checkpoint
from trainer.calibration import calibrate
from trainer.config import Settings
from trainer.sample import write_sample
from trainer.schedule import make_budgets, total_steps
from trainer.stopping import StopFlag

FloatArray = NDArray[np.float64]

BATCH = 8
FURTHER = 4
PRETRAINING_STEPS = 150


class Design(Struct, frozen=True, kw_only=True):
    """Budgets as multiples of an eighth of the largest."""

    name: str
    eighths: tuple[int, ...]
    reach: float


DESIGNS = (
    Design(name="4 doubling budgets", eighths=(1, 2, 4, 8), reach=1.5),
    Design(name="8 equally spaced budgets", eighths=(1, 2, 3, 4, 5, 6, 7, 8), reach=2.4),
)


def measure(quick: bool) -> list[Figure]:
    """Ratios separate / trunk, and errors in percent."""
    steps, seeds = (48, (0,)) if quick else (256, tuple(range(12)))
    examples = steps * BATCH
    with tempfile.TemporaryDirectory() as folder:
        found = _both_schedules(Path(folder), examples, seeds, studies=300 if quick else 1200)
    figures = []
    for design in DESIGNS:
        figures += _compared(design, found, examples, seeds)
    figures.append(_final_losses(found, examples, seeds))
    return figures + _overhead() + ([] if quick else _on_medpix())


def _both_schedules(folder: Path, examples: int, seeds: Sequence[int], *, studies: int) -> dict[str, LossCurve]:
    """All budgets of all designs and the further one, once a schedule and seed."""
    write_sample(folder / "hospital", seed=3, studies=studies)
    budgets = (*(eighth * examples // 8 for eighth in DESIGNS[-1].eighths), FURTHER * examples)
    found: dict[str, LossCurve] = {}
    for schedule in ("separate", "trunk"):
        out = folder / schedule
        if found:  # the small model is pretrained once
            (out / "work").mkdir(parents=True)
            shutil.copytree(folder / "separate" / "work" / "tiny", out / "work" / "tiny")
        settings = Settings(
            data=folder / "hospital",
            out=out,
            budgets=budgets,
            schedule=schedule,
            seeds=tuple(seeds),
            answers=0,
            held_out_examples=256,
            pretraining_steps=PRETRAINING_STEPS,
        )
        found[schedule] = loss_curves(calibrate(settings, StopFlag()).calibration)[0]
    return found


def _chosen(curve: LossCurve, examples: Sequence[int], seed: int) -> LossCurve:
    """Points of some budgets and one seed."""
    kept = [
        place
        for place, (run, count) in enumerate(zip(curve.run_n, curve.examples_n, strict=True))
        if run.endswith(f"-s{seed}") and count in examples
    ]
    index = np.array(kept)
    arrays: dict[str, Any] = {
        name: getattr(curve, name)[index] for name in ("examples_n", "loss_n", "unique_examples_n", "case_loss_sums_nk")
    }
    names = {name: tuple(getattr(curve, name)[place] for place in kept) for name in ("run_n", "trunk_n")}
    return structs.replace(curve, **arrays, **names)


def _compared(design: Design, found: dict[str, LossCurve], examples: int, seeds: Sequence[int]) -> list[Figure]:
    budgets = [eighth * examples // 8 for eighth in design.eighths]
    planned = make_budgets(budgets, BATCH)
    ratio = total_steps(planned, trunk=False) / total_steps(planned, trunk=True)
    laws = {schedule: [fit_law(_chosen(curve, budgets, seed)) for seed in seeds] for schedule, curve in found.items()}
    truth = np.mean([curve.loss_n[curve.examples_n == FURTHER * examples].mean() for curve in found.values()])
    errors = {
        schedule: np.array([100 * math.log(_forecast(law, FURTHER * examples) / truth) for law in each])
        for schedule, each in laws.items()
    }
    rms = {schedule: float(np.sqrt((each**2).mean())) for schedule, each in errors.items()}
    low, high = _interval_of_the_ratio(errors["trunk"], errors["separate"])
    pairs = list(zip(laws["trunk"], laws["separate"], strict=True))
    overlap = [one.asymptote.p05 <= two.asymptote.p95 and two.asymptote.p05 <= one.asymptote.p95 for one, two in pairs]
    apart = np.array([one.asymptote.p50 - two.asymptote.p50 for one, two in pairs])
    error = f" (± {apart.std(ddof=1) / math.sqrt(len(apart)):.3f})" if len(apart) > 1 else ""
    width = [law.asymptote.p95 - law.asymptote.p05 for each in laws.values() for law in each]
    return [
        at_least(f"{design.name}: steps, separate / trunk", ratio, "x", design.reach),
        Figure(
            name=f"  error of the forecast of {FURTHER}x, rms over seeds, separate", value=rms["separate"], unit="%"
        ),
        Figure(name=f"  error of the forecast of {FURTHER}x, rms over seeds, trunk", value=rms["trunk"], unit="%"),
        at_most("  trunk / separate, lower end of its 90 % interval over seeds", low, "x", 1.0),
        Figure(name="  trunk / separate, upper end", value=high, unit="x"),
        at_least("  90 % intervals of the asymptotes overlap", 100 * _mean(overlap), "% of seeds", 100.0),
        Figure(name=f"  asymptote, trunk minus separate{error}", value=float(apart.mean()), unit="nats"),
        Figure(name="  width of their 90 % intervals", value=_mean(width), unit="nats"),
    ]


def _interval_of_the_ratio(one: FloatArray, other: FloatArray) -> tuple[float, float]:
    """90 % interval of the ratio of two root mean squares, by drawing seeds again."""
    if len(one) < 2:
        return 0.0, math.inf
    random = np.random.default_rng(0)
    ratios = [
        math.sqrt(float((random.choice(one, len(one)) ** 2).mean() / (random.choice(other, len(other)) ** 2).mean()))
        for _ in range(2000)
    ]
    low, high = np.quantile(ratios, [0.05, 0.95])
    return float(low), float(high)


def _forecast(law: Law, examples: float) -> float:
    return float(np.median(law.paths(np.array([examples]))[:, 0]))


def _final_losses(found: dict[str, LossCurve], examples: int, seeds: Sequence[int]) -> Figure:
    """How much lower or higher a branch ends than the separate run of the same budget."""
    ratios = []
    for eighth in DESIGNS[-1].eighths:
        for seed in seeds:
            pair = [
                float(_chosen(found[schedule], [eighth * examples // 8], seed).loss_n[0])
                for schedule in ("trunk", "separate")
            ]
            ratios.append(100 * (pair[0] / pair[1] - 1))
    error = statistics.stdev(ratios) / math.sqrt(len(ratios))
    return Figure(name=f"final loss, branch against separate run (± {error:.2f})", value=_mean(ratios), unit="%")


def _overhead() -> list[Figure]:
    """Wall time of evaluations and of all writing, as a share of a whole default calibration without generation."""
    spent = {"record": 0.0}

    def timed(real: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return real(*arguments, **options)
            finally:
                spent["record"] += time.perf_counter() - start

        return measured

    append, write = RunLog.append, checkpoint.write
    RunLog.append = timed(append)  # type: ignore[method-assign]
    checkpoint.write = timed(write)
    try:
        with tempfile.TemporaryDirectory() as folder:
            write_sample(Path(folder) / "hospital", seed=3, studies=400)
            data, out = Path(folder) / "hospital", Path(folder) / "record"
            settings = Settings(data=data, out=out, pretraining_steps=PRETRAINING_STEPS)
            calibration = calibrate(settings, StopFlag()).calibration
    finally:
        RunLog.append = append  # type: ignore[method-assign]
        checkpoint.write = write
    evaluated = sum(event.eval_seconds for run in calibration.runs for event in run.of(Eval))
    trained = _train_seconds(calibration)
    share = 100 * (spent["record"] + evaluated) / (trained + spent["record"] + evaluated)
    answered = sum(event.generation_seconds for run in calibration.runs for event in run.of(Answers))
    return [
        at_most("record keeping and evaluation, share of run time without generation", share, "%", 5.0),
        Figure(name="  of it record keeping", value=100 * spent["record"] / (trained + evaluated), unit="%"),
        Figure(name="  generation beside it", value=100 * answered / (trained + evaluated), unit="%"),
    ]


def _train_seconds(calibration: Calibration) -> float:
    """Every step once: the clock of a branch goes on from its trunk's, which is counted already."""
    runs = [run for run in calibration.runs if run.finished and run.started]
    of_trunks: dict[float, float] = {}
    total = 0.0
    for run in runs:
        if run.started and run.finished and run.started.branch_of is None:
            total += run.finished.train_seconds or 0.0
            of_trunks |= {event.examples: event.train_seconds for event in run.of(Train)}
    for run in runs:
        if run.started and run.finished and run.started.branch_of is not None:
            first = min(event.examples for event in run.of(Train))
            before = max((at for at in of_trunks if at < first), default=None)
            total += (run.finished.train_seconds or 0.0) - (of_trunks[before] if before is not None else 0.0)
    return total


def _on_medpix() -> list[Figure]:
    """A whole small calibration on real captions, where the dataset lies beside the checkout."""
    data = SHARED / "medpix-2.0"
    if not data.is_dir():
        return [Figure(name="MedPix 2.0 is not in ../shared: nothing measured", value=0.0, unit="minutes")]
    with tempfile.TemporaryDirectory() as folder:
        start, cpu = time.perf_counter(), time.process_time()
        outcome = calibrate(Settings(data=data, out=Path(folder) / "record"), StopFlag())
        minutes, busy = (time.perf_counter() - start) / 60, (time.process_time() - cpu) / 60
        curve = loss_curves(outcome.calibration)[0]
    law = fit_law(curve)
    sys.stderr.write(f"{law.asymptote.sentence}\n")
    rises = [
        (after - before) / _standard_error(curve, place)
        for place, (before, after) in enumerate(zip(curve.loss_n, curve.loss_n[1:], strict=False))
    ]
    return [
        at_most(f"tiny calibration on MedPix 2.0, {len(curve.loss_n)} budgets", minutes, "minutes", 8.0),
        Figure(name="  CPU time of it", value=busy, unit="minutes"),
        Figure(name="  first final loss", value=float(curve.loss_n[0]), unit="nats"),
        Figure(name="  last final loss", value=float(curve.loss_n[-1]), unit="nats"),
        at_most("  largest rise between budgets, in standard errors (paired by case)", max(rises), "", 2.0),
        Figure(name="  asymptote, 5 %", value=law.asymptote.p05, unit="nats"),
        Figure(name="  asymptote, 95 %", value=law.asymptote.p95, unit="nats"),
    ]


def _standard_error(curve: LossCurve, place: int) -> float:
    """Of the difference of two neighbouring losses, by case: both saw the same ones."""
    assert curve.case_loss_sums_nk is not None and curve.case_tokens_k is not None
    sums = curve.case_loss_sums_nk[place + 1] - curve.case_loss_sums_nk[place]
    tokens = curve.case_tokens_k
    mean = sums.sum() / tokens.sum()
    return float(np.sqrt(((sums - mean * tokens) ** 2).sum()) / tokens.sum())


def _mean(values: Sequence[float]) -> float:
    return float(statistics.mean(values))
