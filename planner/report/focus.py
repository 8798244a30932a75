"""The charges of a plan as a FOCUS 1.2 cost and usage dataset: what a FinOps tool or a finance system reads.

One row for every line and fiscal year of the budget scenario. BilledCost is what is paid then; EffectiveCost is what is
charged: hardware and prepaid rent are a Purchase when they are paid and Usage over their life or term, as the
specification asks. VAT is a row of category Tax. No list prices are negotiated, so ListCost, ContractedCost and cost
agree. Columns of our own start with `x_`. Ranges, options and assumptions are in `planner.report.sheet`.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator
from decimal import Decimal

from planner.cost.analyses import FiscalYear, YearLine
from planner.cost.plan import LedgerLine, Plan
from planner.cost.scenario import Tenure
from planner.report.cells import Cell, cell

COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice",
    "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "x_Basis", "x_FiscalYear", "x_LineCode", "x_Mark",
    "x_Money", "x_Scenario", "x_Source", "x_SourceDate",
)  # fmt: skip
_AMOUNTS = frozenset(["BilledCost", "ContractedCost", "EffectiveCost", "ListCost"])
_TAX = ("vat", "vat_reverse_charge")
_RENT = ("serving_rent", "tuning_rent", "calibration_rent", "idle_commitment")
_SERVICES = {
    **dict.fromkeys(_RENT, ("Compute", "Virtual Machines", "GPU rental")),
    "purchase": ("Compute", "Other (Compute)", "GPU server"),
    "maintenance": ("Management and Governance", "Support", "Maintenance"),
    "energy": ("Compute", "Other (Compute)", "Electricity"),
    "storage": ("Storage", "Other (Storage)", "Storage"),
    "egress": ("Networking", "Other (Networking)", "Data transfer"),
    "support": ("Management and Governance", "Support", "Support contracts"),
    "staff": ("Other", "Other (Other)", "Own staff"),
    **dict.fromkeys(_TAX, ("Other", "Other (Other)", "VAT")),
}
"""ServiceCategory, ServiceSubcategory and ServiceName by line code; all others are given lines and risks."""
_OTHER = ("Other", "Other (Other)", "Given by the hospital")
_PRICING = {Tenure.SPOT: "Dynamic", Tenure.COMMITMENT_1_YEAR: "Committed", Tenure.COMMITMENT_3_YEARS: "Committed"}
_UNITS = {"GPU-hours": "Hours", "hours": "Hours", "GiB": "GiB", "times a year": "Events", "kWh": "Kilowatt-Hours"}
"""FOCUS spells units its own way; a unit that is not here has no quantity."""
_OWN = "Hospital"
_UNNAMED = "Not yet chosen"


def focus_csv(plan: Plan) -> bytes:
    """All charges of the plan's fiscal years: UTF-8, comma, decimal point; empty where the plan has no years."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in charges(plan):
        writer.writerow([cell(row.get(column), cents=column in _AMOUNTS) for column in COLUMNS])
    return text.getvalue().encode()


def charges(plan: Plan) -> Iterator[dict[str, Cell]]:
    """Every charge as a row by column."""
    if plan.years is None:
        return
    known = {line.code: line for line in plan.lines}
    for line in plan.years.lines:
        for index, year in enumerate(plan.years.years):
            yield from _of_a_year(plan, line, year, index, known)


def first_year_charge(plan: Plan, line: LedgerLine) -> dict[str, Cell]:
    """FOCUS columns of a line of the first year, for a sheet that shows the lines beside other figures."""
    start = plan.years.years[0].start if plan.years else plan.created[:10]
    end = datetime.date.fromisoformat(start)
    period = {"ChargePeriodStart": _moment(start), "ChargePeriodEnd": _moment(_same_day_next_year(end).isoformat())}
    quantity = None if line.code in _TAX else line.quantity
    category, subcategory, service = _SERVICES.get("purchase" if line.code == "equipment" else line.code, _OTHER)
    return {
        **period,
        "BilledCost": line.amount_eur,
        "EffectiveCost": line.amount_eur,
        "ListCost": line.amount_eur,
        "ContractedCost": line.amount_eur,
        "BillingCurrency": "EUR",
        "ChargeCategory": "Tax" if line.code in _TAX else "Usage",
        "ChargeDescription": line.label,
        "ConsumedQuantity": quantity,
        "ConsumedUnit": line.unit if quantity is not None else None,
        "ContractedUnitPrice": line.unit_price_eur,
        "PricingQuantity": quantity,
        "PricingUnit": line.unit if quantity is not None else None,
        "ProviderName": _provider(plan, line.code),
        "RegionId": plan.scenario.region if line.code in _RENT else None,
        "ServiceCategory": category,
        "ServiceSubcategory": subcategory,
        "ServiceName": service,
    }


