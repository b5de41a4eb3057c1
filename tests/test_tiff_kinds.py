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

from superscaling.errors import UnsupportedImage, UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Limits, Samples, decode, encode

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
    assert image.info["dpi"] == (300, 300)


def big_tiff(order: str, *tags: tuple[int, int, bytes], details: tuple[tuple[int, int, bytes], ...] = ()) -> bytes:
    """A BigTIFF of 4 x 2 grey px with further tags of one value, and those of an EXIF directory behind it."""
    mark = {"<": b"II+\0", ">": b"MM\0+"}[order] + struct.pack(order + "HHQ", 8, 0, 16)
    pointer = [(0x8769, 18)] if details else []
    numbers = {256: 4, 257: 2, 258: 8, 259: 1, 262: 1, 277: 1, 278: 2, 279: 8}
    size = 8 + 20 * (len(numbers) + 1 + len(tags) + len(pointer)) + 8
    end = 16 + size
    entries = [(tag, 3, struct.pack(order + "H", value)) for tag, value in numbers.items()]
    inner = struct.pack(order + "Q", len(details)) + b"".join(_entry(order, *each) for each in details) + bytes(8)
    entries += [(273, 16, struct.pack(order + "Q", end)), *tags]
    entries += [(tag, kind, struct.pack(order + "Q", end + 8)) for tag, kind in pointer]
    directory = struct.pack(order + "Q", len(entries)) + b"".join(_entry(order, *each) for each in sorted(entries))
    return mark + directory + bytes(8) + bytes(range(8)) + inner


def _entry(order: str, tag: int, kind: int, data: bytes) -> bytes:
    size = {2: 1, 3: 2, 4: 4, 16: 8, 17: 8, 18: 8}[kind]
    return struct.pack(order + "HHQ", tag, kind, len(data) // size) + data.ljust(8, b"\0")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("target", ["tiff", "jpeg"])
def test_exif_of_a_bigtiff_is_kept(server: Server, order: str, target: str) -> None:
    """As libtiff writes it: the pointer is of 64 bits, and other numbers may be."""
    details = (
        (0x8827, 16, struct.pack(order + "Q", 400)),
        (0xA002, 16, struct.pack(order + "Q", 4)),
        (0xA003, 16, struct.pack(order + "Q", 1 << 32)),
    )
    answer = server.upscale(big_tiff(order, details=details), format=target)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Upscaler-Notes"] == "left out: damaged EXIF tags"
    assert dict(opened(answer.content).getexif().get_ifd(0x8769)) == {0x8827: 400, 0xA002: 8}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 16])
def test_a_raw_file_in_a_bigtiff_is_named(order: str, kind: int) -> None:
    layout = order + {3: "H", 16: "Q"}[kind]
    samples = big_tiff(order, (50706, 4, struct.pack("4B", 1, 7, 0, 0)))
    place = samples.index(struct.pack(order + "HHQH", 262, 3, 1, 1))
    data = samples[:place] + _entry(order, 262, kind, struct.pack(layout, 32_803)) + samples[place + 20 :]
    with pytest.raises(UnsupportedImage, match="raw file \\(DNG\\)"):
        decode(data, LIMITS)


@pytest.mark.parametrize("far", [1000, 65_000, 120_000, 131_000, 1_000_000])
def test_exif_far_behind_in_a_tiff_is_kept(far: int) -> None:
    """Its maker note can't stay where it is, as in a camera's file of 1 MB of pixels."""
    numbers = {256: 4, 257: 2, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 2, 279: 8}
    main = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in numbers.items())
    main += struct.pack("<HHII", 0x8769, 4, 1, far)
    note = bytes(range(40))
    details = struct.pack("<HHHII", 2, 0x8827, 3, 1, 400) + struct.pack("<HHII", 0x927C, 7, 40, far + 30) + bytes(4)
    head = b"II*\0" + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", 10) + main + bytes(4)
    picture = decode(head.ljust(far, b"\0") + details + note, LIMITS)
    for name in (FormatName.JPEG, FormatName.PNG):
        answer = encode(picture, name, None, 92)
        assert answer.notes == ()
        assert note in answer.data
