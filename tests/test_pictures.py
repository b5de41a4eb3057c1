"""Decoding and encoding: the table of formats and modes, metadata, and broken metadata in good images."""

import dataclasses
import struct

import numpy as np
import pytest
from conftest import encoded, opened, photograph
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

from superscaling.errors import FormatCannotHold, ImageCorrupt, Unprocessable, UnsupportedImage
from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS, Frame, Limits, Metadata, Picture, check_can_hold, decode, encode, sniff
from superscaling.recognition.formats import READ_MODES

LIMIT = Limits(pixels=1_000_000, frames=100)
RGB = photograph(12, 20)
RGBA = np.dstack((RGB, np.linspace(0, 255, 240).reshape(12, 20).astype(np.uint8)))
PALETTE = Image.fromarray(RGB).quantize(16)


def transparent_palette() -> bytes:
    return encoded(PALETTE, "PNG", transparency=bytes([0, 128] + [255] * 14))


@pytest.mark.parametrize(
    ("data", "mode"),
    [
        (encoded(Image.fromarray(RGB).convert("1")), "L"),
        (encoded(Image.fromarray(RGB).convert("L")), "L"),
        (encoded(Image.fromarray(RGB).convert("L"), "JPEG"), "L"),
        (encoded(Image.fromarray(RGB).convert("L"), transparency=7), "LA"),
        (encoded(Image.fromarray(RGBA).convert("LA")), "LA"),
        (encoded(PALETTE), "RGB"),
        (transparent_palette(), "RGBA"),
        (encoded(RGB), "RGB"),
        (encoded(RGB, "JPEG"), "RGB"),
        (encoded(RGB, "WEBP"), "RGB"),
        (encoded(Image.fromarray(RGB), transparency=tuple(int(value) for value in RGB[0, 0])), "RGBA"),
        (encoded(RGBA), "RGBA"),
        (encoded(RGBA, "WEBP", lossless=True), "RGBA"),
    ],
)
def test_modes_read(data: bytes, mode: str) -> None:
    """Each image equals what Pillow shows, including transparency."""
    picture = decode(data, LIMIT)
    assert picture.frames[0].mode == mode
    assert (picture.height, picture.width) == (12, 20)
    shown = np.asarray(opened(data).convert("RGBA"))
    frame = picture.frames[0]
    colour = frame.colour.repeat(3, axis=2) if mode.startswith("L") else frame.colour
    assert (colour == shown[..., :3]).all()
    assert (shown[..., 3] == (255 if frame.alpha is None else frame.alpha)).all()


def test_every_mode_that_is_read_can_be_stored_somewhere() -> None:
    for modes in READ_MODES.values():
        for mode in modes:
            assert mode in FORMATS[FormatName.PNG].modes


def picture_of(mode: str, alpha: int = 200) -> Picture:
    colour = RGB if mode.startswith("RGB") else RGB[:, :, :1]
    return Picture((Frame(colour, np.full((12, 20), alpha, np.uint8) if mode.endswith("A") else None),), FormatName.PNG)


@pytest.mark.parametrize("name", list(FormatName))
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_the_table_written(name: FormatName, mode: str) -> None:
    """The output has the mode of the table; what the table excludes is rejected, before and at encoding."""
    picture = picture_of(mode)
    if mode not in FORMATS[name].modes:
        for refused in (lambda: check_can_hold(picture, picture.sizes, name), lambda: encode(picture, name, 90, 100)):
            with pytest.raises(FormatCannotHold):
                refused()
        opaque = encode(picture_of(mode, alpha=255), name, 90, 100).data
        assert opened(opaque).mode == FORMATS[name].modes[mode.removesuffix("A")]
        return
    check_can_hold(picture, picture.sizes, name)
    image = opened(encode(picture, name, 100, 100).data)
    assert (image.format, image.mode, image.size) == (FORMATS[name].pillow, FORMATS[name].modes[mode], (20, 12))
    if name is FormatName.PNG:
        again = decode(encode(picture, name, 100, 100).data, LIMIT).frames[0]
        assert (again.colour == picture.frames[0].colour).all()
        if picture.frames[0].alpha is not None and again.alpha is not None:
            assert (again.alpha == picture.frames[0].alpha).all()


