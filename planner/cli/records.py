"""`plateau import`, `plateau export`: into a calibration record, and out of it as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli import text
from planner.cli.frame import finish, with_json
from planner.cli.numbers import WHOLE
from planner.cli.opening import open_calibration

if TYPE_CHECKING:
    from planner.importers import LogImport
    from planner.record import Calibration

_FILE = click.Path(path_type=Path)


@click.command(name="import", short_help="Another trainer's log becomes a record.")
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Folder of the new record, or a .jsonl. [default: saved under its id]")
@click.option("--loss-kind", type=click.Choice(["held_out", "training", "unknown"]), help="Which loss the log has.")
@click.option("--effective-batch-size", type=WHOLE, help="Examples a step: micro-batch x accumulation x GPUs.")
@click.option("--x-unit", type=click.Choice(["examples", "steps", "unknown"]), help="What the log's steps count.")
@click.option("--model", help="Hub name, such as google/paligemma-3b-pt-224; never a path.")
@click.option("--gpu", help="GPU of the run, a name of `plateau prices`.")
@click.option("--quantization", help="How weights were held: fp32, bf16, int8, nf4.")
@click.option("--context", "context_length_tokens", type=WHOLE, help="Longest answer that was kept, in tokens.")
@click.option("--schedule", type=click.Choice(["constant", "decaying", "unknown"]), help="Of the learning rate.")
@click.option("--training-examples", type=WHOLE, help="Different examples in the training set.")
@click.option("--run", help="Which run, where the log has several.")
@click.option("--step-column", help="Column or metric of steps or examples, where its name is not a common one.")
@click.option("--loss-column", help="Column or metric of losses, where its name is not a common one.")
@click.option("--time-column", help="Column or metric of times, where its name is not a common one.")
@with_json
def import_command(*, file: Path, out: Path | None, as_json: bool, **facts: Any) -> None:
    """Make a record of another trainer's log.

    FILE is a trainer_state.json of Hugging Face, a TensorBoard event file or folder, a run or CSV of Weights & Biases,
    a metric file, mlruns folder or database of MLflow, a database of Trackio, or any CSV with a column of steps and one
    of losses. It is known by its content.

    What the log does not say can be given as options. Otherwise it is "unknown", here and in all that follows.
    """
    from planner.importers import ImportFacts, read_import
    from planner.record import LossKind, Schedule, XUnit

    kinds = {"loss_kind": LossKind, "x_unit": XUnit, "schedule": Schedule}
    given: dict[str, Any] = {
        name: kinds[name](value) if name in kinds else value for name, value in facts.items() if value is not None
    }
    found = read_import(file, ImportFacts(**given))
    place = _keep(found.calibration, out)
    finish(_imported(found, place), _figures(found, place), as_json=as_json)


@click.command(short_help="A record as one file, for upload.")
@click.argument("record")
@click.option("-o", "--out", type=_FILE, help="File to write. [default: <calibration id>.jsonl]")
@click.option("--skip-bad-lines", is_flag=True, help="Leave damaged lines out instead of refusing the record.")
@with_json
def export(*, record: str, out: Path | None, skip_bad_lines: bool, as_json: bool) -> None:
    """Pack a record into one file for upload: numbers only, no images, texts or names."""
    from planner.record import write_packed

    calibration = open_calibration(record, skip_bad_lines=skip_bad_lines)
    place = out or Path(f"{calibration.header.calibration_id}.jsonl")
    write_packed(place, calibration)
    size = place.stat().st_size
    finish(
        text.join(
            text.headline(f"Packed into {place} ({size / 1024:,.0f} KiB)."),
            _notes(calibration),
        ),
        {"calibration_id": calibration.header.calibration_id, "file": str(place), "bytes": size},
        as_json=as_json,
    )


def _keep(calibration: Calibration, out: Path | None) -> str:
    """Write the calibration and say under which name commands find it."""
    if out is None:
        from planner.store import save_calibration

        save_calibration(calibration.header.calibration_id, calibration)
        return calibration.header.calibration_id
    from planner.record import save_record, write_packed

    if out.suffix == ".jsonl":
        write_packed(out, calibration)
    else:
        save_record(out, calibration)
    return str(out)


def _imported(found: LogImport, place: str) -> str:
    from planner.importers import READERS

    calibration, columns = found.calibration, found.columns
    header, imported = calibration.header, calibration.header.imported
    assert imported is not None
    configuration = header.configuration
    counts = "examples" if header.x_unit.value == "examples" else "steps (examples unknown: --effective-batch-size)"
    facts = [
        ("log", READERS[found.log].title),
        *([("run", found.run)] if found.run else []),
        ("loss", f"{_said(header.loss_kind.value, '--loss-kind')}; column {found.loss_column}"),
        ("x counts", f"{counts}; column {columns.x}"),
        ("effective batch size", _said(configuration.effective_batch_size, "--effective-batch-size")),
        ("model", _said(configuration.model, "--model")),
        ("GPU", _said(header.hardware.gpu, "--gpu")),
        ("quantization", _said(configuration.quantization, "--quantization")),
        ("schedule", _said(configuration.schedule.value, "--schedule")),
        ("training examples", _said(header.dataset.training_examples, "--training-examples")),
        ("training time", _hours(calibration) + (f"; column {columns.time}" if columns.time else "")),
    ]
    return text.join(
        text.headline(f"{_points(calibration):,} points imported from {imported.rows:,} rows."),
        text.pairs(facts),
        _notes(calibration),
        f"Next: plateau fit {place}",
    )


def _hours(calibration: Calibration) -> str:
    """Hours until the last point, and what they rest on."""
    assert calibration.header.imported is not None
    basis = calibration.header.imported.seconds
    seconds = max(
        (getattr(e, "train_seconds", None) or 0.0 for run in calibration.runs for e in run.events), default=0.0
    )
    return f"{seconds / 3600:.2g} hours ({basis.replace('_', ' ')})" if seconds else "unknown"


def _points(calibration: Calibration) -> int:
    from planner.curve import loss_curves

    return sum(len(curve.loss_n) for curve in loss_curves(calibration))


def _said(value: object, option: str) -> str:
    if value in (None, "unknown"):
        return f"unknown (say it with {option})"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("held_out", "held-out")


def _notes(calibration: Calibration) -> str:
    return "\n".join(text.paragraph(note, indent=2, hanging=4) for note in calibration.notes)


def _figures(found: LogImport, place: str) -> dict[str, Any]:
    header = found.calibration.header
    assert header.imported is not None
    return {
        "calibration_id": header.calibration_id,
        "record": place,
        "log": found.log,
        "run": found.run or None,
        "loss_column": found.loss_column,
        "step_column": found.columns.x,
        "time_column": found.columns.time,
        "points": _points(found.calibration),
        "training_seconds": header.imported.seconds,
        "loss_kind": header.loss_kind,
        "x_unit": header.x_unit,
        "configuration": header.configuration,
        "hardware": header.hardware,
        "notes": list(found.calibration.notes),
    }
