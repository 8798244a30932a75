"""The one formula from drivers to a yearly cost, by ledger code. Plain arithmetic on arrays; units in the names.

The totals, the budget scenario, the years, the tornado, the comparisons and the inverse questions all come from here:
they only choose the drivers and the work of the year.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec
from planner.cost.drivers import Drivers
from planner.cost.modalities import adapters_effort, retuning_effort
from planner.cost.price_rows import COMMITMENT_YEARS, quote_for
from planner.cost.scenario import Scenario, ServingMode, Tenure

FloatArray = NDArray[np.float64]

HOURS_PER_YEAR = 8760.0
DAYS_PER_YEAR = 365.0
SECONDS_PER_HOUR = 3600.0
MONTHS_PER_YEAR = 12.0
UNTAXED = frozenset({"staff", "risks"})


class Work(Struct, frozen=True, kw_only=True):
    """What is done in one year of use.

    Attributes:
        trials: Complete fine-tunings until one is accepted, at the start of the year.
        retunings: Re-tunings, each a share of the first.
        calibration_examples: Of the calibration itself, at the start.
        once: Whether one-off lines fall into the year.
        in_use: Studies are answered, storage and support are paid; false while it is only tried.
        warranty_share: Share of the year in which repairs cost nothing.
        servers: Bought ones, where they are more than this year needs; None: as many as it needs.
    """

    trials: float
    retunings: float
    calibration_examples: float = 0.0
    once: bool = False
    in_use: bool = True
    warranty_share: float = 0.0
    servers: FloatArray | None = None


def first_year(scenario: Scenario, calibration_examples: float) -> Work:
    """The year that a plan is about: calibration, trials, re-tunings and a year of use."""
    return Work(
        trials=scenario.trials,
        retunings=scenario.retunings_per_year,
        calibration_examples=calibration_examples,
        once=True,
        warranty_share=mean_warranty_share(scenario),
    )


def mean_warranty_share(scenario: Scenario) -> float:
    """Share of a server's life that its warranty covers."""
    return min(scenario.quote.warranty_years / scenario.lifetime_years, 1.0) if scenario.quote is not None else 0.0


class YearlyCost(Struct, frozen=True, kw_only=True):
    """A year, shape (m,) each, euro; inf where the target is not reached.

    Attributes:
        tuning_hours: GPU-hours of one fine-tuning of all adapters with its evaluation and start-up.
        trials_share: Share of the year's fine-tuning that falls to the trials at its start.
        fine_tuning_hours: Of all trials and re-tunings.
        hours: All GPU-hours of the year that are used; `idle_hours` are committed and paid beside them.
        servers: Bought ones.
        energy_kwh: At the meter of the building, of rented hours too.
        parts: Net of VAT by ledger code; bought hardware as its equivalent annual cost.
        vat_parts: VAT that is not recoverable, by ledger code; of bought hardware on its whole price.
    """

    tuning_hours: FloatArray
    trials_share: FloatArray
    fine_tuning_hours: FloatArray
    calibration_hours: FloatArray
    serving_hours: FloatArray
    hours: FloatArray
    idle_hours: FloatArray
    servers: FloatArray
    energy_kwh: FloatArray
    parts: dict[str, FloatArray]
    vat_parts: dict[str, FloatArray]

    @property
    def net(self) -> FloatArray:
        """All parts without VAT."""
        return np.asarray(sum(self.parts.values(), start=np.zeros_like(self.hours)))

    @property
    def total(self) -> FloatArray:
        """Everything, VAT included."""
        return np.asarray(sum(self.vat_parts.values(), start=self.net))

    def gross(self, *codes: str) -> FloatArray:
        """Parts with their VAT; a code that the year does not have is nothing."""
        held = [parts[code] for code in codes for parts in (self.parts, self.vat_parts) if code in parts]
        return np.asarray(sum(held, start=np.zeros_like(self.hours)))


def annuity_factor(rate: float, years: float) -> float:
    """Equal yearly payment for one euro of present value: r / (1 - (1 + r)**-N), 1/N without interest."""
    return rate / (1.0 - (1.0 + rate) ** -years) if rate > 0 else 1.0 / years


