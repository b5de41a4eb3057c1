"""Sizes read from the headers equal those after decoding."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from conftest import SAMPLES, encoded, opened, photograph
from pictures import SENT, Sent
from PIL import Image
from test_avif_heic import heic

from superscaling.errors import ImageCorrupt, ImageTooLarge, TooManyFrames, UnsupportedImage
from superscaling.format_name import FormatName
from superscaling.pictures import (
    Frame,
    Limits,
    decode,
    decoding,
    heif_reading,
    inspect,
    inspection,
    jpeg_reading,
    preview,
)
from superscaling.pictures.opening import decoder_errors
from superscaling.pictures.picture import to_8_bits

LIMITS = Limits(pixels=10_000_000, frames=100)
MANY = (FormatName.PNG, FormatName.WEBP, FormatName.GIF, FormatName.TIFF)
IMAGES = [Image.fromarray(photograph(20, 30, seed)) for seed in range(3)]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_every_kind_of_picture(sent: Sent) -> None:
    assert inspect(sent.data, LIMITS).sizes == (sent.colour.shape[:2],)


@pytest.mark.parametrize(
    "path", [path for path in SAMPLES.iterdir() if path.suffix != ".md"], ids=lambda path: path.name
)
def test_samples(path: object) -> None:
    data = (SAMPLES / str(path)).read_bytes()
    frames = decode(data, LIMITS).frames
    assert inspect(data, LIMITS).sizes == tuple((frame.height, frame.width) for frame in frames)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "GIF", "TIFF"])
def test_frames_and_pages(name: str) -> None:
    data = encoded(IMAGES[0], name, save_all=True, append_images=IMAGES[1:])
    assert inspect(data, LIMITS).sizes == ((20, 30),) * 3
    with pytest.raises(TooManyFrames):
        inspect(data, Limits(pixels=10_000_000, frames=2))
    with pytest.raises(ImageTooLarge):
        inspect(data, Limits(pixels=20 * 30 * 3 - 1, frames=100))


def test_pages_of_different_sizes() -> None:
    data = encoded(IMAGES[0], "TIFF", save_all=True, append_images=[IMAGES[1].crop((0, 0, 7, 5))])
    assert inspect(data, LIMITS).sizes == ((20, 30), (5, 7))


def test_pictures_that_lie_are_as_they_are_stored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert inspect(encoded(IMAGES[0], "JPEG", exif=exif), LIMITS).sizes == ((20, 30),)


def test_nothing_is_decoded() -> None:
    """Pixel data is not needed."""
    assert inspect(encoded(photograph(200, 300), "JPEG")[:-3000], LIMITS).sizes == ((200, 300),)


def test_no_picture() -> None:
    with pytest.raises(UnsupportedImage):
        inspect(b"no picture", LIMITS)


def test_heic_and_raw_files_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for place in ("read_heif", "name_raw"):
        count_calls(monkeypatch, place, calls)
    assert inspect(heic(IMAGES[0].convert("RGBA")), LIMITS).format is FormatName.PNG
    with pytest.raises(UnsupportedImage, match=r"a camera's raw file \(Canon CR2\)"):
        inspect(b"II*\0\x10\0\0\0CR\2\0" + bytes(40), LIMITS)
    assert calls == ["read_heif", "name_raw"]


@pytest.mark.parametrize(
    "raised",
    [
        IndexError("index out of range"),
        struct.error("unpack requires 4 bytes"),
        KeyError(3),
        StopIteration(),
        OSError(),
        ValueError(" "),
    ],
)
def test_what_is_said_about_damage_is_about_the_file(raised: Exception) -> None:
    with pytest.raises(ImageCorrupt) as told, decoder_errors():
        raise raised
    assert told.value.detail == "the image is truncated or corrupt: its parts are not where they should be"


@pytest.mark.parametrize("name", list(FormatName))
def test_a_file_is_read_once(name: FormatName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened, split and checked when it is inspected; decoding goes on from there."""
    data = encoded(IMAGES[0], name.upper(), **({"save_all": True, "append_images": IMAGES[1:]} if name in MANY else {}))
    calls: list[str] = []
    for place in ("open_image", "read_apng", "read_gif", "outline_jpeg", "check_tiff", "check_heif", "listed"):
        count_calls(monkeypatch, place, calls)
    image = inspect(data, LIMITS)
    assert len(calls) == len(set(calls)) > 0
    seen = list(calls)
    assert len(image.decode().frames) == len(image.sizes)
    assert calls == seen
    with pytest.raises(RuntimeError, match="decoded before"):
        image.decode()


def count_calls(monkeypatch: pytest.MonkeyPatch, name: str, calls: list[str]) -> None:
    for module in (decoding, inspection, jpeg_reading, heif_reading):
        if original := getattr(module, name, None):

            def counted(*arguments: object, original: Callable[..., object] = original) -> object:
                calls.append(name)
                return original(*arguments)

            monkeypatch.setattr(module, name, counted)


def test_16_bits_are_rounded_to_8_everywhere() -> None:
    """Not truncated: 0x01FF is nearer to 2 than to 1."""
    levels = np.array([[[0x0000], [0x0180], [0x01FF], [0xFF7F], [0xFFFF]]], np.uint16)
    expected = [0, 1, 2, 255, 255]
    assert to_8_bits(levels).ravel().tolist() == expected
    assert np.asarray(opened(preview(Frame(levels), (1, 5), 512).data)).ravel().tolist() == expected
