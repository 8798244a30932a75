"""The cash of the budget scenario by line and fiscal year: cells in cents that add up in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from planner.catalog import Catalog, GpuSpec
from planner.cost.analyses import YearLine
from planner.cost.calendar import MONTHS, FiscalSpan, month_shares, span_of_month
from planner.cost.flows import RENT_CODES, Flows, Server, Year, is_prepaid
from planner.cost.ledger import Costing, cents, ledger
from planner.cost.plan import LedgerLine, VatTreatment
from planner.cost.price_rows import COMMITMENT_YEARS
from planner.cost.scenario import Scenario, Tenure
from planner.cost.yearly import vat_share

FloatArray = NDArray[np.float64]

VAT_CODES = {VatTreatment.STANDARD: "vat", VatTreatment.REVERSE_CHARGE: "vat_reverse_charge"}
ZERO = Decimal(0)


class _Row:
    """Cells of one line: paid, charged, and how much of what."""

    def __init__(self, label: str, fiscal_years: int) -> None:
        self.label = label
        self.paid = [ZERO] * fiscal_years
        self.charged = [ZERO] * fiscal_years
        self.quantity = np.zeros(fiscal_years)
        self.unit: str | None = None


class YearTable:
    """Cells by code and fiscal year, filled amount by amount."""

    def __init__(self, spans: Sequence[FiscalSpan]) -> None:
        self._fiscal_years = len(spans)
        self._rows: dict[str, _Row] = {}

    def add(self, code: str, label: str, paid: Sequence[Decimal], charged: Sequence[Decimal]) -> _Row:
        """Add what is paid and what is charged in every fiscal year to a line."""
        row = self._rows.setdefault(code, _Row(label, self._fiscal_years))
        row.paid = [a + b for a, b in zip(row.paid, paid, strict=True)]
        row.charged = [a + b for a, b in zip(row.charged, charged, strict=True)]
        return row

    def lines(self) -> list[YearLine]:
        """Lines in the order they came, VAT last; without those that are nothing in every year."""
        order = sorted(self._rows, key=lambda code: code in VAT_CODES.values())
        return [
            YearLine(
                code=code,
                label=row.label,
                amounts_eur=[float(cell) for cell in row.paid],
                total_eur=float(sum(row.paid, start=ZERO)),
                expenses_eur=[float(cell) for cell in row.charged],
                quantities=[] if row.unit is None else [float(value) for value in row.quantity],
                unit=row.unit,
            )
            for code, row in ((code, self._rows[code]) for code in order)
            if any(row.paid) or any(row.charged)
        ]


def year_lines(
    found: Flows, spans: list[FiscalSpan], scenario: Scenario, gpu: GpuSpec, catalog: Catalog, hours_source: str
) -> list[YearLine]:
    """Cash and expense by line and fiscal year.

    Expense is cash but for bought hardware, which is written off in a straight line with its VAT, and for prepaid rent,
    which is charged over its term.

    Every amount is a line of the ledger of a year of use, which falls into fiscal years by its months; what is paid at
    the start falls into the first. A year that is a fiscal year has exactly the lines of its ledger.

    Args:
        found: Flows of single values, shape (1,).
        spans: Fiscal years.
        scenario: What the hospital decides.
        gpu: The GPU.
        catalog: For sources.
        hours_source: Sentence on where the hours come from.
    """
    table = YearTable(spans)
    shares = month_shares(spans, found.horizon_years)
    prepaid = is_prepaid(scenario)
    labels: dict[str, str] = {}
    for number, year in enumerate(found.years):
        lines = ledger(
            Costing(
                cost=year.cost,
                drivers=year.drivers,
                scenario=year.scenario,
                gpu=gpu,
                catalog=catalog,
                work=year.work,
                hours_source=hours_source,
            )
        )
        labels |= {line.code: line.label for line in lines}
        for line in lines:
            if line.code in VAT_CODES.values() or line.code == "equipment":
                continue
            evenly, at_start = shares[:, number], _share_at_start(line, year, number)
            prepaid_here = prepaid and line.code in RENT_CODES
            weights = _term_weights(number, found, scenario, spans) if prepaid_here else evenly
            for code, label, amount in _with_vat(line, labels):
                charged = _cells(amount, at_start, evenly)
                row = table.add(code, label, _cells(amount, at_start, weights) if prepaid_here else charged, charged)
                if code == line.code and line.quantity is not None:
                    row.unit = line.unit
                    row.quantity = row.quantity + line.quantity * (1.0 - at_start) * evenly
                    row.quantity[0] += line.quantity * at_start
    for server in found.servers:
        index = span_of_month(spans, server.month)
        used = _used(server, spans, scenario)
        net, rest = cents(float(server.net_m[0])), float(server.net_m[0]) * scenario.residual_share
        vat = cents(float(net) * vat_share(scenario))
        label = f"Server with {gpu.gpu}, bought"
        table.add("purchase", label, _one(net, index, len(spans)), _cells(net - cents(rest), 0.0, used))
        vat_label = labels.get("vat", "VAT that is not recovered")
        table.add("vat", vat_label, _one(vat, index, len(spans)), _cells(vat, 0.0, used))
    return table.lines()


def _used(server: Server, spans: Sequence[FiscalSpan], scenario: Scenario) -> FloatArray:
    """Share of a server's life that falls into every fiscal year."""
    life = scenario.lifetime_years * MONTHS
    ends = np.array([span.first_month + span.months for span in spans], dtype=np.float64)
    reached = np.clip(ends - server.month, 0.0, life) / life
    return np.diff(reached, prepend=0.0)