@pytest.mark.parametrize(("quality", "sampling"), [(89, (2, 2)), (90, (1, 1))])
def test_jpeg_keeps_all_colours_from_quality_90(quality: int, sampling: tuple[int, int]) -> None:
    image = opened(encode(picture_of("RGB"), FormatName.JPEG, quality, 100).data)
    assert isinstance(image, JpegImageFile)
    assert image.layer[0][1:3] == sampling


def with_exif(**tags: object) -> Image.Exif:
    exif = Image.Exif()
    for name, value in tags.items():
        exif[{"orientation": 0x0112, "maker": 0x010F, "width": 0x0100}[name]] = value
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied_and_reset(orientation: int, file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {"quality": 100, "subsampling": 0}
    plain = decode(encoded(RGB, file_format, **options), LIMIT).frames[0].colour
    turned = encoded(RGB, file_format, exif=with_exif(orientation=orientation, maker="Us"), **options)
    picture = decode(turned, LIMIT)
    flip = {1: plain, 2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1]}
    flip |= {index: flip[base].transpose(1, 0, 2) for index, base in {5: 1, 6: 4, 7: 3, 8: 2}.items()}
    assert (picture.frames[0].colour == flip[orientation]).all()
    again = opened(encode(picture, FormatName(file_format.lower()), 100, 100).data).getexif()
    assert (again[0x0112], again[0x010F]) == (1, "Us")


def test_the_thumbnail_is_dropped_and_sizes_are_corrected() -> None:
    exif = with_exif(width=20)
    exif.get_ifd(0x8769).update({0xA002: 20, 0xA003: 12})
    picture = decode(encoded(RGB, "JPEG", exif=exif), LIMIT)
    enlarged = Picture((Frame(RGB.repeat(2, 0).repeat(2, 1), metadata=picture.frames[0].metadata),), picture.format)
    again = opened(encode(enlarged, FormatName.JPEG, 90, 100).data).getexif()
    assert again[0x0100] == 40
    assert dict(again.get_ifd(0x8769)) == {0xA002: 40, 0xA003: 24}
    assert not again.get_ifd(0x0201)


GREY_PROFILE = b"\0" * 16 + b"GRAY" + b"\0" * 108
RGB_PROFILE = b"\0" * 16 + b"RGB " + b"\0" * 108


@pytest.mark.parametrize(
    ("mode", "name", "profile", "kept"),
    [
        ("L", FormatName.PNG, GREY_PROFILE, True),
        ("L", FormatName.JPEG, GREY_PROFILE, True),
        ("L", FormatName.WEBP, GREY_PROFILE, False),
        ("RGB", FormatName.WEBP, RGB_PROFILE, True),
        ("RGBA", FormatName.PNG, RGB_PROFILE, True),
        ("RGB", FormatName.JPEG, b"broken", False),
    ],
)
def test_a_profile_goes_only_where_it_fits(mode: str, name: FormatName, profile: bytes, kept: bool) -> None:
    frame = dataclasses.replace(picture_of(mode).frames[0], metadata=Metadata(icc=profile))
    image = opened(encode(Picture((frame,), name), name, 90, 100).data)
    assert image.info.get("icc_profile") == (profile if kept else None)


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_broken_exif_block_does_no_harm(exif: bytes, file_format: str) -> None:
    picture = decode(encoded(RGB, file_format, exif=exif), LIMIT)
    assert opened(encode(picture, picture.format, 90, 100).data).size == (20, 12)


