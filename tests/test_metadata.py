"""Metadata, through the service, to every format that can hold it."""

import io
import itertools
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from conftest import Server, encoded, opened, photograph, png_chunk
from numpy.typing import NDArray
from pictures import GREY, GREY_16, IMAGE, PROFILE, RGB, RGBA
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from superscaling.errors import UnsupportedMode
from superscaling.format_name import FormatName
from superscaling.pictures import Limits, decode, encode
from superscaling.pictures.guards.cmyk_profile import only_table

LIMITS = Limits(pixels=1_000_000, frames=100)


def profile_with(primaries: dict[bytes, tuple[float, float, float]]) -> bytes:
    """An ICC profile with these primaries (XYZ under D50) instead of sRGB's."""
    profile = bytearray(PROFILE)
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        name, place, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if name in primaries:
            struct.pack_into(">3i", profile, place + 8, *(round(value * 65_536) for value in primaries[name]))
    return bytes(profile)


# Display P3, as in photographs of an iPhone.
DISPLAY_P3 = profile_with(
    {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2919, 0.6922, 0.0419), b"bXYZ": (0.1572, 0.0666, 0.7841)}
)
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><note>hello</note></x:xmpmeta>'


def described() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0131] = 6, "Us", "Ours 1.0"
    exif.get_ifd(0x8769).update({0x829A: IFDRational(1, 60), 0x9003: "2026:11:23 10:00:00", 0xA002: 20, 0xA003: 12})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 14.0)})
    return exif


# A photograph with a camera's metadata, and the same as TIFF.
CAMERA = encoded(RGB, "JPEG", quality=95, exif=described(), icc_profile=DISPLAY_P3, xmp=XMP, dpi=(300, 300))


def test_the_profile_is_a_profile() -> None:
    wide = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
    red = Image.new("RGB", (1, 1), "red")
    shown = ImageCms.profileToProfile(red, ImageCms.createProfile("sRGB"), wide)
    assert shown is not None
    assert shown.getpixel((0, 0)) != (255, 0, 0)


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("source", ["jpeg", "png", "webp", "tiff"])
def test_everything_is_carried(server: Server, source: str, target: str) -> None:
    data = CAMERA if source == "jpeg" else encode(decode(CAMERA, LIMITS), FormatName(source), None, 100).data
    answer = server.upscale(data, format=target)
    assert answer.status_code == 200
    assert "X-Upscaler-Notes" not in answer.headers
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    exif = image.getexif()
    assert image.size == (24, 40)
    assert image.info["icc_profile"] == DISPLAY_P3
    assert image.info["xmp"] == XMP
    assert exif.get(0x0112, 1) == 1
    assert (exif[0x010F], exif[0x0131]) == ("Us", "Ours 1.0")
    details = exif.get_ifd(0x8769)
    assert (details[0xA002], details[0xA003], details[0x9003]) == (24, 40, "2026:11:23 10:00:00")
    assert details[0x829A] == IFDRational(1, 60)
    assert exif.get_ifd(0x8825)[2] == (48, 8, 14)
    if target != "webp":  # in which Pillow does not look for it
        assert tuple(round(each) for each in image.info["dpi"]) == (600, 600)


def test_tifffile_finds_the_tags() -> None:
    answer = encode(decode(CAMERA, LIMITS), FormatName.TIFF, None, 100).data
    with tifffile.TiffFile(io.BytesIO(answer)) as file:
        tags = file.pages.first.tags
        assert tags["Make"].value == "Us"
        assert tags["ExifTag"].value["ExposureTime"] == (1, 60)
        assert tags["GPSTag"].value["GPSLatitudeRef"] == "N"
        assert (tags["XResolution"].value, tags["ResolutionUnit"].value) == ((300, 1), 2)
        assert tags["InterColorProfile"].value == DISPLAY_P3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    flip = {1: RGB, 2: RGB[:, ::-1], 3: RGB[::-1, ::-1], 4: RGB[::-1]}
    flip |= {index: flip[base].transpose(1, 0, 2) for index, base in {5: 1, 6: 4, 7: 3, 8: 2}.items()}
    for options in ({}, {"compression": "tiff_lzw"}):
        frame = decode(encoded(RGB, "TIFF", exif=exif, **options), LIMITS).frames[0]
        assert (frame.colour == flip[orientation]).all()
        assert opened(encoded(RGB, exif=frame.metadata.exif or b"")).getexif().get(0x0112, 1) == 1