def yearly_cost(drivers: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog, work: Work) -> YearlyCost:
    """A year of the scenario.

    Args:
        drivers: Draws; arrays that broadcast with each other.
        scenario: What the hospital decides.
        gpu: For its power.
        catalog: For shares and factors.
        work: What is done in this year.
    """
    overhead = 1.0 + catalog.parameter("loading_share").value + catalog.parameter("evaluation_share").value
    joint_hours = drivers.training_s(drivers.examples) * overhead / SECONDS_PER_HOUR
    tuning_hours = joint_hours * adapters_effort(scenario, drivers.modality_transfer)
    trials_effort = work.trials * adapters_effort(scenario, drivers.modality_transfer)
    retuning = work.retunings * scenario.retuning_share * retuning_effort(scenario, drivers.modality_transfer)
    effort = trials_effort + retuning
    all_tuning_hours = _times(joint_hours, effort)
    calibrated = np.full_like(drivers.training_s_per_example, work.calibration_examples)
    calibration_hours = drivers.training_s(calibrated) * overhead / SECONDS_PER_HOUR
    serving_hours = _serving_hours(drivers, scenario, catalog) if work.in_use else 0.0 * calibration_hours
    hours = all_tuning_hours + calibration_hours + serving_hours
    none = np.zeros_like(hours)
    parts: dict[str, FloatArray] = {}
    if scenario.tenure is Tenure.BUY:
        servers = _servers(hours, gpu, scenario) if work.servers is None else none + work.servers
        idle_hours = none
        energy_kwh = _bought_kwh(hours, servers, gpu, scenario, catalog)
        parts |= _bought(drivers, servers, energy_kwh, gpu, scenario, work)
    else:
        servers = none
        idle_hours = _idle_hours(hours, scenario.gpus) if scenario.tenure in COMMITMENT_YEARS else none
        energy_kwh = hours * gpu_watts(gpu, catalog) / 1000.0
        energy_kwh = energy_kwh * catalog.parameter("cloud_power_usage_effectiveness").value
        rate = useful_hour_eur(drivers, scenario, catalog)
        parts |= {
            "serving_rent": none + serving_hours * rate,
            "tuning_rent": none + all_tuning_hours * rate,
            "calibration_rent": none + calibration_hours * rate,
            "idle_commitment": idle_hours * rate,
        }
    if work.in_use:
        parts |= _kept(drivers, scenario, catalog, none)
    if scenario.staff_hours_per_year is not None:
        parts["staff"] = none + scenario.staff_hours_per_year * drivers.staff_eur_per_hour
    if work.in_use:
        parts["risks"] = none + drivers.risks_eur
    untaxed = set(UNTAXED)
    for given in scenario.costs:
        amount = given.eur_per_year * work.in_use + given.eur_once * work.once
        parts[given.code] = none + amount * drivers.price_level
        if not given.vat:
            untaxed.add(given.code)
    bases = {code: part for code, part in parts.items() if code not in untaxed}
    if scenario.tenure is Tenure.BUY:
        bases["equipment"] = _of_each(servers, equipment_vat_base(drivers, scenario))
    share = vat_share(scenario)
    return YearlyCost(
        tuning_hours=none + tuning_hours,
        trials_share=none + np.divide(trials_effort, effort, out=np.ones_like(effort), where=effort > 0),
        fine_tuning_hours=none + all_tuning_hours,
        calibration_hours=none + calibration_hours,
        serving_hours=none + serving_hours,
        hours=hours,
        idle_hours=idle_hours,
        servers=servers,
        energy_kwh=none + energy_kwh,
        parts=parts,
        vat_parts={code: _share_of(base, share) for code, base in bases.items()},
    )


def vat_share(scenario: Scenario) -> float:
    """VAT that is not recovered, as a share of what carries it."""
    return scenario.vat_rate * (1.0 - scenario.vat_recoverable_share)


def useful_hour_eur(drivers: Drivers, scenario: Scenario, catalog: Catalog) -> FloatArray:
    """Euro for a rented hour of useful work: above the list price where spot hours are lost."""
    lost = catalog.parameter("spot_loss").value if scenario.tenure is Tenure.SPOT else 0.0
    return drivers.rent_eur_per_hour / (1.0 - lost)


def gpu_watts(gpu: GpuSpec, catalog: Catalog) -> float:
    """One GPU under load with its share of a host."""
    return gpu.tdp_w + catalog.parameter("host_power_w").value


def residual_share(scenario: Scenario, years: float) -> float:
    """Value of bought hardware after so many years, as a share of its price: a straight line to its residual value."""
    written_off = min(years / scenario.lifetime_years, 1.0) * (1.0 - scenario.residual_share)
    return 1.0 - written_off


def _serving_hours(drivers: Drivers, scenario: Scenario, catalog: Catalog) -> FloatArray:
    """Answering in one batch a day, which starts the GPU and loads the weights; or on GPUs that are always on."""
    if scenario.studies_per_day is None:
        return np.zeros_like(drivers.answering_s_per_study)
    if scenario.serving_mode is ServingMode.ALWAYS_ON:
        busy = DAYS_PER_YEAR * scenario.studies_per_day * drivers.answering_s_per_study / SECONDS_PER_HOUR
        return np.asarray(np.maximum(np.ceil(busy / HOURS_PER_YEAR), 1.0) * HOURS_PER_YEAR)
    start_s = catalog.parameter("serving_start_s").value
    daily_s = scenario.studies_per_day * drivers.answering_s_per_study + start_s
    return np.asarray(DAYS_PER_YEAR * daily_s / SECONDS_PER_HOUR)


