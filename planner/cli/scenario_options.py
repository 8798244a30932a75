"""The scenario on the command line: one option for every single value of `Scenario`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from planner.cli.numbers import NUMBER, WHOLE
from planner.errors import Mistake, ScenarioError

if TYPE_CHECKING:
    pass

_TENURES = click.Choice(["on_demand", "spot", "commitment_1_year", "commitment_3_years", "buy"])
_MODES = click.Choice(["batch", "always_on"])
_MONEY = click.Choice(["nominal", "real"])
_LAYOUTS = click.Choice(["joint", "per_modality"])

OPTIONS: tuple[tuple[str, str, click.ParamType[Any], str], ...] = (
    ("target_loss", "--target-loss", NUMBER, "Held-out loss to reach, nats per suffix token."),
    ("gpu", "--gpu", click.STRING, "A GPU of `plateau prices`."),
    ("gpus", "--gpus", WHOLE, "GPUs that one fine-tuning runs on; the effective batch stays. [default: 1]"),
    ("quantization", "--quantization", click.STRING, "How weights are held: bf16, int8, nf4, fp32. [default: bf16]"),
    ("budget_eur", "--budget", NUMBER, "Yearly budget in EUR; gives the chance to stay within it."),
    ("studies_per_day", "--studies-a-day", NUMBER, "Studies to answer a day; without it serving is not costed."),
    ("staff_hours_per_year", "--staff-hours", NUMBER, "Hours of staff a year; without it staff is not costed."),
    ("staff_eur_per_hour", "--staff-eur-per-hour", NUMBER, "Full cost of an hour of staff in EUR."),
    ("tenure", "--tenure", _TENURES, "How the GPU is had. [default: on_demand]"),
    ("provider", "--provider", click.STRING, "Only prices of this provider."),
    ("price_eur_per_hour", "--price-eur-per-hour", NUMBER, "Your own price of a GPU-hour in EUR, without VAT."),
    ("server_quote_eur", "--server-quote-eur", NUMBER, "Your own quote for a server in EUR, without VAT."),
    ("retunings_per_year", "--retunings-per-year", NUMBER, "Fine-tunings a year after the first. [default: 1]"),
    ("retuning_share", "--retuning-share", NUMBER, "Examples of a re-tuning as a share of the first. [default: 1]"),
    ("trials", "--trials", NUMBER, "Complete fine-tunings until one is accepted. [default: 3]"),
    ("unique_studies", "--unique-studies", NUMBER, "Different studies there within a year; limits the horizon."),
    ("answer_tokens", "--answer-tokens", WHOLE, "Tokens of one answer. [default: 64]"),
    ("serving_mode", "--serving-mode", _MODES, "Hours used, or 8,760 hours a year. [default: batch]"),
    ("electricity_eur_per_kwh", "--electricity-eur-per-kwh", NUMBER, "EUR a kWh without VAT. [default: dated figure]"),
    ("country", "--country", click.STRING, "ISO 3166 code, for electricity and carbon. [default: NLD]"),
    (
        "power_usage_effectiveness",
        "--power-usage-effectiveness",
        NUMBER,
        "Facility power over IT power. [default: 1.5]",
    ),
    ("vat_rate", "--vat-rate", NUMBER, "Share: 0.21 is 21 %. [default: 0.21]"),
    ("vat_recoverable_share", "--vat-recoverable-share", NUMBER, "Share of input VAT that comes back. [default: 0]"),
    ("usd_per_eur", "--usd-per-eur", NUMBER, "Exchange rate. [default: the catalog's dated rate]"),
    ("lifetime_years", "--lifetime-years", NUMBER, "Of bought hardware. [default: 5]"),
    ("residual_share", "--residual-share", NUMBER, "Of its price at the end of its life. [default: 0.1]"),
    ("maintenance_share_per_year", "--maintenance-share-per-year", NUMBER, "Of its price, a year. [default: 0.1]"),
    ("discount_rate", "--discount-rate", NUMBER, "Real rate of the equivalent annual cost. [default: 0.035]"),
    ("storage_gib", "--storage-gib", NUMBER, "What is kept; without it storage is not costed."),
    ("egress_gib_per_year", "--egress-gib", NUMBER, "Read out of the cloud a year; without it not costed."),
    ("support_eur_per_year", "--support-eur", NUMBER, "Support contracts a year; without it not costed."),
    ("reverse_charge", "--reverse-charge", click.BOOL, "Account for the rent's VAT yourself. [default: by provider]"),
    ("region", "--region", click.STRING, "Only prices of this region."),
    ("grid", "--grid", click.STRING, "Code in data/carbon.csv of the computer's place. [default: the country]"),
    ("horizon_years", "--horizon-years", WHOLE, "Years of use that are planned, 1 to 10. [default: 5]"),
    ("first_month", "--first-month", click.STRING, 'Of use, such as "2027-01". [default: next month]'),
    ("fiscal_year_start_month", "--fiscal-year-start-month", WHOLE, "Month in which it starts. [default: 1]"),
    ("money", "--money", _MONEY, "Later years with or without growth of prices. [default: nominal]"),
    ("wage_growth_per_year", "--wage-growth", NUMBER, "Nominal, a year. [default: data/indices.csv]"),
    ("energy_growth_per_year", "--energy-growth", NUMBER, "Nominal, a year. [default: data/indices.csv]"),
    ("price_growth_per_year", "--price-growth", NUMBER, "Of services, a year. [default: data/indices.csv]"),
    ("gpu_price_growth_per_year", "--gpu-price-growth", NUMBER, "Of computing, a year. [default: data/indices.csv]"),
    ("inflation_per_year", "--inflation", NUMBER, "Between nominal and real. [default: data/indices.csv]"),
    ("prepaid", "--prepaid", click.BOOL, "Pay a commitment at the start of its term. [default: False]"),
    ("carry_over", "--carry-over", click.BOOL, "Spend what a year leaves in the next. [default: False]"),
    ("studies_arriving_per_year", "--studies-arriving", NUMBER, "New different studies each year."),
    ("studies_growth_per_year", "--studies-growth", NUMBER, "Of the studies to answer, a year. [default: 0]"),
    ("smaller_models_per_year", "--smaller-models", NUMBER, "Share that new models lose a year. [default: 0]"),
    ("layout", "--layout", _LAYOUTS, "One adapter, or one for each modality. [default: joint]"),
    ("modality_count", "--modalities", WHOLE, "Kinds of studies, of equal share. [default: 1]"),
    ("modality_transfer", "--modality-transfer", NUMBER, "0: a study teaches its own kind, 1: all. [default: drawn]"),
)
"""Field of `Scenario`, its option (the field's name, shorter where a board speaks of it), type and help.

The tables of a scenario (modalities, quote, costs, risks) are in its file alone.
"""

F = TypeVar("F", bound=Callable[..., Any])


def with_scenario(command: F) -> F:
    """All options of the scenario, and a file that may hold them instead."""
    for field, option, kind, words in reversed(OPTIONS):
        if kind is click.BOOL:
            command = click.option(f"{option}/--no-{option[2:]}", field, default=None, help=words)(command)
        else:
            command = click.option(option, field, type=kind, help=words)(command)
    for option, field, multiple, words in (
        ("--quote", "quote_file", False, "TOML file of a supplier's server quote; used with --tenure buy."),
        ("--prices", "price_files", True, "CSV file of your own prices or tariffs, in place of the catalog's."),
        ("--scenario", "scenario_file", False, "TOML file with these; options win over it."),
    ):
        command = click.option(option, field, type=click.Path(path_type=Path), multiple=multiple, help=words)(command)
    return command


def scenario_values_of(values: Mapping[str, Any], file: Path | None, quote_file: Path | None) -> dict[str, Any]:
    """The scenario's values of a file, the options and a quote file, unchecked.

    Raises:
        ScenarioError: A file that cannot be read; all mistakes of a quote.
    """
    from planner.cost.scenario_file import read_quote, scenario_values

    found = scenario_values(file, {field: values[field] for field, *_ in OPTIONS})
    if quote_file is not None:
        found["quote"] = read_quote(quote_file)
    return found


def named_by_option(problem: ScenarioError, values: Mapping[str, Any], file: Path | None) -> ScenarioError:
    """The same mistakes; what came from an option is called by its option."""
    return ScenarioError([_by_option(mistake, values, file) for mistake in problem.mistakes])


def _by_option(mistake: Mistake, values: Mapping[str, Any], file: Path | None) -> Mistake:
    option = next((option for field, option, _, _ in OPTIONS if field == mistake.field), None)
    if option is None or (file is not None and values.get(mistake.field or "") is None):
        return mistake
    remedy = mistake.remedy
    if mistake.reason == "is missing":
        budget = " (or --budget, to ask what loss it buys)" if mistake.field == "target_loss" else ""
        remedy = f"Give {option}{budget}, or name a file with --scenario"
    elif "docs/plan.md" in remedy:
        remedy = "Correct the value"
    return Mistake(file="plateau plan", field=option, reason=mistake.reason, remedy=remedy)