def test_tags_that_say_how_a_tiff_is_stored_are_not_carried() -> None:
    """A compressed, tiled TIFF as JPEG and as TIFF again."""
    file = io.BytesIO()
    tifffile.imwrite(
        file, photograph(40, 50), photometric="rgb", tile=(16, 16), compression="zlib", software="Us", metadata=None
    )
    picture = decode(file.getvalue(), LIMITS)
    assert dict(opened(encode(picture, FormatName.JPEG, 90, 100).data).getexif()) == {0x0131: "Us"}
    with tifffile.TiffFile(io.BytesIO(encode(picture, FormatName.TIFF, 90, 100).data)) as again:
        assert again.pages.first.tags["Software"].value == "Us"
        assert "TileOffsets" not in again.pages.first.tags
        assert (again.asarray() == photograph(40, 50)).all()


@pytest.mark.parametrize(
    ("data", "options", "notes"),
    [
        (
            CAMERA,
            {"format": "bmp"},
            "left out, as this bmp can't hold it: the ICC profile, EXIF, XMP",
        ),
        (encoded(IMAGE.convert("CMYK"), "JPEG"), {"format": "png"}, "CMYK was converted to RGB"),
        (
            encoded(RGB, "MPO", save_all=True, append_images=[IMAGE.copy()]),
            {},
            "only the first of 2 images in the file was read",
        ),
        (cv2.imencode(".png", RGB.astype(np.uint16) * 257)[1].tobytes(), {}, None),
        (cv2.imencode(".tiff", RGB.astype(np.uint16) * 257)[1].tobytes(), {}, None),
        (encoded(Image.fromarray(GREY_16), transparency=int(GREY_16[0, 0])), {}, None),
        (encoded(Image.fromarray(GREY_16)), {}, None),
        (encoded(RGB), {}, None),
    ],
    ids=["bmp", "cmyk", "mpo", "png 16", "tiff 16", "grey 16 transparent", "grey 16", "nothing"],
)
def test_what_is_not_kept_is_said(server: Server, data: bytes, options: dict[str, str], notes: str | None) -> None:
    answer = server.upscale(data, **options)
    assert answer.status_code == 200
    assert answer.headers.get("X-Upscaler-Notes") == notes


def png(kind: int, depth: int, pixels: bytes, *extra: bytes) -> bytes:
    """A handmade PNG of 2 x 1 px."""

    header = struct.pack(">IIBBBBB", 2, 1, depth, kind, 0, 0, 0)

    body = png_chunk(b"IHDR", header) + b"".join(extra) + png_chunk(b"IDAT", zlib.compress(b"\0" + pixels))
    return b"\x89PNG\r\n\x1a\n" + body + png_chunk(b"IEND", b"")


def test_white_is_zero() -> None:
    """An inverted image (white is zero) is read as it is displayed, in 8 and 16 bits."""
    for pixels in (np.asarray(GREY), GREY_16):
        file = io.BytesIO()
        tifffile.imwrite(file, np.iinfo(pixels.dtype).max - pixels, photometric="miniswhite")
        assert (decode(file.getvalue(), LIMITS).frames[0].colour[:, :, 0] == pixels).all()


