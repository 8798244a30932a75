"""Generated plans through the paper and back, in every language; and the same cents on paper, in the CSV, on screen."""

from __future__ import annotations

import csv
import io
import itertools
import random
import re
import unicodedata

import msgspec
import pypdf
from msgspec import Struct
from streamlit.testing.v1 import AppTest

from benchmarks.figure import Figure, at_least
from planner.cost.given import NEVER_COMPUTED, GivenCost
from planner.cost.plan import Plan
from planner.cost.scenario import Money, Scenario, ServingMode, Tenure
from planner.dashboard.session import Session
from planner.errors import PlannerError
from planner.report.pdf import read_plan_from_pdf, render_pdf
from planner.report.sheet import board_csv
from planner.report.words import LANGUAGES, numbers, words
from planner.resources import app_file

_GPUS = ("L4", "T4", "A10G", "L40S", "A100-80GB-SXM", "H100-SXM")


class Round(Struct, kw_only=True):
    """What was found over all plans and languages."""

    papers: int = 0
    same_figures: int = 0
    same_cents: int = 0
    marked: int = 0


def measure(quick: bool) -> list[Figure]:
    """200 plans in every language, 3 in the quick form."""
    wanted = 3 if quick else 200
    app = AppTest.from_file(str(app_file()), default_timeout=120).run()
    visitor: Session = app.session_state["plateau"]
    assert visitor.scenario is not None
    found = Round()
    plans = 0
    for seed in itertools.count():
        scenario = _scenario(visitor, random.Random(seed))  # noqa: S311
        visitor.change(scenario)
        try:
            plan = visitor.plan()
        except PlannerError:  # no price for such a GPU and tenure
            continue
        for language in LANGUAGES:
            _check(app, visitor, plan, language, found)
        plans += 1
        if plans == wanted:
            break
    name = f"{plans} generated plans x {len(LANGUAGES)} languages"
    return [
        at_least(f"plan to PDF to plan, same figures, {name}", found.same_figures / found.papers, "share", 1.0),
        at_least(
            f"budget scenario equal to the cent in PDF text, CSV and on screen, {name}",
            found.same_cents / found.papers,
            "share",
            1.0,
        ),
        at_least(f"percentile totals marked non-additive, {name}", found.marked / found.papers, "share", 1.0),
    ]


def _scenario(visitor: Session, dice: random.Random) -> Scenario:
    """What any hospital could decide."""
    assert visitor.scenario is not None and visitor.limits is not None

    def maybe(low: float, high: float) -> float | None:
        return round(dice.uniform(low, high), 2) if dice.random() < 0.6 else None

    limits = visitor.limits
    costs = tuple(
        GivenCost(
            code=code, eur_per_year=round(dice.uniform(1, 9000), 2), eur_once=round(dice.uniform(0, 900), 2), source="x"
        )
        for code in NEVER_COMPUTED
        if dice.random() < 0.3
    )
    return msgspec.structs.replace(
        visitor.opening or visitor.scenario,
        target_loss=round(dice.uniform(limits.target_loss_low, limits.target_loss_high), 2),
        gpu=dice.choice(_GPUS),
        quantization=dice.choice(limits.quantizations),
        tenure=dice.choice(list(Tenure)),
        serving_mode=dice.choice(list(ServingMode)),
        money=dice.choice(list(Money)),
        studies_per_day=maybe(1, 900),
        staff_hours_per_year=maybe(1, 900),
        staff_eur_per_hour=maybe(20, 140),
        storage_gib=maybe(1, 9000),
        support_eur_per_year=maybe(1, 9000),
        egress_gib_per_year=maybe(1, 900),
        budget_eur=maybe(100, 90_000),
        vat_rate=round(dice.uniform(0, 0.25), 3),
        trials=float(dice.randint(1, 6)),
        retunings_per_year=float(dice.randint(0, 12)),
        horizon_years=dice.randint(1, 10),
        costs=costs,
    )


def _check(app: AppTest, visitor: Session, plan: Plan, language: str, found: Round) -> None:
    found.papers += 1
    printed = render_pdf(plan, language)
    found.same_figures += read_plan_from_pdf(printed) == plan
    text = _letters("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages))
    amounts = [*(line.amount_eur for line in plan.lines), plan.total_eur]
    on_paper = all(_letters(numbers.eur_cents(amount, language)) in text for amount in amounts)
    found.same_cents += (
        on_paper
        and _in_sheet(plan, language) == amounts
        and _on_screen(app, visitor, language) == [_letters(numbers.eur_cents(amount, language)) for amount in amounts]
    )
    found.marked += _letters(words(language).paper.totals_caption) in text


def _in_sheet(plan: Plan, language: str) -> list[float]:
    rows = list(csv.DictReader(io.StringIO(board_csv(plan, language).decode("utf-8-sig"), newline="")))
    shown = [row["BilledCost"] for row in rows if row["x_Record"] in ("line", "total")]
    return [float(amount) for amount in shown if re.fullmatch(r"-?\d+\.\d\d", amount)]


def _on_screen(app: AppTest, visitor: Session, language: str) -> list[str]:
    """Amounts of the table on the page Plan, the total last."""
    visitor.speak(language)
    app.run()
    column = words(language).screen.plan.a_year
    table = next(table.value for table in app.table if column in table.value.columns)
    return [_letters(str(cell).replace("*", "")) for cell in table[column]]


def _letters(text: str) -> str:
    """Text without white space, which a PDF does not keep."""
    return re.sub(r"[\s\u200b\u00ad\\]+", "", unicodedata.normalize("NFKC", text))
