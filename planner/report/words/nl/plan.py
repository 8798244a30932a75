"""Sentences that the law, the cost model and the importers write: English template to translated template."""

PLAN: dict[str, str] = {}
