"""What the visitor plans with: frame, inputs, the page Plan and its charts."""

from __future__ import annotations

from msgspec import Struct


class PageWords(Struct, frozen=True, kw_only=True):
    """Names of the pages, in the navigation."""

    plan: str
    calibration: str
    compare: str
    assumptions: str
    board_paper: str


class FrameWords(Struct, frozen=True, kw_only=True):
    """What every page shows."""

    language: str
    rests_on: str
    origins: dict[str, str]
    illustration: str
    nothing_open_title: str
    nothing_open: str
    more_mistakes: str
    line_of_file: str
    others_first: str
    compute: str
    being_computed: str


class LinkWords(Struct, frozen=True, kw_only=True):
    """What is said about a link, or about a plan from elsewhere, that cannot be used as it is."""

    other_calibration: str
    unknown_input: str
    unusable: str
    unknown_language: str
    too_long: str
    no_value: str
    not_in_catalog: str
    out_of_range: str
    target_left_out: str
    name_left_out: str
    other_plan: str


class InputWords(Struct, frozen=True, kw_only=True):
    """Labels of the inputs, by field of the scenario."""

    labels: dict[str, str]
    help: dict[str, str]
    placeholders: dict[str, str]
    tenures: dict[str, str]
    serving_modes: dict[str, str]
    moneys: dict[str, str]
    layouts: dict[str, str]
    gpu: str
    quantization: str
    more: str
    years: str
    studies: str
    undo: str
    undo_help: str
    reset: str
    reset_help: str


class PlanWords(Struct, frozen=True, kw_only=True):
    """The page Plan."""

    decisions: str
    for_the_board: str
    cannot_title: str
    cannot: str
    why: str
    lowest: str
    next_run: str
    quality_unknown: str
    quality_at: str
    quality_below: str
    quality_above: str
    cost: str
    eight_in_ten: str
    chance: str
    within: str
    memory: str
    fits: str
    does_not_fit: str
    memory_of: str
    at_p95: str
    budget: str
    of_budget: str
    hours: str
    missed: str
    at_most: str
    left_out: str
    in_none: str
    line: str
    how: str
    a_year: str
    total: str
    not_costed: str
    give_figures: str
    input_for: dict[str, str]


class YearWords(Struct, frozen=True, kw_only=True):
    """Cash by fiscal year."""

    title: str
    missing: str
    line: str
    total: str
    all_years: str
    range: str
    budget: str
    within: str
    expense: str
    income: str
    studies: str
    loss: str
    others: str
    table: str
    views: str
    views_missed: str
    moneys: dict[str, str]
    alt: str
    alt_year: str


class OptionWords(Struct, frozen=True, kw_only=True):
    """The table of GPUs and quantizations."""

    title: str
    conditional: str
    only_feasible: str
    not_reached: str
    gpu: str
    chosen: str
    quantization: str
    tenure: str
    feasible: str
    yes: str
    cost: str
    cost_help: str
    eight_in_ten: str
    hours: str
    hours_help: str
    hours_are: str
    memory: str
    memory_help: str
    within_budget: str
    price_of: str
    none_feasible: str
    none_costed: str
    cheapest: str
    alt: str


class FrontWords(Struct, frozen=True, kw_only=True):
    """The front of cost and loss."""

    title: str
    missing: str
    lowest_reachable: str
    none_reachable: str
    alt: str
    alt_point: str


class ChartWords(Struct, frozen=True, kw_only=True):
    """Words inside the charts."""

    interval: str
    law: str
    forecast: str
    measured: str
    target: str
    asymptote: str
    reached: str
    x_axis: str
    y_axis: str
    loss: str
    held_out_axis: str
    target_axis: str
    euro_a_year: str
    euro: str
    from_to: str
    front_hover: str
    budget: str
    reachable: str
    not_reachable: str


class DownloadWords(Struct, frozen=True, kw_only=True):
    """What is taken away."""

    pdf: str
    csv: str
    charges: str
    json: str


class LibraryWords(Struct, frozen=True, kw_only=True):
    """Saved plans."""

    title: str
    shared: str
    name: str
    name_placeholder: str
    save: str
    saved: str
    empty: str
    open: str
    compare: str
    delete: str
    delete_for_good: str
    delete_yes: str
    is_saved: str
    is_kept: str
