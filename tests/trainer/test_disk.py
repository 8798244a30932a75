"""A disk that is full while libraries write that do not raise OSError."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.trainer.models import SHAPE, random_model
from trainer import tiny
from trainer.disk import system_errors
from trainer.random_weights import write_random_weights


@contextmanager
def no_file_longer_than(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size_bytes", [20, 3_000, 100_000])
def test_a_full_disk_under_the_tiny_model_is_an_error_of_the_system(tmp_path: Path, size_bytes: int) -> None:
    model = random_model(targets=None)
    with no_file_longer_than(size_bytes), pytest.raises(OSError) as caught:
        tiny.save(model, tmp_path)
    assert caught.value.errno == errno.EFBIG


def test_and_under_random_weights(tmp_path: Path) -> None:
    with no_file_longer_than(3_000), pytest.raises(OSError, match="File too large"):
        write_random_weights(SHAPE.config(300), tmp_path)


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="no number"), system_errors():
        raise ValueError("no number of the system in it")
