"""What one row of each catalog holds, with units in the names."""

from __future__ import annotations

import datetime

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """What every catalog row has.

    Attributes:
        source: Where the figure comes from.
        as_of: ISO date at which the source stated it.
        note: What to know before using it.
    """

    source: str
    as_of: str
    note: str = ""

    def age_days(self, today: datetime.date) -> int:
        """Days since the source stated it."""
        return (today - datetime.date.fromisoformat(self.as_of)).days


class GpuSpec(Row, frozen=True, kw_only=True):
    """A GPU. Rates are dense (without sparsity), tensor cores, fp32 accumulation where the card distinguishes it.

    Attributes:
        driver_names: What its driver calls it, separated by `|`; a calibration on a GPU records such a name.
        matmul_tflops: What large matrix products in that arithmetic were measured to reach; None: not measured.
        interconnect_gb_s: Of its links to other GPUs, both directions together; None: PCIe alone.
    """

    gpu: str
    memory_gib: float
    bf16_dense_tflops: float | None
    fp16_dense_tflops: float
    bandwidth_gb_s: float
    tdp_w: float
    precision_class: str
    launch_year: int
    basis: str
    driver_names: str | None = None
    matmul_tflops: float | None = None
    interconnect_gb_s: float | None = None

    @property
    def training_tflops(self) -> float:
        """Dense rate of the arithmetic that it trains in: bf16, or fp16 where it has no bf16."""
        return self.bf16_dense_tflops or self.fp16_dense_tflops


class Price(Row, frozen=True, kw_only=True):
    """A rented GPU-hour, without VAT; a price list of your own may leave out region, instance and GPUs.

    Attributes:
        valid_until: ISO date up to which a contract fixes the price; None: a list price, which may move.
    """

    gpu: str
    tenure: str
    provider: str
    price_per_gpu_hour: float
    currency: str
    region: str = "any"
    instance: str = "any"
    gpus: int = 1
    valid_until: str | None = None

    def expired(self, day: datetime.date) -> bool:
        """Whether the contract no longer fixes the price on a day."""
        return self.valid_until is not None and day.isoformat() > self.valid_until


class ListedGpu(Row, frozen=True, kw_only=True):
    """What public price lists call a GPU; where the name alone leaves the form factor open, by the instance's name."""

    gpu: str
    listed_name: str
    memory_gib: float
    instance_prefix: str | None = None


class PurchasePrice(Row, frozen=True, kw_only=True):
    """A bare card, without VAT; host, rack and support come on top."""

    gpu: str
    price: float
    price_low: float
    price_high: float
    currency: str
    kind: str


class ElectricityPrice(Row, frozen=True, kw_only=True):
    """Electricity for non-household consumers, without VAT."""

    country: str
    price_per_kwh: float
    currency: str
    basis: str


class LabourCost(Row, frozen=True, kw_only=True):
    """Full cost of an hour of work to the employer, whole economy."""

    country: str
    cost_per_hour: float
    currency: str


class GridCarbon(Row, frozen=True, kw_only=True):
    """Carbon intensity of the electricity of a country (ISO 3166 alpha-3) or of a cloud region ("gcp:europe-west4")."""

    country: str
    name: str
    g_co2e_per_kwh: float


class ExchangeRate(Row, frozen=True, kw_only=True):
    """`rate` units of `quote` for one `base`; its logarithm has a standard deviation of `annual_volatility` a year."""

    base: str
    quote: str
    rate: float
    annual_volatility: float


class Provider(Row, frozen=True, kw_only=True):
    """Who bills a provider's hours to a hospital in Europe.

    Attributes:
        billing_country: ISO 3166 alpha-3 code; from another country the hospital accounts for the VAT itself.
        local_vat_countries: Where its branches charge local VAT all the same, separated by `|`.
    """

    provider: str
    billing_country: str
    local_vat_countries: str | None = None

    def reverse_charged_in(self, country: str) -> bool:
        """Whether a hospital in that country accounts for the VAT (Directive 2006/112/EC, articles 44 and 196)."""
        return country not in (self.billing_country, *(self.local_vat_countries or "").split("|"))


class PriceIndex(Row, frozen=True, kw_only=True):
    """Nominal growth of a kind of price; `annual_sd` is the spread of a drift that stays from year to year."""

    name: str
    growth_per_year: float
    annual_sd: float


class Quantization(Row, frozen=True, kw_only=True):
    """How weights are held; step times relative to bf16."""

    quantization: str
    bytes_per_linear_parameter: float
    bytes_per_other_parameter: float
    precision_class: str
    relative_step_time: float
    relative_step_time_high: float


class Utilisation(Row, frozen=True, kw_only=True):
    """Measured share of the dense peak (model FLOPs utilisation, MFU) of fine-tuning runs, by source and GPU."""

    origin: str
    gpu: str
    runs: int
    mfu_p10: float
    mfu_p50: float
    mfu_p90: float


class ModelParameter(Row, frozen=True, kw_only=True):
    """A factor of the memory or hours model."""

    name: str
    value: float
    unit: str


class ArchitectureRow(Row, frozen=True, kw_only=True):
    """The numbers of `planner.hardware.architecture.ModelArchitecture` for a named model."""

    model: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_heads: int
    head_size: int
    vocabulary: int
    gated: bool
    tied: bool
    norms_per_layer: int
    attention_bias: bool
    vision_hidden: int
    vision_intermediate: int
    vision_layers: int
    image_size_px: int
    patch_size_px: int
    output_bias: bool = False
    query_key_norm: bool = False
    vision_pooling_head: bool = False
    softcapped_attention: bool = False
