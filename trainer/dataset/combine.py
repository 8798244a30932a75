"""Several folders as one dataset. What two of them share is found by content, not by name.

VQA-RAD and MedPix, for one, are made of the same images under other names. An image that is held out in one set and
learned in the other would make the held-out loss look better than it is, so cases that share an image are taken as one
case, and no case is on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from trainer.dataset import Dataset, Example, ReadOptions, read_dataset
from trainer.dataset.fingerprint import Gallery
from trainer.dataset.groups import Groups
from trainer.dataset.split import Part, official_split


def read_datasets(
    paths: Sequence[Path], options: ReadOptions | None = None, *, held_out: Path | None = None,
    gallery: Gallery | None = None,
) -> Dataset:  # fmt: skip
    """Read one folder or several.

    Args:
        paths: At least one.
        options: Of every reader.
        held_out: A further set that is only evaluated; then all of `paths` but its test parts is learned from.
        gallery: Where the looks of images are kept; used only where there are several sets.

    Raises:
        InputError: All rows that cannot be used, or nothing is left to learn from.
    """
    if held_out is None and len(paths) == 1:
        return read_dataset(paths[0], options)
    sets = [_numbered(number, read_dataset(path, options)) for number, path in enumerate(paths, start=1)]
    evaluated = None if held_out is None else _numbered(len(sets) + 1, read_dataset(held_out, options))
    everything = [*sets, *([evaluated] if evaluated else [])]
    groups, notes = _shared(everything, gallery or Gallery())
    learned = [example for part in sets for example in part.training]
    asked = [example for part in sets for example in part.held_out]
    if evaluated is not None:
        learned, asked = [*learned, *asked], [*evaluated.training, *evaluated.held_out]
        notes.append(f"Only {_name(everything, len(sets))} is held out; all of the others is learned from.")
    placed: list[tuple[Part, Example]] = [("train", groups.placed(example)) for example in learned]
    placed += [("held_out", groups.placed(example)) for example in asked]
    (training, kept), leaks = official_split(placed, file="--data", leak="The sets overlap")
    held_out_cases = {example.case for example in kept}
    return Dataset(
        format="_".join(part.format for part in everything)[:64],
        training=training,
        held_out=kept,
        background=tuple(
            (case, text) for part in sets for case, text in part.background if groups.of(case) not in held_out_cases
        ),
        notes=(
            *(f"{_name(everything, index)}: {note}" for index, part in enumerate(everything) for note in part.notes),
            *notes,
            *leaks,
        ),
    )


def _name(sets: Sequence[Dataset], index: int) -> str:
    return f"set {index + 1} ({sets[index].format})"


def _numbered(number: int, dataset: Dataset) -> Dataset:
    """Cases under a name that no other set has."""

    def own(examples: tuple[Example, ...]) -> tuple[Example, ...]:
        return tuple(msgspec.structs.replace(example, case=f"{number} {example.case}") for example in examples)

    return msgspec.structs.replace(
        dataset,
        training=own(dataset.training),
        held_out=own(dataset.held_out),
        background=tuple((f"{number} {case}", text) for case, text in dataset.background),
    )


def _shared(sets: Sequence[Dataset], gallery: Gallery) -> tuple[Groups, list[str]]:
    """Cases that share an image between sets, as groups, and a sentence on every pair of sets."""
    groups = Groups()
    images: list[dict[Path, str]] = []
    for dataset in sets:
        examples = (*dataset.training, *dataset.held_out)
        gallery.add(examples)
        images.append({example.image: example.case for example in examples})
    notes = []
    for index, here in enumerate(images):
        for other in range(index + 1, len(images)):
            there = images[other]
            pairs = gallery.pairs(list(here), list(there))
            pairs += [(image, image) for image in here.keys() & there.keys()]
            for first, second in pairs:
                groups.join(here[first], there[second])
            one, two = _name(sets, index), _name(sets, other)
            shared = {image for _, image in pairs}
            cases = {there[image] for image in shared}
            notes.append(
                f"{len(shared):,} of {len(there):,} images of {two} are in {one} too, by content ({len(cases):,} "
                "cases). Cases that share an image count as one."
                if pairs
                else f"{two} and {one} share no image, by content."
            )
    return groups, notes
