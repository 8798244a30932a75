"""Every input of a plan with value, unit, uncertainty, basis, source and date."""

from __future__ import annotations

from collections.abc import Iterator

from planner.catalog import Catalog, GpuSpec, Quantization
from planner.cost.basis import PlannedModel
from planner.cost.plan import Assumption, Basis
from planner.cost.price_rows import electricity_row, exchange_rate, labour_row, purchase_row, rented_rows
from planner.cost.scenario import Scenario, Tenure
from planner.outcome import Quantiles

_SCENARIO_WORDS = {
    "trials": ("Trials until a fine-tuning is accepted", "trials"),
    "retunings_per_year": ("Re-tunings a year", "a year"),
    "retuning_share": ("Examples of a re-tuning", "of the first"),
    "studies_per_day": ("Studies to answer", "a day"),
    "answer_tokens": ("Length of an answer", "tokens"),
    "staff_hours_per_year": ("Own staff", "hours a year"),
    "staff_eur_per_hour": ("Full cost of an hour of staff", "EUR"),
    "vat_rate": ("VAT", "of the price"),
    "vat_recoverable_share": ("VAT that is recovered", "of it"),
    "power_usage_effectiveness": ("Power usage effectiveness (PUE)", "ratio"),
    "lifetime_years": ("Life of bought hardware", "years"),
    "residual_share": ("Residual value", "of the price"),
    "maintenance_share_per_year": ("Maintenance", "share of the price a year"),
    "discount_rate": ("Discount rate", "a year"),
    "storage_gib": ("Storage", "GiB"),
    "unique_studies": ("Different studies within a year", "studies"),
}
_ONLY_BOUGHT = {
    "power_usage_effectiveness",
    "lifetime_years",
    "residual_share",
    "maintenance_share_per_year",
    "discount_rate",
}


def assumptions(
    scenario: Scenario,
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    hours_sentence: str,
    hours_basis: Basis,
    seconds_per_example: Quantiles,
) -> list[Assumption]:
    """All inputs, hardware first."""
    return [
        *_hardware(model, gpu, quantization, catalog, hours_sentence, hours_basis, seconds_per_example),
        *_prices(scenario, gpu, catalog),
        *_staff(scenario, catalog),
        *_scenario(scenario),
    ]


def _hardware(
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    catalog: Catalog,
    hours_sentence: str,
    hours_basis: Basis,
    seconds_per_example: Quantiles,
) -> Iterator[Assumption]:
    yield Assumption(
        code="model",
        label="Model that hours and memory are computed for",
        value=model.name,
        unit="",
        uncertainty=model.assumed or "none: the calibrated model",
        basis=Basis.ASSUMPTION if model.assumed else Basis.MEASURED,
        source=model.source,
        as_of=model.as_of,
    )
    yield Assumption(
        code="gpu_rate",
        label=f"Dense rate of {gpu.gpu}",
        value=f"{gpu.training_tflops:g}",
        unit="TFLOP/s",
        uncertainty="measured rates are 60 to 80 % of datasheet ones; part of the utilisation",
        basis=Basis.DATASHEET if gpu.basis == "datasheet" else Basis.CATALOG,
        source=gpu.source,
        as_of=gpu.as_of,
    )
    yield Assumption(
        code="gpu_memory",
        label=f"Memory of {gpu.gpu}",
        value=f"{gpu.memory_gib:g}",
        unit="GiB",
        uncertainty=f"{catalog.parameter('usable_share').value:.0%} of it usable",
        basis=Basis.DATASHEET if gpu.basis == "datasheet" else Basis.CATALOG,
        source=gpu.source,
        as_of=gpu.as_of,
    )
    yield Assumption(
        code="quantization",
        label=f"Weights in {quantization.quantization}",
        value=f"{quantization.bytes_per_linear_parameter:g}",
        unit="bytes a parameter",
        uncertainty=f"step time {quantization.relative_step_time:g} to {quantization.relative_step_time_high:g} x bf16",
        basis=Basis.CATALOG,
        source=quantization.source,
        as_of=quantization.as_of,
    )
    yield Assumption(
        code="seconds_per_example",
        label="Seconds of an example in training",
        value=_range(seconds_per_example),
        unit="s",
        uncertainty=hours_sentence,
        basis=hours_basis,
        source="step model learned on published runs (data/hardware_model.csv, data/utilisation.csv)"
        if hours_basis is Basis.UNPROBED
        else "probes of the calibration",
        as_of=max(row.as_of for row in catalog.utilisation) if hours_basis is Basis.UNPROBED else None,
    )
    for name, label in (
        ("evaluation_share", "Evaluation during training"),
        ("loading_share", "Start-up and checkpoints"),
        ("serving_batch", "Studies answered together"),
        ("serving_start_s", "Start of the daily answering batch"),
    ):
        row = catalog.parameter(name)
        yield Assumption(
            code=name,
            label=label,
            value=f"{row.value:g}",
            unit=row.unit,
            uncertainty="not drawn",
            basis=Basis.ASSUMPTION,
            source=row.source,
            as_of=row.as_of,
        )


