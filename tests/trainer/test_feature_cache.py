"""Image features once: later passes open no image file."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.trainer.conftest import Make
from tests.trainer.models import random_model
from tests.trainer.test_calibration import Counting, StopAfter
from trainer import feature_cache
from trainer.calibration import Outcome, calibrate, final_losses
from trainer.dataset import Example
from trainer.stopping import StopFlag


@pytest.fixture
def images(tmp_path: Path) -> list[Example]:
    found = []
    for row in range(5):
        path = tmp_path / f"{row}.png"
        Image.new("L", (28, 28), 40 * row).save(path)
        found.append(Example(image=path, prompt="p", answer="a", case=str(row), file="f", row=row))
    return [*found, found[0]]


def destroyed(examples: list[Example]) -> None:
    """Garbage of the same size and date in place of every image: whoever opens one notices."""
    for example in examples:
        status = example.image.stat()
        example.image.write_bytes(os.urandom(status.st_size))
        os.utime(example.image, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_second_pass_opens_no_image_and_gives_the_same_features(images: list[Example], tmp_path: Path) -> None:
    model = random_model()
    first = feature_cache.build(model, images, tmp_path, key="k")
    kept = first.features.clone()
    assert kept.shape == (5, 4, 16)
    destroyed(images)
    again = feature_cache.build(model, images, tmp_path, key="k")
    assert torch.equal(again.features, kept)
    assert torch.equal(again(torch.tensor([3, 0])), kept[[3, 0]])


def test_another_key_reads_the_images_again(images: list[Example], tmp_path: Path) -> None:
    model = random_model()
    feature_cache.build(model, images, tmp_path, key="k")
    destroyed(images)
    with pytest.raises(Exception, match="image"):
        feature_cache.build(model, images, tmp_path, key="other")


def test_both_precisions_have_a_file_of_their_own_and_all_go_at_the_end(images: list[Example], tmp_path: Path) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        feature_cache.build(random_model(dtype=dtype), images, tmp_path, key="k")
    assert len(list(tmp_path.glob("features-*.bin"))) == 2
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.glob("features-*"))
    feature_cache.forget(tmp_path)
    assert not list(tmp_path.glob("features-*"))


def test_a_disk_without_room_is_an_error_before_anything_is_computed(
    images: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with holes would be mapped, and writing into it on a full disk would kill the process."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"image features need 0\.0 MiB in the record"):
        feature_cache.build(random_model(), images, tmp_path, key="k")
    assert not list(tmp_path.glob("features-*"))


@pytest.mark.training
def test_a_calibration_that_goes_on_opens_no_image(settings: Make, table: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(table, data)
    before = Counting(settings("counted").out)
    calibrate(settings("counted", data=data), before)
    first = calibrate(settings("cached", data=data), StopAfter(before.before + 10))
    assert isinstance(first, Outcome)
    assert first.exit_code == 75
    for image in (data / "images").iterdir():
        status = image.stat()
        image.write_bytes(os.urandom(status.st_size))
        os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = calibrate(settings("cached", data=data, resume=True), StopFlag())
    assert second.exit_code == 0
    assert len(final_losses(second.calibration)) == 3
