"""Median calibration: where runs show hardly any noise, the fall goes on longer than the forms say.

Points without noise fix the bend of a curve so well that every form carries it on beyond them. On public loss curves
what was then measured lay lower, about on the straight line on double logarithmic paper that keeps the fall of the next
doubling. That way was counted: the median of ln loss is moved by

    share * P(a draw leaves its form and has little noise)**2 * min(line - median, 0)

Squared, because what a minority of draws says should move nothing. Where a curve is exactly of a form, or noisy, its
median stays; so do the floor, its status and all that was measured, and no median is moved below that of the floor.
Beyond the farthest ratio that was checked the move stays what it is there; where passes repeat, beyond the different
studies there are, as well. The numbers are data (`data/median_calibration.csv`), learned by
`python -m benchmarks.interval_calibration`.

Legend: _m draws, _q queried examples.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.errors import CatalogError, Mistake
from planner.law.posterior import Posterior
from planner.reading import parse_number, read_bytes, read_table
from planner.resources import data_directory

FloatArray = NDArray[np.float64]
FILE = "median_calibration.csv"
FIELDS = ("share", "noise_below", "farthest_ratio")
COLUMNS = (*FIELDS, "source", "as_of")
_GRID_POINTS = 7
_FAR = np.array([2.0, 8.0, 64.0, 1e3, 1e6])
_LEAST_FLOOR = 1e-300


class MedianCalibration(Struct, frozen=True, kw_only=True):
    """How far the median is moved.

    Attributes:
        share: Of the way to the straight line, from 0 to 1.
        noise_below: Relative standard deviation from one run to the next below which a draw counts as one of little
            noise.
        farthest_ratio: Examples over the largest measured ones beyond which nothing was checked.
    """

    share: float
    noise_below: float
    farthest_ratio: float


def moved(draws: Posterior, examples_q: FloatArray, last_examples: float) -> FloatArray:
    """How far ln loss is moved at `examples_q`, shape (q,), at most 0.

    Args:
        draws: Of the law.
        examples_q: Processed examples.
        last_examples: The largest measured ones; up to them nothing is moved.
    """
    table = median_calibration()
    return table.share * gap_to_line(draws, examples_q, last_examples, table)


def gap_to_line(draws: Posterior, examples_q: FloatArray, last_examples: float, table: MedianCalibration) -> FloatArray:
    """The whole way to the straight line for those draws that it is for, of ln loss, shape (q,), at most 0."""
    farthest = min(table.farthest_ratio * last_examples, draws.unique_available)
    rough = float(((draws.tau_m > 0) & (draws.sigma_m < table.noise_below)).mean())
    if farthest <= last_examples or rough == 0.0:
        return np.zeros(len(examples_q))
    doubled = min(2 * last_examples, farthest)
    grid = np.unique([*np.geomspace(last_examples, farthest, _GRID_POINTS), doubled, *(_FAR * farthest)])
    log_t = np.log(grid / last_examples)
    middle = np.median(np.log(draws.paths(grid)), axis=0)
    fall = (middle[0] - middle[grid == doubled][0]) / math.log(doubled / last_examples)
    gap = middle[0] - fall * log_t - middle
    gap[grid > farthest] = gap[grid == farthest]
    floor = math.log(max(float(np.median(draws.asymptotes())), _LEAST_FLOOR))
    gap = np.minimum(np.maximum(gap, floor - middle), 0.0)
    ahead = np.log(np.maximum(examples_q, last_examples) / last_examples)
    return np.asarray(rough**2 * np.interp(ahead, log_t, gap))


@functools.cache
def median_calibration() -> MedianCalibration:
    """The table, a single row.

    Raises:
        CatalogError: There is not one row, or a field is not a number.
    """
    path = data_directory() / FILE
    _, rows = read_table(read_bytes(path, error=CatalogError), file=FILE, required=COLUMNS, error=CatalogError)
    if len(rows) != 1:
        reason = f"expected one row; got {len(rows)}"
        raise CatalogError([Mistake(file=FILE, field="share", reason=reason, remedy="Install Plateau again")])
    number, row = rows[0]
    values = {name: parse_number(row[name], file=FILE, row=number, field=name, error=CatalogError) for name in FIELDS}
    return MedianCalibration(**values)
