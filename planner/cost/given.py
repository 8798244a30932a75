"""What the hospital gives beside single values: a server quote, lines of its own, risks, modalities."""

from __future__ import annotations

import datetime
from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(min_length=1, max_length=80)]
Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]

NEVER_COMPUTED = {
    "deidentification": "De-identification of images and reports",
    "labelling": "Labelling and report review by radiologists",
    "clinical_validation": "Clinical validation",
    "compliance": "MDR, AI Act, data protection assessment and security",
    "pacs_integration": "PACS and RIS integration",
    "downtime": "Downtime and fallback",
    "decommissioning": "Decommissioning",
}
"""Lines that a board asks about and nobody computes: code and label. Given in `Scenario.costs`, or "not costed"."""

COMPUTED = {
    "serving_rent": "studies_per_day",
    "staff": "staff_hours_per_year",
    "tuning_rent": "trials and retunings_per_year",
    "calibration_rent": "the calibration record",
    "idle_commitment": "tenure",
    "equipment": "quote",
    "maintenance": "maintenance_share_per_year",
    "energy": "electricity_eur_per_kwh",
    "storage": "storage_gib",
    "egress": "egress_gib_per_year",
    "support": "support_eur_per_year",
    "vat": "vat_rate",
    "vat_reverse_charge": "vat_rate",
    "purchase": "quote",
    "serving": "studies_per_day",
    "tuning": "trials and retunings_per_year",
    "calibration": "the calibration record",
    "risks": "risks",
}
"""Codes of lines that Plateau computes, and what they are computed from."""


class ServerQuote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier's offer for a whole server.

    Attributes:
        supplier: Who offers it.
        gpu: Name in `data/gpus.csv`.
        gpus: Of them in the server.
        price_eur: Host, GPUs and what else the quote holds, without VAT.
        quoted_on, valid_until: Dates of the quote.
        installation_eur: Rack, network and installation where the price does not hold them, without VAT.
        warranty_years: Repairs within them cost nothing.
        support_eur_per_year: Maintenance contract; None: the scenario's share of the price after the warranty.
        watts_at_wall: Of the whole server under load, as measured or stated by the supplier.
    """

    supplier: Text
    gpu: Text
    gpus: Annotated[int, Meta(ge=1, le=64)] = 1
    price_eur: Positive
    quoted_on: datetime.date
    valid_until: datetime.date
    installation_eur: NonNegative = 0.0
    warranty_years: NonNegative = 0.0
    support_eur_per_year: NonNegative | None = None
    watts_at_wall: Positive


class GivenCost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line that nobody computes and the hospital has a figure for.

    Attributes:
        code: One of the lines that are otherwise "not costed", such as `clinical_validation`, or one of your own.
        label: For the board; None: that of the known code.
        eur_per_year: Every year, without VAT.
        eur_once: At the start, without VAT.
        vat: Whether VAT comes on top; false for own staff.
        source: Who says so.
    """

    code: Code
    label: Text | None = None
    eur_per_year: NonNegative = 0.0
    eur_once: NonNegative = 0.0
    vat: bool = True
    source: Text


class Risk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named risk of the register.

    Attributes:
        probability: That it happens within a year.
        impact_eur: What it then costs, VAT included.
        mitigation: What is done against it.
        source: Who judged it.
    """

    name: Text
    probability: Share
    impact_eur: Positive
    mitigation: Annotated[str, Meta(max_length=200)] = ""
    source: Text


class Modality(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of study.

    Attributes:
        share: Of all studies; the shares add up to 1.
    """

    name: Text
    share: Annotated[float, Meta(gt=0, le=1)]
