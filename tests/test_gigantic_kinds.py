"""Odd files as gigantic pictures: the verdict, the pixels and the notes of a request, or refused when they are sent."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from conftest import encoded, photograph, png_chunk
from numpy.typing import NDArray
from pictures import LA_16, RGB_16, png_16
from PIL import Image

from superscaling.errors import ImageCorrupt, ServiceError, UnsupportedMode
from superscaling.geometry import Box
from superscaling.pictures import Limits, band_name, cut_bands, decode, inspect_gigantic

PIXELS = 1_000_000
RGB = photograph(40, 36)
GREY = RGB[:, :, 1]
PHOTO = Image.fromarray(photograph(192, 200))
ROWS = np.pad(RGB.reshape(40, -1), ((0, 0), (1, 0))).tobytes()  # without filters
END = b"\xff\xd9"


def tiff(samples: NDArray[Any] = RGB, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **{"photometric": "rgb", **options})
    return file.getvalue()


def with_tags(data: bytes, *new: tuple[int, int, int, int], without: tuple[int, ...] = ()) -> bytes:
    """A little-endian TIFF with further tags: number, type, count, value or offset."""
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    stored = [struct.unpack_from("<HHII", data, place + 2 + 12 * index) for index in range(count)]
    tags = sorted([*(tag for tag in stored if tag[0] not in without), *new], key=lambda tag: tag[0])
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    start = len(data) + len(data) % 2
    return data[:4] + struct.pack("<I", start) + data[8:].ljust(start - 8, b"\0") + directory


def with_height(data: bytes, height: int) -> bytes:
    """A JPEG that claims to have so many rows."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + height.to_bytes(2) + data[place + 2 :]


def png(*before: bytes, after: tuple[bytes, ...] = (), end: bytes = png_chunk(b"IEND")) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 36, 40, 8, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(ROWS))
    return b"\x89PNG\r\n\x1a\n" + b"".join((header, *before, pixels, *after)) + end


def pages(*kinds: int) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for kind in kinds:
            writer.write(RGB[::2, ::2] if kind else RGB, photometric="rgb", subfiletype=kind)
    return file.getvalue()


def as_request(data: bytes) -> tuple[NDArray[Any] | str, set[str]]:
    """The pixels, or what is said against them; the notes."""
    try:
        picture = decode(data, Limits(PIXELS, 10))
    except ServiceError as exc:
        return exc.detail, set()
    return picture.frames[0].colour, set(picture.notes)


def as_job(data: bytes, folder: Path) -> tuple[NDArray[Any] | str, set[str]]:
    """The same of a file that is taken."""
    path = folder / "file"
    path.write_bytes(data)
    header = inspect_gigantic(path, PIXELS)
    span = 0, header.size[0]
    try:
        cut = cut_bands(path, Box(0, 0, *header.size), [span], folder, PIXELS)
    except ServiceError as exc:
        return exc.detail, set()
    samples = np.fromfile(folder / band_name(span), np.uint16 if header.is_16_bit else np.uint8)
    return samples.reshape(*header.size, header.channels), {*header.notes, *cut.notes}