def cmyk_profile(**more: bytes) -> bytes:
    """A profile of grey inks: the lightness is what black and cyan leave. `more`: further tags."""
    straight = bytes(range(256))
    corners = [(cyan, black) for cyan in (0, 1) for _ in range(4) for black in (0, 1)]
    table = b"".join(bytes([255 * (1 - cyan) * (1 - black), 128, 128]) for cyan, black in corners)
    identity = struct.pack(">9i", *(65_536 * (row == column) for row in range(3) for column in range(3)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + straight * 4 + table + straight * 3
    tags = {b"A2B0": lut, b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63_190, 65_536, 54_061)}
    tags |= {name.encode(): content for name, content in more.items()}
    directory, contents = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        directory += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(contents), len(content))
        contents += content.ljust((len(content) + 3) // 4 * 4, b"\0")
    head = bytearray(128)
    head[0:4] = struct.pack(">I", 128 + len(directory) + len(contents))
    head[8:12], head[12:24], head[36:40] = b"\2\x40\0\0", b"prtrCMYKLab ", b"acsp"
    head[68:80] = struct.pack(">3i", 63_190, 65_536, 54_061)
    return bytes(head) + directory + contents


def converted(icc: bytes | None) -> NDArray[np.uint8]:
    """Convert a CMYK image with this profile to RGB."""
    options = {"icc_profile": icc} if icc else {}
    picture = decode(encoded(IMAGE.convert("CMYK"), "TIFF", **options), LIMITS)
    return np.asarray(opened(encode(picture, FormatName.PNG, None, 100).data))


def test_cmyk_is_converted_by_its_profile() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile()))
    expected = ImageCms.profileToProfile(
        IMAGE.convert("CMYK"), profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert (converted(cmyk_profile()) == np.asarray(expected)).all()
    assert np.ptp(converted(cmyk_profile()).astype(int), axis=2).max() <= 2, "the inks of this profile are grey"


@pytest.mark.parametrize(
    "icc",
    [None, b"broken", b"\0" * 16 + b"CMYK" + b"\0" * 108, PROFILE, cmyk_profile()[:300], cmyk_profile(A2B0=b"mpet")],
)
def test_cmyk_is_converted_without_a_usable_profile(icc: bytes | None) -> None:
    assert (converted(icc) == np.asarray(IMAGE.convert("CMYK").convert("RGB"))).all()


def test_programs_in_profiles_are_not_run() -> None:
    """LittleCMS sees only the tables of a profile; the image keeps the whole profile."""
    bomb = cmyk_profile(D2B0=b"mpet" + bytes(100), B2D0=b"mpet" + bytes(100))
    assert only_table(bomb) == only_table(cmyk_profile())
    assert only_table(cmyk_profile(desc=bytes(5 << 20))) is None
    picture = decode(encoded(IMAGE.convert("CMYK"), "TIFF", icc_profile=bomb), LIMITS)
    assert opened(encode(picture, FormatName.TIFF, None, 100).data).info["icc_profile"] == bomb


@pytest.mark.parametrize("source", ["jpeg", "tiff"])
def test_a_cmyk_profile_stays_with_cmyk(source: str) -> None:
    icc = b"\0" * 16 + b"CMYK" + b"\0" * 108
    picture = decode(encoded(IMAGE.convert("CMYK"), source, icc_profile=icc), LIMITS)
    for target in ("jpeg", "tiff"):
        image = opened(encode(picture, FormatName(target), None, 100).data)
        assert (image.mode, image.info["icc_profile"]) == ("CMYK", icc)


def test_an_animation_keeps_its_metadata() -> None:
    images = [RGBA, Image.fromarray(np.asarray(RGBA)[::-1])]
    for source, target in itertools.product(("PNG", "WEBP"), repeat=2):
        options = {"save_all": True, "append_images": images[1:], "duration": 100, "icc_profile": DISPLAY_P3}
        exif = Image.Exif()
        exif[0x010F] = "Us"
        picture = decode(encoded(images[0], source, exif=exif.tobytes(), **options), LIMITS)
        again = opened(encode(picture, FormatName(target.lower()), None, 100).data)
        assert again.info["icc_profile"] == DISPLAY_P3
        assert again.getexif()[0x010F] == "Us"
        if target == "WEBP":
            data = encode(picture, FormatName.WEBP, None, 100).data
            assert data[data.index(b"EXIF") + 8 :].startswith((b"II", b"MM"))


def tiff_with(tag: int, kind: int, value: bytes) -> bytes:
    """A grey TIFF of 2 x 2 px, 8 bits, with one more tag."""
    count = len(value) // {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 13: 4}[kind]
    usual = [(256, 2), (257, 2), (258, 8), (262, 1), (273, 8), (278, 2), (279, 4)]
    entries = {number: struct.pack("<HHII", number, 4, 1, stored) for number, stored in usual}
    place = 12 + 2 + 12 * (len(entries) + 1) + 4
    stored = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", place)
    entries[tag] = struct.pack("<HHI", tag, kind, count) + stored
    directory = struct.pack("<H", len(entries)) + b"".join(entries[number] for number in sorted(entries))
    return struct.pack("<2sHI", b"II", 42, 12) + bytes([1, 2, 3, 4]) + directory + bytes(4) + value


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 7, 13])
@pytest.mark.parametrize("tag", [254, 274, 282, 296, 315, 700, 33723, 34377, 34665, 34675, 34853])
@pytest.mark.parametrize("size", [8, 400])
def test_tags_of_every_type_do_no_harm_in_a_tiff(tag: int, kind: int, size: int) -> None:
    picture = decode(tiff_with(tag, kind, bytes([8]) * size), LIMITS)
    assert picture.frames[0].colour[:, :, 0].tolist() == [[1, 2], [3, 4]]
    for name in FormatName:
        assert encode(picture, name, 90, 100).data


