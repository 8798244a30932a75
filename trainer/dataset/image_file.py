"""Opening an image that came from outside: inside the dataset, of a known format, of a sane size, whole.

A name in a file is never trusted as a path, and a URL is never opened. DICOM files are refused by their content: they
carry patient data in their header, and Plateau does not claim to de-identify.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 20_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DICOM_WITHOUT_PREAMBLE = (b"\x02\x00\x00\x00UL", b"\x08\x00\x05\x00CS", b"\x08\x00\x08\x00CS", b"\x08\x00\x16\x00UI")
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, MemoryError)


class ImageRefusedError(Exception):
    """An image is not used; `reason` and `remedy` are the parts of a `planner.errors.Mistake`."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def image_inside(root: Path, name: str) -> Path:
    """The path of an image that a file names, inside `root`.

    Raises:
        ImageRefusedError: A URL, an absolute path, a path that leaves the folder, or no such file.
    """
    inside = "Name images relative to the dataset's folder"
    if not name.strip():
        raise ImageRefusedError("no image is named", inside)
    if _SCHEME.match(name) or name.startswith(("//", "\\\\")):
        raise ImageRefusedError("a URL or drive, but only files inside the dataset's folder are opened", inside)
    if "\0" in name or "\\" in name or name.startswith(("/", "~")) or len(name) > 255:
        raise ImageRefusedError("not a plain relative file name", inside)
    root = root.resolve()
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ImageRefusedError("the path leads out of the dataset's folder", inside)
        if not path.is_file():
            raise ImageRefusedError("there is no such image", "Copy the image there, or take the row out")
    except (OSError, RuntimeError, ValueError):
        raise ImageRefusedError("not a usable file name", inside) from None
    return path


def check_header(path: Path) -> None:
    """Check type and size from the first bytes, without decoding.

    Raises:
        ImageRefusedError: See `open_image`.
    """
    _opened(path).close()


def open_image(path: Path) -> Image.Image:
    """Decode an image completely, upright and as RGB; 16-bit greys are windowed from their darkest to their brightest.

    Raises:
        ImageRefusedError: DICOM, an unknown format, more than 20 million pixels, or damaged.
    """
    return _decoded(_opened(path), "RGB")


def pixels(path: Path, size_px: int) -> np.ndarray:
    """An image as PaliGemma's vision tower takes it: (3, size, size), float32 in [-1, 1].

    Raises:
        ImageRefusedError: See `open_image`.
    """
    image = open_image(path)
    if image.size != (size_px, size_px):
        image = image.resize((size_px, size_px), Image.Resampling.BICUBIC)
    values = np.asarray(image, dtype=np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def small_grey(path: Path, side_px: int) -> tuple[np.ndarray, tuple[int, int]]:
    """(grey values, shape (side, side), float32; stored width and height): upright, squeezed into a square.

    Of a JPEG only as much is decoded as is needed.

    Raises:
        ImageRefusedError: See `open_image`.
    """
    image = _opened(path)
    size = image.size
    image.draft("L", (2 * side_px, 2 * side_px))
    grey = _decoded(image, "L").resize((side_px, side_px), Image.Resampling.LANCZOS)
    return np.asarray(grey, dtype=np.float32), size


def _decoded(image: Image.Image, mode: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I") or image.mode == "F":
            image = _windowed(image)
        return image.convert(mode)
    except _DECODER_ERRORS:
        raise ImageRefusedError(
            "the image is damaged and cannot be decoded", "Export it again, or take the row out"
        ) from None


def _opened(path: Path) -> Image.Image:
    formats = "Use JPEG, PNG or WebP"
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        raise ImageRefusedError("the image cannot be read", "Check the rights of the file") from None
    if head[128:] == b"DICM" or head.startswith(_DICOM_WITHOUT_PREAMBLE):
        raise ImageRefusedError(
            "a DICOM file, whose header may name the patient",
            "De-identify it with your archive's tool and export it as PNG",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large images are refused below, damaged EXIF counts as none
            image = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageRefusedError(f"more than {MAX_PIXELS:,} pixels", "Reduce the image first") from None
    except UnidentifiedImageError:
        raise ImageRefusedError("not a JPEG, PNG or WebP image", formats) from None
    except _DECODER_ERRORS:
        raise ImageRefusedError("the image's header is damaged", "Export it again, or take the row out") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise ImageRefusedError(f"more than {MAX_PIXELS:,} pixels", "Reduce the image first")
    return image


def _windowed(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / (high - low) * 255 if high > low else np.zeros_like(values)
    return Image.fromarray(scaled.round().astype(np.uint8))
