"""What the trainer says of a dataset, held against the real MedPix 2.0: the same picture found again, loops in prose.

MedPix is no part of the project; PLATEAU_MEDPIX names its folder, else it is looked for beside the checkout.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks._protocol import SHARED
from benchmarks.figure import Figure, at_least, at_most
from trainer.answer_quality import is_degenerate, loops, words
from trainer.dataset.fingerprint import NEAR_BITS, Words, look_at

Change = Callable[[Image.Image], Image.Image]


def _jpeg(quality: int) -> Change:
    def change(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.convert("RGB").save(file, "JPEG", quality=quality)
        return Image.open(io.BytesIO(file.getvalue()))

    return change


def _scaled(factor: float, method: Image.Resampling = Image.Resampling.BICUBIC) -> Change:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)), method)


# Ways in which one picture comes to another set.
SAME: dict[str, Sequence[Change]] = {
    "JPEG 90": (_jpeg(90),),
    "JPEG 50": (_jpeg(50),),
    "JPEG 20": (_jpeg(20),),
    "half size": (_scaled(0.5),),
    "double size, JPEG 75": (_scaled(2), _jpeg(75)),
    "triple size, Lanczos": (_scaled(3, Image.Resampling.LANCZOS),),
    "a third of the size, JPEG 60": (_scaled(1 / 3), _jpeg(60)),
    "squeezed to 224 x 224": (lambda image: image.resize((224, 224)),),
    "gamma 1.3": (lambda image: image.point([round(255 * (grey / 255) ** 1.3) for grey in range(256)]),),
}
# Beyond what is claimed; reported so that nobody has to guess.
BEYOND: dict[str, Sequence[Change]] = {
    "contrast stretched, 1 % cut": (lambda image: ImageOps.autocontrast(image, cutoff=1),),
    "1 % cropped off every side": (lambda image: ImageOps.crop(image, round(0.01 * image.width)),),
    "3 % cropped off every side": (lambda image: ImageOps.crop(image, round(0.03 * image.width)),),
    "mirrored": (ImageOps.mirror,),
}
# Models that lost their way: after a whole real caption {whole}, after its first three words {start}, or at once.
LOOPS = (
    "cec. " * 3,
    "{start} " + "cec. " * 3,
    "{whole} " + "cec. " * 6,
    "{whole} " + "left lung " * 4,
    "{start} " + "a mass is seen in the left upper lobe " * 3,
)


def measure(quick: bool) -> list[Figure]:
    """Errors of the fingerprint in pairs and percent, errors of the loop detector in captions."""
    folder = Path(os.environ.get("PLATEAU_MEDPIX") or SHARED / "medpix-2.0")
    if not (folder / "Descriptions.json").is_file():
        return [Figure(name="data: MedPix 2.0 is not there (PLATEAU_MEDPIX), nothing measured", value=0.0, unit="")]
    captions = [entry["Description"]["Caption"] for entry in json.loads((folder / "Descriptions.json").read_text())]
    return [*_fingerprints(sorted((folder / "images").iterdir()), every=20 if quick else 2), *_loops(captions)]


def _fingerprints(images: Sequence[Path], *, every: int) -> list[Figure]:
    start = time.process_time()
    words = np.array([look_at(image).words for image in images], dtype=np.uint64)
    seconds = (time.process_time() - start) / len(images)
    cases = np.array([image.name.partition("_")[0] for image in images])
    others, pairs, closest, within = 0, 0, 256, 0
    for index in range(len(images) - 1):
        bits = _bits(words[index], words[index + 1 :])
        same_case = cases[index + 1 :] == cases[index]
        others += int((bits[~same_case] <= NEAR_BITS).sum())
        pairs += int((~same_case).sum())
        within += int((bits[same_case] <= NEAR_BITS).sum())
        closest = min(closest, int(bits[~same_case].min(initial=256)))
    found = [
        Figure(name="images of MedPix 2.0", value=len(images), unit="images"),
        at_most(f"pairs of different cases within {NEAR_BITS} bits (of {pairs:,})", others, "pairs", 0),
        Figure(name="  the nearest such pair", value=closest, unit="of 256 bits"),
        Figure(name="  pairs within one case (neighbouring slices, copies)", value=within, unit="pairs"),
    ]
    for title, changes in (("found again", SAME), ("beyond the claim", BEYOND)):
        for name, steps in changes.items():
            bits = _changed(images[::every], words[::every], steps)
            share = 100.0 * float((bits <= NEAR_BITS).mean())
            name = f"{title}: {name}"
            found.append(
                at_least(name, share, "%", 99.5) if changes is SAME else Figure(name=name, value=share, unit="%")
            )
    return [*found, Figure(name="one fingerprint", value=1000 * seconds, unit="ms of CPU")]


def _changed(images: Sequence[Path], words: Words, steps: Sequence[Change]) -> NDArray[np.int64]:
    """Bits by which the fingerprint of every image moves."""
    moved = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.png"
        for image, before in zip(images, words, strict=True):
            with Image.open(image) as opened:
                changed = opened.convert("L")
            for step in steps:
                changed = step(changed)
            changed.convert("L").save(copy, compress_level=1)
            after = look_at(copy).words
            moved.append(256 if after is None else int(_bits(before, np.array([after], dtype=np.uint64))[0]))
    return np.array(moved, dtype=np.int64)


def _bits(one: Words, others: Words) -> NDArray[np.int64]:
    bits: NDArray[np.int64] = np.bitwise_count(one ^ others).sum(axis=1, dtype=np.int64)
    return bits


def _loops(captions: Sequence[str]) -> list[Figure]:
    wrong = sum(is_degenerate(caption, ended=True) for caption in captions)
    planted = [loop.format(whole=caption, start=" ".join(words(caption)[:3])) for caption in captions for loop in LOOPS]
    found = sum(map(loops, planted))
    return [
        at_most(f"captions called a loop (of {len(captions):,})", wrong, "captions", 0),
        at_least(f"planted loops found (of {len(planted):,})", 100.0 * found / len(planted), "%", 100.0),
    ]
