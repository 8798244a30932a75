"""What stands behind a plan and beside it: Compare, Calibration, Assumptions, Board paper."""

from __future__ import annotations

from msgspec import Struct


class CompareWords(Struct, frozen=True, kw_only=True):
    """The page Compare."""

    nothing_kept: str
    dearer: str
    cheaper: str
    same_cost: str
    on_screen: str
    keep_text: str
    keep: str
    kept_name: str
    remove: str
    saved: str
    add_saved: str
    file: str
    side_by_side: str
    ranges: str
    figure: str
    verdict: str
    verdicts: dict[str, str]
    target: str
    chance: str
    setup: str
    cost: str
    total: str
    missed: str
    within_budget: str
    hours: str
    memory: str
    calibration: str
    not_costed: str
    changed_inputs: str
    no_changed_input: str
    input: str
    changed_lines: str
    line: str
    lines_note: str
    not_given: str
    yes: str
    no: str
    several: str
    ways_title: str
    ways_missing: str
    way: str
    present_value: str
    last_loss: str
    second_cheaper: str
    second_lower: str


class ConfigurationsWords(Struct, frozen=True, kw_only=True):
    """Configurations of a calibration."""

    title: str
    only_one: str
    busy: str
    configuration: str
    largest_budget: str
    last_loss: str
    asymptote: str
    speed: str
    against: str
    changed: str
    caution: str


class CalibrationWords(Struct, frozen=True, kw_only=True):
    """The page Calibration."""

    identified: str
    not_identified: str
    facts: str
    loss_kinds: dict[str, str]
    plan_with: str
    configuration_fields: dict[str, str]
    nothing_suspect: str
    no_verdict: str
    suspect: str
    to_know: str
    severities: dict[str, str]
    runs: str
    runs_alt: str
    unknown: str
    run: str
    budget: str
    different: str
    final_loss: str
    seconds: str
    state: str
    states: dict[str, str]
    not_finished: str
    dataset: str
    dataset_fields: dict[str, str]
    dataset_pairs: dict[str, str]


class AnswersWords(Struct, frozen=True, kw_only=True):
    """Answer quality on the page Calibration."""

    title: str
    none: str
    metrics: dict[str, str]
    axes: dict[str, str]
    alt: str
    count: str
    no_samples: str
    samples: str
    samples_private: str
    samples_of: str
    prompt: str
    reference: str
    answer: str
    no_end: str
    ratings: str
    ratings_note: str
    rating_fields: dict[str, str]


class AssumptionsWords(Struct, frozen=True, kw_only=True):
    """The page Assumptions."""

    title: str
    counts: str
    stale: str
    old: str
    in_catalog: str
    influences_note: str
    sobol_title: str
    sobol_note: str
    sobol_alone: str
    sobol_total: str
    input: str
    meanings: dict[str, str]


class GivenWords(Struct, frozen=True, kw_only=True):
    """Figures that only the hospital has."""

    title: str
    lead: str
    lines: str
    line: str
    which: str
    eur_per_year: str
    eur_once: str
    source: str
    source_placeholder: str
    unnamed_source: str
    add: str
    remove: str
    incomplete: str
    risks: str
    risk: str
    risk_name: str
    risk_chance: str
    risk_impact: str
    quote: str
    quoted: str
    supplier: str
    quote_gpu: str
    quote_gpus: str
    quote_price: str
    quote_watts: str
    quoted_on: str
    valid_until: str


class BoardWords(Struct, frozen=True, kw_only=True):
    """The page Board paper."""

    title: str
    take: str
    language: str
    letterhead: str
    hospital: str
    logo: str
    reopen: str
    reopen_file: str
    opened: str
    adopt: str
    close: str
    nothing: str
    pages: str
    as_text: str
    busy: str
    page_alt: str


class UploadWords(Struct, frozen=True, kw_only=True):
    """Another calibration to open."""

    title: str
    lead: str
    file: str
    example: str
    opened: str
    recognised: str
    kinds: dict[str, str]
    facts: str
    unknown: str
    automatic: str
    run: str
    step_column: str
    loss_column: str
    time_column: str
    loss_kind: str
    loss_kinds: dict[str, str]
    x_unit: str
    x_units: dict[str, str]
    batch: str
    model: str
    gpu: str
    training_examples: str
    open: str
