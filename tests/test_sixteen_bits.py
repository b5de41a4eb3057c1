"""Colour of 16 bits: read, enlarged and written without loss of depth."""

import io
import itertools
import struct
import zlib
from typing import Any

import httpx
import numpy as np
import pytest
import pyvips
import tifffile
from conftest import Server, encoded, opened, photograph, png_chunk
from pictures import GREY_16, LA_16, RGB_16, RGBA_16, png_16
from PIL import Image

from superscaling.errors import ImageCorrupt, UnsupportedImage
from superscaling.format_name import FormatName
from superscaling.pictures import Frame, Limits, Samples, decode, encode
from superscaling.pictures.picture import in_8_bits

LIMITS = Limits(pixels=10_000_000, frames=10)
NOISE = np.random.default_rng(0).integers(0, 65_536, (37, 53, 4), np.uint16)
KINDS = {"I;16": NOISE[:, :, :1], "LA;16": NOISE[:, :, :2], "RGB;16": NOISE[:, :, :3], "RGBA;16": NOISE}
PACKINGS: list[dict[str, Any]] = [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True}]
REDUCED = "16 bits were reduced to 8"


def tiff(pixels: Samples, **options: Any) -> bytes:
    """By tifffile; (h, w, c), alpha last."""
    file = io.BytesIO()
    channels = pixels.shape[2]
    options = {"photometric": "rgb" if channels > 2 else "minisblack", "planarconfig": "contig", **options}
    if channels % 2 == 0:
        options = {"extrasamples": ["unassalpha"], **options}
    tifffile.imwrite(file, pixels[:, :, 0] if channels == 1 else pixels, metadata=None, **options)
    return file.getvalue()


def vips(pixels: Samples) -> Any:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    return image.copy(interpretation="grey16" if pixels.shape[2] < 3 else "rgb16")


def channels_of(frame: Frame) -> Samples:
    return frame.colour if frame.alpha is None else np.dstack((frame.colour, frame.alpha))


def check(data: bytes, mode: str) -> None:
    (frame,) = decode(data, LIMITS).frames
    assert frame.mode == mode
    assert np.array_equal(channels_of(frame), KINDS[mode])


@pytest.mark.parametrize("mode", KINDS)
@pytest.mark.parametrize("interlace", [False, True])
def test_png(mode: str, interlace: bool) -> None:
    check(vips(KINDS[mode]).pngsave_buffer(interlace=interlace, filter="all", bitdepth=16), mode)


@pytest.mark.parametrize("mode", KINDS)
@pytest.mark.parametrize(
    ("order", "is_big", "tile", "packing"),
    list(itertools.product("<>", (False, True), (None, (16, 32)), PACKINGS)),
)
def test_tiff(mode: str, order: str, is_big: bool, tile: tuple[int, int] | None, packing: dict[str, Any]) -> None:
    check(tiff(KINDS[mode], byteorder=order, bigtiff=is_big, tile=tile, **packing), mode)


@pytest.mark.parametrize("mode", KINDS)
@pytest.mark.parametrize("predictor", ["none", "horizontal"])
@pytest.mark.parametrize("is_tiled", [False, True])
def test_tiff_with_lzw(mode: str, predictor: str, is_tiled: bool) -> None:
    check(vips(KINDS[mode]).tiffsave_buffer(compression="lzw", predictor=predictor, tile=is_tiled), mode)


@pytest.mark.parametrize("mode", KINDS)
@pytest.mark.parametrize("name", [FormatName.PNG, FormatName.TIFF])
def test_written(mode: str, name: FormatName) -> None:
    """Read back by other decoders."""
    frame = decode(tiff(KINDS[mode]), LIMITS)
    written = encode(frame, name, None, 90)
    assert written.notes == ()
    seen = np.atleast_3d(pyvips.Image.new_from_buffer(written.data, "").numpy())
    assert seen.dtype == np.uint16
    assert np.array_equal(seen, KINDS[mode])
    if name is FormatName.TIFF:
        assert np.array_equal(np.atleast_3d(tifffile.imread(io.BytesIO(written.data))), KINDS[mode])


