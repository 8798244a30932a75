"""Median calibration: a curve of hardly any noise that is not exactly of a form falls on; others keep their median."""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pytest

from planner.curve import LossCurve, curve_from_arrays
from planner.errors import CatalogError
from planner.law import fit_law
from planner.law.median import COLUMNS, FILE, median_calibration, moved
from planner.resources import data_directory

BUDGETS = 256 * 2.0 ** np.arange(8)
FARTHER = np.array([1.0, 1.5, 2.0, 4.0, 8.0, 16.0, 64.0]) * BUDGETS[-1]


def bent() -> LossCurve:
    """No noise, and of no form: the fall per doubling itself rises and falls."""
    log_t = np.log(BUDGETS / BUDGETS[0])
    return curve_from_arrays(BUDGETS, 3.0 * np.exp(-0.12 * log_t + 0.02 * np.sin(1.3 * log_t)))


def shift_of(curve: LossCurve, examples: np.ndarray = FARTHER) -> np.ndarray:
    return moved(fit_law(curve).draws, examples, float(curve.examples_n[-1]))


def test_a_curve_without_noise_that_leaves_its_forms_falls_on() -> None:
    shift = shift_of(bent())
    assert shift[0] == 0.0
    assert (np.diff(shift) <= 0).all()
    assert shift[4] < -0.005
    assert shift[4:] == pytest.approx(shift[4]), "nothing was checked beyond eight times"


def test_the_forecast_lies_between_the_median_of_the_law_and_the_straight_line() -> None:
    law = fit_law(bent())
    own = np.median(np.log(law.draws.paths(FARTHER)), axis=0)
    told = np.median(np.log(law.paths(FARTHER)), axis=0)
    ahead = np.log(FARTHER / BUDGETS[-1])
    line = own[0] - (own[0] - own[2]) / ahead[2] * ahead
    within = slice(3, 5)
    assert (told[within] < own[within]).all()
    assert (told[within] >= line[within] - 1e-3).all()


@pytest.mark.parametrize(("points", "noise"), [(24, 0.0), (8, 0.02)])
def test_many_points_on_an_exact_law_and_noisy_ones_keep_their_median(points: int, noise: float) -> None:
    t = np.geomspace(BUDGETS[0], BUDGETS[-1], points)
    factor = 1 + noise * np.random.default_rng(0).standard_normal(points)
    assert (np.abs(shift_of(curve_from_arrays(t, (20 * t**-0.5 + 1.0) * factor))) < 0.001).all()


def test_passes_over_the_same_studies_are_not_straightened() -> None:
    unique = np.minimum(BUDGETS, BUDGETS[-2])
    repeated = msgspec.structs.replace(bent(), unique_examples_n=unique)
    assert (shift_of(repeated) == 0.0).all()


def test_what_was_measured_is_not_moved() -> None:
    assert (shift_of(bent(), BUDGETS) == 0.0).all()


def test_the_table_has_one_row_with_a_source_and_a_date() -> None:
    with (data_directory() / FILE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [set(row) for row in rows] == [set(COLUMNS)]
    assert rows[0]["source"] and rows[0]["as_of"]
    assert 0 <= median_calibration().share <= 1


@pytest.mark.parametrize("text", ["", "1,0.005,8,here,2026-11-30\n" * 2, "much,0.005,8,here,2026-11-30\n"])
def test_a_broken_table_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_text(",".join(COLUMNS) + "\n" + text, encoding="utf-8")
    monkeypatch.setattr("planner.law.median.data_directory", lambda: tmp_path)
    with pytest.raises(CatalogError, match=FILE):
        median_calibration.__wrapped__()


def test_no_median_is_moved_below_that_of_the_floor() -> None:
    curve = curve_from_arrays(BUDGETS, 5 * BUDGETS**-0.4 + 1)
    law = fit_law(curve)
    examples = np.geomspace(BUDGETS[-1], 1e6 * BUDGETS[-1], 40)
    assert shift_of(curve, examples).min() < -0.005, "there is something to limit"
    assert np.median(law.paths(examples), axis=0).min() >= np.median(law.draws.asymptotes()) * (1 - 1e-3)
