"""What the hospital decides. All of it has a unit in its name; None means "not given"."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from planner.cost.given import GivenCost, Modality, NonNegative, Positive, Risk, ServerQuote, Share

Growth = Annotated[float, Meta(ge=-0.5, le=1)]
Count = Annotated[int, Meta(ge=1)]


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


class Money(StrEnum):
    """In whose money later years are stated."""

    NOMINAL = "nominal"
    REAL = "real"


class Layout(StrEnum):
    """How several modalities are served."""

    JOINT = "joint"
    PER_MODALITY = "per_modality"


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario of use.

    Attributes:
        target_loss: Held-out loss to reach, nats per suffix token.
        gpu: Name in `data/gpus.csv`.
        gpus: That one fine-tuning runs on side by side, each on its share of the effective batch, which stays.
        quantization: Name in `data/quantizations.csv`.
        tenure: Rented (how) or bought.
        provider, region: Limit rented prices to them.
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
        country: ISO 3166 alpha-3 code, for electricity, wages, carbon and VAT.
        grid: Code in `data/carbon.csv` of where the computer stands; None: the country.
        power_usage_effectiveness: Facility power over IT power (PUE).
        vat_rate: On everything that is bought.
        vat_recoverable_share: 0 for a hospital by default: input VAT on exempt care is lost.
        usd_per_eur: None: the catalog's dated rate.
        lifetime_years: Of bought hardware.
        residual_share: Of its price at the end of its life.
        maintenance_share_per_year: Of its price.
        discount_rate: Real rate for the equivalent annual cost.
        storage_gib: Images, adapters and records that are kept; None: storage is not costed.
        egress_gib_per_year: Read out of the cloud; None: egress is not costed.
        support_eur_per_year: Support contracts beside maintenance; None: support is not costed.
        reverse_charge: Whether the hospital accounts for the VAT of the rent itself; None: where the provider bills
            from abroad.
        horizon_years: Years of use that are planned.
        first_month: Of use, "2027-01"; None: the month after the day of the plan.
        fiscal_year_start_month: 1 is January.
        money: Nominal (with the growth of prices) or real (in money of the start).
        wage_growth_per_year, energy_growth_per_year, price_growth_per_year, gpu_price_growth_per_year: Nominal growth
            of wages, electricity, other services, and GPU-hours or servers; None: `data/indices.csv`.
        inflation_per_year: Turns nominal growth into real growth; None: `data/indices.csv`.
        prepaid: A commitment is paid at the start of its term.
        carry_over: What a fiscal year leaves of its budget may be spent in the next.
        studies_arriving_per_year: Different studies that come on top of `unique_studies`, each year.
        studies_growth_per_year: Of the studies to answer.
        smaller_models_per_year: By which share a newly chosen model is smaller each year at the same loss.
        layout: One adapter for all modalities, or one each.
        modality_count: Modalities of equal share; `modalities` names them.
        modality_transfer: 0: a study teaches its own modality only; 1: it teaches all. None: drawn between.
        modalities: Named, with their shares.
        quote: A supplier's offer; used when bought, instead of the catalog's card.
        costs: Lines with a figure of your own.
        risks: The risk register.
    """

    target_loss: Positive
    gpu: str
    gpus: Annotated[int, Meta(ge=1, le=64)] = 1
    quantization: str = "bf16"
    tenure: Tenure = Tenure.ON_DEMAND
    provider: str | None = None
    region: str | None = None
    budget_eur: Positive | None = None
    price_eur_per_hour: Positive | None = None
    server_quote_eur: Positive | None = None
    retunings_per_year: NonNegative = 1.0
    retuning_share: Share = 1.0
    trials: Annotated[float, Meta(ge=1)] = 3.0
    unique_studies: Positive | None = None
    studies_per_day: Positive | None = None
    answer_tokens: Count = 64
    serving_mode: ServingMode = ServingMode.BATCH
    staff_hours_per_year: Positive | None = None
    staff_eur_per_hour: Positive | None = None
    electricity_eur_per_kwh: Positive | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "NLD"
    grid: str | None = None
    power_usage_effectiveness: Annotated[float, Meta(ge=1)] = 1.5
    vat_rate: Share = 0.21
    vat_recoverable_share: Share = 0.0
    usd_per_eur: Positive | None = None
    lifetime_years: Positive = 5.0
    residual_share: Share = 0.1
    maintenance_share_per_year: Share = 0.1
    discount_rate: Share = 0.035
    storage_gib: Positive | None = None
    egress_gib_per_year: Positive | None = None
    support_eur_per_year: Positive | None = None
    reverse_charge: bool | None = None
    horizon_years: Annotated[int, Meta(ge=1, le=10)] = 5
    first_month: Annotated[str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None
    fiscal_year_start_month: Annotated[int, Meta(ge=1, le=12)] = 1
    money: Money = Money.NOMINAL
    wage_growth_per_year: Growth | None = None
    energy_growth_per_year: Growth | None = None
    price_growth_per_year: Growth | None = None
    gpu_price_growth_per_year: Growth | None = None
    inflation_per_year: Growth | None = None
    prepaid: bool = False
    carry_over: bool = False
    studies_arriving_per_year: Positive | None = None
    studies_growth_per_year: Growth = 0.0
    smaller_models_per_year: Annotated[float, Meta(ge=0, le=0.9)] = 0.0
    layout: Layout = Layout.JOINT
    modality_count: Annotated[int, Meta(ge=1, le=20)] = 1
    modality_transfer: Share | None = None
    modalities: tuple[Modality, ...] = ()
    quote: ServerQuote | None = None
    costs: tuple[GivenCost, ...] = ()
    risks: tuple[Risk, ...] = ()