def _range(values: Quantiles) -> str:
    """P10 to P90, two significant digits."""
    if values.p10 is None or values.p90 is None:
        return "unknown"
    return f"{values.p10:.2g} to {values.p90:.2g}"


def _prices(scenario: Scenario, gpu: GpuSpec, catalog: Catalog) -> Iterator[Assumption]:
    rows = rented_rows(gpu, scenario, catalog)
    purchase = purchase_row(gpu, catalog)
    if scenario.tenure is Tenure.BUY:
        if scenario.server_quote_eur is not None:
            yield _typed("server_quote_eur", "Server quote, without VAT", f"{scenario.server_quote_eur:,.0f}", "EUR")
        elif purchase is not None:
            yield Assumption(
                code="purchase",
                label=f"Bare card {gpu.gpu}, without VAT",
                value=f"{purchase.price:,.0f}",
                unit=purchase.currency,
                uncertainty=f"{purchase.price_low:,.0f} to {purchase.price_high:,.0f}, host on top",
                basis=Basis.CATALOG,
                source=purchase.source,
                as_of=purchase.as_of,
            )
        tariff = electricity_row(scenario, catalog)
        if scenario.electricity_eur_per_kwh is not None:
            yield _typed("electricity", "Electricity, without VAT", f"{scenario.electricity_eur_per_kwh:g}", "EUR/kWh")
        else:
            yield Assumption(
                code="electricity",
                label="Electricity, without VAT",
                value=f"{tariff.price_per_kwh:g}",
                unit="EUR/kWh",
                uncertainty="a public average, not your contract",
                basis=Basis.CATALOG,
                source=tariff.source,
                as_of=tariff.as_of,
            )
    elif scenario.price_eur_per_hour is not None:
        yield _typed("price", f"GPU-hour of {gpu.gpu}, without VAT", f"{scenario.price_eur_per_hour:g}", "EUR/h")
    elif rows:
        prices = sorted(row.price_per_gpu_hour for row in rows)
        yield Assumption(
            code="price",
            label=f"GPU-hour of {gpu.gpu}, {scenario.tenure.value.replace('_', ' ')}, without VAT",
            value=f"{prices[len(prices) // 2]:.2f}",
            unit=f"{rows[0].currency}/h",
            uncertainty=f"{prices[0]:.2f} to {prices[-1]:.2f} over {len(rows)} dated prices; one is drawn",
            basis=Basis.CATALOG,
            source="data/prices.csv: " + ", ".join(sorted({row.provider for row in rows})),
            as_of=min(row.as_of for row in rows),
        )
    if scenario.usd_per_eur is not None:
        yield _typed("usd_per_eur", "US dollars for one euro", f"{scenario.usd_per_eur:g}", "USD")
    else:
        rate = exchange_rate(catalog)
        yield Assumption(
            code="usd_per_eur",
            label="US dollars for one euro",
            value=f"{rate.rate:g}",
            unit="USD",
            uncertainty=f"{rate.annual_volatility:.0%} a year since then, drawn (the volatility is an assumption)",
            basis=Basis.CATALOG,
            source=rate.source,
            as_of=rate.as_of,
        )


def _staff(scenario: Scenario, catalog: Catalog) -> Iterator[Assumption]:
    if scenario.staff_hours_per_year is None or scenario.staff_eur_per_hour is not None:
        return
    row = labour_row(scenario, catalog)
    yield Assumption(
        code="staff_eur_per_hour",
        label="Full cost of an hour of staff",
        value=f"{row.cost_per_hour:g}",
        unit="EUR",
        uncertainty="a whole-economy average, not your pay scale: type your own",
        basis=Basis.CATALOG,
        source=row.source,
        as_of=row.as_of,
    )


def _typed(code: str, label: str, value: str, unit: str) -> Assumption:
    return Assumption(
        code=code,
        label=label,
        value=value,
        unit=unit,
        uncertainty="as typed",
        basis=Basis.TYPED,
        source="Typed by the user",
    )


def _scenario(scenario: Scenario) -> Iterator[Assumption]:
    defaults = Scenario(target_loss=scenario.target_loss, gpu=scenario.gpu)
    for field, (label, unit) in _SCENARIO_WORDS.items():
        value = getattr(scenario, field)
        if value is None or (field in _ONLY_BOUGHT and scenario.tenure is not Tenure.BUY):
            continue
        typed = value != getattr(defaults, field)
        yield Assumption(
            code=field,
            label=label,
            value=f"{value:g}",
            unit=unit,
            uncertainty="as typed" if typed else "a default of Plateau, not drawn: type your own",
            basis=Basis.TYPED if typed else Basis.DEFAULT,
            source="Typed by the user" if typed else "Default of Plateau",
        )
