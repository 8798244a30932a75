"""How far raters agree beyond chance: Krippendorff's alpha for ordinal ratings, with gaps.

Klaus Krippendorff, Computing Krippendorff's Alpha-Reliability (2011). 1: full agreement, 0: as by chance, below 0:
systematic disagreement. 0.8 is often asked for, 0.67 for tentative conclusions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def ordinal_alpha(units: Sequence[Sequence[int]]) -> float | None:
    """Alpha of the ratings that each unit got, one sequence a unit; raters may have left units out.

    Returns:
        None where no unit has two ratings, or all ratings are the same: then nothing can be told.
    """
    paired = [ratings for ratings in units if len(ratings) > 1]
    levels = sorted({rating for ratings in paired for rating in ratings})
    if len(levels) < 2:
        return None
    place = {level: index for index, level in enumerate(levels)}
    coincidences = np.zeros((len(levels), len(levels)))
    for ratings in paired:
        counts = np.bincount([place[rating] for rating in ratings], minlength=len(levels)).astype(float)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(ratings) - 1)
    frequency = coincidences.sum(axis=1)
    # Ordinal distance: the ratings between two levels, half of those at either end.
    below = np.cumsum(frequency) - frequency / 2
    distance = (below[:, None] - below[None, :]) ** 2
    expected = (np.outer(frequency, frequency) * distance).sum() / (frequency.sum() - 1)
    return 1.0 - float((coincidences * distance).sum() / expected)
