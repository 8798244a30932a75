"""What a foreign log does not say, and its user may know."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from planner.catalog import ArchitectureRow, Catalog
from planner.errors import InputError, Mistake
from planner.hardware.architecture import ModelArchitecture
from planner.record import UNKNOWN, LossKind, Schedule, XUnit

_CHOICES = frozenset(["run", "step_column", "loss_column", "time_column"])
"""Names out of the log itself, which may be any text."""
_LABEL = re.compile(r"[A-Za-z0-9 ()+_./:-]{1,80}", re.ASCII)


class ImportFacts(Struct, frozen=True, kw_only=True):
    """Facts given beside a log, and what is meant in it.

    None (or `unknown`) stays unknown, and everything downstream says so.

    Attributes:
        effective_batch_size: Examples a step; with it, examples = steps x effective batch size.
        loss_kind: Whether the loss is held-out or training loss.
        model: Hub name; one of `data/architectures.csv` gives vocabulary, FLOPs and bytes.
        gpu: Name in `data/gpus.csv`.
        x_unit: What the log's x counts.
        context_length_tokens: Longest suffix that was kept.
        quantization: Name in `data/quantizations.csv`.
        schedule: How the learning rate went: `constant` or `decaying`.
        training_examples: Different examples in the training set; tells passes from new data.
        run: Which run of a log that has several.
        step_column: Column or metric that counts steps or examples, where its name is not a common one.
        loss_column: Column or metric that is the loss.
        time_column: Column or metric that is a clock or elapsed seconds.
    """

    effective_batch_size: int | None = None
    loss_kind: LossKind | None = None
    model: str | None = None
    gpu: str | None = None
    x_unit: XUnit | None = None
    context_length_tokens: int | None = None
    quantization: str | None = None
    schedule: Schedule | None = None
    training_examples: int | None = None
    run: str | None = None
    step_column: str | None = None
    loss_column: str | None = None
    time_column: str | None = None


def checked(facts: ImportFacts, catalog: Catalog) -> ImportFacts:
    """The facts with the catalogs' spelling of GPU and quantization, and None for every `unknown`.

    Raises:
        InputError: A fact that cannot be: every one of them at once.
        CatalogError: An unknown GPU or quantization; names the nearest.
    """
    given = {
        name: value
        for name in facts.__struct_fields__
        if (value := getattr(facts, name)) is not None and (name in _CHOICES or value not in ("", UNKNOWN))
    }
    mistakes = []
    for name in ("effective_batch_size", "context_length_tokens", "training_examples"):
        value = given.get(name)
        if value is not None and not 1 <= value <= 10**12:
            mistakes.append(_mistake(name, f"expected a whole number above 0, got {value}", "Give what the run used"))
    model = given.get("model")
    if model is not None and (not _LABEL.fullmatch(model) or model.startswith((".", "/"))):
        mistakes.append(
            _mistake(
                "model",
                "expected a hub name such as google/paligemma-3b-pt-224, got a path or other text",
                "Give the name of the model, not where it lies: a record holds no paths",
            )
        )
    if mistakes:
        raise InputError(mistakes)
    if "gpu" in given:
        given["gpu"] = catalog.gpu(given["gpu"]).gpu
    if "quantization" in given:
        given["quantization"] = catalog.quantization(given["quantization"]).quantization
    return ImportFacts(**given)


def known_architecture(
    model: str | None, catalog: Catalog
) -> tuple[ArchitectureRow, dict[str, int | float | bool]] | None:
    """The catalog's row of a model, and its numbers as a record keeps them; None for a model it does not know."""
    for row in catalog.architectures:
        if model is not None and row.model.lower() == model.lower():
            numbers = {name: getattr(row, name) for name in ModelArchitecture.__struct_fields__ if hasattr(row, name)}
            return row, msgspec.to_builtins(ModelArchitecture(**numbers))
    return None


def _mistake(name: str, reason: str, remedy: str) -> Mistake:
    return Mistake(file="facts on the log", field="--" + name.replace("_", "-"), reason=reason, remedy=remedy)