def huge_exif() -> bytes:
    """An EXIF block with two megabytes of fractions."""
    fractions = struct.pack("<HHII", 0x9300, 5, 250_000, 26)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + fractions + bytes(4 + 2_000_000)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
@pytest.mark.parametrize("is_animated", [False, True])
def test_a_huge_exif_block_is_not_read(name: str, is_animated: bool) -> None:
    more = {"save_all": True, "append_images": [IMAGE.rotate(180)], "duration": 50} if is_animated else {}
    picture = decode(encoded(IMAGE, name, exif=huge_exif(), **more), LIMITS)
    assert len(picture.frames) == 1 + is_animated
    assert picture.frames[0].metadata.exif is None


def test_what_lies_behind_a_jpeg_makes_it_no_lossless_webp() -> None:
    assert not decode(CAMERA + b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0", LIMITS).is_lossless


def test_twelve_bits_fill_sixteen() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.array([[4095, 0], [2048, 1]], np.uint16), photometric="minisblack")
    data = file.getvalue()
    with tifffile.TiffFile(io.BytesIO(data)) as opened_file:
        place = opened_file.pages.first.dataoffsets[0]
        bits = opened_file.pages.first.tags["BitsPerSample"].valueoffset
        counts = opened_file.pages.first.tags["StripByteCounts"].valueoffset
    packed = bytearray(data)
    packed[bits : bits + 2] = struct.pack("<H", 12)
    packed[counts : counts + 2] = struct.pack("<H", 6)
    packed[place : place + 6] = bytes([0xFF, 0xF0, 0x00, 0x80, 0x00, 0x01])
    assert decode(bytes(packed), LIMITS).frames[0].colour[:, :, 0].tolist() == [[65_535, 0], [32_776, 16]]


def test_a_tiff_without_a_resolution_has_none() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, RGB, photometric="rgb", resolution=None)
    data = file.getvalue().replace(struct.pack("<HH", 282, 5), struct.pack("<HH", 285, 5))
    for source in (data, tiff_with(296, 3, struct.pack("<H", 1))):
        picture = decode(source, LIMITS)
        assert picture.frames[0].metadata.dpi is None
        assert "dpi" not in opened(encode(picture, FormatName.PNG, 90, 100).data).info


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_resolution_turns_with_the_picture(name: str) -> None:
    """A fax has different horizontal and vertical resolutions."""
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x011B], exif[0x0128] = 6, IFDRational(204), IFDRational(98), 2
    picture = decode(encoded(RGB, name, exif=exif, dpi=(204, 98)), LIMITS)
    assert picture.frames[0].metadata.dpi == pytest.approx((98, 204), abs=0.1)
    again = decode(encode(picture, FormatName(name.lower()), 90, 100).data, LIMITS)
    assert again.frames[0].metadata.dpi == pytest.approx((98, 204), abs=0.1)


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff"])
def test_texts_keep_their_letters(target: str) -> None:
    """In any encoding, in tags with and without a type known to Pillow."""
    artist, owner = "J\u00fcrgen".encode() + b"\0", "Zo\u00eb".encode() + b"\0"
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2)
    block += (
        struct.pack("<HHII", 0x013B, 2, len(artist), 38) + struct.pack("<HHII", 0x8769, 4, 1, 46) + bytes(4) + artist
    )
    block += struct.pack("<HHHII", 1, 0xA430, 2, len(owner), 64) + bytes(4) + owner
    data = encode(decode(encoded(RGB, "JPEG", exif=block), LIMITS), FormatName(target), 90, 100).data
    again = opened(data).getexif()
    assert again[0x013B].encode("latin-1") == artist[:-1]
    assert again.get_ifd(0x8769)[0xA430].encode("latin-1") == owner[:-1]


def test_a_png_s_own_description_of_its_colours_stays() -> None:
    linear = png(2, 8, bytes([10, 20, 30, 40, 50, 60]), png_chunk(b"gAMA", struct.pack(">I", 100_000)))
    picture = decode(linear, LIMITS)
    assert png_chunk(b"gAMA", struct.pack(">I", 100_000)) in encode(picture, FormatName.PNG, 90, 100).data
    assert encode(picture, FormatName.JPEG, 90, 100).notes == (
        "left out, as this jpeg can't hold it: the description of its colours",
    )
    usual = png(2, 8, bytes(6), png_chunk(b"sRGB", b"\0"), png_chunk(b"gAMA", struct.pack(">I", 45_455)))
    assert encode(decode(usual, LIMITS), FormatName.JPEG, 90, 100).notes == ()