def _with_vat(line: LedgerLine, labels: dict[str, str]) -> list[tuple[str, str, Decimal]]:
    rows = [(line.code, line.label, cents(line.amount_eur))]
    if line.vat is not VatTreatment.NONE:
        code = VAT_CODES[line.vat]
        rows.append((code, labels.get(code, code), cents(line.vat_eur)))
    return rows


def _share_at_start(line: LedgerLine, year: Year, number: int) -> float:
    """Share of a line that is paid in the first month."""
    if number > 0:
        return 0.0
    scenario = year.scenario
    paid_as_used = scenario.tenure is not Tenure.BUY and scenario.tenure not in COMMITMENT_YEARS
    if line.code == "tuning_rent" and paid_as_used:
        return float(year.cost.trials_share[0])
    if line.code == "calibration_rent" and paid_as_used:
        return 1.0
    for given in scenario.costs:
        if given.code == line.code:
            return given.eur_once / (given.eur_once + given.eur_per_year)
    return 0.0


def _term_weights(number: int, found: Flows, scenario: Scenario, spans: list[FiscalSpan]) -> FloatArray:
    """Where a prepaid year is paid: at the start of its term.

    The last year of a term that outlasts the horizon counts more than once, for the years committed beyond it.
    """
    term = COMMITMENT_YEARS[scenario.tenure]
    start = number - number % term
    times = 1.0
    if number == found.horizon_years - 1:
        times += term - 1 - number % term
    weights = np.zeros(len(spans))
    weights[span_of_month(spans, start * MONTHS)] = times
    return weights


def _cells(amount: Decimal, at_start: float, weights: FloatArray) -> list[Decimal]:
    """An amount over fiscal years by cumulative rounding: where the weights add up to 1, the cells are the amount."""
    first = cents(float(amount) * at_start)
    rest = amount - first
    cells, before, cumulative = [], ZERO, 0.0
    for weight in weights:
        cumulative += float(weight)
        upto = cents(float(rest) * round(cumulative, 12))
        cells.append(upto - before)
        before = upto
    cells[0] += first
    return cells


def _one(amount: Decimal, index: int, length: int) -> list[Decimal]:
    cells = [ZERO] * length
    cells[index] = amount
    return cells
