"""The calibration runs: PaliGemma + LoRA. Meets the planner only through the record."""
