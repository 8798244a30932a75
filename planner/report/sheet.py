"""The plan for spreadsheets: one CSV table with every figure of the board paper, a record a row.

Columns are named as in FOCUS 1.2, the FinOps specification of billing data, where it has a word for them; columns of
our own start with `x_`. The charges alone, by fiscal year and as the specification asks, are in `planner.report.focus`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from planner.cost.plan import CostQuantiles, Option, Plan
from planner.outcome import Interval, Quantiles
from planner.report.cells import Cell, cell
from planner.report.focus import first_year_charge
from planner.report.words import sentences

COLUMNS = (
    "x_Record",
    "x_Code",
    "ChargeDescription",
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "BillingCurrency",
    "ChargeCategory",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ServiceCategory",
    "ServiceSubcategory",
    "ServiceName",
    "ProviderName",
    "RegionId",
    "PricingQuantity",
    "PricingUnit",
    "ContractedUnitPrice",
    "ConsumedQuantity",
    "ConsumedUnit",
    "x_VatEur",
    "x_P10",
    "x_P50",
    "x_P90",
    "x_Unit",
    "x_Probability",
    "x_BudgetEur",
    "x_Note",
    "x_Basis",
    "x_Source",
    "x_AsOf",
)
_AMOUNTS = frozenset(["BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_VatEur"])
"""Columns that add up, written to the cent."""


def board_csv(plan: Plan, language: str = "en") -> bytes:
    """Lines, total, quantiles, options, assumptions and what is not costed: UTF-8 with byte-order mark.

    An empty quantile is infinite: the target is not reached there; the note says so.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in _records(plan, language):
        writer.writerow([cell(record.get(column), cents=column in _AMOUNTS) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def file_name(plan: Plan, extension: str, part: str = "") -> str:
    """A file name from a fixed pattern: `plateau-<gpu>-<date>.<extension>`; nothing of a user's text gets through.

    Args:
        plan: What is in the file.
        extension: Without the dot.
        part: A word of ours for one of several files, such as `charges`.
    """
    gpu = re.sub(r"[^a-z0-9]+", "-", plan.scenario.gpu.lower()).strip("-")[:30].strip("-") or "plan"
    day = plan.created[:10] if re.fullmatch(r"\d{4}-\d{2}-\d{2}", plan.created[:10]) else "undated"
    return f"plateau-{gpu}-{day}{f'-{part}' if part else ''}.{extension}"


def _records(plan: Plan, language: str) -> Iterator[dict[str, Cell]]:
    for mark in sentences.marks(plan, language):
        yield {"x_Record": "mark", "x_Note": mark}
    yield {
        "x_Record": "verdict",
        "x_Code": plan.verdict.name.value,
        "x_Probability": plan.verdict.probability,
        "x_Note": plan.verdict.sentence,
    }
    for line in plan.lines:
        yield {
            "x_Record": "line",
            "x_Code": line.code,
            **first_year_charge(plan, line),
            "x_VatEur": line.vat_eur,
            "x_Note": line.formula,
            "x_Basis": line.basis.value,
            "x_Source": line.source,
            "x_AsOf": line.as_of,
        }
    yield {
        "x_Record": "total",
        "x_Code": "budget_scenario",
        "BilledCost": plan.total_eur,
        "BillingCurrency": "EUR",
        "x_Note": plan.budget_scenario,
    }
    for year in plan.years.years if plan.years is not None else ():
        yield {
            "x_Record": "fiscal_year",
            "x_Code": year.name,
            "BilledCost": year.cash_eur,
            "EffectiveCost": year.expense_eur,
            "BillingCurrency": "EUR",
            "ChargePeriodStart": year.start,
            "ChargePeriodEnd": year.end,
            **_three(year.cash),
            "x_Unit": "EUR",
            "x_BudgetEur": year.budget_eur,
            "x_Probability": year.probability_within_budget,
        }
    yield from _quantiles(plan, language)
    yield from (_option(option, language) for option in plan.options)
    for item in plan.influences:
        yield {
            "x_Record": "influence",
            "x_Code": item.code,
            "ChargeDescription": item.label,
            "x_P10": item.cost_low_eur,
            "x_P90": item.cost_high_eur,
            "x_Unit": "EUR a year",
        }
    for assumption in plan.assumptions:
        yield {
            "x_Record": "assumption",
            "x_Code": assumption.code,
            "ChargeDescription": assumption.label,
            "PricingQuantity": _number(assumption.value),
            "PricingUnit": assumption.unit,
            "x_Note": assumption.uncertainty,
            "x_Basis": assumption.basis.value,
            "x_Source": assumption.source,
            "x_AsOf": assumption.as_of,
        }
    for missing in plan.not_costed:
        yield {
            "x_Record": "not_costed",
            "x_Code": missing.code,
            "ChargeDescription": missing.label,
            "x_Note": missing.remedy,
        }


def _quantiles(plan: Plan, language: str) -> Iterator[dict[str, Cell]]:
    reached = plan.if_reached
    named: list[tuple[str, Quantiles | CostQuantiles, str, float | None]] = [
        ("cost_per_year", plan.cost_per_year, "EUR a year", None),
        ("cost_per_year_if_reached", reached.cost_per_year, "EUR a year", reached.probability),
        ("hours_per_year", plan.hours_per_year, "GPU-hours a year", None),
        ("hours_per_tuning", plan.hours, "GPU-hours", None),
        ("hours_per_tuning_if_reached", reached.hours, "GPU-hours", reached.probability),
        ("examples", plan.examples, sentences.unit(plan, language), None),
        ("examples_if_reached", reached.examples, sentences.unit(plan, language), reached.probability),
    ]
    for code, quantiles, unit, probability in named:
        yield {
            "x_Record": "quantiles, not additive",
            "x_Code": code,
            "x_Unit": unit,
            "x_Probability": probability,
            **_three(quantiles),
            "x_Note": sentences.why_missing(quantiles, language),
        }
    lowest: Interval = plan.curve.loss_at_horizon
    yield {
        "x_Record": "loss_at_horizon",
        "x_P50": lowest.p50,
        "x_Unit": "nats per suffix token",
        "x_Note": sentences.lowest_loss(plan, language),
    }
    yield {
        "x_Record": "spent_if_missed",
        "x_P90": reached.spent_if_missed_eur,
        "x_Unit": "EUR",
        "x_Probability": 1.0 - reached.probability,
    }
    if plan.probability_within_budget is not None:
        yield {
            "x_Record": "within_budget",
            "x_BudgetEur": plan.scenario.budget_eur,
            "x_Probability": plan.probability_within_budget,
        }


def _option(option: Option, language: str) -> dict[str, Cell]:
    return {
        "x_Record": "option",
        "x_Code": "feasible" if option.reason is None else "infeasible",
        "ChargeDescription": f"{option.gpu}, {option.quantization}, {sentences.tenure(option.tenure, language)}",
        **_three(option.cost_per_year),
        "x_Unit": "EUR a year",
        "x_Probability": option.probability_within_budget,
        "x_Note": option.reason or sentences.why_missing(option.cost_per_year, language),
        "x_Basis": option.hours_basis.value,
        "x_Source": option.source,
        "x_AsOf": option.as_of,
    }


def _three(quantiles: Quantiles | CostQuantiles) -> dict[str, Cell]:
    return {"x_P10": quantiles.p10, "x_P50": quantiles.p50, "x_P90": quantiles.p90}


def _number(text: str) -> Cell:
    """A number where the text is one, so that it stays a number in the sheet."""
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text
