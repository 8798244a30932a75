"""What the hospital decides. All of it has a unit in its name; None means "not given"."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Tenure(StrEnum):
    """How the GPU is had."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    COMMITMENT_1_YEAR = "commitment_1_year"
    COMMITMENT_3_YEARS = "commitment_3_years"
    BUY = "buy"


class ServingMode(StrEnum):
    """How studies are answered."""

    BATCH = "batch"
    ALWAYS_ON = "always_on"


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario of use.

    Attributes:
        target_loss: Held-out loss to reach, nats per suffix token.
        gpu: Name in `data/gpus.csv`.
        quantization: Name in `data/quantizations.csv`.
        tenure: Rented (how) or bought.
        provider: Limit rented prices to one provider.
        budget_eur: Yearly budget; gives P(within budget).
        price_eur_per_hour: The user's own price of a GPU-hour, without VAT; replaces the catalog's.
        server_quote_eur: The user's own quote for a server, without VAT; replaces the catalog's card price.
        retunings_per_year: Fine-tunings after the first, each year.
        retuning_share: Examples of a re-tuning as a share of the first.
        trials: Complete fine-tunings until one is accepted (learning rates, mistakes).
        unique_studies: Different studies that are or will be there within a year; limits the horizon.
        studies_per_day: Studies to answer; None: serving is not costed.
        answer_tokens: Tokens of one answer.
        serving_mode: Batch (hours used) or always on (8,760 h).
        staff_hours_per_year: None: staff is not costed.
        staff_eur_per_hour: Full cost of an hour of staff.
        electricity_eur_per_kwh: Without VAT; None: the catalog's dated figure for `country`.
        country: ISO 3166 alpha-3 code, for electricity and carbon.
        power_usage_effectiveness: Facility power over IT power (PUE).
        vat_rate: On everything that is bought.
        vat_recoverable_share: 0 for a hospital by default: input VAT on exempt care is lost.
        usd_per_eur: None: the catalog's dated rate.
        lifetime_years: Of bought hardware.
        residual_share: Of its price at the end of its life.
        maintenance_share_per_year: Of its price.
        discount_rate: Real rate for the equivalent annual cost.
        storage_gib: Images, adapters and records that are kept; None: storage is not costed.
    """

    target_loss: Positive
    gpu: str
    quantization: str = "bf16"
    tenure: Tenure = Tenure.ON_DEMAND
    provider: str | None = None
    budget_eur: Positive | None = None
    price_eur_per_hour: Positive | None = None
    server_quote_eur: Positive | None = None
    retunings_per_year: NonNegative = 1.0
    retuning_share: Share = 1.0
    trials: Annotated[float, Meta(ge=1)] = 3.0
    unique_studies: Positive | None = None
    studies_per_day: Positive | None = None
    answer_tokens: Annotated[int, Meta(ge=1)] = 64
    serving_mode: ServingMode = ServingMode.BATCH
    staff_hours_per_year: Positive | None = None
    staff_eur_per_hour: Positive | None = None
    electricity_eur_per_kwh: Positive | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "NLD"
    power_usage_effectiveness: Annotated[float, Meta(ge=1)] = 1.5
    vat_rate: Share = 0.21
    vat_recoverable_share: Share = 0.0
    usd_per_eur: Positive | None = None
    lifetime_years: Positive = 5.0
    residual_share: Share = 0.1
    maintenance_share_per_year: Share = 0.1
    discount_rate: Share = 0.035
    storage_gib: Positive | None = None
