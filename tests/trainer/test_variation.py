"""Configurations, replicates and subsets: what is run, under which names, at which budgets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.curve import loss_curves
from planner.errors import InputError
from planner.record import LearningRateCheck, Probe, Started, read_calibration
from tests.trainer.conftest import Make, small
from trainer.calibration import calibrate, final_losses
from trainer.config import Settings, Variation
from trainer.dataset import Example
from trainer.held_out import evaluated, held_out_limit
from trainer.schedule import make_budgets
from trainer.series import open_series, series_of, subset
from trainer.stopping import StopFlag
from trainer.variation import variants_of


def vary(**values: str) -> tuple[Variation, ...]:
    return tuple(Variation(key=key, values=tuple(listed.split(","))) for key, listed in values.items())


def of(options: dict[str, object]) -> Settings:
    return small(Path("x"), Path("y"), **options)


def examples(cases: int, each: int) -> tuple[Example, ...]:
    return tuple(
        Example(image=Path(f"{n}.png"), prompt="p", answer="a", case=f"c{n // each}", file="f", row=n)
        for n in range(cases * each)
    )


def test_a_star_changes_one_key_at_a_time_from_the_first_values() -> None:
    variants = variants_of(of({"vary": vary(targets="all-linear,attention", context="32,64,128")}))
    assert [variant.tag for variant in variants] == ["", "attention", "c64", "c128"]
    assert [(v.settings.lora_targets, v.settings.context()) for v in variants] == [
        ("all-linear", 32), ("attention", 32), ("all-linear", 64), ("all-linear", 128),
    ]  # fmt: skip


def test_a_grid_makes_every_combination_and_every_run_has_a_name_of_its_own() -> None:
    settings = of({"vary": vary(targets="attention,all-linear", mask="suffix,full", accumulation="1,2"), "grid": True})
    variants = variants_of(settings)
    assert len(variants) == len({v.tag for v in variants}) == 8
    prefixes = [v.prefix for v in variants if v.tag]
    assert not [(a, b) for a in prefixes for b in prefixes if a != b and b.startswith(a)]
    for variant in variants:
        assert variant.of_run(f"{variant.prefix}b0000064-s0")
        assert sum(other.of_run(f"{variant.prefix}b0000064-s0") for other in variants) == 1


def test_accumulation_multiplies_the_effective_batch_and_budgets_stay_equal_in_examples() -> None:
    variants = variants_of(of({"micro_batch_size": 4, "effective_batch_size": 4, "budgets": (30, 60, 130),
                               "vary": vary(accumulation="1,3,4")}))  # fmt: skip
    assert [v.settings.effective_batch() for v in variants] == [4, 12, 16]
    planned = [
        [b.examples for b in make_budgets(v.settings.budget_examples(), v.settings.effective_batch())] for v in variants
    ]
    assert planned[0] == planned[1] == planned[2]
    assert all(count % 48 == 0 for count in planned[0])


@given(st.integers(2, 30), st.integers(1, 4), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_subsets_are_whole_cases_and_nested(cases: int, each: int, one: float, other: float) -> None:
    training = examples(cases, each)
    smaller, larger = (set(subset(training, share)) for share in sorted((one, other)))
    assert smaller <= larger
    for chosen in (smaller, larger):
        inside = {training[index].case for index in chosen}
        assert chosen == {index for index, example in enumerate(training) if example.case in inside}
    assert len(subset(training, 1.0)) == len(training)


def test_only_budgets_that_repeat_a_subset_are_run_on_it_and_only_for_the_base() -> None:
    training = examples(40, 2)
    settings = of({"subsets": (0.25, 0.5), "seeds": (1,), "vary": vary(targets="all-linear,attention")})
    series = series_of(settings, variants_of(settings), training)
    assert [(s.variant.tag, s.seed, s.share, [b.examples for b in s.budgets]) for s in series] == [
        ("", 0, 1.0, [32, 64, 128]),
        ("", 1, 1.0, [32, 64, 128]),
        ("", 0, 0.5, [64, 128]),
        ("", 0, 0.25, [32, 64, 128]),
        ("attention", 0, 1.0, [32, 64, 128]),
        ("attention", 1, 1.0, [32, 64, 128]),
    ]
    names = [run for s in series for run in (s.trunk, *(s.run(b) for b in s.budgets))]
    assert len(names) == len(set(names))
    done = {name for name in names if "-p50" not in name}
    (left,) = open_series(series, done, trunk=True)
    assert left.share == 0.5


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 200))
def test_what_is_evaluated_is_spread_over_the_cases(cases: int, each: int, limit: int) -> None:
    held_out = examples(cases, each)
    kept = evaluated(held_out, limit)
    assert len(kept) == min(limit, len(held_out))
    assert list(kept) == [example for example in held_out if example in kept]
    counts = Counter(example.case for example in kept)
    assert len(counts) == min(cases, limit)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert set(kept) <= set(evaluated(held_out, limit + 1))


def test_a_held_out_set_of_any_size_costs_a_few_percent_and_a_given_number_is_obeyed() -> None:
    budgets = make_budgets([16 * 2**n for n in range(8, 14)], 16)
    limit = held_out_limit(of({"effective_batch_size": 16, "micro_batch_size": 4, "budgets": (32, 64)}), budgets)
    trained = 16 * (budgets[-1].cool_down_from + sum(b.steps - b.cool_down_from for b in budgets))
    assert 0.03 < 0.4 * limit * 7 / trained <= 0.04
    assert held_out_limit(of({"held_out_examples": 5}), budgets) == 5


@pytest.mark.training
def test_one_record_holds_all_configurations_on_the_same_held_out_tokens(
    settings: Make, finished: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = {
        "vary": vary(targets="all-linear,attention", context="5,32", mask="suffix,full"),
        "budgets": (32, 64),
        "answers": 0,
    }
    assert calibrate(settings("varied", **options), StopFlag()).exit_code == 0
    record = read_calibration(settings("varied").out)
    curves = loss_curves(record)
    changed = [
        (c.configuration.lora_targets, c.configuration.context_length_tokens, c.configuration.loss_mask) for c in curves
    ]
    assert changed == [
        ("all-linear", 5, "suffix"),
        ("attention", 5, "suffix"),
        ("all-linear", 32, "suffix"),
        ("all-linear", 5, "full"),
    ]
    tokens = [list(curve.case_tokens_k) for curve in curves]  # type: ignore[arg-type]
    assert tokens == [tokens[0]] * 4
    assert sum(tokens[0]) > 5 * record.header.dataset.held_out_examples * 0.9  # cut at 32, not at 5
    assert len({round(curve.loss_n[-1], 6) for curve in curves}) == 4
    for curve in curves:
        assert curve.examples_n.tolist() == [32, 64]
    timed = {run.id: len(run.of(Probe)) for run in record.runs if run.of(Probe)}
    assert set(timed) == {"trunk-s0", "v.attention.trunk-s0", "v.c32.trunk-s0", "v.full.trunk-s0"}
    # The model is loaded and the images are read once for all of them.
    talk = capfd.readouterr().err
    assert talk.count("Configuration ") == 3
    assert "Image features" not in talk or talk.count("Image features: 40 of 40") <= 1
    before = {path: path.read_bytes() for path in settings("varied").out.rglob("*.jsonl")}
    assert calibrate(settings("varied", resume=True, **options), StopFlag()).exit_code == 0
    assert before == {path: path.read_bytes() for path in settings("varied").out.rglob("*.jsonl")}


@pytest.mark.training
def test_a_configuration_can_be_added_later_but_not_other_held_out_tokens(settings: Make) -> None:
    options: dict[str, object] = {"budgets": (32, 64), "answers": 0}
    calibrate(settings("later", **options), StopFlag())
    options |= {"resume": True}
    added = calibrate(settings("later", vary=vary(targets="all-linear,attention"), **options), StopFlag())
    assert len(loss_curves(added.calibration)) == 2
    with pytest.raises(InputError, match="held-out tokens"):
        calibrate(settings("later", vary=vary(context="4,5"), **options), StopFlag())


@pytest.mark.training
def test_subsets_and_seeds_become_points_of_the_same_curve_with_fewer_different_examples(settings: Make) -> None:
    outcome = calibrate(settings("subsets", subsets=(0.25,), seeds=(1,), budgets=(32, 64), answers=0), StopFlag())
    (curve,) = loss_curves(outcome.calibration)
    runs = {run.id: run.of(Started)[0].unique_examples for run in outcome.calibration.runs}
    assert runs["b0000064-s0-p25"] < runs["b0000064-s0"] == runs["b0000064-s1"]
    points = list(zip(curve.examples_n.tolist(), curve.unique_examples_n.tolist(), strict=True))
    assert (64.0, float(runs["b0000064-s0-p25"])) in points
    assert points.count((64.0, 64.0)) == 2
    assert len({event.loss for _, event in final_losses(outcome.calibration)}) == len(points)


@pytest.mark.training
def test_short_runs_choose_a_rate_for_every_configuration_and_a_resume_keeps_it(settings: Make) -> None:
    options: dict[str, object] = {
        "vary": vary(targets="all-linear,attention"),
        "budgets": (32, 64),
        "answers": 0,
        "learning_rate_check": True,
    }
    outcome = calibrate(settings("rates", **options), StopFlag())
    checks = {run.id: run.of(LearningRateCheck) for run in outcome.calibration.runs if run.of(LearningRateCheck)}
    assert set(checks) == {"rates", "v.attention.rates"}
    for events in checks.values():
        (chosen,) = [event for event in events if event.chosen]
        assert chosen.loss == min(event.loss for event in events if event.loss is not None)
        assert len(events) >= 3
    base, other = loss_curves(outcome.calibration)
    for curve, name in ((base, "rates"), (other, "v.attention.rates")):
        assert curve.configuration.learning_rate == next(e.learning_rate for e in checks[name] if e.chosen)
    again = calibrate(settings("rates", resume=True, seeds=(1,), **options), StopFlag())
    assert again.exit_code == 0
    assert {run.id for run in again.calibration.runs if run.of(LearningRateCheck)} == set(checks)
    assert [curve.configuration for curve in loss_curves(again.calibration)] == [
        base.configuration, other.configuration,
    ]  # fmt: skip
