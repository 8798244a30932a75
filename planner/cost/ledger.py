"""The budget scenario: lines that add up to the cent, each with formula, basis, source, date and its VAT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from planner.catalog import Catalog, GpuSpec
from planner.cost.drivers import Drivers
from planner.cost.figures import Basis, counted
from planner.cost.given import NEVER_COMPUTED
from planner.cost.modalities import shares_of
from planner.cost.plan import LedgerLine, VatTreatment
from planner.cost.price_rows import (
    COMMITMENT_YEARS,
    electricity_row,
    labour_row,
    quote_for,
    reverse_charged_share,
)
from planner.cost.price_source import price_source
from planner.cost.scenario import Layout, Scenario, ServingMode, Tenure
from planner.cost.yearly import (
    HOURS_PER_YEAR,
    Work,
    YearlyCost,
    equipment_vat_base,
    useful_hour_eur,
    vat_share,
)

CENT = Decimal("0.01")


class Costing(Struct, frozen=True, kw_only=True):
    """One year of single values, shape (1,), with what its lines are made of."""

    cost: YearlyCost
    drivers: Drivers
    scenario: Scenario
    gpu: GpuSpec
    catalog: Catalog
    work: Work
    hours_source: str


def cents(amount_eur: float) -> Decimal:
    """An amount rounded to the cent; never minus zero."""
    return Decimal(repr(amount_eur)).quantize(CENT, rounding=ROUND_HALF_UP) + Decimal(0)


def ledger_total(lines: Iterable[LedgerLine]) -> float:
    """Sum of the lines, exact to the cent."""
    return float(sum((cents(line.amount_eur) for line in lines), start=Decimal(0)))


def ledger(year: Costing) -> list[LedgerLine]:
    """Lines of one year, serving and staff first; VAT of all lines in one line for each way it is accounted for."""
    lines = [
        *_serving(year),
        *_staff(year),
        *_tuning(year),
        *_idle(year),
        *_equipment(year),
        *_kept(year),
        *_given(year),
        *_risks(year),
    ]
    return [*lines, *_vat(lines, year.scenario)]


def _line(
    year: Costing,
    code: str,
    label: str,
    amount_eur: float,
    *,
    formula: str,
    basis: Basis,
    source: str,
    as_of: str | None = None,
    product: tuple[float, str, float] | None = None,
    vat: VatTreatment = VatTreatment.STANDARD,
    vat_base_eur: float | None = None,
) -> LedgerLine:
    """A line; a `product` of quantity, unit and unit price replaces the amount; VAT is due on it or on another base."""
    quantity, unit, unit_price = product or (None, None, None)
    amount = cents(product[0] * product[2] if product else amount_eur)
    taxed = 0.0 if vat is VatTreatment.NONE else vat_share(year.scenario)
    return LedgerLine(
        code=code,
        label=label,
        amount_eur=float(amount),
        quantity=quantity,
        unit=unit,
        unit_price_eur=unit_price,
        formula=formula,
        basis=basis,
        source=source,
        as_of=as_of,
        vat=vat,
        vat_eur=float(cents((float(amount) if vat_base_eur is None else vat_base_eur) * taxed)),
    )


def _rented(year: Costing, code: str, label: str, hours: float, formula: str) -> LedgerLine:
    """A line of rented GPU-hours."""
    basis, source, as_of = price_source(year.scenario, year.gpu, year.catalog)
    abroad = reverse_charged_share(year.gpu, year.scenario, year.catalog) > 0.5
    return _line(
        year,
        code,
        f"{label}, rented {year.gpu.gpu}",
        0.0,
        formula=formula,
        basis=basis,
        source=source,
        as_of=as_of,
        product=(hours, "GPU-hours", _rate(year)),
        vat=VatTreatment.REVERSE_CHARGE if abroad else VatTreatment.STANDARD,
    )


def _rate(year: Costing) -> float:
    return float(useful_hour_eur(year.drivers, year.scenario, year.catalog)[0])


def _serving(year: Costing) -> Iterator[LedgerLine]:
    scenario = year.scenario
    if scenario.studies_per_day is None or scenario.tenure is Tenure.BUY or not year.work.in_use:
        return
    hours = float(year.cost.serving_hours[0])
    a_study = float(year.drivers.answering_s_per_study[0])
    start = year.catalog.parameter("serving_start_s").value
    always = "always on" if hours <= HOURS_PER_YEAR else f"{hours / HOURS_PER_YEAR:.0f} GPUs always on"
    formula = (
        f"{always}, {hours:,.0f} h x {_rate(year):,.2f} EUR/h"
        if scenario.serving_mode is ServingMode.ALWAYS_ON
        else f"365 days x ({scenario.studies_per_day:g} studies x {a_study:.2f} s + {start:g} s start) = "
        f"{hours:,.2f} h x {_rate(year):,.2f} EUR/h"
    )
    yield _rented(year, "serving_rent", "Answering studies", hours, formula)


def _staff(year: Costing) -> Iterator[LedgerLine]:
    hours = year.scenario.staff_hours_per_year
    if hours is None:
        return
    wage = float(year.drivers.staff_eur_per_hour[0])
    typed = year.scenario.staff_eur_per_hour is not None
    average = labour_row(year.scenario, year.catalog)
    yield _line(
        year,
        "staff",
        "Own staff",
        0.0,
        formula=f"{hours:g} h x {wage:,.2f} EUR/h",
        basis=Basis.TYPED if typed or average in year.catalog.own else Basis.CATALOG,
        source="Typed by the user" if typed else average.source,
        as_of=None if typed else average.as_of,
        product=(hours, "hours", wage),
        vat=VatTreatment.NONE,
    )


def _tuning(year: Costing) -> Iterator[LedgerLine]:
    if year.scenario.tenure is Tenure.BUY:
        return
    scenario, cost, work = year.scenario, year.cost, year.work
    once, hours = float(cost.tuning_hours[0]), float(cost.fine_tuning_hours[0])
    adapters = len(shares_of(scenario))
    each = f" of {adapters} adapters" if scenario.layout is Layout.PER_MODALITY and adapters > 1 else ""
    # A stand-in's calibration, or a fine-tuning of unknown hours: in `not_costed`, never zero.
    if hours:
        yield _rented(
            year,
            "tuning_rent",
            "Fine-tuning",
            hours,
            f"{counted(hours / once if once else 0.0, 'fine-tuning')}{each} ({counted(work.trials, 'trial')} + "
            f"{counted(work.retunings, 're-tuning')} x {scenario.retuning_share:g}) x {once:,.2f} h x "
            f"{_rate(year):,.2f} EUR/h. {year.hours_source}",
        )
    calibrated = float(cost.calibration_hours[0])
    if calibrated:
        yield _rented(
            year,
            "calibration_rent",
            "The calibration itself",
            calibrated,
            f"{calibrated:,.2f} h x {_rate(year):,.2f} EUR/h. {year.hours_source}",
        )


def _idle(year: Costing) -> Iterator[LedgerLine]:
    if year.scenario.tenure not in COMMITMENT_YEARS:
        return
    idle, used = float(year.cost.idle_hours[0]), float(year.cost.hours[0])
    gpus = round((idle + used) / HOURS_PER_YEAR)
    if idle:
        yield _rented(
            year,
            "idle_commitment",
            "Committed hours that are not used",
            idle,
            f"{gpus} x {HOURS_PER_YEAR:,.0f} h committed - {used:,.2f} h used, x {_rate(year):,.2f} EUR/h",
        )


def _equipment(year: Costing) -> Iterator[LedgerLine]:
    scenario, cost, drivers = year.scenario, year.cost, year.drivers
    if scenario.tenure is not Tenure.BUY:
        return
    price, servers = float(drivers.equipment_eur[0]), float(cost.servers[0])
    basis, source, as_of = price_source(scenario, year.gpu, year.catalog)
    straight = servers * price * (1 - scenario.residual_share) / scenario.lifetime_years
    many = f"{servers:g} x " if servers != 1 else ""
    yield _line(
        year,
        "equipment",
        f"Server with {year.gpu.gpu}, equivalent annual cost",
        float(cost.parts["equipment"][0]),
        formula=f"{many}{price:,.2f} EUR over {scenario.lifetime_years:g} years at {scenario.discount_rate:.1%}, "
        f"residual {scenario.residual_share:.0%}; straight line would be {straight:,.2f} EUR a year",
        basis=basis,
        source=source,
        as_of=as_of,
        vat_base_eur=servers * float(equipment_vat_base(drivers, scenario)[0]),
    )
    quote = quote_for(year.gpu, scenario)
    contract = quote is not None and quote.support_eur_per_year is not None
    warranty = f" x (1 - {year.work.warranty_share:.0%} under warranty)" if quote and year.work.warranty_share else ""
    yield _line(
        year,
        "maintenance",
        "Maintenance and support",
        float(cost.parts["maintenance"][0]),
        formula=f"{many}{quote.support_eur_per_year:,.2f} EUR a year by contract"
        if quote is not None and contract
        else f"{many}{price:,.2f} EUR x {scenario.maintenance_share_per_year:.0%} a year{warranty}",
        basis=Basis.TYPED if contract else Basis.ASSUMPTION,
        source=source if contract else "Share of the scenario",
        as_of=as_of if contract else None,
    )
    tariff = electricity_row(scenario, year.catalog)
    typed = scenario.electricity_eur_per_kwh is not None
    kwh, each = float(cost.energy_kwh[0]), float(drivers.electricity_eur_per_kwh[0])
    yield _line(
        year,
        "energy",
        "Electricity",
        0.0,
        formula=f"{kwh:,.0f} kWh at PUE {scenario.power_usage_effectiveness:g} x {each:.4f} EUR/kWh",
        basis=Basis.TYPED if typed or tariff in year.catalog.own else Basis.CATALOG,
        source="Tariff typed by the user" if typed else tariff.source,
        as_of=None if typed else tariff.as_of,
        product=(kwh, "kWh", each),
    )


def _kept(year: Costing) -> Iterator[LedgerLine]:
    """Storage, transfer and support."""
    scenario, parts = year.scenario, year.cost.parts
    for code, label, quantity, unit, parameter, times in (
        ("storage", "Storage of images, adapters and records", scenario.storage_gib, "GiB",
         "storage_usd_per_gib_month", "12 months x "),
        ("egress", "Reading data out of the cloud", scenario.egress_gib_per_year, "GiB", "egress_usd_per_gib", ""),
    ):  # fmt: skip
        if quantity is None or code not in parts:
            continue
        row = year.catalog.parameter(parameter)
        yield _line(
            year,
            code,
            label,
            0.0,
            formula=f"{quantity:g} {unit} x {times}{row.value:g} USD, in euro",
            basis=Basis.ASSUMPTION,
            source=row.source,
            as_of=row.as_of,
            product=(quantity, unit, float(parts[code][0]) / quantity),
        )
    if "support" in parts:
        yield _line(
            year,
            "support",
            "Support contracts",
            float(parts["support"][0]),
            formula=f"{scenario.support_eur_per_year:,.2f} EUR a year",
            basis=Basis.TYPED,
            source="Typed by the user",
        )


def _given(year: Costing) -> Iterator[LedgerLine]:
    """Lines that the hospital has a figure for."""
    for given in year.scenario.costs:
        amount = float(year.cost.parts[given.code][0])
        if not amount:
            continue
        once = f"{given.eur_once:,.2f} EUR once" if given.eur_once and year.work.once else ""
        yearly = f"{given.eur_per_year:,.2f} EUR a year" if given.eur_per_year and year.work.in_use else ""
        yield _line(
            year,
            given.code,
            given.label or NEVER_COMPUTED[given.code],
            amount,
            formula=" + ".join(filter(None, (once, yearly))),
            basis=Basis.TYPED,
            source=given.source,
            vat=VatTreatment.STANDARD if given.vat else VatTreatment.NONE,
        )


def _risks(year: Costing) -> Iterator[LedgerLine]:
    if not year.work.in_use:
        return
    level = float(year.drivers.price_level[0])
    for number, risk in enumerate(year.scenario.risks, start=1):
        impact = risk.impact_eur * level
        yield _line(
            year,
            f"risk_{number}",
            f"Risk: {risk.name}",
            0.0,
            formula=f"{risk.probability:.0%} a year x {impact:,.2f} EUR, VAT included",
            basis=Basis.TYPED,
            source=risk.source,
            product=(risk.probability, "times a year", impact),
            vat=VatTreatment.NONE,
        )


def _vat(lines: list[LedgerLine], scenario: Scenario) -> Iterator[LedgerLine]:
    """What is not recovered: invoiced by suppliers, and accounted for by the hospital where they bill from abroad."""
    share = f"{scenario.vat_rate:.0%} x (1 - {scenario.vat_recoverable_share:.0%})"
    for code, label, treatment, source in (
        ("vat", "VAT that is not recovered", VatTreatment.STANDARD,
         "Rate and recoverable share of the scenario; input VAT on exempt care is not recoverable by default"),
        ("vat_reverse_charge", "VAT on rent from abroad (reverse charge)", VatTreatment.REVERSE_CHARGE,
         "The hospital accounts for it itself (Directive 2006/112/EC, articles 44 and 196); providers by "
         "data/providers.csv"),
    ):  # fmt: skip
        mine = [line for line in lines if line.vat is treatment]
        others = any(line.vat is VatTreatment.REVERSE_CHARGE for line in lines)
        if not mine and (others or not lines or treatment is VatTreatment.REVERSE_CHARGE):
            continue
        yield LedgerLine(
            code=code,
            label=label,
            amount_eur=float(sum((cents(line.vat_eur) for line in mine), start=Decimal(0))),
            formula=f"{share} of every line that carries it, rounded line by line"
            + (", of bought hardware on its whole price" if scenario.tenure is Tenure.BUY else ""),
            basis=Basis.ASSUMPTION,
            source=source,
        )
