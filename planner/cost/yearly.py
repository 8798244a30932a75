"""The one formula from drivers to a yearly cost, by component. Plain arithmetic on arrays; units in the names."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec
from planner.cost.drivers import Drivers, staff_eur_per_hour
from planner.cost.scenario import Scenario, ServingMode, Tenure

FloatArray = NDArray[np.float64]

HOURS_PER_YEAR = 8760.0
DAYS_PER_YEAR = 365.0
SECONDS_PER_HOUR = 3600.0
MONTHS_PER_YEAR = 12.0


class YearlyCost(Struct, frozen=True, kw_only=True):
    """A year, shape (m,) each, euro without VAT except `vat`; inf where the target is not reached.

    Attributes:
        tuning_hours: GPU-hours of one fine-tuning with its evaluation and start-up.
        hours: All GPU-hours of the year.
        tuning, calibration, serving: Rent of the GPU-hours; 0 when bought.
        equipment, maintenance, energy: Of a bought server; 0 when rented.
        storage, staff: 0 when not given.
        vat: What is not recoverable.
    """

    tuning_hours: FloatArray
    calibration_hours: FloatArray
    serving_hours: FloatArray
    hours: FloatArray
    energy_kwh: FloatArray
    tuning: FloatArray
    calibration: FloatArray
    serving: FloatArray
    equipment: FloatArray
    maintenance: FloatArray
    energy: FloatArray
    storage: FloatArray
    staff: FloatArray
    vat: FloatArray

    @property
    def total(self) -> FloatArray:
        """Everything, VAT included."""
        return self.untaxed + self.taxable + self.vat

    @property
    def taxable(self) -> FloatArray:
        """What is bought."""
        parts = (self.tuning, self.calibration, self.serving, self.equipment, self.maintenance, self.energy)
        return np.asarray(sum(parts, start=np.zeros_like(self.tuning)) + self.storage)

    @property
    def untaxed(self) -> FloatArray:
        """Own staff."""
        return self.staff


def fine_tunings_per_year(scenario: Scenario) -> float:
    """Complete fine-tunings a year: the trials until one is accepted, and the re-tunings as a share of one."""
    return scenario.trials + scenario.retunings_per_year * scenario.retuning_share


def annuity_factor(rate: float, years: float) -> float:
    """Equal yearly payment for one euro of present value: r / (1 - (1 + r)**-N), 1/N without interest."""
    return rate / (1.0 - (1.0 + rate) ** -years) if rate > 0 else 1.0 / years


def yearly_cost(
    drivers: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog, calibration_examples: float
) -> YearlyCost:
    """A year of the scenario.

    Args:
        drivers: Draws.
        scenario: What the hospital decides.
        gpu: For its power.
        catalog: For shares and factors.
        calibration_examples: Examples that the calibration itself processed.
    """

    def factor(name: str) -> float:
        return catalog.parameter(name).value

    overhead = 1.0 + factor("loading_share") + factor("evaluation_share")
    s_per_example = drivers.training_s_per_example
    tuning_hours = drivers.examples * s_per_example * overhead / SECONDS_PER_HOUR
    calibration_hours = calibration_examples * s_per_example * overhead / SECONDS_PER_HOUR
    serving_hours = _serving_hours(drivers, scenario, factor("serving_start_s"))
    hours = tuning_hours * fine_tunings_per_year(scenario) + calibration_hours + serving_hours
    none = np.zeros_like(hours)
    if scenario.tenure is Tenure.BUY:
        busy = np.minimum(hours, HOURS_PER_YEAR)
        load = busy + factor("idle_power_share") * (HOURS_PER_YEAR - busy)
        watts = gpu.tdp_w + factor("host_power_w")
        energy_kwh = watts / 1000.0 * load * scenario.power_usage_effectiveness
        # More hours than a year has need more servers.
        servers = np.where(np.isfinite(hours), np.maximum(np.ceil(hours / HOURS_PER_YEAR), 1.0), np.inf)
        residual = scenario.residual_share / (1.0 + scenario.discount_rate) ** scenario.lifetime_years
        annuity = annuity_factor(scenario.discount_rate, scenario.lifetime_years)
        equipment = _of_each(servers, drivers.equipment_eur * (1.0 - residual) * annuity)
        maintenance = _of_each(servers, drivers.equipment_eur * scenario.maintenance_share_per_year)
        energy = energy_kwh * drivers.electricity_eur_per_kwh
        tuning = calibration = serving = none
    else:
        rate = useful_hour_eur(drivers, scenario, catalog)
        tuning = tuning_hours * fine_tunings_per_year(scenario) * rate
        calibration, serving = calibration_hours * rate, serving_hours * rate
        equipment = maintenance = energy = energy_kwh = none
    storage = none
    if scenario.storage_gib is not None:
        monthly_usd = scenario.storage_gib * factor("storage_usd_per_gib_month")
        storage = none + monthly_usd * MONTHS_PER_YEAR * drivers.eur_per_usd
    staff = none
    if scenario.staff_hours_per_year is not None:
        staff = none + scenario.staff_hours_per_year * staff_eur_per_hour(scenario, catalog)
    taxable = tuning + calibration + serving + equipment + maintenance + energy + storage
    return YearlyCost(
        tuning_hours=tuning_hours,
        calibration_hours=none + calibration_hours,
        serving_hours=none + serving_hours,
        hours=hours,
        energy_kwh=none + energy_kwh,
        tuning=tuning,
        calibration=none + calibration,
        serving=none + serving,
        equipment=none + equipment,
        maintenance=none + maintenance,
        energy=none + energy,
        storage=storage,
        staff=staff,
        vat=_share_of(taxable, scenario.vat_rate * (1.0 - scenario.vat_recoverable_share)),
    )


def useful_hour_eur(drivers: Drivers, scenario: Scenario, catalog: Catalog) -> FloatArray:
    """Euro for a rented hour of useful work: above the list price where spot hours are lost."""
    lost = catalog.parameter("spot_loss").value if scenario.tenure is Tenure.SPOT else 0.0
    return drivers.rent_eur_per_hour / (1.0 - lost)


def _of_each(servers: FloatArray, each_eur: FloatArray) -> FloatArray:
    """Cost of so many servers; infinite where no number of them is enough, even if each costs nothing."""
    finite = np.isfinite(servers)
    return np.where(finite, np.where(finite, servers, 0.0) * each_eur, np.inf)


def _share_of(amount: FloatArray, share: float) -> FloatArray:
    """A share of an amount that may be infinite: no VAT on an infinite cost is nothing, not NaN."""
    return amount * share if share > 0 else np.zeros_like(amount)


def _serving_hours(drivers: Drivers, scenario: Scenario, start_s: float) -> FloatArray:
    """Answering in one batch a day, which starts the GPU and loads the weights; or a GPU that is always on."""
    if scenario.studies_per_day is None:
        return np.zeros_like(drivers.answering_s_per_study)
    if scenario.serving_mode is ServingMode.ALWAYS_ON:
        return np.full_like(drivers.answering_s_per_study, HOURS_PER_YEAR)
    daily_s = scenario.studies_per_day * drivers.answering_s_per_study + start_s
    return np.asarray(DAYS_PER_YEAR * daily_s / SECONDS_PER_HOUR)
