"""Logs as other trainers and trackers write them, made here in their exact layout.

Formats are written from their descriptions, with encoders of their own, so that a reader is not tested against itself.
Every log is the same run (a Hugging Face run of 1,000 steps where its writer has one) unless a test asks otherwise.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

STEPS = tuple(range(10, 1001, 10))
START = 1_727_501_144.5
SECONDS_A_STEP = 2.5


def loss(step: int) -> float:
    return 1.0 + 5.0 * step**-0.4


def clock(step: int) -> float:
    return START + SECONDS_A_STEP * step


# Hugging Face


def trainer_state(**changes: Any) -> dict[str, Any]:
    """Training loss every 10 steps, held-out loss every 100, four epochs of 4,000 examples, batch 16."""
    history: list[dict[str, Any]] = []
    for step in STEPS:
        history.append(
            {
                "epoch": step / 250,
                "grad_norm": 1.0,
                "learning_rate": 1e-4 * (1 - step / 1000),
                "loss": loss(step),
                "step": step,
            }
        )
        if step % 100 == 0:
            history.append({"epoch": step / 250, "eval_loss": loss(step) + 0.1, "eval_runtime": 10.0, "step": step})
    history.append(
        {
            "epoch": 4.0,
            "step": 1000,
            "train_loss": 1.5,
            "train_runtime": 2000.0,
            "train_samples_per_second": 7.999,
            "train_steps_per_second": 0.5,
            "total_flos": 1e15,
        }
    )
    return {
        "best_metric": None,
        "best_model_checkpoint": "/home/someone/secret/checkpoint-1000",
        "epoch": 4.0,
        "global_step": 1000,
        "max_steps": 1000,
        "num_train_epochs": 4,
        "log_history": history,
        "is_world_process_zero": True,
    } | changes


def encoded(state: dict[str, Any]) -> bytes:
    """As `json.dump` of the Trainer writes it: NaN and Infinity bare."""
    return json.dumps(state, indent=2, sort_keys=True).encode()


def history(prefix: str = "/") -> list[tuple[int, float, dict[str, float]]]:
    """The entries of that state as its callbacks hand them to a tracker: step, time, metrics.

    With `prefix` "/" names are as TensorBoard's, W&B's and Trackio's callback spell them (`train/loss`), with "" as
    MLflow's does (`loss`, `eval_loss`).
    """
    found = []
    evaluated = 0.0
    for entry in trainer_state()["log_history"]:
        metrics = {}
        for name, value in entry.items():
            if name != "step":
                kind, rest = ("eval", name[5:]) if name.startswith("eval_") else ("train", name)
                metrics[f"{kind}/{rest}" if prefix else name] = float(value)
        evaluated += entry.get("eval_runtime", 0.0)
        found.append((entry["step"], clock(entry["step"]) + evaluated, metrics))
    return found


_SINGLE = ("train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss", "total_flos")


def calls() -> list[tuple[int, float, dict[str, float]]]:
    """The history as the callbacks of W&B and Trackio log it: single values of the end go to a summary instead."""
    return [
        (step, seconds, {name: value for name, value in metrics.items() if name.removeprefix("train/") not in _SINGLE})
        for step, seconds, metrics in history()
    ]


# TensorBoard


def tensorboard_csv(steps: tuple[int, ...] = STEPS) -> bytes:
    rows = [f"{clock(step)},{step},{loss(step)}" for step in steps]
    return "\n".join(["Wall time,Step,Value", *rows]).encode()


def _crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def _masked_crc32c(data: bytes) -> bytes:
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _CRC32C[(value ^ byte) & 0xFF]
    value ^= 0xFFFFFFFF
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def tensorboard_record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_crc32c(length) + data + _masked_crc32c(data)


def _varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def scalar_event(step: int, seconds: float, tag: str, value: float, *, style: str = "simple") -> bytes:
    """One event; `style` is `simple` (PyTorch), or `float`, `double`, `content` for tensors (TensorFlow 2)."""
    if style == "simple":
        number = b"\x15" + struct.pack("<f", value)
    else:
        dtype = b"\x08" + _varint(2 if style == "double" else 1)
        values = {
            "float": b"\x2d" + struct.pack("<f", value),
            "double": b"\x31" + struct.pack("<d", value),
            "content": _field(4, struct.pack("<f", value)),
        }[style]
        plugin = _field(9, _field(1, _field(1, b"scalars")))
        number = plugin + _field(8, dtype + _field(2, b"") + values)
    summary = _field(5, _field(1, _field(1, tag.encode()) + number))
    return b"\x09" + struct.pack("<d", seconds) + b"\x10" + _varint(step) + summary


def tensorboard_events(
    entries: Iterable[tuple[int, float, dict[str, float]]] | None = None, *, style: str = "simple"
) -> bytes:
    """An event file: the version, a text summary and a histogram that are no scalars, then one event a metric."""
    file = tensorboard_record(b"\x09" + struct.pack("<d", START) + _field(3, b"brain.Event:2"))
    text = _field(8, b"\x08\x07" + _field(8, b"a caption"))
    file += tensorboard_record(b"\x09" + struct.pack("<d", START) + _field(5, _field(1, _field(1, b"args") + text)))
    histogram = _field(5, b"\x09" + struct.pack("<d", 0.0))
    file += tensorboard_record(b"\x10\x05" + _field(5, _field(1, _field(1, b"weights") + histogram)))
    for step, seconds, metrics in history() if entries is None else entries:
        for tag, value in metrics.items():
            file += tensorboard_record(scalar_event(step, seconds, tag, value, style=style))
    return file


# Weights & Biases


def wandb_chart(
    runs: Sequence[str] = ("brisk-pond-1",), *, metric: str = "train/loss", x: str = "train/global_step"
) -> bytes:
    """The export of a chart: every run in columns of its own, with the least and largest of each bucket."""
    names = [f"{run} - {name}" for run in runs for name in ("_step", metric)]
    header = [x, *(column for name in names for column in (name, f"{name}__MIN", f"{name}__MAX"))]
    lines = [header]
    for number, step in enumerate(STEPS):
        cells = [str(number if x == "Step" else step)]
        for shift, _ in enumerate(runs):
            # A later run has no value at the first steps of the chart.
            blank = number < shift
            for value in (number, loss(step) + shift):
                cells += ["" if blank else str(value)] * 3
        lines.append(cells)
    return "\n".join(",".join(f'"{cell}"' for cell in cells) for cells in lines).encode()


def wandb_history(*, index: bool = True) -> bytes:
    """`run.history().to_csv()`: a row a call of `wandb.log`, most cells empty."""
    rows = []
    for call, (step, seconds, metrics) in enumerate(calls()):
        rows.append(
            {"_step": call, "_runtime": seconds - START, "_timestamp": seconds, "train/global_step": step, **metrics}
        )
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [",".join([*([""] if index else []), *columns])]
    for number, row in enumerate(rows):
        lines.append(",".join([*([str(number)] if index else []), *(str(row.get(column, "")) for column in columns)]))
    return ("\n".join(lines) + "\n").encode()


def wandb_message(cells: dict[str, Any], *, nested: bool = True) -> bytes:
    """A history record; new versions of wandb write the name as a nested key."""
    items = b""
    for name, value in cells.items():
        key = _field(2 if nested else 1, name.encode())
        items += _field(1, key + _varint(16 << 3 | 2) + _varint(len(json.dumps(value))) + json.dumps(value).encode())
    return b"\x08\x01" + _field(2, items)


def wandb_run(messages: Iterable[bytes] | None = None) -> bytes:
    """A `.wandb` file: blocks of 32 KiB of records, long messages split over them."""
    if messages is None:
        messages = [
            _field(17, b"a run record, not read" * 4000),
            *(
                wandb_message(
                    {"_step": call, "_timestamp": seconds, "_runtime": seconds - START, "train/global_step": step}
                    | metrics
                    | {"table": {"path": "media/table.json"}}
                )
                for call, (step, seconds, metrics) in enumerate(calls())
            ),
        ]
    file = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    for message in messages:
        first = True
        while first or message:
            left = 32_768 - len(file) % 32_768
            if left < 7:
                file += bytes(left)
                continue
            part, message = message[: left - 7], message[left - 7 :]
            kind = bytes([(1 if first else 4) if not message else (2 if first else 3)])
            file += struct.pack("<IH", zlib.crc32(part, zlib.crc32(kind)), len(part)) + kind + part
            first = False
    return file


# MLflow


def mlflow_metric(entries: Iterable[tuple[int, float, float]]) -> bytes:
    return b"".join(b"%d %s %d\n" % (1000 * seconds, repr(value).encode(), step) for step, seconds, value in entries)


def mlflow_metrics() -> dict[str, bytes]:
    found: dict[str, list[tuple[int, float, float]]] = {}
    for step, seconds, metrics in history(""):
        for name, value in metrics.items():
            found.setdefault(name, []).append((step, seconds, value))
    return {name: mlflow_metric(entries) for name, entries in found.items()}


def write_mlflow_run(folder: Path, *, name: str = "nosy-shrew-1", stage: str = "active") -> Path:
    """A run below `mlruns`: metrics, parameters and tags."""
    for kind, files in (
        ("metrics", mlflow_metrics()),
        ("params", {"learning_rate": b"0.0001", "hub_token": b"secret"}),
        ("tags", {"mlflow.user": b"someone"}),
    ):
        (folder / kind).mkdir(parents=True)
        for file, data in files.items():
            (folder / kind / file).write_bytes(data)
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "metrics.csv").write_text("step,loss\n1,2\n")
    (folder / "meta.yaml").write_text(
        f"artifact_uri: file:///home/someone/mlruns\nlifecycle_stage: {stage}\n"
        f"run_id: {folder.name}\nrun_name: {name}\n"
    )
    return folder


def serialized(*statements: str, rows: dict[str, list[tuple[Any, ...]]]) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    for table, values in rows.items():
        for row in values:
            connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    connection.commit()
    return connection.serialize()


def mlflow_database(runs: dict[str, str] | None = None) -> bytes:
    """`mlflow.db`; `runs` is name to lifecycle stage, all with the same metrics. Rows of metrics have no order."""
    runs = runs or {"nosy-shrew-1": "active"}
    metrics = [
        (name, value, int(1000 * seconds), f"{run:032x}", step, 0)
        for run, _ in enumerate(runs)
        for step, seconds, entry in history("")
        for name, value in entry.items()
    ]
    return serialized(
        "CREATE TABLE experiments (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL)",
        "CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), status VARCHAR(9), "
        "lifecycle_stage VARCHAR(20), experiment_id INTEGER, CONSTRAINT run_pk PRIMARY KEY (run_uuid))",
        'CREATE TABLE "metrics" ("key" VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, '
        "run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL, "
        'CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan))',
        "CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL)",
        rows={
            "runs": [(f"{run:032x}", name, "FINISHED", stage, 1) for run, (name, stage) in enumerate(runs.items())],
            "metrics": sorted(metrics),
            "params": [("hub_token", "secret", f"{0:032x}")],
        },
    )


# Trackio

TRACKIO_TABLES = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL, "
    "run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT)",
    "CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL, "
    "config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id))",
)


def trackio_rows(run: str = "crisp-fox-1", number: int = 0) -> list[tuple[Any, ...]]:
    """Rows as the client sends them: batches of three share a time; single values of the run's end are not sent."""
    rows = []
    entries = calls()
    for call, (step, _, metrics) in enumerate(entries):
        sent = entries[min(call // 3 * 3 + 2, len(entries) - 1)][1]
        text = json.dumps({**metrics, "train/global_step": step}).encode()
        when = datetime.datetime.fromtimestamp(sent, datetime.UTC).isoformat()
        rows.append((1000 * number + call + 1, f"id{number}", when, run, call, text, f"log{number}-{call}", None))
    return rows


def trackio_database(runs: Sequence[str] = ("crisp-fox-1",)) -> bytes:
    rows = [row for number, run in enumerate(runs) for row in trackio_rows(run, number)]
    return serialized(*TRACKIO_TABLES, rows={"metrics": rows})
