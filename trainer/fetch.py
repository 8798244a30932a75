"""Download of weights: the only place that opens a connection, and only when asked to."""

from __future__ import annotations

import os

from planner.errors import InputError, MissingPartError, Mistake

FILES = ["*.json", "*.safetensors", "*.model"]


def fetch(model: str) -> str:
    """Download a model at its pinned revision into the Hugging Face cache; returns the revision.

    Raises:
        InputError: No revision is pinned for this model.
        MissingPartError: No connection, or the licence has not been accepted.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from trainer.shape import REVISIONS

    if model not in REVISIONS:
        remedy = f"Use one of {', '.join(REVISIONS)}, or download it yourself and give its folder to --model"
        raise InputError(
            Mistake(file="calibrate fetch", field="--model", reason="no revision is pinned for it", remedy=remedy)
        )
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(model, revision=REVISIONS[model], allow_patterns=FILES)
    except (OSError, ValueError) as problem:
        raise MissingPartError(
            f"{model} could not be downloaded ({type(problem).__name__}). Check the connection, accept the licence at "
            f"huggingface.co/{model}, log in with `hf auth login`, and try again."
        ) from None
    return REVISIONS[model]
