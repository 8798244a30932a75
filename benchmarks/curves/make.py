"""Make calibrations of the small model: `python benchmarks/curves/make.py CSV WORK --first 0 --last 13`.

Each configuration draws its own hospital (rules, Zipf exponent, departures), rank, rate, targets, data and schedule
from one seeded generator, so that configuration number i is the same whenever it is made; every sixth is run with three
seeds. Rows are appended to CSV in the columns of ../shared/curves; records and drawn studies lie in WORK until a
configuration is done.
"""

from __future__ import annotations

import csv
import hashlib
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd

from planner.curve import loss_curves
from planner.record import read_calibration
from trainer import sample

BUDGETS = "256,368,512,720,1024,1456,2048,2896,4096,5792,8192,16384"
COLUMNS = ("source", "curve", "x", "x_unit", "y", "metric", "notes")
STREAM_ROWS = 16_500
HELD_OUT = 0.1


class PairHospital(sample.Hospital, frozen=True, kw_only=True):
    """House rules by the pair of words and longer reports: findings share nothing."""

    def rows(self, finding: str, seen: tuple[str, str, str], draw: random.Random) -> list[tuple[str, str]]:
        """Two reports on a finding."""
        groups = (sample.ACTIONS, sample.TIMES, sample.PEOPLE, sample.OPINIONS)

        def words(kind: int) -> list[str]:
            found = []
            for group in groups:
                place = hashlib.sha256(f"{self.seed} {group[0]} {finding} {kind}".encode()).digest()[0] % len(group)
                found.append(draw.choice(group) if draw.random() < self.departure else group[place])
            return found

        first, second = words(1), words(2)
        return [
            (f"report the {finding}", f"{first[0]} {first[1]}, {first[3]}, {second[2]}"),
            (f"plan for the {finding}", f"{seen[2]} {second[1]} {second[0]} {second[3]} {first[2]}"),
        ]


class MixedHospital(PairHospital, frozen=True, kw_only=True):
    """Some answers by the word and some by the pair."""

    def rows(self, finding: str, seen: tuple[str, str, str], draw: random.Random) -> list[tuple[str, str]]:
        """One report of either kind."""
        return [sample.Hospital.rows(self, finding, seen, draw)[2], super().rows(finding, seen, draw)[0]]


HOSPITALS = {"word": sample.Hospital, "pair": PairHospital, "mixed": MixedHospital}


def configurations(count: int) -> list[dict[str, Any]]:
    """The first `count` configurations."""
    draw = random.Random(7)  # noqa: S311
    found = []
    for number in range(count):
        one: dict[str, Any] = {
            "rules": draw.choice(["word", "pair", "pair", "mixed"]),
            "zipf": draw.choice([0.6, 0.9, 1.3]),
            "departure": draw.choice([0.02, 0.12, 0.3]),
            "lr": draw.choice([0.002, 0.004, 0.008]),
            "rank": draw.choice([4, 8, 16]),
            "targets": draw.choice(["attention", "all-linear"]),
            "rows": draw.choice([0, 0, 2000, 6000]) or STREAM_ROWS,
            "pretraining_steps": draw.choice([100, 300, 600]),
            "schedule": draw.choice(["trunk", "separate"]),
        }
        seed = draw.randrange(1000)
        one |= {"hospital": draw.randrange(1000, 9000), "number": number}
        one["seeds"] = [seed + i for i in range(1 if number % 6 else 3)]
        found.append(one)
    return found


def write_studies(folder: Path, one: dict[str, Any]) -> None:
    """A table of drawn studies; two make a case."""
    hospital = HOSPITALS[one["rules"]](seed=one["hospital"], exponent=one["zipf"], departure=one["departure"])
    (folder / "images").mkdir(parents=True)
    draw = random.Random(one["hospital"])  # noqa: S311
    wanted, written, study = int(one["rows"] / (1 - HELD_OUT)) + 60, 0, 0
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("image", "prompt", "answer", "case"))
        while written < wanted:
            drawn = sample.draw_study(hospital, draw, questions=2)
            name = f"images/{study:05d}.png"
            drawn.image.save(folder / name)
            for prompt, answer in drawn.rows:
                table.writerow((name, prompt.removeprefix("answer en "), answer, f"case{study // 2:05d}"))
                written += 1
            study += 1


def curves(one: dict[str, Any], work: Path) -> Iterator[dict[str, Any]]:
    """Calibrate one configuration; rows of the table, one curve a seed."""
    name = f"v{one['number']:02d}"
    folder = work / f"{name}-studies"
    shutil.rmtree(folder, ignore_errors=True)
    write_studies(folder, one)
    keys = ("rules", "zipf", "departure", "hospital", "lr", "rank", "targets", "pretraining_steps", "rows", "schedule")
    for seed in one["seeds"]:
        record = work / f"{name}-{seed}"
        shutil.rmtree(record, ignore_errors=True)
        options = {
            "--data": folder,
            "--out": record,
            "--model": "tiny",
            "--budgets": BUDGETS,
            "--effective-batch-size": 16,
            "--generation": 0,
            "--schedule": one["schedule"],
            "--pretraining-steps": one["pretraining_steps"],
            "--learning-rate": one["lr"],
            "--lora-rank": one["rank"],
            "--lora-targets": one["targets"],
            "--seed": seed,
        }
        command = ["run", *(str(part) for option in options.items() for part in option)]
        subprocess.run([sys.executable, "-m", "trainer.cli", *command], check=True)
        curve = loss_curves(read_calibration(record))[0]
        notes = " ".join(f"{key}={one[key]}" for key in keys) + f" seed={seed}"
        for examples, loss in zip(curve.examples_n.tolist(), curve.loss_n.tolist(), strict=True):
            values = ("tiny_calibrations", f"{name}-seed{seed}", int(examples), "examples", f"{loss:.5f}")
            yield dict(zip(COLUMNS, (*values, "val_loss", notes), strict=True))
        shutil.rmtree(record)
    shutil.rmtree(folder)


@click.command()
@click.argument("table", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option("--first", default=0, help="Number of the first configuration.")
@click.option("--last", default=13, help="Number of the last one.")
def main(table: Path, work: Path, first: int, last: int) -> None:
    """Append the curves of configurations to TABLE."""
    work.mkdir(parents=True, exist_ok=True)
    for one in configurations(last + 1)[first:]:
        rows = pd.DataFrame(curves(one, work))
        rows.to_csv(table, mode="a", header=not table.exists(), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
