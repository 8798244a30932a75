"""The risk register: every named risk with its expected amount, the largest first."""

from __future__ import annotations

from planner.cost.analyses import PlanRisk
from planner.cost.figures import in_eur
from planner.cost.ledger import cents
from planner.cost.scenario import Scenario


def plan_risks(scenario: Scenario) -> list[PlanRisk]:
    """The register. Each risk happens or not in every draw, so that it is in the range and not on top of its P90."""
    found = [
        PlanRisk(
            code=f"risk_{number}",
            name=risk.name,
            probability=risk.probability,
            impact_eur=risk.impact_eur,
            expected_eur=float(cents(risk.probability * risk.impact_eur)),
            mitigation=risk.mitigation,
            sentence=f"{risk.name}: {risk.probability:.0%} a year, {in_eur(risk.impact_eur)} if it happens"
            + (f"; against it: {risk.mitigation}" if risk.mitigation else "")
            + ".",
        )
        for number, risk in enumerate(scenario.risks, start=1)
    ]
    return sorted(found, key=lambda risk: -risk.expected_eur)
