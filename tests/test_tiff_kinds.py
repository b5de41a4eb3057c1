"""Every kind of TIFF is read, pixel for pixel, or refused by name: never called corrupt, never read wrong."""

import io
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from conftest import Server, encoded, opened, photograph
from pictures import GREY_16, LA_16, RGB_16, RGBA_16

from superscaling.errors import UnsupportedMode
from superscaling.pictures import Frame, Limits, Samples, decode

LIMITS = Limits(pixels=1_000_000, frames=10)
RGB = photograph(24, 36)
GREY = RGB[:, :, 1]
ALPHA = RGB[::-1, :, 2]
RGBA, LA = np.dstack((RGB, ALPHA)), np.dstack((GREY, ALPHA))
PLANES = np.ascontiguousarray(np.moveaxis(RGB, 2, 0))
SAVE = "save it as grey or RGB, with samples of 8 or 16 bits"
INTERLEAVED = "save it with its channels interleaved"
PALETTE = np.arange(3 * 65_536, dtype=np.uint16).reshape(3, 65_536)


def tiff(pixels: Any, **options: Any) -> bytes:
    """By tifffile."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def vips(pixels: Any, compression: str, **options: Any) -> bytes:
    """By libvips."""
    data: bytes = pyvips.Image.new_from_array(pixels).tiffsave_buffer(compression=compression, **options)
    return data


def with_tag(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with another value of a tag that has one SHORT."""
    place = data.index(struct.pack("<HHI", tag, 3, 1))
    return data[: place + 8] + struct.pack("<H", value) + data[place + 10 :]


def channels_of(frame: Frame) -> Samples:
    return frame.colour if frame.alpha is None else np.dstack((frame.colour, frame.alpha))


READ: Mapping[str, tuple[bytes, Any]] = {
    "big-endian BigTIFF of grey": (tiff(GREY, bigtiff=True, byteorder=">"), GREY),
    "big-endian BigTIFF of RGB": (tiff(RGB, photometric="rgb", bigtiff=True, byteorder=">"), RGB),
    "big-endian BigTIFF, packed": (
        tiff(RGB, photometric="rgb", bigtiff=True, byteorder=">", compression="zlib", predictor=True),
        RGB,
    ),
    "big-endian BigTIFF in tiles": (tiff(RGB, photometric="rgb", bigtiff=True, byteorder=">", tile=(16, 16)), RGB),
    "big-endian BigTIFF of 16 bits": (tiff(RGB_16, photometric="rgb", bigtiff=True, byteorder=">"), RGB_16),
    "little-endian BigTIFF": (tiff(RGBA, photometric="rgb", extrasamples=[2], bigtiff=True), RGBA),
    "grey and alpha": (tiff(LA, photometric="minisblack", extrasamples=[2], planarconfig="contig"), LA),
    "grey and alpha of 16 bits": (
        tiff(LA_16, photometric="minisblack", extrasamples=[2], planarconfig="contig"),
        LA_16,
    ),
    "grey of 16 bits, white is zero, big-endian": (
        tiff(65_535 - GREY_16, photometric="miniswhite", byteorder=">"),
        GREY_16,
    ),
    "RGBA of 16 bits": (tiff(RGBA_16, photometric="rgb", extrasamples=[2]), RGBA_16),
    "planes": (tiff(PLANES, photometric="rgb", planarconfig="separate"), RGB),
    "planes, packed": (tiff(PLANES, photometric="rgb", planarconfig="separate", compression="zlib"), RGB),
    "LZMA": (tiff(RGB, photometric="rgb", compression="lzma"), RGB),
    "Zstandard": (encoded(RGB, "TIFF", compression="zstd"), RGB),
    "LZW": (vips(RGB, "lzw", predictor="horizontal"), RGB),
    "PackBits": (vips(RGB, "packbits"), RGB),
}


@pytest.mark.parametrize("kind", READ)
def test_kinds_that_are_read(kind: str) -> None:
    data, pixels = READ[kind]
    frame = decode(data, LIMITS).frames[0]
    assert np.array_equal(channels_of(frame), np.atleast_3d(pixels))


def test_jpeg_in_a_tiff() -> None:
    frame = decode(vips(RGB, "jpeg", Q=98), LIMITS).frames[0]
    assert np.abs(frame.colour.astype(int) - RGB).mean() < 4


