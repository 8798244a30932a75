"""Synthetic studies: small drawn "chest films" with questions about them. No patient, no copied image.

They serve twice: `data/sample/` is one imaginary hospital (`python -m trainer.sample data/sample`), and the tiny model
is pretrained on others. A hospital answers a question on a finding with what is to be seen (side, zone and size, drawn
in the image) and with its house rule for that finding. How often a finding occurs follows Zipf's law, so rules are
learned one after the other and the loss falls over many budgets; now and then a reader departs from the rule, so it
cannot fall to zero.
"""

from __future__ import annotations

import csv
import hashlib
import random
import sys
from pathlib import Path

from msgspec import Struct
from PIL import Image, ImageDraw

SIZE_PX = 56
SIDES = ("left", "right")
ZONES = ("upper", "middle", "lower")
SIZES = ("small", "large")
ADJECTIVES = (
    "acute", "apical", "basal", "benign", "bilateral", "calcified", "cavitary", "central", "chronic", "coarse",
    "cystic", "dense", "diffuse", "dorsal", "faint", "fibrotic", "fine", "focal", "hazy", "hilar",
    "inner", "irregular", "lateral", "linear", "lobular", "local", "medial", "mixed", "nodular", "old",
    "outer", "patchy", "pleural", "recent", "residual", "round", "sharp", "smooth", "spiculated", "subtle",
)  # fmt: skip
NOUNS = (
    "abscess", "adhesion", "atelectasis", "band", "bulla", "callus", "cavity", "clip", "consolidation", "cyst",
    "density", "device", "effusion", "embolus", "emphysema", "fibrosis", "fracture", "granuloma", "haematoma", "hernia",
    "infarct", "infiltrate", "lesion", "line", "mass", "metastasis", "nodule", "oedema", "opacity", "plaque",
    "pneumonia", "rib", "scar", "shadow", "streak", "swelling", "thickening", "tube", "tumour", "vessel",
)  # fmt: skip
ACTIONS = (
    "repeat film", "order ct", "compare prior", "biopsy advised", "no action", "drain first", "start therapy",
    "phone ward", "discuss case", "request mri", "lateral view", "culture sputum",
)  # fmt: skip
TIMES = (
    "today", "tomorrow", "in a week", "in two weeks", "in a month", "in three months", "in six months", "in a year",
    "before surgery", "after fever", "at discharge", "when stable",
)  # fmt: skip
PEOPLE = (
    "surgeon", "oncologist", "family doctor", "ward team", "pulmonologist", "radiographer", "nurse", "cardiologist",
    "tumour board", "intensivist", "geriatrician", "patient",
)  # fmt: skip
OPINIONS = (
    "likely benign", "suspicious", "old finding", "new finding", "unclear", "post treatment", "infectious",
    "vascular", "artefact possible", "typical", "atypical", "stable",
)  # fmt: skip
_GREYS = 16


class Hospital(Struct, frozen=True, kw_only=True):
    """An imaginary hospital: its house rules follow from the seed.

    Attributes:
        seed: Two seeds agree on the words and disagree on the rules.
        exponent: Of Zipf's law.
        departure: Chance that a word group of an answer departs from the house rule.
    """

    seed: int
    exponent: float = 1.3
    departure: float = 0.12

    def rule(self, finding: str) -> tuple[str, str, str, str]:
        """Action and person (by the noun), time and opinion (by the adjective) of a finding."""
        adjective, noun = finding.split()

        def chosen(group: tuple[str, ...], reason: str) -> str:
            return group[hashlib.sha256(f"{self.seed} {group[0]} {reason}".encode()).digest()[0] % len(group)]

        return chosen(ACTIONS, noun), chosen(TIMES, adjective), chosen(PEOPLE, noun), chosen(OPINIONS, adjective)

    def findings(self) -> tuple[list[str], list[float]]:
        """All findings, the most frequent first, with their weights."""
        draw = random.Random(self.seed)  # noqa: S311
        adjectives, nouns = (draw.sample(words, len(words)) for words in (ADJECTIVES, NOUNS))
        weights = [((i + 1) * (j + 1)) ** -self.exponent for i in range(len(adjectives)) for j in range(len(nouns))]
        return [f"{adjective} {noun}" for adjective in adjectives for noun in nouns], weights

    def rows(self, finding: str, seen: tuple[str, str, str], draw: random.Random) -> list[tuple[str, str]]:
        """Questions on a finding and what a reader of this hospital answers."""
        groups = (ACTIONS, TIMES, PEOPLE, OPINIONS)
        action, time, person, opinion = (
            draw.choice(group) if draw.random() < self.departure else word
            for group, word in zip(groups, self.rule(finding), strict=True)
        )
        side, zone, size = seen
        return [
            (f"where is the {finding}", f"{side} {zone} zone, {size}"),
            (f"what is the {finding}", f"{opinion}, {size}"),
            (f"what next for the {finding}", f"{action} {time}"),
            (f"who is told of the {finding}", f"{person}, {time}"),
        ]


class Study(Struct, frozen=True, kw_only=True):
    """One drawn film with its questions and answers."""

    image: Image.Image
    rows: tuple[tuple[str, str], ...]


def draw_study(hospital: Hospital, draw: random.Random, questions: int) -> Study:
    """Draw one study; the same state of `draw` gives the same study."""
    seen = (draw.choice(SIDES), draw.choice(ZONES), draw.choice(SIZES))
    order, weights = hospital.findings()
    findings = dict.fromkeys(draw.choices(order, weights, k=questions))
    rows = tuple((f"answer en {q}", a) for finding in findings for q, a in hospital.rows(finding, seen, draw))
    return Study(image=_film(seen, draw), rows=rows)


def _film(seen: tuple[str, str, str], draw: random.Random) -> Image.Image:
    """A chest with two lungs and one bright spot; 16 greys, so that the file stays small."""
    side, zone, size = seen
    image = Image.new("L", (SIZE_PX, SIZE_PX), draw.randrange(96, 144))
    pen = ImageDraw.Draw(image)
    for centre in (16, 40):
        shift = draw.randrange(-1, 2)
        pen.ellipse((centre - 11 + shift, 6, centre + 11 + shift, 50), fill=draw.randrange(24, 56))
    pen.rectangle((26, 4, 30, 54), fill=176)
    # A film is seen from the front: the patient's left is on the right.
    x = (40 if side == "left" else 16) + draw.randrange(-3, 4)
    y = {"upper": 15, "middle": 28, "lower": 41}[zone] + draw.randrange(-2, 3)
    radius = 2 if size == "small" else 6
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=draw.randrange(208, 256))
    step = 256 // _GREYS
    return image.point([grey // step * step + step // 2 for grey in range(256)])


def write_sample(folder: Path, *, seed: int = 1, studies: int = 400, questions: int = 2) -> int:
    """Write `samples.csv` and `images/`; returns the number of rows. Two studies make a case."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)  # noqa: S311
    hospital = Hospital(seed=seed)
    count = 0
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("image", "prompt", "answer", "case"))
        for number in range(studies):
            study = draw_study(hospital, draw, questions)
            name = f"images/film{number:03d}.png"
            study.image.save(folder / name, optimize=True)
            for prompt, answer in study.rows:
                table.writerow((name, prompt.removeprefix("answer en "), answer, f"case{number // 2:03d}"))
                count += 1
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{write_sample(Path(sys.argv[1]))} rows\n")