def _of_a_year(
    plan: Plan, line: YearLine, year: FiscalYear, index: int, known: dict[str, LedgerLine]
) -> Iterator[dict[str, Cell]]:
    """A cell of the cash by fiscal year: one charge, or a purchase and its use where the two differ."""
    paid = line.amounts_eur[index]
    charged = line.expenses_eur[index] if line.expenses_eur else paid
    shared = _shared(plan, line, year, known.get("equipment" if line.code == "purchase" else line.code))
    quantity = line.quantities[index] if line.quantities else year.months / 12
    unit = _UNITS.get(line.unit or "", "Years")
    if line.code in _TAX:
        if paid or charged:
            yield shared | _costs(paid, charged) | {"ChargeCategory": "Tax", "ChargeFrequency": "Recurring"}
    elif _is_prepaid(line):
        if paid:
            yield (
                shared
                | _costs(paid, 0.0)
                | _priced(paid, 1.0, "Purchases")
                | {
                    "ChargeCategory": "Purchase",
                    "ChargeFrequency": "One-Time",
                    "PricingCategory": "Standard",
                }
            )
        if charged:
            yield shared | _used(plan, line, charged, quantity, unit) | {"BilledCost": 0.0}
    elif paid:
        yield shared | _used(plan, line, paid, quantity, unit)


def _is_prepaid(line: YearLine) -> bool:
    """Whether it is paid at other times than it is charged."""
    return bool(line.expenses_eur) and line.expenses_eur != line.amounts_eur


def _used(plan: Plan, line: YearLine, cost: float, quantity: float, unit: str) -> dict[str, Cell]:
    rented = line.code in _RENT
    return (
        _costs(cost, cost)
        | _priced(cost, quantity, unit)
        | {
            "ChargeCategory": "Usage",
            "ChargeFrequency": "Usage-Based" if line.quantities else "Recurring",
            "ConsumedQuantity": quantity,
            "ConsumedUnit": unit,
            "PricingCategory": _PRICING.get(plan.scenario.tenure, "Standard") if rented else "Standard",
        }
    )


def _costs(billed: float, effective: float) -> dict[str, Cell]:
    listed = billed or effective
    return {"BilledCost": billed, "EffectiveCost": effective, "ContractedCost": listed, "ListCost": listed}


def _priced(cost: float, quantity: float, unit: str) -> dict[str, Cell]:
    """Quantity and unit prices whose product is the cost."""
    if not quantity:
        quantity, unit = 1.0, "Years"
    price = float(Decimal(repr(cost)) / Decimal(repr(quantity)))
    return {"PricingQuantity": quantity, "PricingUnit": unit, "ListUnitPrice": price, "ContractedUnitPrice": price}


def _shared(plan: Plan, line: YearLine, year: FiscalYear, ledger: LedgerLine | None) -> dict[str, Cell]:
    """What every charge of a line in a fiscal year has."""
    start, end = _moment(year.start), _moment(_next_day(year.end))
    category, subcategory, service = _SERVICES.get(line.code, _OTHER)
    provider = _provider(plan, line.code)
    return {
        "BillingAccountId": "plan",
        "BillingAccountName": "Plan of the hospital",
        "BillingCurrency": "EUR",
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "ChargeDescription": line.label,
        "InvoiceIssuerName": provider,
        "ProviderName": provider,
        "PublisherName": provider,
        "RegionId": plan.scenario.region if line.code in _RENT else None,
        "RegionName": plan.scenario.region if line.code in _RENT else None,
        "ServiceCategory": category,
        "ServiceSubcategory": subcategory,
        "ServiceName": service,
        "x_Basis": ledger.basis.value if ledger else None,
        "x_FiscalYear": year.name,
        "x_LineCode": line.code,
        "x_Mark": "; ".join(plan.marks) or None,
        "x_Money": plan.years.money if plan.years else None,
        "x_Scenario": plan.budget_scenario,
        "x_Source": ledger.source if ledger else None,
        "x_SourceDate": ledger.as_of if ledger else None,
    }


def _provider(plan: Plan, code: str) -> str:
    """Who bills a line, as far as the plan knows."""
    if code in _RENT:
        return plan.scenario.provider or _UNNAMED
    if code in ("purchase", "equipment", "maintenance") and plan.scenario.quote is not None:
        return plan.scenario.quote.supplier
    return _OWN if code in ("staff", *_TAX) else _UNNAMED


def _moment(day: str) -> str:
    return f"{day}T00:00:00Z"


def _next_day(day: str) -> str:
    """FOCUS periods end with the moment after their last."""
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()


def _same_day_next_year(day: datetime.date) -> datetime.date:
    return day.replace(year=day.year + 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
