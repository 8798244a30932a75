"""Images from outside: what is refused, by content."""

from __future__ import annotations

import socket
import struct
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from trainer.dataset.image_file import ImageRefusedError, check_header, image_inside, open_image, pixels


def claimed_png(path: Path, side: int) -> Path:
    """A few bytes that claim to be a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [4_500, 13_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    path = claimed_png(tmp_path / "x.png", side)
    start = time.perf_counter()
    with pytest.raises(ImageRefusedError, match="20,000,000 pixels"):
        open_image(path)
    assert time.perf_counter() - start < 0.5


SCHEMES = (
    "http", "https", "ftp", "ftps", "sftp", "file", "data", "s3", "gs", "az", "hdfs", "smb", "ssh", "git", "jar",
    "gopher", "dict", "ldap", "tftp", "blob",
)  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_url_is_no_image_and_opens_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in (f"{scheme}://127.0.0.1/x.png", f"{scheme.upper()}:///x.png", f"{scheme}:x.png"):
        with pytest.raises(ImageRefusedError, match="a URL or drive"):
            image_inside(tmp_path, name)


PIECES = [
    "..",
    ".",
    "/",
    "\\",
    "~",
    "%2e%2e",
    "C:",
    "\\\\?\\",
    "images",
    "secret.png",
    "x.png",
    "\0",
    " ",
    "..;",
    "\u2025",
]


@given(st.lists(st.sampled_from(PIECES), max_size=7), st.sampled_from(["/", ""]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, pieces: list[str], between: str) -> None:
    root = tmp_path / "root"
    (root / "images").mkdir(parents=True, exist_ok=True)
    for path in (tmp_path / "secret.png", root / "x.png", root / "images" / "x.png"):
        path.touch()
    try:
        found = image_inside(root, between.join(pieces))
    except ImageRefusedError:
        return
    assert found in (root / "x.png", root / "images" / "x.png")


PREAMBLE = b"\0" * 128 + b"DICM"
META = b"\x02\x00\x00\x00UL\x04\x00\xc8\x00\x00\x00"
JPEG_WITH_COMMENT = b"\xff\xd8\xff\xfe\x00\xff" + b" " * 122 + b"DICM" + b" " * 150
DICOM = {
    "part 10": PREAMBLE + META,
    "part 10, implicit": PREAMBLE + b"\x02\x00\x00\x00\x04\x00\x00\x00\xc8\x00\x00\x00",
    "part 10, deflated": PREAMBLE + META + zlib.compress(b"\x08\x00\x05\x00CS"),
    "TIFF in the preamble": b"II*\0" + b"\x08\0\0\0" * 31 + b"DICM" + META,
    "JPEG around the mark": JPEG_WITH_COMMENT,
    "PNG signature in the preamble": b"\x89PNG\r\n\x1a\n" + b"\0" * 120 + b"DICM" + META,
    "no preamble, meta group": META,
    "no preamble, character set": b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100",
    "no preamble, image type": b"\x08\x00\x08\x00CS\x16\x00ORIGINAL",
    "no preamble, class": b"\x08\x00\x16\x00UI\x1a\x00" + b"1.2.840.10008.5.1.4.1.1.2",
}


@pytest.mark.parametrize("name", ["study.dcm", "renamed.png", "renamed.jpg"])
@pytest.mark.parametrize("kind", DICOM)
def test_dicom_is_refused_by_content_with_a_word_on_de_identification(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(DICOM[kind] + b"\0" * 200)
    for opening in (open_image, check_header):
        with pytest.raises(ImageRefusedError, match="DICOM") as caught:
            opening(path)
        assert "De-identify" in caught.value.remedy


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_refused_whatever_the_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.png"
    Image.new("L", (8, 8)).save(path, format=kind)
    with pytest.raises(ImageRefusedError, match="JPEG, PNG or WebP"):
        check_header(path)


def test_a_png_cut_anywhere_is_refused_or_whole(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    noise = np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    data = whole.read_bytes()
    cut = tmp_path / "cut.png"
    refused = 0
    for end in range(0, len(data), 5):
        cut.write_bytes(data[:end])
        try:
            open_image(cut)
        except ImageRefusedError:
            refused += 1
    assert refused > 0.8 * len(data) / 5


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1"])
def test_every_mode_becomes_three_channels_between_minus_one_and_one(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (20, 10)).save(tmp_path / "x.png")
    values = pixels(tmp_path / "x.png", 14)
    assert values.shape == (3, 14, 14)
    assert values.min() >= -1
    assert values.max() <= 1


def test_sixteen_bit_greys_are_windowed_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "x.png")
    values = pixels(tmp_path / "x.png", 8)
    assert values.min() == -1
    assert values.max() == 1
    assert len(np.unique(values)) > 50


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_undone(tmp_path: Path, kind: str, orientation: int) -> None:
    """A bright corner at the top left, stored as a camera in this orientation would store it."""
    upright = np.zeros((40, 64), dtype=np.uint8)
    upright[:16, :16] = 255
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(np.transpose(a), 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](upright)
    tag = Image.Exif()
    tag[0x0112] = orientation
    path = tmp_path / "x"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, format=kind, exif=tag)
    found = np.asarray(open_image(path).convert("L"))
    assert found.shape == (40, 64)
    assert found[:14, :14].min() > 200
    assert found[18:, 18:].max() < 55


def test_sixteen_bit_greys_are_turned_upright_too(tmp_path: Path) -> None:
    tag = Image.Exif()
    tag[0x0112] = 6
    Image.fromarray(np.linspace(0, 60_000, 48, dtype=np.uint16).reshape(6, 8)).save(tmp_path / "x.png", exif=tag)
    assert open_image(tmp_path / "x.png").size == (6, 8)


@given(st.binary(max_size=80))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_exif_neither_stops_nor_warns(tmp_path: Path, data: bytes) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "x.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0" + data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_image(tmp_path / "x.jpg").mode == "RGB"