def _kept(drivers: Drivers, scenario: Scenario, catalog: Catalog, none: FloatArray) -> dict[str, FloatArray]:
    """Storage, transfer and support, where they are given."""
    parts = {}
    if scenario.storage_gib is not None:
        monthly_usd = scenario.storage_gib * catalog.parameter("storage_usd_per_gib_month").value
        parts["storage"] = none + monthly_usd * MONTHS_PER_YEAR * drivers.eur_per_usd * drivers.price_level
    if scenario.egress_gib_per_year is not None:
        yearly_usd = scenario.egress_gib_per_year * catalog.parameter("egress_usd_per_gib").value
        parts["egress"] = none + yearly_usd * drivers.eur_per_usd * drivers.price_level
    if scenario.support_eur_per_year is not None:
        parts["support"] = none + scenario.support_eur_per_year * drivers.price_level
    return parts


def _idle_hours(hours: FloatArray, together: int) -> FloatArray:
    """Hours that are committed, paid and not used: a commitment is for whole GPUs and every hour of its term.

    Where hours are used at all there are at least as many GPUs as train together.
    """
    finite = np.where(np.isfinite(hours), hours, 0.0)
    gpus = np.maximum(np.ceil(finite / HOURS_PER_YEAR), np.where(finite > 0, together, 0.0))
    committed = gpus * HOURS_PER_YEAR
    return np.where(np.isfinite(hours), np.maximum(committed - finite, 0.0), np.inf)


def gpus_per_server(gpu: GpuSpec, scenario: Scenario) -> int:
    """GPUs of the quoted server; one where the price is that of a card with a host."""
    quote = quote_for(gpu, scenario)
    return quote.gpus if quote is not None else 1


def _servers(hours: FloatArray, gpu: GpuSpec, scenario: Scenario) -> FloatArray:
    """More hours than a year has, or more GPUs that train together than a server has, need more servers."""
    each = gpus_per_server(gpu, scenario)
    needed = np.ceil(hours / (HOURS_PER_YEAR * each))
    return np.where(np.isfinite(hours), np.maximum(needed, np.ceil(scenario.gpus / each)), np.inf)


def _bought_kwh(
    hours: FloatArray, servers: FloatArray, gpu: GpuSpec, scenario: Scenario, catalog: Catalog
) -> FloatArray:
    """Busy hours at full draw and all others idle, with the building's overhead."""
    quote = quote_for(gpu, scenario)
    watts = quote.watts_at_wall if quote is not None else gpu_watts(gpu, catalog)
    finite = np.isfinite(hours) & np.isfinite(servers)
    busy = np.where(finite, hours, 0.0) / gpus_per_server(gpu, scenario)
    there = np.where(finite, servers, 0.0) * HOURS_PER_YEAR
    load = busy + catalog.parameter("idle_power_share").value * np.maximum(there - busy, 0.0)
    return np.where(finite, watts / 1000.0 * load * scenario.power_usage_effectiveness, np.inf)


def _bought(
    drivers: Drivers, servers: FloatArray, energy_kwh: FloatArray, gpu: GpuSpec, scenario: Scenario, work: Work
) -> dict[str, FloatArray]:
    """Equipment as its equivalent annual cost, maintenance outside the warranty, electricity."""
    quote = quote_for(gpu, scenario)
    if quote is not None and quote.support_eur_per_year is not None:
        each_year = quote.support_eur_per_year * drivers.price_level
    else:
        covered = work.warranty_share if quote is not None else 0.0
        each_year = drivers.equipment_eur * scenario.maintenance_share_per_year * (1.0 - covered)
    return {
        "equipment": _of_each(servers, _equipment(drivers, scenario)),
        "maintenance": _of_each(servers, each_year),
        "energy": energy_kwh * drivers.electricity_eur_per_kwh,
    }


def equipment_vat_base(drivers: Drivers, scenario: Scenario) -> FloatArray:
    """What VAT is due on, as a yearly amount: the whole price of a server, since selling it returns none."""
    return np.asarray(drivers.equipment_eur * annuity_factor(scenario.discount_rate, scenario.lifetime_years))


def _equipment(drivers: Drivers, scenario: Scenario) -> FloatArray:
    """Equivalent annual cost of one server: [C - R / (1 + r)**N] * r / (1 - (1 + r)**-N)."""
    residual = scenario.residual_share / (1.0 + scenario.discount_rate) ** scenario.lifetime_years
    return np.asarray(equipment_vat_base(drivers, scenario) * (1.0 - residual))


def _of_each(servers: FloatArray, each_eur: FloatArray) -> FloatArray:
    """Cost of so many servers; infinite where no number of them is enough, even if each costs nothing."""
    finite = np.isfinite(servers)
    return np.where(finite, np.where(finite, servers, 0.0) * each_eur, np.inf)


def _times(hours: FloatArray, effort: FloatArray) -> FloatArray:
    """Hours times a number of fine-tunings; none of an infinitely long one is still none."""
    return np.where(effort > 0, hours * np.where(effort > 0, effort, 1.0), 0.0)


def _share_of(amount: FloatArray, share: float) -> FloatArray:
    """A share of an amount that may be infinite: no VAT on an infinite cost is nothing, not NaN."""
    return amount * share if share > 0 else np.zeros_like(amount)
