"""Model, bits and hardware chosen anew each year, as prices move, against staying with the plan's own.

Models are the plan's own, those of further calibrations, each with its own law, and smaller ones that are assumed.

The cheapest path through the years is found exactly: a state is an option and the year in which it was chosen, a switch
costs all trials and a calibration again. Only what can be left after a year is on offer (rent on demand or spot).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.cost.analyses import OptionName, Reselection, YearSelection
from planner.cost.basis import planned_model
from planner.cost.case import Case, asked
from planner.cost.choice import in_words, name_of
from planner.cost.drivers import Drivers
from planner.cost.figures import in_eur
from planner.cost.growth import Growth, growth_drawn, growth_expected, in_year, scenario_in_year
from planner.cost.options import OPTION_DRAWS, Candidate, Options, compared
from planner.cost.quantiles import NEVER, quantiles
from planner.cost.scenario import Tenure
from planner.cost.yearly import Work, yearly_cost
from planner.hardware.memory import usable_gib
from planner.outcome import Forecast, Quantiles
from planner.record import UNKNOWN, Calibration

FloatArray = NDArray[np.float64]

ON_OFFER = (Tenure.ON_DEMAND, Tenure.SPOT)


class Offer(Struct, frozen=True, kw_only=True):
    """An option that can be taken in any year.

    Attributes:
        model: Name of the calibration it comes from; None: the plan's own.
        calibration_examples: What that calibration itself costs.
        typical_examples: Of a fine-tuning in the budget scenario, shape (1,).
    """

    candidate: Candidate
    model: str | None
    calibration_examples: float
    typical_examples: FloatArray

    @property
    def name(self) -> OptionName:
        """What names it."""
        return msgspec.structs.replace(name_of(self.candidate), model=self.model)


def offers_of(case: Case, model: str, calibration: Calibration, forecast: Forecast) -> list[Offer]:
    """What another calibration puts on offer: its model at its own bits, on every GPU that can be rented by the year.

    Raises:
        CatalogError: The catalog does not know the bits.
    """
    question, scenario, _, _ = asked(
        forecast, calibration, case.scenario, case.question.catalog, seed=case.question.seed, day=case.question.day
    )
    bits = calibration.header.configuration.quantization
    found = compared(question, scenario, planned_model(calibration, case.question.catalog))
    return [
        Offer(
            candidate=candidate,
            model=model,
            calibration_examples=question.calibration_examples,
            typical_examples=candidate.drivers.medians().examples,
        )
        for candidate in found.candidates
        if _on_offer(candidate) and bits in (None, UNKNOWN, candidate.scenario.quantization)
    ]


def _on_offer(candidate: Candidate) -> bool:
    return candidate.hours_known and candidate.scenario.tenure in ON_OFFER


class _Step(Struct, frozen=True, kw_only=True):
    """What is used in a year: an option, and the year from which it is used."""

    option: int
    since: int


def reselection(case: Case, candidate: Candidate, found: Options, further: Sequence[Offer] = ()) -> Reselection | None:
    """The cheapest path of yearly choices; None where the plan has one year, or nothing is on offer.

    Args:
        case: The plan.
        candidate: Its own option with its draws.
        found: All options.
        further: What other calibrations put on offer.
    """
    years = case.scenario.horizon_years
    own = [candidate, *(o for o in found.candidates if _on_offer(o) and name_of(o) != name_of(candidate))]
    options = [
        *(
            Offer(
                candidate=option,
                model=None,
                calibration_examples=case.question.calibration_examples,
                typical_examples=case.typical.examples,
            )
            for option in own
        ),
        *further,
    ]
    if years < 2 or len(options) < 2:
        return None
    growth = growth_expected(case.scenario, case.question.catalog)
    keep_hok, switch_ho = _costs(case, options, growth)
    path = _cheapest_path(keep_hok, switch_ho, growth.discount_rate)
    stay = np.concatenate([[switch_ho[0, 0]], keep_hok[1:, 0, 0]])
    paid = np.array(
        [
            switch_ho[year, step.option] if step.since == year else keep_hok[year, step.option, step.since]
            for year, step in enumerate(path)
        ]
    )
    discount = (1.0 + growth.discount_rate) ** -np.arange(years)
    ratio = _ratio(case, options, path)
    rows = [
        YearSelection(
            year=year + 1,
            option=options[step.option].name,
            model_share=(1.0 - case.scenario.smaller_models_per_year) ** step.since,
            changed=step.since == year and year > 0,
            cost_eur=float(paid[year]),
            stay_eur=float(stay[year]),
        )
        for year, step in enumerate(path)
    ]
    total, stay_total = float(paid @ discount), float(stay @ discount)
    return Reselection(
        years=rows,
        total_eur=total,
        stay_total_eur=stay_total,
        ratio=ratio,
        sentence=_sentence(case, rows, total, stay_total),
    )


def _costs(case: Case, options: list[Offer], growth: Growth) -> tuple[FloatArray, FloatArray]:
    """Cost of keeping an option since year k, shape (h, o, k), and of switching to it, shape (h, o); inf: unfit."""
    years = case.scenario.horizon_years
    shares = np.asarray((1.0 - case.scenario.smaller_models_per_year) ** np.arange(years), dtype=np.float64)
    keep = np.full((years, len(options), years), np.inf)
    switch = np.full((years, len(options)), np.inf)
    for row, offer in enumerate(options):
        option = offer.candidate
        usable = usable_gib(option.gpu, case.question.catalog)
        fits = (option.memory.gib_p95 * shares <= usable) if row else np.ones(years, dtype=bool)
        typical = option.drivers.medians().replaced("examples", offer.typical_examples)
        for year in range(years):
            smaller = _smaller(in_year(typical, growth, option.scenario, year), shares)
            kept, new = (_total(case, option, smaller, year, work) for work in _works(case, offer, year))
            keep[year, row] = np.where(fits & (np.arange(years) < max(year, 1)), kept, np.inf)
            switch[year, row] = new[year] if fits[year] else np.inf
    return keep, switch


def _works(case: Case, offer: Offer, year: int) -> tuple[Work, Work]:
    """Of a year in which the option is kept, and of one in which it is new."""
    kept = Work(trials=0.0, retunings=case.scenario.retunings_per_year)
    new = Work(
        trials=case.scenario.trials,
        retunings=case.scenario.retunings_per_year,
        calibration_examples=offer.calibration_examples,
        once=year == 0,
    )
    return kept, new


def _smaller(drivers: Drivers, share: FloatArray | float) -> Drivers:
    """The same with a model of this size: seconds go with it."""
    return msgspec.structs.replace(
        drivers,
        training_s_per_example=drivers.training_s_per_example * share,
        once_per_image_s=drivers.once_per_image_s * share,
        answering_s_per_study=drivers.answering_s_per_study * share,
    )


def _total(case: Case, option: Candidate, drivers: Drivers, year: int, work: Work) -> FloatArray:
    here = scenario_in_year(option.scenario, year)
    return yearly_cost(drivers, here, option.gpu, case.question.catalog, work).total


def _cheapest_path(keep_hok: FloatArray, switch_ho: FloatArray, rate: float) -> list[_Step]:
    """Exact dynamic programme over (option, year of choice); the first year is always a choice."""
    years, options = switch_ho.shape
    best = np.full((years, options, years), np.inf)
    best[0, :, 0] = switch_ho[0]
    for year in range(1, years):
        discount = (1.0 + rate) ** -year
        best[year] = best[year - 1] + discount * keep_hok[year]
        best[year, :, year] = best[year - 1].min() + discount * switch_ho[year]
    option, since = (int(index) for index in np.unravel_index(best[-1].argmin(), best[-1].shape))
    path: list[_Step] = []
    for year in range(years - 1, -1, -1):
        path.append(_Step(option=option, since=since))
        if since == year and year > 0:
            before = best[year - 1]
            option, since = (int(index) for index in np.unravel_index(before.argmin(), before.shape))
    return path[::-1]


def _ratio(case: Case, options: list[Offer], path: list[_Step]) -> Quantiles:
    """Present value of the path over that of staying, over the draws that reach the target."""
    growth = growth_drawn(case.question, case.scenario, OPTION_DRAWS)
    stay = [_Step(option=0, since=0)] * len(path)
    chosen, stayed = (_present_value(case, options, steps, growth) for steps in (path, stay))
    reached = np.isfinite(chosen) & np.isfinite(stayed) & (stayed > 0)
    if not reached.any():
        return NEVER
    return quantiles(chosen[reached] / stayed[reached])


def _present_value(case: Case, options: list[Offer], path: list[_Step], growth: Growth) -> FloatArray:
    value = np.zeros(OPTION_DRAWS)
    for year, step in enumerate(path):
        offer = options[step.option]
        option = offer.candidate
        share = (1.0 - case.scenario.smaller_models_per_year) ** step.since
        drivers = _smaller(in_year(option.drivers, growth, option.scenario, year), share)
        kept, new = _works(case, offer, year)
        cost = _total(case, option, drivers, year, new if step.since == year else kept)
        value = value + cost * (1.0 + growth.discount_rate) ** -year
    return value


def _sentence(case: Case, rows: list[YearSelection], total: float, stay_total: float) -> str:
    changes = [row for row in rows if row.changed]
    share = case.scenario.smaller_models_per_year
    models = (
        f"models that get {100 * share:.0f} % smaller a year at the same loss (an assumption)"
        if share
        else "models that stay as large as they are (no shrinking was given: --smaller-models)"
    )
    if not changes and rows[0].cost_eur == rows[0].stay_eur:
        return f"With {models} nothing on offer beats staying with the plan's own option over {len(rows)} years."
    return (
        f"Start with {in_words(rows[0].option)}{_changes(rows)}: with {models} this costs {in_eur(total)} over "
        f"{len(rows)} years (present value), {in_eur(stay_total)} with the plan's own option throughout."
    )


def _changes(rows: list[YearSelection]) -> str:
    """What is changed and when; a smaller model on the same hardware is one change of its own kind."""
    said = []
    for before, row in pairwise(rows):
        if row.changed:
            what = in_words(row.option) if row.option != before.option else "that year's smaller model"
            said.append(f", change to {what} in year {row.year}")
    return "".join(said)