def test_a_mask_beside_a_picture_is_left_out() -> None:
    """As GDAL writes them."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(GREY > 99, photometric="mask", subfiletype=4)
    picture = decode(file.getvalue(), LIMITS)
    assert picture.notes == ("1 previews or masks were left out",)
    assert np.array_equal(picture.frames[0].colour, RGB)


REFUSED: Mapping[str, tuple[bytes, str]] = {
    "signed 8": (tiff(GREY.astype(np.int8)), f"TIFF with signed samples is not supported: {SAVE}"),
    "signed 16": (tiff(GREY.astype(np.int16)), f"TIFF with signed samples is not supported: {SAVE}"),
    "signed 32": (tiff(GREY.astype(np.int32)), f"TIFF with signed samples is not supported: {SAVE}"),
    "signed RGB": (tiff(RGB.astype(np.int16), photometric="rgb"), f"TIFF with signed samples is not supported: {SAVE}"),
    "float 16": (tiff(GREY.astype(np.float16)), f"TIFF with floating-point samples is not supported: {SAVE}"),
    "float 32": (tiff(GREY.astype(np.float32)), f"TIFF with floating-point samples is not supported: {SAVE}"),
    "float 64": (tiff(GREY.astype(np.float64)), f"TIFF with floating-point samples is not supported: {SAVE}"),
    "float RGB": (
        tiff(RGB.astype(np.float32), photometric="rgb"),
        f"TIFF with floating-point samples is not supported: {SAVE}",
    ),
    "complex": (tiff(GREY.astype(np.complex64)), f"TIFF with complex samples is not supported: {SAVE}"),
    "unsigned 32": (tiff(GREY.astype(np.uint32)), f"TIFF of grey with 32 bits per sample is not supported: {SAVE}"),
    "unsigned 64": (tiff(GREY.astype(np.uint64)), f"TIFF of grey with 64 bits per sample is not supported: {SAVE}"),
    "RGB 32": (
        tiff(RGB.astype(np.uint32), photometric="rgb"),
        f"TIFF of RGB with 32 bits per sample is not supported: {SAVE}",
    ),
    "palette 16": (
        tiff(GREY_16, photometric="palette", colormap=PALETTE),
        f"TIFF of a palette with 16 bits per sample is not supported: {SAVE}",
    ),
    "planes of 16 bits": (
        tiff(np.moveaxis(RGB_16, 2, 0).copy(), photometric="rgb", planarconfig="separate"),
        f"TIFF with more than 8 bits in separate planes is not supported: {INTERLEAVED}",
    ),
    "five channels": (
        tiff(np.dstack((RGBA_16, GREY_16)), photometric="rgb", extrasamples=[2, 0]),
        f"TIFF of RGB and 2 more channels with 16 bits per sample is not supported: {SAVE}",
    ),
    "WebP": (vips(RGB, "webp"), "TIFF with compression WebP is not supported: save it with LZW or Deflate"),
    "a mask alone": (
        tiff(GREY > 99, photometric="mask"),
        f"TIFF of a mask with 1 bits per sample is not supported: {SAVE}",
    ),
    **{
        name: (
            with_tag(vips(RGB, "lzw"), 259, number),
            f"TIFF with compression {name} is not supported: save it with LZW or Deflate",
        )
        for name, number in (("LERC", 34_887), ("JPEG 2000", 33_003), ("JPEG XL", 50_002), ("number 4711", 4711))
    },
}


@pytest.mark.parametrize("kind", REFUSED)
def test_kinds_that_are_refused_by_name(kind: str) -> None:
    data, words = REFUSED[kind]
    with pytest.raises(UnsupportedMode) as refused:
        decode(data, LIMITS)
    assert refused.value.detail == words


def test_a_later_page_is_refused_by_name(server: Server) -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(GREY.astype(np.float32), photometric="minisblack")
    answer = server.upscale(file.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported_image_mode")
    assert answer.json()["detail"] == f"TIFF with floating-point samples is not supported: {SAVE}"


def test_metadata_of_a_big_endian_bigtiff_is_kept(server: Server) -> None:
    data = tiff(
        RGB, photometric="rgb", bigtiff=True, byteorder=">", software="Us", resolution=(150, 150), resolutionunit=2
    )
    image = opened(server.upscale(data).content)
    assert image.getexif()[0x0131] == "Us"
    assert image.info["dpi"] == (150, 150)