JPEG = encoded(PHOTO, "JPEG", quality=90)
RESTARTS = encoded(PHOTO, "JPEG", quality=90, restart_marker_rows=1)
GREY_END = np.array(PHOTO)
GREY_END[-40:] = 128
TAKEN = {
    "JPEG without end mark": JPEG[:-2],
    "JPEG, then zeros": JPEG[:-2] + bytes(5000),
    "JPEG, then another": JPEG + JPEG,
    "JPEG that lacks some rows": JPEG[: len(JPEG) * 92 // 100],
    "JPEG that lacks some rows, ended": JPEG[: len(JPEG) * 92 // 100] + END,
    "JPEG that lacks some rows, then zeros": JPEG[: len(JPEG) * 92 // 100] + bytes(3000),
    "JPEG that lacks too many rows": JPEG[: len(JPEG) // 2],
    "JPEG that lacks too many rows, ended": RESTARTS[: len(RESTARTS) // 2] + END,
    "JPEG that claims some more rows": with_height(JPEG, 240),
    "JPEG that claims a quarter more rows": with_height(JPEG, 256),
    "JPEG that claims more rows than that": with_height(RESTARTS, 260),
    "JPEG that claims twice the rows": with_height(JPEG, 400),
    "JPEG that claims fewer rows": with_height(JPEG, 100),
    "JPEG that ends in grey": encoded(Image.fromarray(GREY_END), "JPEG"),
    "JPEG of RGB": encoded(RGB, "JPEG", keep_rgb=True),
    "JPEG with 4:1:1": encoded(RGB, "JPEG", subsampling="4:1:1"),
    "JPEG with a broken EXIF block": JPEG[:2] + b"\xff\xe1\0\x10Exif\0\0" + b"\xff" * 8 + JPEG[2:],
    "PNG without end mark": png(end=b""),
    "PNG with what comes after": png() + b"x" * 500,
    "PNG with 4 significant bits": png(png_chunk(b"sBIT", b"\4\4\4")),
    "PNG with gamma 1": png(png_chunk(b"gAMA", (100_000).to_bytes(4))),
    "PNG with a broken text": png(png_chunk(b"tEXt", b"a\0b")[:-1] + b"\0"),
    "PNG with a critical chunk that nobody knows": png(png_chunk(b"ABCD")),
    "PNG with 16 bits and gamma": png_16(RGB_16, png_chunk(b"gAMA", (100_000).to_bytes(4))),
    **{f"TIFF with orientation {number}": with_tags(tiff(), (274, 3, 1, number)) for number in (0, 6, 9, 65_535)},
    "TIFF with an unknown unit": with_tags(tiff(), (296, 3, 1, 9), without=(296,)),
    "TIFF with broken metadata": with_tags(tiff(), (34_675, 7, 100, 10), (0x8769, 4, 1, 10**8)),
    "TIFF with the ends of a range": with_tags(tiff(), (340, 3, 1, 2), (341, 3, 1, 100)),
    "TIFF with a preview before": pages(1, 0),
    "TIFF with a preview behind": pages(0, 1),
    "TIFF in one strip of no given height": with_tags(tiff(), without=(278,)),
    "TIFF in strips": tiff(compression="zlib", predictor=True, rowsperstrip=7),
    "TIFF in tiles that cross the edge": tiff(tile=(32, 16)),
    "TIFF with tiles of 16 bits, big-endian": tiff(RGB_16, compression="zlib", tile=(16, 16), byteorder=">"),
    "BigTIFF, big-endian": tiff(bigtiff=True, byteorder=">"),
    "TIFF whose bits are the other way round": with_tags(tiff(), (266, 3, 1, 2)),
    "TIFF of grey, white is zero": tiff(GREY, photometric="miniswhite", tile=(16, 16)),
}


@pytest.mark.parametrize("name", TAKEN)
def test_files_are_read_as_by_requests(name: str, tmp_path: Path) -> None:
    pixels, notes = as_request(TAKEN[name])
    found, found_notes = as_job(TAKEN[name], tmp_path)
    np.testing.assert_array_equal(found, pixels)
    assert found_notes == notes


STRIPS, TILES = tiff(rowsperstrip=8), tiff(tile=(16, 16))
REFUSED = {
    "strips, and tiles": (with_tags(tiff(), *((tag, 3, 1, 16) for tag in (322, 323, 324, 325))), "alone"),
    "strips, and the size of tiles": (with_tags(tiff(), (322, 3, 1, 16), (323, 3, 1, 16)), "alone"),
    "tiles, and strips": (with_tags(TILES, (273, 4, 1, 8), (279, 4, 1, 768)), "alone"),
    "neither": (with_tags(tiff(), without=(273, 279)), "alone"),
    "more rows than strips": (with_tags(STRIPS, (257, 3, 1, 60), without=(257,)), "do not fit"),
    "fewer rows than strips": (with_tags(STRIPS, (257, 3, 1, 20), without=(257,)), "do not fit"),
    "lower strips": (with_tags(STRIPS, (278, 3, 1, 5), without=(278,)), "do not fit"),
    "strips without rows": (with_tags(STRIPS, (278, 3, 1, 0), without=(278,)), "do not fit"),
    "a narrower picture than its tiles": (with_tags(TILES, (256, 3, 1, 16), without=(256,)), "do not fit"),
    "a strip that is nowhere": (with_tags(tiff(), (273, 4, 1, 0), without=(273,)), "do not fit"),
    "an empty tile": (with_tags(TILES, (325, 4, 1, 0), without=(325,)), "do not fit"),
    "a strip that is too short": (with_tags(tiff(), (279, 4, 1, 99), without=(279,)), "do not fit"),
    "two widths": (with_tags(tiff(), (256, 3, 1, 18)), "twice"),
    "two orientations in one": (with_tags(tiff(), (274, 3, 2, 6 | 1 << 16)), "not one number"),
    "an orientation in a byte": (with_tags(tiff(), (274, 1, 1, 6)), "not one number"),
    "previews only": (pages(1), "previews only"),
    "two PNG streams": (png(after=(png_chunk(b"tEXt", b"a\0b"), png_chunk(b"IDAT", b""))), "between its pixels"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_decoders_may_read_differently_are_refused(name: str, tmp_path: Path) -> None:
    data, words = REFUSED[name]
    with pytest.raises(UnsupportedMode, match=words):
        as_job(data, tmp_path)


@pytest.mark.parametrize("data", [STRIPS[:-1], tiff(compression="zlib", rowsperstrip=8)[:-9]])
def test_tiffs_that_end_early_are_refused(data: bytes, tmp_path: Path) -> None:
    assert isinstance(as_request(data)[0], str)
    with pytest.raises(ImageCorrupt, match="ends early"):
        as_job(data, tmp_path)


@pytest.mark.parametrize("end", [png_chunk(b"a\0b!"), b"\xff\xff\xff\xf0tEXt"])
def test_pngs_with_broken_chunks_are_refused_as_by_requests(end: bytes, tmp_path: Path) -> None:
    said, _ = as_request(png(after=(end,)))
    with pytest.raises(ServiceError) as caught:
        as_job(png(after=(end,)), tmp_path)
    assert caught.value.detail == said


def test_an_opaque_alpha_channel_of_16_bits_is_left_out(tmp_path: Path) -> None:
    opaque = LA_16.copy()
    opaque[:, :, 1] = 65_535
    found, notes = as_job(png_16(opaque), tmp_path)
    np.testing.assert_array_equal(found, opaque[:, :, :1])
    assert notes == {"its alpha channel, opaque everywhere, was left out"}