def test_a_page_has_nothing_of_the_preview_before_it() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        icc = b"\0" * 16 + b"RGB " + b"\1" * 110
        writer.write(
            photograph(8, 8), photometric="rgb", subfiletype=1, iccprofile=icc, resolution=(99, 99), resolutionunit=2
        )
        writer.write(photograph(16, 16), photometric="rgb", resolution=(50, 50), resolutionunit=3)
    (frame,) = decode(file.getvalue(), LIMITS).frames
    assert (frame.width, frame.metadata.icc, frame.metadata.dpi) == (16, None, (127, 127))


@pytest.mark.parametrize(("depth", "most"), [(1, 1), (2, 3), (4, 15), (8, 255)])
def test_a_transparent_grey_of_few_bits(depth: int, most: int) -> None:
    """Two pixels, black and the next level; the second is transparent."""
    data = png(0, depth, bytes([1 << (8 - 2 * depth)]) if depth < 8 else b"\0\1", png_chunk(b"tRNS", b"\0\1"))
    frame = decode(data, LIMITS).frames[0]
    assert frame.colour.ravel().tolist() == [0, 255 // most]
    assert frame.alpha is not None
    assert frame.alpha.ravel().tolist() == [255, 0]


def interlaced() -> bytes:
    """A PNG of 2 x 2 px in Adam7's passes: 1 (one pixel), 6 (its right neighbour), 7 (the second row)."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1))
    passes = png_chunk(b"IDAT", zlib.compress(bytes([0, 10, 0, 20, 0, 30, 40])))
    return b"\x89PNG\r\n\x1a\n" + head + passes + png_chunk(b"IEND")


@pytest.mark.parametrize("plain", [encoded(RGB), interlaced()], ids=["rows", "passes"])
def test_a_text_that_passes_for_how_a_png_is_stored(plain: bytes) -> None:
    with_text = plain[:33] + png_chunk(b"tEXt", b"interlace\0some text") + plain[33:]
    assert (decode(with_text, LIMITS).frames[0].colour == decode(plain, LIMITS).frames[0].colour).all()
    assert decode(interlaced(), LIMITS).frames[0].colour.ravel().tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize(
    ("pixels", "options", "words"),
    [
        (RGB[:, :, 0].astype(np.int8), {"photometric": "minisblack"}, "signed samples"),
        (np.stack([GREY_16] * 3), {"photometric": "rgb", "planarconfig": "separate"}, "separate planes"),
    ],
    ids=["signed", "planes"],
)
def test_tiffs_that_pillow_would_misread(pixels: NDArray[Any], options: dict[str, Any], words: str) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    with pytest.raises(UnsupportedMode, match=words):
        decode(file.getvalue(), LIMITS)


def test_a_channel_that_is_no_alpha_is_left_out_and_that_is_said() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.asarray(RGBA), photometric="rgb", extrasamples=["unspecified"])
    picture = decode(file.getvalue(), LIMITS)
    assert (picture.frames[0].mode, picture.notes) == (
        "RGB",
        ("a channel that is neither colour nor alpha was left out",),
    )


def test_pixels_of_16_bits_are_no_samples_of_16_bits() -> None:
    """A BMP of 5, 6 and 5 bits."""
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    data = (
        b"BM"
        + struct.pack("<IHHI", 14 + len(head) + 4, 0, 0, 14 + len(head))
        + head
        + struct.pack("<HH", 0xF800, 0x001F)
    )
    picture = decode(data, LIMITS)
    assert picture.frames[0].colour.tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert picture.notes == ()


def test_tiled_pages_with_previews_are_within_the_limit_of_their_pixels() -> None:
    """As in maps: tiled previews do not count as pages, in either byte order."""
    file = io.BytesIO()
    options: dict[str, Any] = {"photometric": "rgb", "tile": (32, 32), "compression": "zlib"}
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        writer.write(photograph(90, 90), **options)
        for _ in range(9):
            writer.write(photograph(90, 90), subfiletype=1, **options)
    assert decode(file.getvalue(), Limits(pixels=9000, frames=100)).width == 90


def test_a_profile_too_long_for_jpeg_is_left_out() -> None:
    icc = b"\0" * 16 + b"RGB " + bytes(17_000_000)
    picture = decode(encoded(RGB, "TIFF", icc_profile=icc), LIMITS)
    result = encode(picture, FormatName.JPEG, 90, 100)
    assert result.notes == ("left out, as this jpeg can't hold it: the ICC profile",)
    assert decode(encode(picture, FormatName.TIFF, 90, 100).data, LIMITS).frames[0].metadata.icc == icc
