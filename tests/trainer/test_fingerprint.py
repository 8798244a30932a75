"""Images are found again by what they show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from planner.errors import InputError
from tests.trainer.layouts import picture, save
from trainer.dataset import Example
from trainer.dataset.fingerprint import NEAR_BITS, Gallery, look_at, near

SAME: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half.png": lambda image: image.resize((image.width // 2, image.height // 2)),
    "triple.png": lambda image: image.resize((image.width * 3, image.height * 3)),
    "jpeg.jpg": lambda image: image,
    "colour.jpg": lambda image: image.convert("RGB"),
    "webp.webp": lambda image: image.convert("RGB"),
    "brighter.png": lambda image: image.point([min(255, 40 + value * 3 // 4) for value in range(256)]),
    "square.png": lambda image: image.resize((224, 224)),
    "sixteen.png": lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 150 + 900),
}
OTHER: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirror.png": ImageOps.mirror,
    "turned.png": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "half.png": lambda image: image.crop((0, 0, image.width // 2, image.height)),
}


def example(image: Path, case: str = "c") -> Example:
    return Example(image=image, prompt="caption en", answer="a", case=case, file="t.csv", row=7)


def pairs(*images: Path) -> list[tuple[Path, Path]]:
    gallery = Gallery()
    gallery.add([example(image) for image in images])
    return gallery.pairs(images[:1], images[1:])


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("size", [(96, 80), (224, 180), (700, 512)])
def test_a_picture_is_found_again_after_it_was_saved_otherwise(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    original = picture(3, size)
    save(original, tmp_path / "original.png")
    save(SAME[name](original), tmp_path / name)
    assert pairs(tmp_path / "original.png", tmp_path / name) == [(tmp_path / "original.png", tmp_path / name)]


@pytest.mark.parametrize("name", OTHER)
def test_a_mirrored_turned_or_cut_picture_is_another(tmp_path: Path, name: str) -> None:
    original = picture(3)
    save(original, tmp_path / "original.png")
    save(OTHER[name](original), tmp_path / name)
    assert pairs(tmp_path / "original.png", tmp_path / name) == []


def test_different_pictures_are_different(tmp_path: Path) -> None:
    images = [tmp_path / f"{seed}.png" for seed in range(40)]
    for seed, image in enumerate(images):
        save(picture(seed), image)
    gallery = Gallery()
    gallery.add(example(image) for image in images)
    assert gallery.pairs(images, images) == []


def test_an_upright_picture_and_one_turned_by_its_exif_tag_are_the_same(tmp_path: Path) -> None:
    original = picture(3)
    save(original, tmp_path / "upright.png")
    tag = Image.Exif()
    tag[0x0112] = 6
    original.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "tagged.jpg", exif=tag)
    assert len(pairs(tmp_path / "upright.png", tmp_path / "tagged.jpg")) == 1


def test_blank_pictures_resemble_nothing(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (50, 50), 7).save(tmp_path / name)
    assert look_at(tmp_path / "a.png").words is None
    assert pairs(tmp_path / "a.png", tmp_path / "b.png") == []


def test_the_stored_size_is_told(tmp_path: Path) -> None:
    save(picture(1, (300, 200)), tmp_path / "a.jpg")
    look = look_at(tmp_path / "a.jpg")
    assert (look.width_px, look.height_px) == (300, 200)


def test_images_that_cannot_be_used_are_named_with_their_rows_and_each_is_opened_once(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    save(picture(1), tmp_path / "good.png")
    opened: list[int] = []
    gallery = Gallery(opened.append)
    with pytest.raises(InputError, match=r"t\.csv line 7, image: not a JPEG"):
        gallery.add([example(tmp_path / "good.png"), example(tmp_path / "good.png"), example(tmp_path / "broken.png")])
    assert opened == [1, 1]


@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(1, 300))
@settings(max_examples=40, deadline=None)
def test_near_counts_bits_whatever_the_number_of_images(seed: int, flipped: int, images: int) -> None:
    random = np.random.default_rng(seed)
    words = random.integers(0, 2**63, (images, 4), dtype=np.uint64)
    bits = np.unpackbits(words[-1].view(np.uint8))
    bits[random.choice(256, flipped, replace=False)] ^= 1
    changed = np.packbits(bits).view(np.uint64).reshape(1, 4)
    assert ((images - 1, 0) in near(words, changed)) == (flipped <= NEAR_BITS)
    assert [(j, i) for i, j in near(words, changed)] == near(changed, words)
