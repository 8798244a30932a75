"""Every input of a plan with value, unit, uncertainty, basis, source and date."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec

from planner.catalog import STALE_AFTER_DAYS, Catalog, GpuSpec, Quantization
from planner.cost.basis import PlannedModel
from planner.cost.drawing import Question
from planner.cost.growth import TYPED, growth_per_year
from planner.cost.modalities import shares_of
from planner.cost.plan import Assumption, Basis
from planner.cost.price_assumptions import basis_of, price_assumptions, staff_assumption, typed
from planner.cost.price_rows import grid_row
from planner.cost.scenario import Scenario, Tenure
from planner.outcome import Quantiles
from planner.record import UNKNOWN

_SCENARIO_WORDS = {
    "gpus": ("GPUs that train together", "GPUs"),
    "trials": ("Trials until a fine-tuning is accepted", "trials"),
    "retunings_per_year": ("Re-tunings", "a year"),
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
    "egress_gib_per_year": ("Data read out of the cloud", "GiB a year"),
    "support_eur_per_year": ("Support contracts", "EUR a year"),
    "unique_studies": ("Different studies within a year", "studies"),
    "studies_arriving_per_year": ("Different studies that arrive", "a year"),
    "studies_growth_per_year": ("Growth of the studies to answer", "a year"),
    "horizon_years": ("Years of use that are planned", "years"),
    "smaller_models_per_year": ("Shrinking of newly chosen models", "a year"),
}
_ONE = {"trials": "trial", "years": "year"}
_ONLY_BOUGHT = {
    "power_usage_effectiveness",
    "lifetime_years",
    "residual_share",
    "maintenance_share_per_year",
    "discount_rate",
}


def assumptions(
    question: Question,
    scenario: Scenario,
    model: PlannedModel,
    gpu: GpuSpec,
    quantization: Quantization,
    hours_sentence: str,
    hours_basis: Basis,
    seconds_per_example: Quantiles,
) -> list[Assumption]:
    """All inputs, hardware first; those whose date is long past are marked stale."""
    catalog = question.catalog
    rows = [
        *_hardware(model, gpu, quantization, catalog, hours_sentence, hours_basis, seconds_per_example),
        *_curve(question, scenario),
        *price_assumptions(scenario, gpu, catalog, question.day),
        *staff_assumption(scenario, catalog),
        *_years(scenario, catalog),
        *_carbon(scenario, catalog),
        *_scenario(scenario),
    ]
    return [msgspec.structs.replace(row, stale=_is_stale(row, question.day)) for row in rows]


def _is_stale(row: Assumption, day: datetime.date) -> bool:
    return row.as_of is not None and (day - datetime.date.fromisoformat(row.as_of[:10])).days > STALE_AFTER_DAYS


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


def _curve(question: Question, scenario: Scenario) -> Iterator[Assumption]:
    """Where the law was calibrated at other bits than those that are planned with."""
    header = question.calibration.header
    calibrated = header.configuration.quantization
    if header.illustration or calibrated in (None, UNKNOWN, scenario.quantization):
        return
    yield Assumption(
        code="curve_of_quantization",
        label="Loss curve of the planned bits",
        value=f"that of {calibrated}",
        unit="",
        uncertainty=f"not drawn: whether {scenario.quantization} costs loss, a calibration in it would tell",
        basis=Basis.ASSUMPTION,
        source="the calibration record",
    )


def _years(scenario: Scenario, catalog: Catalog) -> Iterator[Assumption]:
    """Growth of prices, where more than one year is planned."""
    if scenario.horizon_years == 1:
        return
    for name, label in (
        ("wage", "Growth of wages"),
        ("energy", "Growth of electricity prices"),
        ("price", "Growth of other prices"),
        ("gpu", "Growth of GPU and server prices"),
        ("inflation", "Inflation"),
    ):
        growth, row = growth_per_year(scenario, catalog, name), catalog.index(name)
        if getattr(scenario, TYPED[name]) is not None:
            yield typed(f"growth_{name}", label, f"{growth:g}", "a year")
            continue
        yield Assumption(
            code=f"growth_{name}",
            label=label,
            value=f"{growth:g}",
            unit="a year",
            uncertainty="not drawn" if name == "inflation" else f"{row.annual_sd:.0%} a year, drawn",
            basis=basis_of(row, catalog),
            source=row.source,
            as_of=row.as_of,
        )


def _carbon(scenario: Scenario, catalog: Catalog) -> Iterator[Assumption]:
    row = grid_row(scenario, catalog)
    if row is not None:
        spread = catalog.parameter("carbon_log_sd")
        yield Assumption(
            code="carbon",
            label=f"Carbon of electricity, {row.name}",
            value=f"{row.g_co2e_per_kwh:.3g}",
            unit="g CO2e/kWh",
            uncertainty=f"{spread.value:.0%} (standard deviation), drawn",
            basis=basis_of(row, catalog),
            source=row.source,
            as_of=row.as_of,
        )


def _scenario(scenario: Scenario) -> Iterator[Assumption]:
    modalities = len(shares_of(scenario))
    if modalities > 1:
        given = scenario.modality_transfer
        yield Assumption(
            code="modality_transfer",
            label="What a study teaches other modalities",
            value="0 to 1" if given is None else f"{given:g}",
            unit=f"of its own, {modalities} modalities",
            uncertainty="drawn evenly: nothing measured says it" if given is None else "as typed",
            basis=Basis.ASSUMPTION if given is None else Basis.TYPED,
            source="Assumption of Plateau" if given is None else "Typed by the user",
        )
    defaults = Scenario(target_loss=scenario.target_loss, gpu=scenario.gpu)
    for field, (label, unit) in _SCENARIO_WORDS.items():
        value = getattr(scenario, field)
        optional = field.startswith(("studies_growth", "smaller_models", "gpus"))
        own = value != getattr(defaults, field)
        if value is None or (optional and not own) or (field in _ONLY_BOUGHT and scenario.tenure is not Tenure.BUY):
            continue
        yield Assumption(
            code=field,
            label=label,
            value=f"{value:g}",
            unit=_ONE.get(unit, unit) if value == 1 else unit,
            uncertainty="as typed" if own else "a default of Plateau, not drawn: type your own",
            basis=Basis.TYPED if own else Basis.DEFAULT,
            source="Typed by the user" if own else "Default of Plateau",
        )
