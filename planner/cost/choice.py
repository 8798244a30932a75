"""Which option for this target: the cheapest at P50 and at P90, and the one that is regretted least."""

from __future__ import annotations

import numpy as np

from planner.cost.analyses import Choice, OptionName
from planner.cost.figures import in_eur
from planner.cost.options import Candidate, Options
from planner.cost.quantiles import rows_of_quantiles


def name_of(candidate: Candidate) -> OptionName:
    """What names a candidate."""
    scenario = candidate.scenario
    return OptionName(gpu=scenario.gpu, quantization=scenario.quantization, tenure=scenario.tenure.value)


def in_words(option: OptionName) -> str:
    """An option in a sentence."""
    named = f"{option.gpu} in {option.quantization}, {option.tenure.replace('_', ' ')}"
    return named if option.model is None else f"{option.model} (another calibration) on {named}"


def choose(found: Options, own: OptionName | None) -> Choice:
    """Compare the feasible options draw by draw; `own` is the plan's.

    Regret is what an option costs above the best one of the same draw (Savage 1951). All options share the draws of the
    law, so that a draw that misses the target misses it everywhere; regret is taken over the others.
    """
    feasible = [row for row, candidate in enumerate(found.candidates) if candidate.feasible]
    total = found.total_om[feasible]
    names = [name_of(found.candidates[row]) for row in feasible]
    reached = np.isfinite(total).all(axis=0) if len(total) else np.zeros(0, dtype=bool)
    if not reached.any():
        return _nothing(len(names), hours_known=any(candidate.hours_known for candidate in found.candidates))
    quantiles = rows_of_quantiles(total)
    cheapest = {at: _cheapest([getattr(row, at) for row in quantiles]) for at in ("p50", "p90")}
    regret = total[:, reached] - total[:, reached].min(axis=0)
    expected, largest = regret.mean(axis=1), regret.max(axis=1)
    least_expected, least_largest = int(expected.argmin()), int(largest.argmin())
    mine = names.index(own) if own in names else None
    middle, high = (None if row is None else names[row] for row in (cheapest["p50"], cheapest["p90"]))
    return Choice(
        cheapest_p50=middle,
        cheapest_p90=high,
        least_expected_regret=names[least_expected],
        least_largest_regret=names[least_largest],
        expected_regret_eur=float(expected[least_expected]),
        largest_regret_eur=float(largest[least_largest]),
        chosen_expected_regret_eur=None if mine is None else float(expected[mine]),
        chosen_largest_regret_eur=None if mine is None else float(largest[mine]),
        options=len(names),
        sentence=_sentence(
            middle, high, names[least_expected], None if mine is None else float(expected[mine]), len(names)
        ),
    )


def _cheapest(costs_eur: list[float | None]) -> int | None:
    """Index of the lowest cost; None where all are infinite."""
    known = [(cost, row) for row, cost in enumerate(costs_eur) if cost is not None]
    return min(known)[1] if known else None


def _nothing(options: int, *, hours_known: bool) -> Choice:
    if options:
        why = "No draw reaches the target, so no option can be called the cheapest."
    elif hours_known:
        why = "No option has the memory and a price."
    else:
        why = "Hours are unknown, so no option can be called the cheapest."
    return Choice(
        cheapest_p50=None,
        cheapest_p90=None,
        least_expected_regret=None,
        least_largest_regret=None,
        expected_regret_eur=None,
        largest_regret_eur=None,
        chosen_expected_regret_eur=None,
        chosen_largest_regret_eur=None,
        options=options,
        sentence=why,
    )


def _sentence(
    middle: OptionName | None, high: OptionName | None, regretted: OptionName, own_eur: float | None, options: int
) -> str:
    said = [f"Of {options} feasible options {in_words(regretted)} costs least on average where the target is reached."]
    if middle is not None:
        same = f"The cheapest at P50 is {in_words(middle)}"
        said.append(f"{same}, at P90 too." if high == middle else f"{same}.")
    if high is not None and high != middle:
        said.append(f"The cheapest at P90 is {in_words(high)}.")
    if own_eur is not None:
        said.append(f"The plan's own option costs {in_eur(own_eur)} a year above the best of each draw on average.")
    return " ".join(said)
