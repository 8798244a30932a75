"""The plan for spreadsheets: one CSV table with every figure of the board paper, a record a row.

Columns are named as in FOCUS 1.2, the FinOps specification of billing data, where it has a word for them. Texts that
a spreadsheet would run as a formula get a leading apostrophe; numbers stay numbers, with a decimal point.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from planner.cost.plan import CostQuantiles, Option, Plan
from planner.outcome import Interval, Quantiles
from planner.report.words import sentences

COLUMNS = (
    "Record",
    "Code",
    "ChargeDescription",
    "BilledCost",
    "BillingCurrency",
    "PricingQuantity",
    "PricingUnit",
    "ContractedUnitPrice",
    "P10",
    "P50",
    "P90",
    "Unit",
    "Probability",
    "Note",
    "Basis",
    "Source",
    "AsOf",
)
_AMOUNTS = frozenset(["BilledCost"])
"""Columns that add up, written to the cent."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")

Cell = str | float | None


def board_csv(plan: Plan, language: str = "en") -> bytes:
    """Lines, total, quantiles, options, assumptions and what is not costed: UTF-8 with byte-order mark.

    An empty quantile is infinite: the target is not reached there; the note says so.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in _records(plan, language):
        writer.writerow([_cell(record.get(column), cents=column in _AMOUNTS) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def file_name(plan: Plan, extension: str) -> str:
    """A file name from a fixed pattern: `plateau-<gpu>-<date>.<extension>`; nothing of a user's text gets through."""
    gpu = re.sub(r"[^a-z0-9]+", "-", plan.scenario.gpu.lower()).strip("-")[:30].strip("-") or "plan"
    day = plan.created[:10] if re.fullmatch(r"\d{4}-\d{2}-\d{2}", plan.created[:10]) else "undated"
    return f"plateau-{gpu}-{day}.{extension}"


def _records(plan: Plan, language: str) -> Iterator[dict[str, Cell]]:
    for mark in sentences.marks(plan, language):
        yield {"Record": "mark", "Note": mark}
    yield {
        "Record": "verdict",
        "Code": plan.verdict.name.value,
        "Probability": plan.verdict.probability,
        "Note": plan.verdict.sentence,
    }
    for line in plan.lines:
        yield {
            "Record": "line",
            "Code": line.code,
            "ChargeDescription": line.label,
            "BilledCost": line.amount_eur,
            "BillingCurrency": "EUR",
            "PricingQuantity": line.quantity,
            "PricingUnit": line.unit,
            "ContractedUnitPrice": line.unit_price_eur,
            "Note": line.formula,
            "Basis": line.basis.value,
            "Source": line.source,
            "AsOf": line.as_of,
        }
    yield {
        "Record": "total",
        "Code": "budget_scenario",
        "BilledCost": plan.total_eur,
        "BillingCurrency": "EUR",
        "Note": plan.budget_scenario,
    }
    yield from _quantiles(plan, language)
    yield from (_option(option, language) for option in plan.options)
    for item in plan.influences:
        yield {
            "Record": "influence",
            "Code": item.code,
            "ChargeDescription": item.label,
            "P10": item.cost_low_eur,
            "P90": item.cost_high_eur,
            "Unit": "EUR a year",
        }
    for assumption in plan.assumptions:
        yield {
            "Record": "assumption",
            "Code": assumption.code,
            "ChargeDescription": assumption.label,
            "PricingQuantity": _number(assumption.value),
            "PricingUnit": assumption.unit,
            "Note": assumption.uncertainty,
            "Basis": assumption.basis.value,
            "Source": assumption.source,
            "AsOf": assumption.as_of,
        }
    for missing in plan.not_costed:
        yield {
            "Record": "not_costed",
            "Code": missing.code,
            "ChargeDescription": missing.label,
            "Note": missing.remedy,
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
            "Record": "quantiles, not additive",
            "Code": code,
            "Unit": unit,
            "Probability": probability,
            **_three(quantiles),
            "Note": sentences.why_missing(quantiles, language),
        }
    lowest: Interval = plan.curve.loss_at_horizon
    yield {
        "Record": "loss_at_horizon",
        "P50": lowest.p50,
        "Unit": "nats per suffix token",
        "Note": sentences.lowest_loss(plan, language),
    }
    yield {
        "Record": "spent_if_missed",
        "P90": reached.spent_if_missed_eur,
        "Unit": "EUR",
        "Probability": 1.0 - reached.probability,
    }
    if plan.probability_within_budget is not None:
        yield {
            "Record": "within_budget",
            "BilledCost": plan.scenario.budget_eur,
            "BillingCurrency": "EUR",
            "Probability": plan.probability_within_budget,
        }


def _option(option: Option, language: str) -> dict[str, Cell]:
    return {
        "Record": "option",
        "Code": "feasible" if option.reason is None else "infeasible",
        "ChargeDescription": f"{option.gpu}, {option.quantization}, {sentences.tenure(option.tenure, language)}",
        **_three(option.cost_per_year),
        "Unit": "EUR a year",
        "Probability": option.probability_within_budget,
        "Note": option.reason or sentences.why_missing(option.cost_per_year, language),
        "Basis": option.hours_basis.value,
        "Source": option.source,
        "AsOf": option.as_of,
    }


def _three(quantiles: Quantiles | CostQuantiles) -> dict[str, Cell]:
    return {"P10": quantiles.p10, "P50": quantiles.p50, "P90": quantiles.p90}


def _number(text: str) -> Cell:
    """A number where the text is one, so that it stays a number in the sheet."""
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def _cell(value: Cell, *, cents: bool = False) -> str:
    """What stands in the cell; the apostrophe is what spreadsheets read as "this is text"."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return f"{round(value, 2) + 0.0:.2f}" if cents else repr(round(float(value), 6) + 0.0)