@pytest.mark.parametrize("kind", [6, 8, 9], ids=["signed byte", "signed short", "signed long"])
@pytest.mark.parametrize("tag", [0x8769, 0x8825], ids=["exif", "gps"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_pointer_before_the_beginning_does_no_harm(tag: int, kind: int, file_format: str) -> None:
    picture = decode(encoded(RGB, file_format, exif=exif_block((tag, kind, 1, b"\xff" * 4))), LIMIT)
    assert opened(encode(picture, picture.format, 90, 100).data).size == (20, 12)


@pytest.mark.parametrize("kind", [1, 2, 7], ids=["bytes", "text", "undefined"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_resolution_that_is_no_number_does_no_harm(kind: int, file_format: str) -> None:
    centimetres = (0x0128, 3, 1, b"\3\0\0\0")
    exif = exif_block((0x011A, kind, 4, b"abc\0"), (0x011B, kind, 4, b"abc\0"), centimetres)
    picture = decode(encoded(RGB, file_format, exif=exif), LIMIT)
    assert opened(encode(picture, picture.format, 90, 100).data).size == (20, 12)


TEXT_TAGS = {"Make": 0x010F, "Software": 0x0131, "Artist": 0x013B, "Copyright": 0x8298}


@pytest.mark.parametrize("tag", TEXT_TAGS.values(), ids=TEXT_TAGS)
@pytest.mark.parametrize("kind", [3, 5, 10, 11, 12], ids=["short", "rational", "srational", "float", "double"])
def test_tags_of_a_wrong_type_do_no_harm(tag: int, kind: int) -> None:
    """Pillow reads them and can't write them. Other tags are kept, and the orientation is applied."""
    data = encoded(RGB, "JPEG", exif=exif_block((0x0112, 3, 1, b"\6\0\0\0"), (tag, kind, 1, b"\x32\0\0\0")))
    picture = decode(data, LIMIT)
    assert (picture.width, picture.height) == (12, 20)
    for name in (FormatName.JPEG, FormatName.PNG, FormatName.WEBP):
        assert opened(encode(picture, name, 90, 100).data).getexif()[0x0112] == 1
    for name in (FormatName.TIFF, FormatName.BMP, FormatName.GIF):  # formats without an orientation
        assert opened(encode(picture, name, 90, 100).data).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (5, struct.pack("<II", 2**32 - 1, 1)),
        (5, struct.pack("<II", 1, 0)),
        (10, struct.pack("<ii", -5, 1)),
        (12, struct.pack("<d", float("inf"))),
        (12, struct.pack("<d", float("nan"))),
        (12, struct.pack("<d", 1e300)),
        (12, struct.pack("<d", -1)),
    ],
)
def test_resolutions_that_are_none_do_no_harm(kind: int, value: bytes) -> None:
    block = exif_block((0x011A, kind, 1, value), (0x011B, kind, 1, value), (0x0128, 3, 1, b"\2\0\0\0"))
    jpeg = encoded(RGB, "JPEG")
    without_jfif = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[20:]
    picture = decode(without_jfif, LIMIT)
    assert picture.frames[0].metadata.dpi in (None, (72, 72))  # Pillow's value for a division by zero
    for name in FormatName:
        assert opened(encode(picture, name, 90, 100).data).size == (20, 12)


def exif_block(*tags: tuple[int, int, int, bytes]) -> bytes:
    """An EXIF block of (tag, type, count, value); values of more than four bytes follow the table."""
    table, rest = b"", b""
    for tag, kind, count, value in tags:
        if len(value) > 4:
            value, rest = struct.pack("<I", 14 + 12 * len(tags) + len(rest)), rest + value
        table += struct.pack("<HHI", tag, kind, count) + value
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + table + struct.pack("<I", 0) + rest


@pytest.mark.parametrize("name", ["dpi", "transparency", "icc_profile", "exif"])
@pytest.mark.parametrize("text", ["", "1", "ab"])
def test_texts_that_pass_for_data(name: str, text: str) -> None:
    """Pillow puts a PNG's texts into the same dictionary as its other metadata."""
    for image in (Image.fromarray(RGB), PALETTE, Image.fromarray(RGB).convert("1")):
        texts = PngInfo()
        texts.add_text(name, text)
        picture = decode(encoded(image, "PNG", pnginfo=texts), LIMIT)
        assert opened(encode(picture, FormatName.JPEG, 90, 100).data).size == (20, 12)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_a_huge_exif_block_is_not_read(name: str) -> None:
    """Converting two megabytes of fractions to objects would take seconds and hundreds of megabytes."""
    block = exif_block((0x0112, 3, 1, b"\6\0\0\0"), (0x9300, 5, 250_000, bytes(2_000_000)))
    picture = decode(encoded(RGB, name, exif=block), LIMIT)
    assert picture.frames[0].metadata.exif is None
    assert (picture.width, picture.height) == (20, 12)


def test_an_exif_block_too_long_for_jpeg_is_left_out() -> None:
    exif = with_exif(maker="x" * 70_000)
    picture = decode(encoded(RGB, "PNG", exif=exif), LIMIT)
    assert not opened(encode(picture, FormatName.JPEG, 90, 100).data).getexif()
    assert opened(encode(picture, FormatName.PNG, 90, 100).data).getexif()[0x010F] == "x" * 70_000


def test_mpo_is_its_first_picture() -> None:
    data = encoded(RGB, "MPO", save_all=True, append_images=[Image.fromarray(RGB[::-1])], quality=100)
    picture = decode(data, LIMIT)
    assert picture.format == "jpeg"
    assert len(picture.frames) == 1
    assert np.abs(picture.frames[0].colour.astype(int) - RGB).mean() < 6


@pytest.mark.parametrize("name", list(FormatName))
def test_every_truncation_is_a_clear_refusal(name: FormatName) -> None:
    """A file truncated anywhere gives one of our errors or a complete image."""
    data = encoded(RGB, name.upper(), exif=with_exif(maker="Us"))
    refused = 0
    for length in range(0, len(data), 7):
        try:
            assert decode(data[:length], LIMIT).width == 20
        except (ImageCorrupt, UnsupportedImage):
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("name", list(FormatName))
def test_random_damage_is_a_clear_refusal_or_a_picture(name: FormatName) -> None:
    data = encoded(RGB, name.upper(), exif=with_exif(maker="Us", orientation=6, width=20), dpi=(300, 300))
    random = np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(data)
        for position in random.integers(0, len(data), 3):
            damaged[position] = random.integers(0, 256)
        try:
            picture = decode(bytes(damaged), LIMIT)
        except (UnsupportedImage, Unprocessable):
            continue
        name = picture.format if len(picture.frames) > 1 else FormatName.PNG
        assert opened(encode(picture, name, 90, 100).data).size == (picture.width, picture.height)


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"GIF88a", b"RIFF\0\0\0\0WAVE"])
def test_sniff_nothing(data: bytes) -> None:
    assert sniff(data) is None


@pytest.mark.parametrize("name", list(FormatName))
def test_sniff(name: FormatName) -> None:
    assert sniff(encoded(RGB, name.upper())) is name


@pytest.mark.parametrize("cut", [12, 9, 8, 4, 1])
def test_a_png_without_its_end_mark(cut: int) -> None:
    """What browsers show is enlarged; damage at the end of the pixels is not."""
    whole = encoded(photograph(30, 40), "PNG")
    picture = decode(whole[:-cut], LIMIT)
    assert np.array_equal(picture.frames[0].colour, decode(whole, LIMIT).frames[0].colour)
    assert picture.notes == (("the file lacks its end mark; the picture is complete",) if cut > 4 else ())


@pytest.mark.parametrize("cut", [13, 16, 40])
def test_a_png_without_its_last_pixels(cut: int) -> None:
    with pytest.raises(ImageCorrupt):
        decode(encoded(photograph(30, 40), "PNG")[:-cut], LIMIT)


def test_an_animated_png_without_its_end() -> None:
    frames = [Image.fromarray(photograph(9, 9, seed)) for seed in range(3)]
    with pytest.raises(ImageCorrupt, match="end of the animation is missing"):
        decode(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])[:-12], LIMIT)