def test_pages_of_different_depth_keep_it() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(RGB_16, photometric="rgb")
        writer.write(photograph(9, 7), photometric="rgb")
        writer.write(GREY_16, photometric="minisblack")
        writer.write(RGBA_16[::-1], photometric="rgb", extrasamples=["unassalpha"])
    picture = decode(file.getvalue(), LIMITS)
    assert [frame.mode for frame in picture.frames] == ["RGB;16", "RGB", "I;16", "RGBA;16"]
    assert np.array_equal(picture.frames[0].colour, RGB_16)
    assert np.array_equal(channels_of(picture.frames[3]), RGBA_16[::-1])
    again = decode(encode(picture, FormatName.TIFF, None, 90).data, LIMITS)
    assert all(
        np.array_equal(channels_of(one), channels_of(other))
        for one, other in zip(picture.frames, again.frames, strict=True)
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["png", "tiff"])
def test_orientation(orientation: int, name: str) -> None:
    """As Pillow turns the same picture of 8 bits."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    wide = RGB_16 // 257 * 257
    data = (
        png_16(wide, png_chunk(b"eXIf", block))
        if name == "png"
        else tiff(wide, extratags=[(0x0112, 3, 1, orientation, True)])
    )
    expected = decode(encoded((wide // 257).astype(np.uint8), "PNG", exif=exif), LIMITS).frames[0]
    (frame,) = decode(data, LIMITS).frames
    assert np.array_equal(in_8_bits(frame).colour, expected.colour)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_colour_of_a_png_is_transparent_in_all_its_bits(channels: int) -> None:
    """Neighbours that differ in their low byte only are opaque."""
    pixels = np.full((4, 6, channels), 0x1234, np.uint16)
    pixels[:, 3:, -1] += 1
    transparent = struct.pack(f">{channels}H", *[0x1234] * channels)
    (frame,) = decode(png_16(pixels, png_chunk(b"tRNS", transparent)), LIMITS).frames
    assert frame.mode == ("LA;16" if channels == 1 else "RGBA;16")
    assert np.array_equal(frame.colour, pixels)
    assert frame.alpha is not None
    assert frame.alpha.tolist() == [[0, 0, 0, 65_535, 65_535, 65_535]] * 4


@pytest.mark.parametrize("channels", [2, 4])
def test_colour_that_was_multiplied_with_alpha_is_divided(channels: int) -> None:
    alpha = np.tile(np.array([0, 1, 300, 30_000, 65_535], np.uint16), (4, 1))
    colour = np.full((4, 5, channels - 1), 40_000, np.uint16)
    stored = np.rint(colour * (alpha / 65_535)[..., np.newaxis]).astype(np.uint16)
    (frame,) = decode(tiff(np.dstack((stored, alpha)), extrasamples=["assocalpha"]), LIMITS).frames
    assert frame.alpha is not None
    assert np.array_equal(frame.alpha, alpha)
    seen = frame.colour.astype(int)
    assert (seen[:, 0] == 0).all()
    assert (np.abs(seen[:, 2:] - 40_000) <= 65_535 / 2 / alpha[:, 2:, np.newaxis] + 1).all()


@pytest.mark.parametrize("channels", [2, 4])
def test_a_channel_that_is_no_alpha_is_left_out(channels: int) -> None:
    picture = decode(tiff(NOISE[:, :, :channels], extrasamples=["unspecified"]), LIMITS)
    assert picture.frames[0].mode == ("I;16" if channels == 2 else "RGB;16")
    assert np.array_equal(picture.frames[0].colour, NOISE[:, :, : channels - 1])
    assert picture.notes == ("a channel that is neither colour nor alpha was left out",)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("order", "<>")
def test_twelve_bits_keep_their_range(photometric: str, order: str) -> None:
    """Packed, most significant bit first, in either byte order; black and white stay black and white."""
    levels = np.array([[0, 1, 2048, 4095], [4095, 17, 300, 0]], np.uint16)
    bits = np.unpackbits(levels.astype(">u2").view(np.uint8).reshape(2, 4, 2), axis=2)[:, :, 4:]
    file = tifffile_of_bits(np.packbits(bits.reshape(2, -1), axis=1).tobytes(), order, photometric == "miniswhite")
    expected = levels << 4 | levels >> 8
    if photometric == "miniswhite":
        expected = np.uint16(65_535) - expected
    assert np.array_equal(decode(file, LIMITS).frames[0].colour[:, :, 0], expected)


def tifffile_of_bits(pixels: bytes, order: str, is_inverted: bool) -> bytes:
    """A TIFF of 4 x 2 px with 12 bits of grey."""
    tags = [(256, 4), (257, 2), (258, 12), (259, 1), (262, int(not is_inverted)), (277, 1), (278, 2), (279, 12)]
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    tags = sorted([*tags, (273, start)])
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, 4 if tag == 273 else 3, 1)
        + (struct.pack(f"{order}I", value) if tag == 273 else struct.pack(f"{order}HH", value, 0))
        for tag, value in tags
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + bytes(4) + pixels


@pytest.mark.parametrize("length", range(8, len(png_16(RGBA_16)), 97))
def test_a_truncated_png_is_refused(length: int) -> None:
    with pytest.raises((ImageCorrupt, UnsupportedImage)):
        decode(png_16(RGBA_16)[:length], LIMITS)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_truncated_tiff_is_refused(compression: str | None) -> None:
    data = tiff(NOISE, compression=compression)
    for cut in (3, 1000, len(data) // 2):
        with pytest.raises(ImageCorrupt):
            decode(data[:-cut], LIMITS)


@pytest.mark.parametrize("name", list(FormatName))
@pytest.mark.parametrize("pixels", [GREY_16[:, :, np.newaxis], RGB_16], ids=["grey", "colour"])
def test_other_formats_get_8_bits_when_asked_for(server: Server, name: FormatName, pixels: Samples) -> None:
    answer = server.upscale(png_16(pixels), format=name)
    assert answer.status_code == 200, answer.text
    is_kept = name in ("png", "tiff")
    assert answer.headers.get("X-Upscaler-Notes") == (None if is_kept else REDUCED)


def test_8_bits_are_the_nearest(server: Server) -> None:
    """As the 16 bits of the same result, rounded."""
    wide, narrow = (server.upscale(png_16(RGB_16), format=name).content for name in ("png", "bmp"))
    seen = pyvips.Image.new_from_buffer(wide, "").numpy()
    assert np.array_equal(np.asarray(opened(narrow)), np.rint(seen / 257).astype(np.uint8))


def test_metadata_is_written_beside_16_bits(server: Server) -> None:
    profile = encoded(photograph(4, 4), "PNG", icc_profile=b"\0" * 16 + b"RGB " + bytes(200), dpi=(300, 300))
    icc = opened(profile).info["icc_profile"]
    data = png_16(
        RGB_16,
        png_chunk(b"iCCP", b"a\0\0" + zlib.compress(icc)),
        png_chunk(b"pHYs", struct.pack(">IIB", 11_811, 11_811, 1)),
    )
    image = opened(server.upscale(data).content)
    assert image.info["icc_profile"] == icc
    assert image.info["dpi"] == pytest.approx((600, 600), abs=0.1)


def test_a_stream_shows_a_preview_of_16_bits(server: Server) -> None:
    headers = {"Content-Type": "image/png", "Accept": "text/event-stream"}
    answer = httpx.post(f"{server.url}/upscale?tiles=true", content=png_16(LA_16), headers=headers, timeout=60)
    events = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert events[:2] == ["accepted", "preview"]
    assert events[-1] == "result"
