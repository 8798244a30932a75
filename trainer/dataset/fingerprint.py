"""What an image shows, in 256 bits: the same picture is found again after it was saved in another format or size.

Perceptual hash: the picture in grey, 64 x 64 (Lanczos), its 16 x 16 lowest frequencies (DCT), each above or below their
median (as pHash: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010; here with 256 bits,
since 64 take neighbouring slices of different patients for one picture). Brightness and contrast do not matter; a crop
by more than 1 % of the side, a mirror image or a rotation is another picture.

`python -m benchmarks data` measures both errors of `NEAR_BITS` on MedPix 2.0: 2,095,463 pairs of images of different
cases, none as near; JPEG of quality 20 and up, half to triple size, all found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.fft import dctn

from planner.errors import Mistake, shown_name
from trainer.dataset.example import Example
from trainer.dataset.image_file import ImageRefusedError, small_grey
from trainer.dataset.text_file import raise_all

NEAR_BITS = 20
_SIDE_PX = 64
_FREQUENCIES = 16
_WORDS = _FREQUENCIES**2 // 64
_BLANK_GREYS = 2.0
_PAIRS_AT_ONCE = 4_000_000

Words = NDArray[np.uint64]


class Look(Struct, frozen=True, kw_only=True):
    """What is to be seen in one image.

    Attributes:
        words: The fingerprint as four 64-bit words; None for a blank picture, which resembles nothing.
        width_px: As stored.
        height_px: As stored.
    """

    words: tuple[int, ...] | None
    width_px: int
    height_px: int


def look_at(path: Path) -> Look:
    """Decode an image, small and in grey, and take its fingerprint.

    Raises:
        ImageRefusedError: See `trainer.dataset.image_file.open_image`.
    """
    grey, (width, height) = small_grey(path, _SIDE_PX)
    if float(grey.std()) < _BLANK_GREYS:
        return Look(words=None, width_px=width, height_px=height)
    low = dctn(grey, norm="ortho")[:_FREQUENCIES, :_FREQUENCIES].ravel()
    bits = low > np.median(low[1:])
    bits[0] = False  # the mean brightness
    return Look(words=tuple(np.packbits(bits).view(np.uint64).tolist()), width_px=width, height_px=height)


class Gallery:
    """Looks of images, each image decoded once.

    Attributes:
        advance: Called with 1 after every image.
    """

    def __init__(self, advance: Callable[[int], None] = lambda _: None) -> None:
        self.looks: dict[Path, Look] = {}
        self.advance = advance

    def add(self, examples: Iterable[Example]) -> None:
        """Look at every image that is new.

        Raises:
            InputError: All images that cannot be used, with their rows.
        """
        mistakes = []
        for example in examples:
            if example.image in self.looks:
                continue
            try:
                self.looks[example.image] = look_at(example.image)
            except ImageRefusedError as problem:
                mistakes.append(
                    Mistake(
                        file=shown_name(example.file),
                        row=example.row,
                        field="image",
                        reason=problem.reason,
                        remedy=problem.remedy,
                    )
                )
            self.advance(1)
        raise_all(mistakes)

    def pairs(self, left: Sequence[Path], right: Sequence[Path]) -> list[tuple[Path, Path]]:
        """Pairs of different images, one of either list, that show the same."""
        left, right = ([image for image in images if self.looks[image].words is not None] for images in (left, right))
        found = near(self._words(left), self._words(right))
        return [(left[i], right[j]) for i, j in found if left[i] != right[j]]

    def _words(self, images: Sequence[Path]) -> Words:
        return np.array([self.looks[image].words for image in images], dtype=np.uint64).reshape(-1, _WORDS)


def near(left: Words, right: Words, bits: int = NEAR_BITS) -> list[tuple[int, int]]:
    """(i, j) of all fingerprints, shape (images, 4), that differ by at most `bits` of 256.

    Where the first 64 bits differ by more, the others need no look: that leaves about one pair in five hundred.
    """
    found: list[tuple[int, int]] = []
    rows_at_once = max(1, _PAIRS_AT_ONCE // max(1, len(right)))
    for start in range(0, len(left), rows_at_once):
        first = np.bitwise_count(left[start : start + rows_at_once, None, 0] ^ right[None, :, 0])
        rows, columns = np.nonzero(first <= bits)
        differing = np.bitwise_count(left[rows + start] ^ right[columns]).sum(axis=1, dtype=np.uint16)
        close = differing <= bits
        found += zip((rows[close] + start).tolist(), columns[close].tolist(), strict=True)
    return found
