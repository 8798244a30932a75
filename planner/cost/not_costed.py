"""Lines that a board asks about and that the scenario has no figure for; counted on page one, never zero."""

from __future__ import annotations

from planner.cost.given import NEVER_COMPUTED
from planner.cost.plan import NotCosted
from planner.cost.scenario import Scenario, Tenure


def not_costed(scenario: Scenario, *, illustration: bool, hours_known: bool) -> list[NotCosted]:
    """Every such line with what to do about it."""
    rented = scenario.tenure is not Tenure.BUY
    asked = (
        (not hours_known, "tuning", "Fine-tuning",
         "Say how many examples a step has (--effective-batch-size), or the GPU of the log (--gpu)"),
        (illustration, "calibration", "Calibration of the real model",
         "Run `calibrate run` with PaliGemma-3B on a GPU; this plan rests on a small stand-in"),
        (scenario.studies_per_day is None, "serving", "Answering studies", "Give the studies a day (--studies-a-day)"),
        (scenario.staff_hours_per_year is None, "staff", "Own staff", "Give the hours of staff a year (--staff-hours)"),
        (scenario.storage_gib is None, "storage", "Storage", "Give the GiB that are kept (--storage-gib)"),
        (rented and scenario.egress_gib_per_year is None, "egress", "Reading data out of the cloud",
         "Give the GiB a year (--egress-gib)"),
        (scenario.support_eur_per_year is None, "support", "Support contracts", "Give the EUR a year (--support-eur)"),
        (not scenario.risks, "risks", "Named risks (probability x impact)",
         "Name them in the scenario file ([[risks]])"),
    )  # fmt: skip
    lines = [NotCosted(code=code, label=label, remedy=remedy) for missing, code, label, remedy in asked if missing]
    given = {cost.code for cost in scenario.costs}
    lines.extend(
        NotCosted(
            code=code, label=label, remedy="Ask the department and give its figure in the scenario file ([[costs]])"
        )
        for code, label in NEVER_COMPUTED.items()
        if code not in given
    )
    return lines
