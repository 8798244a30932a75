"""The budget scenario: lines that add up to the cent, each with formula, basis, source and date."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from planner.catalog import Catalog, GpuSpec
from planner.cost.drivers import Drivers, electricity_row, labour_row, staff_eur_per_hour
from planner.cost.plan import Basis, LedgerLine, NotCosted
from planner.cost.price_source import price_source
from planner.cost.scenario import Scenario, ServingMode, Tenure
from planner.cost.yearly import YearlyCost, fine_tunings_per_year, useful_hour_eur

CENT = Decimal("0.01")


def cents(amount_eur: float) -> Decimal:
    """An amount rounded to the cent; never minus zero."""
    return Decimal(repr(amount_eur)).quantize(CENT, rounding=ROUND_HALF_UP) + Decimal(0)


def ledger_total(lines: list[LedgerLine]) -> float:
    """Sum of the lines, exact to the cent."""
    return float(sum((cents(line.amount_eur) for line in lines), start=Decimal(0)))


def ledger(
    cost: YearlyCost, drivers: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog, hours_source: str
) -> list[LedgerLine]:
    """Lines of one scenario.

    Args:
        cost: Of single values, shape (1,).
        drivers: The same single values.
        scenario: What the hospital decides.
        gpu: The GPU.
        catalog: For sources.
        hours_source: Sentence on where the hours come from.
    """
    lines = [
        *_serving_and_staff(cost, drivers, scenario, gpu, catalog),
        *_training(cost, drivers, scenario, gpu, catalog, hours_source),
        *_equipment(cost, drivers, scenario, gpu, catalog),
        *_storage(cost, scenario, catalog),
    ]
    taxable = sum((cents(line.amount_eur) for line in lines if line.code != "staff"), start=Decimal(0))
    share = scenario.vat_rate * (1.0 - scenario.vat_recoverable_share)
    lines.append(
        LedgerLine(
            code="vat",
            label="VAT that is not recovered",
            amount_eur=float(cents(float(taxable) * share)),
            formula=f"{float(taxable):,.2f} EUR x {scenario.vat_rate:.0%} x (1 - {scenario.vat_recoverable_share:.0%})",
            basis=Basis.ASSUMPTION,
            source="Rate and recoverable share of the scenario; input VAT on exempt care is not recoverable by default",
        )
    )
    return lines


def _product(
    code: str,
    label: str,
    quantity: float,
    unit: str,
    unit_price_eur: float,
    *,
    formula: str,
    basis: Basis,
    source: str,
    as_of: str | None,
) -> LedgerLine:
    return LedgerLine(
        code=code,
        label=label,
        amount_eur=float(cents(quantity * unit_price_eur)),
        quantity=quantity,
        unit=unit,
        unit_price_eur=unit_price_eur,
        formula=formula,
        basis=basis,
        source=source,
        as_of=as_of,
    )


def _training(
    cost: YearlyCost, drivers: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog, hours_source: str
) -> Iterator[LedgerLine]:
    if scenario.tenure is Tenure.BUY:
        return
    basis, source, as_of = price_source(scenario, gpu, catalog)
    rate = float(useful_hour_eur(drivers, scenario, catalog)[0])
    tunings = fine_tunings_per_year(scenario)
    once = float(cost.tuning_hours[0])
    parts = (
        ("tuning_rent", f"Fine-tuning, rented {gpu.gpu}", once * tunings,
         f"{tunings:g} fine-tunings ({scenario.trials:g} trials + {scenario.retunings_per_year:g} re-tunings x "
         f"{scenario.retuning_share:g}) x {once:,.2f} h x {rate:,.2f} EUR/h"),
        ("calibration_rent", f"The calibration itself, rented {gpu.gpu}", float(cost.calibration_hours[0]),
         f"{float(cost.calibration_hours[0]):,.2f} h x {rate:,.2f} EUR/h"),
    )  # fmt: skip
    for code, label, hours, formula in parts:
        if not hours:  # a stand-in's calibration, or a fine-tuning of unknown hours: in `not_costed`, never zero
            continue
        yield _product(
            code,
            label,
            hours,
            "GPU-hours",
            rate,
            formula=f"{formula}. {hours_source}",
            basis=basis,
            source=source,
            as_of=as_of,
        )


def _serving_and_staff(
    cost: YearlyCost, drivers: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog
) -> Iterator[LedgerLine]:
    if scenario.studies_per_day is not None and scenario.tenure is not Tenure.BUY:
        basis, source, as_of = price_source(scenario, gpu, catalog)
        hours = float(cost.serving_hours[0])
        rate = float(useful_hour_eur(drivers, scenario, catalog)[0])
        a_study, start = float(drivers.answering_s_per_study[0]), catalog.parameter("serving_start_s").value
        formula = (
            f"always on, {hours:,.0f} h x {rate:,.2f} EUR/h"
            if scenario.serving_mode is ServingMode.ALWAYS_ON
            else f"365 days x ({scenario.studies_per_day:g} studies x {a_study:.2f} s + {start:g} s start) = "
            f"{hours:,.2f} h x {rate:,.2f} EUR/h"
        )
        yield _product(
            "serving_rent",
            f"Answering studies, rented {gpu.gpu}",
            hours,
            "GPU-hours",
            rate,
            formula=formula,
            basis=basis,
            source=source,
            as_of=as_of,
        )
    if scenario.staff_hours_per_year is not None:
        wage = staff_eur_per_hour(scenario, catalog)
        typed = scenario.staff_eur_per_hour is not None
        average = labour_row(scenario, catalog)
        yield _product(
            "staff",
            "Own staff",
            scenario.staff_hours_per_year,
            "hours",
            wage,
            formula=f"{scenario.staff_hours_per_year:g} h x {wage:,.2f} EUR/h",
            basis=Basis.TYPED if typed else Basis.CATALOG,
            source="Typed by the user" if typed else average.source,
            as_of=None if typed else average.as_of,
        )


def _equipment(
    cost: YearlyCost, drivers: Drivers, scenario: Scenario, gpu: GpuSpec, catalog: Catalog
) -> Iterator[LedgerLine]:
    if scenario.tenure is not Tenure.BUY:
        return
    price = float(drivers.equipment_eur[0])
    basis, source, as_of = price_source(scenario, gpu, catalog)
    straight = price * (1 - scenario.residual_share) / scenario.lifetime_years
    yield LedgerLine(
        code="equipment",
        label=f"Server with {gpu.gpu}, equivalent annual cost",
        amount_eur=float(cents(float(cost.equipment[0]))),
        formula=f"{price:,.2f} EUR over {scenario.lifetime_years:g} years at {scenario.discount_rate:.1%}, residual "
        f"{scenario.residual_share:.0%}; straight line would be {straight:,.2f} EUR a year",
        basis=basis,
        source=source,
        as_of=as_of,
    )
    yield LedgerLine(
        code="maintenance",
        label="Maintenance and support",
        amount_eur=float(cents(float(cost.maintenance[0]))),
        formula=f"{price:,.2f} EUR x {scenario.maintenance_share_per_year:.0%} a year",
        basis=Basis.ASSUMPTION,
        source="Share of the scenario",
    )
    tariff = electricity_row(scenario, catalog)
    typed_tariff = scenario.electricity_eur_per_kwh is not None
    yield _product(
        "energy",
        "Electricity",
        float(cost.energy_kwh[0]),
        "kWh",
        float(drivers.electricity_eur_per_kwh[0]),
        formula=f"{float(cost.energy_kwh[0]):,.0f} kWh at PUE {scenario.power_usage_effectiveness:g} x "
        f"{float(drivers.electricity_eur_per_kwh[0]):.4f} EUR/kWh",
        basis=Basis.TYPED if typed_tariff else Basis.CATALOG,
        source="Tariff typed by the user" if typed_tariff else tariff.source,
        as_of=None if typed_tariff else tariff.as_of,
    )


def _storage(cost: YearlyCost, scenario: Scenario, catalog: Catalog) -> Iterator[LedgerLine]:
    if scenario.storage_gib is None:
        return
    row = catalog.parameter("storage_usd_per_gib_month")
    yield _product(
        "storage",
        "Storage of images, adapters and records",
        scenario.storage_gib,
        "GiB",
        float(cost.storage[0]) / scenario.storage_gib,
        formula=f"{scenario.storage_gib:g} GiB x 12 months x {row.value:g} USD, in euro",
        basis=Basis.ASSUMPTION,
        source=row.source,
        as_of=row.as_of,
    )


_NEVER_COMPUTED = (
    ("deidentification", "De-identification of images and reports"),
    ("labelling", "Labelling and report review by radiologists"),
    ("clinical_validation", "Clinical validation"),
    ("compliance", "MDR, AI Act, data protection assessment and security"),
    ("pacs_integration", "PACS and RIS integration"),
    ("downtime", "Downtime and fallback"),
    ("decommissioning", "Decommissioning"),
)


def not_costed(scenario: Scenario, *, illustration: bool, hours_known: bool) -> list[NotCosted]:
    """Lines that a board asks about and that the scenario has no figure for; counted on page one, never zero."""
    lines = []
    if not hours_known:
        lines.append(
            NotCosted(
                code="tuning",
                label="Fine-tuning",
                remedy="Say how many examples a step has (--effective-batch-size), or the GPU of the log (--gpu)",
            )
        )
    if illustration:
        lines.append(
            NotCosted(
                code="calibration",
                label="Calibration of the real model",
                remedy="Run `calibrate run` with PaliGemma-3B on a GPU; this plan rests on a small stand-in",
            )
        )
    if scenario.studies_per_day is None:
        lines.append(
            NotCosted(code="serving", label="Answering studies", remedy="Give the studies a day (--studies-a-day)")
        )
    if scenario.staff_hours_per_year is None:
        lines.append(
            NotCosted(code="staff", label="Own staff", remedy="Give the hours of staff a year (--staff-hours)")
        )
    if scenario.storage_gib is None:
        lines.append(NotCosted(code="storage", label="Storage", remedy="Give the GiB that are kept (--storage-gib)"))
    lines.extend(
        NotCosted(code=code, label=label, remedy="Ask the department and add it beside this plan")
        for code, label in _NEVER_COMPUTED
    )
    return lines
