"""Metadata of results of any size, and of parts of pictures: densities, sizes and places, by independent readers."""

import dataclasses
import io
import re
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import piexif
import pytest
import tifffile
from conftest import Server, encoded, opened, png_chunk
from metadata_files import COPYRIGHT, XMP_NAME, exif_with, geotiff, jpeg_with, ome_tiff, png_with, tiff_with
from pictures import HEIGHT, IMAGE, RGB, WIDTH
from PIL import Image

from superscaling.format_name import FormatName
from superscaling.geometry import Box
from superscaling.pictures import Limits, decode, encode
from superscaling.pictures.density import Density, Unit, to_bmp, to_fraction, to_jfif, to_png
from superscaling.pictures.encoding import Encoded

LIMITS = Limits(pixels=1_000_000, frames=10)
WHOLE = Box(0, 0, HEIGHT, WIDTH)
# The middle of the picture of 20 x 12 px, as `fit=cover` takes it for a square, and a part that touches a corner.
SQUARE, CORNER = Box(0, 4, 12, 16), Box(2, 10, 12, 20)
# Results of the whole picture: scales 1, 1.5, 2, 3, 0.5; a width alone; sides by themselves; a single pixel.
SIZES = [(12, 20), (18, 30), (24, 40), (36, 60), (6, 10), (8, 13), (12, 60), (1, 1)]


def result(data: bytes, name: str, size: tuple[int, int], crop: Box = WHOLE) -> Encoded:
    """The file `data` cropped and resized to `size` (height, width), as the format `name`."""
    picture = decode(data, LIMITS)
    frames = []
    for frame in picture.frames:
        part = Image.fromarray(frame.colour.squeeze()).crop((crop.left, crop.top, crop.right, crop.bottom))
        colour = np.atleast_3d(np.asarray(part.resize(size[::-1])))
        metadata = dataclasses.replace(frame.metadata, crop=None if crop == WHOLE else crop)
        frames.append(dataclasses.replace(frame, colour=colour, metadata=metadata))
    return encode(dataclasses.replace(picture, frames=tuple(frames)), FormatName(name), None, 90)


def tags_of(data: bytes) -> dict[str, Any]:
    """The EXIF block, by piexif."""
    block = opened(data).info.get("exif", b"")
    return dict(piexif.load(block if block.startswith(b"Exif") else b"Exif\0\0" + block)) if block else {"0th": {}}


def dpi_of(data: bytes) -> tuple[float, float] | None:
    """Dots per inch of the header, read by hand; without any those of EXIF."""
    if data.startswith(b"\xff\xd8") and data[13]:
        return struct.unpack_from(">HH", data, 14)
    if data.startswith(b"\x89PNG") and (place := data.find(b"pHYs")) >= 0:
        x, y = struct.unpack_from(">II", data, place + 4)
        return x * 0.0254, y * 0.0254
    if data.startswith(b"BM"):
        x, y = struct.unpack_from("<ii", data, 38)
        return (x * 0.0254, y * 0.0254) if x else None
    if data.startswith(b"II"):
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            tags = file.pages.first.tags
            if "XResolution" not in tags:
                return None
            (x, below), (y, below_y) = tags["XResolution"].value, tags["YResolution"].value
            return x / below, y / below_y
    main = tags_of(data)["0th"]
    if piexif.ImageIFD.XResolution not in main:
        return None
    (x, below), (y, below_y) = main[piexif.ImageIFD.XResolution], main[piexif.ImageIFD.YResolution]
    return x / below, y / below_y


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "bmp", "avif"])
@pytest.mark.parametrize("size", SIZES)
def test_the_print_size_stays(size: tuple[int, int], target: str) -> None:
    """20 x 12 px at 300 and 150 dots per inch: as wide and as high on paper."""
    answer = result(jpeg_with(density=(1, 300, 150)), target, size)
    dpi = dpi_of(answer.data)
    assert dpi is not None
    assert answer.notes == ()
    tolerance = 0 if target in ("tiff", "webp", "avif") else 0.01
    inches = size[1] / dpi[0], size[0] / dpi[1]
    assert inches == pytest.approx((WIDTH / 300, HEIGHT / 150), rel=max(tolerance, 1e-9))


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "bmp", "avif", "gif"])
@pytest.mark.parametrize("size", [(24, 40), (12, 60)])
def test_no_density_is_invented(size: tuple[int, int], target: str) -> None:
    """Not even by a result whose sides have another ratio."""
    answer = result(encoded(RGB), target, size)
    assert answer.notes == ()
    assert dpi_of(answer.data) is None
    if target == "jpeg":
        assert struct.unpack_from(">BHH", answer.data, 13) == (0, 1, 1)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((24, 40), (32, 27)), ((12, 40), (64, 27)), ((32, 45), (1, 1)), ((12, 20), (32, 27))],
)
@pytest.mark.parametrize("target", ["jpeg", "png", "tiff"])
def test_pixels_that_are_not_square(size: tuple[int, int], expected: tuple[int, int], target: str) -> None:
    """A result may make them square, which needs no words."""
    sent = png_with(png_chunk(b"pHYs", struct.pack(">IIB", 32, 27, 0)))
    data = result(sent, target, size).data
    if target == "jpeg":
        found: Any = struct.unpack_from(">HH", data, 14)
    elif target == "png":
        place = data.find(b"pHYs")
        found = struct.unpack_from(">II", data, place + 4) if place >= 0 else (1, 1)
    else:
        found = dpi_of(data) or (1, 1)
    assert Fraction(found[0]) / Fraction(found[1]) == Fraction(*expected)


def test_a_density_beyond_a_header_is_in_exif() -> None:
    """JFIF counts to 65,535 and rounds; a microscope has a million pixels per inch."""
    sent = tiff_with(resolution=(400_000, 400_000), resolutionunit=3)
    jpeg = result(sent, "jpeg", (36, 60)).data
    assert struct.unpack_from(">BHH", jpeg, 13) == (0, 1, 1)
    main = tags_of(jpeg)["0th"]
    assert (main[piexif.ImageIFD.XResolution], main[piexif.ImageIFD.ResolutionUnit]) == ((1_200_000, 1), 3)
    for target in ("png", "bmp"):
        assert dpi_of(result(sent, target, (36, 60)).data) == pytest.approx((3_048_000, 3_048_000), rel=1e-6)


def test_a_density_that_a_format_can_t_say_is_named() -> None:
    """Less than a pixel per metre, in whole numbers."""
    answer = result(tiff_with(resolution=(0.02, 0.02), resolutionunit=2, software=False), "bmp", (6, 10))
    assert answer.notes == ("left out, as this bmp can't hold it: the resolution",)
    assert dpi_of(answer.data) is None
    png = result(tiff_with(resolution=(0.02, 0.02), resolutionunit=2, software=False), "png", (6, 10))
    assert (png.notes, dpi_of(png.data)) == ((), (0.01, 0.01))


@pytest.mark.parametrize(
    ("x", "y", "png", "jfif", "bmp"),
    [
        (Fraction(300), Fraction(300), (11811, 11811), (1, 300, 300), (11811, 11811)),
        (Fraction(1351, 3), Fraction(300), (17730, 11811), (1, 450, 300), (17730, 11811)),
        (Fraction(3, 2), Fraction(3, 2), (59, 59), None, (59, 59)),
        (Fraction(1, 100), Fraction(300), None, None, None),
        (Fraction(65_535), Fraction(65_536), (2_580_118, 2_580_157), None, (2_580_118, 2_580_157)),
        (Fraction(10**8), Fraction(10**8), None, None, None),
    ],
)
def test_numbers_of_headers(x: Fraction, y: Fraction, png: Any, jfif: Any, bmp: Any) -> None:
    """The nearest whole numbers, if they are near; none that is wrong."""
    density = Density(x, y, Unit.INCH)
    content = to_png(density)
    assert (content and struct.unpack(">IIB", content)) == (png and (*png, 1))
    assert (to_jfif(density), to_bmp(density)) == (jfif, bmp)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(0), None),
        (Fraction(1 << 32), None),
        (Fraction((1 << 32) - 1), Fraction((1 << 32) - 1)),
        (Fraction(1, 1 << 40), None),
        (Fraction(1_000_003, 999_983), Fraction(1_000_003, 999_983)),
    ],
)
def test_fractions(value: Fraction, expected: Fraction | None) -> None:
    assert to_fraction(value) == expected


def test_a_fraction_that_needs_more_than_32_bits_is_near() -> None:
    near = to_fraction(Fraction(10**15 + 7, 3 * 10**12))
    assert near is not None
    assert max(near.as_integer_ratio()) < 1 << 32
    assert float(near) == pytest.approx(1000 / 3, rel=1e-7)


def camera(*subject: int, segments: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """A photograph with sizes, resolutions, the subject's place and the sensor's pixels."""
    area = struct.pack(f"<{len(subject)}H", *subject)
    inner = [
        (0x9214, 3, len(subject), area),
        (0xA002, 4, 1, struct.pack("<I", WIDTH)),
        (0xA003, 4, 1, struct.pack("<I", HEIGHT)),
        (0xA20E, 5, 1, struct.pack("<II", 1000, 3)),
        (0xA20F, 5, 1, struct.pack("<II", 500, 1)),
        (0xA214, 3, 2, struct.pack("<2H", *subject[:2])),
    ]
    main = exif_with((0x011A, 5, 1, struct.pack("<II", 72, 1)), (0x011B, 5, 1, struct.pack("<II", 72, 1)),
                     (0x8769, 4, 1, struct.pack("<I", 100)))  # fmt: skip
    table, rest, start = struct.pack("<H", len(inner)), b"", 100 + 2 + 12 * len(inner) + 4
    for tag, kind, count, value in inner:
        stored = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", start + len(rest))
        rest += value if len(value) > 4 else b""
        table += struct.pack("<HHI", tag, kind, count) + stored
    block = main.ljust(106, b"\0") + table + bytes(4) + rest
    return jpeg_with((0xE1, block), *segments, density=(1, 300, 300))


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff", "avif"])
@pytest.mark.parametrize("size", SIZES)
def test_what_exif_says_of_a_size(size: tuple[int, int], target: str) -> None:
    answer = result(camera(6, 4, 4, 2), target, size)
    height, width = size
    across, down = Fraction(width, WIDTH), Fraction(height, HEIGHT)
    tags = piexif.load(answer.data) if target == "tiff" else tags_of(answer.data)
    details = tags["Exif"]
    assert Fraction(*tags["0th"][piexif.ImageIFD.XResolution]) == 300 * across
    assert (details[0xA002], details[0xA003]) == (width, height)
    assert Fraction(*details[0xA20E]) == Fraction(1000, 3) * across
    left, top, *sides = details[0x9214]
    assert (left, top) == (int(6 * across), int(4 * down))
    assert sides == [max(1, int(4 * across)), max(1, int(2 * down))]


@pytest.mark.parametrize(
    ("subject", "crop", "size", "expected"),
    [
        ((6, 4), SQUARE, (24, 24), (4, 8)),
        ((3, 4), SQUARE, (24, 24), None),
        ((16, 4), SQUARE, (24, 24), None),
        ((15, 11), SQUARE, (24, 24), (22, 22)),
        ((8, 6, 4), SQUARE, (24, 24), (8, 12, 8)),
        ((8, 6, 4), SQUARE, (24, 36), (12, 12, 12, 8)),
        ((5, 6, 4), SQUARE, (24, 24), (3, 12, 6, 8)),
        ((1, 6, 4), SQUARE, (24, 24), None),
        ((10, 6, 4, 4), SQUARE, (24, 24), (12, 12, 8, 8)),
        ((3, 6, 4, 4), SQUARE, (24, 24), (1, 12, 2, 8)),
        ((10, 6, 40, 40), SQUARE, (24, 24), (12, 12, 24, 24)),
        ((2, 6, 4, 4), SQUARE, (24, 24), None),
        ((19, 11), CORNER, (1, 1), (0, 0)),
        ((19, 11, 2, 2), CORNER, (1, 1), (0, 0, 1, 1)),
    ],
)
def test_the_subject_in_a_part(subject: tuple[int, ...], crop: Box, size: tuple[int, int], expected: Any) -> None:
    """What is partly inside is cut; a circle that is cut or stretched is a rectangle. Outside there is no subject."""
    answer = result(camera(*subject), "jpeg", size, crop)
    assert answer.notes == ()
    assert tags_of(answer.data)["Exif"].get(0x9214) == expected


@pytest.mark.parametrize("subject", [(1,), (1, 2, 3, 4, 5)])
def test_a_subject_that_makes_no_sense_is_named(subject: tuple[int, ...]) -> None:
    answer = result(
        encoded(IMAGE, "JPEG", exif=piexif.dump({"0th": {0x010F: "Us"}, "Exif": {0x9214: subject}})), "jpeg", (24, 40)
    )
    assert answer.notes == ("left out: the subject's place",)
    assert 0x9214 not in tags_of(answer.data)["Exif"]


RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" %s</rdf:Description></rdf:RDF></x:xmpmeta>'
)
TIFF_NAMES = b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'


def packet_of(answer: Encoded) -> bytes:
    found = re.search(rb"<x:xmpmeta.*</x:xmpmeta>", answer.data, re.DOTALL)
    assert found
    return found[0]


def with_xmp(content: bytes) -> bytes:
    return jpeg_with((0xE1, XMP_NAME + RDF % content))


@pytest.mark.parametrize("size", SIZES)
def test_what_xmp_says_of_a_size(size: tuple[int, int]) -> None:
    content = (
        TIFF_NAMES + b' tiff:XResolution="720000/10000" tiff:YResolution="72" exif:FocalPlaneXResolution="0/0"'
        b' tiff:ImageWidth="20">'
        b"<exif:SubjectArea><rdf:Seq><rdf:li>6</rdf:li><rdf:li>4</rdf:li></rdf:Seq></exif:SubjectArea>"
        b"<exif:FocalPlaneYResolution>1000/3</exif:FocalPlaneYResolution>"
    )
    answer = result(with_xmp(content), "jpeg", size)
    height, width = size
    across, down = Fraction(width, WIDTH), Fraction(height, HEIGHT)

    def fraction(value: Fraction) -> bytes:
        return b"%d/%d" % value.as_integer_ratio()

    expected = content.replace(b'"20"', b'"%d"' % width).replace(b'"720000/10000"', b'"%b"' % fraction(72 * across))
    expected = expected.replace(b'"72"', b'"%b"' % fraction(72 * down))
    expected = expected.replace(b">1000/3<", b">%b<" % fraction(Fraction(1000, 3) * down))
    expected = expected.replace(b">6<", b">%d<" % int(6 * across)).replace(b">4<", b">%d<" % int(4 * down))
    assert packet_of(answer) == RDF % expected
    assert answer.notes == ()


def test_resolutions_in_xmp_turn_with_the_picture() -> None:
    packet = RDF % (TIFF_NAMES + b' tiff:XResolution="204/1"><tiff:YResolution>98/1</tiff:YResolution>')
    sent = jpeg_with((0xE1, exif_with((0x0112, 3, 1, b"\6\0"))), (0xE1, XMP_NAME + packet))
    expected = RDF % (TIFF_NAMES + b' tiff:YResolution="408/1"><tiff:XResolution>196/1</tiff:XResolution>')
    picture = decode(sent, LIMITS)
    large = dataclasses.replace(picture.frames[0], colour=picture.frames[0].colour.repeat(2, 0).repeat(2, 1))
    assert packet_of(encode(dataclasses.replace(picture, frames=(large,)), FormatName.JPEG, None, 90)) == expected


REGION_NAMES = (
    b'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:stArea="http://ns.adobe.com/xmp/sType/'
    b'Area#" xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#">'
)
REGIONS = (
    REGION_NAMES + b'<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="20" stDim:h="12"/>'
    b"<mwg-rs:RegionList><rdf:Bag>%s</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions><note>stays</note>"
)
FACE = (
    b'<rdf:li><rdf:Description mwg-rs:Name="%s" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="%g" stArea:y="%g" '
    b'stArea:w="%g" stArea:h="%g" stArea:unit="normalized"/><mwg-rs:Extensions><rdf:Bag><rdf:li>friend</rdf:li>'
    b"</rdf:Bag></mwg-rs:Extensions></rdf:Description></rdf:li>"
)


def faces_of(packet: bytes) -> dict[bytes, list[float]]:
    """Name -> x, y, width and height of the areas."""
    found = {}
    for name, area in re.findall(rb'Name="(\w+)".*?<mwg-rs:Area (.*?)/>', packet):
        found[name] = [float(value) for value in re.findall(rb'stArea:[xywh]="([^"]*)"', area)]
    return found


def test_faces_in_a_part() -> None:
    """One whole, one cut, two outside; by their shares of the sides of 12 of 20 columns."""
    faces = (
        FACE % (b"whole", 0.5, 0.5, 0.1, 0.2)
        + FACE % (b"cut", 0.2, 0.5, 0.2, 0.5)
        + FACE % (b"outside", 0.05, 0.5, 0.1, 0.1)
        + FACE % (b"beside", 0.9, 0.5, 0.2, 0.1)
    )
    answer = result(with_xmp(REGIONS % faces), "jpeg", (24, 24), SQUARE)
    packet = packet_of(answer)
    found = faces_of(packet)
    assert list(found) == [b"whole", b"cut"]
    assert found[b"whole"] == pytest.approx([0.5, 0.5, 0.1 * 20 / 12, 0.2])
    assert found[b"cut"] == pytest.approx([1 / 12, 0.5, 2 / 12, 0.5])
    assert b'stDim:w="24" stDim:h="24"' in packet
    assert packet.count(b"friend") == 2
    assert answer.notes == ()


@pytest.mark.parametrize("size", SIZES)
def test_faces_in_the_whole_picture_keep_their_shares(size: tuple[int, int]) -> None:
    answer = result(with_xmp(REGIONS % (FACE % (b"one", 0.25, 0.5, 0.125, 0.5))), "jpeg", size)
    assert faces_of(packet_of(answer)) == {b"one": [0.25, 0.5, 0.125, 0.5]}
    assert b'stDim:w="%d" stDim:h="%d"' % size[::-1] in packet_of(answer)


def test_no_face_is_left() -> None:
    answer = result(with_xmp(REGIONS % (FACE % (b"one", 0.05, 0.5, 0.1, 0.1))), "jpeg", (24, 24), SQUARE)
    assert packet_of(answer) == RDF % (REGION_NAMES + b"<note>stays</note>")
    assert answer.notes == ()


ELEMENTS = (
    b'<rdf:li rdf:parseType="Resource"><mwg-rs:Area rdf:parseType="Resource"><stArea:x>0.5</stArea:x><stArea:y>.5'
    b"</stArea:y><stArea:w>1e-1</stArea:w><stArea:h>0.5</stArea:h></mwg-rs:Area></rdf:li>"
)


def test_areas_as_elements() -> None:
    packet = packet_of(result(with_xmp(REGIONS % ELEMENTS), "jpeg", (20, 20), CORNER))
    found = [float(value) for value in re.findall(rb"<stArea:[xywh]>([^<]*)<", packet)]
    assert found == pytest.approx([0.05, 0.4, 0.1, 0.6])


@pytest.mark.parametrize(
    "region",
    [
        b'<rdf:li><mwg-rs:Area stArea:x="0.5" stArea:y="0.5" stArea:d="0.1"/></rdf:li>',
        b'<rdf:li><mwg-rs:Area stArea:x="9" stArea:y="5" stArea:w="2" stArea:h="2" stArea:unit="pixel"/></rdf:li>',
        b'<rdf:li><mwg-rs:Area stArea:x="0.5" stArea:x="0.5" stArea:y="0.5"/></rdf:li>',
        b'<rdf:li><mwg-rs:Area stArea:x="NaN" stArea:y="0.5" stArea:w="0.1" stArea:h="0.1"/></rdf:li>',
        b'<rdf:li><mwg-rs:Area stArea:w="0.1" stArea:h="0.1"/></rdf:li>',
    ],
    ids=["circle", "pixels", "twice", "NaN", "no place"],
)
def test_regions_that_can_t_be_corrected_are_named(region: bytes) -> None:
    answer = result(with_xmp(REGIONS % (region + FACE % (b"one", 0.5, 0.5, 0.1, 0.1))), "jpeg", (24, 24), SQUARE)
    assert answer.notes == ("left out: XMP regions",)
    assert list(faces_of(packet_of(answer))) == [b"one"]


@pytest.mark.parametrize("regions", [b"<rdf:li>", b"</rdf:li>", b"<rdf:li><rdf:li></rdf:li>", b"<rdf:li" * 3])
def test_broken_regions_cost_the_packet(regions: bytes) -> None:
    answer = result(with_xmp(REGIONS % regions), "jpeg", (24, 24), SQUARE)
    assert answer.notes in ((), ("left out, as this jpeg can't hold it: XMP",))
    assert b"mwg-rs:Area " not in answer.data


MICROSOFT = (
    b'xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" '
    b'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"><MP:RegionInfo><MPRI:Regions><rdf:Bag>%s</rdf:Bag>'
    b"</MPRI:Regions></MP:RegionInfo>"
)


def test_people_of_microsoft() -> None:
    """By left, top, width and height; a name without a place stays."""
    people = b"".join(
        b'<rdf:li MPReg:PersonDisplayName="%s"%s/>' % each
        for each in (
            (b"whole", b' MPReg:Rectangle="0.5, 0.25, 0.1, 0.5"'),
            (b"outside", b' MPReg:Rectangle="0.9,0.25,0.1,0.5"'),
            (b"somewhere", b""),
        )
    )
    answer = result(with_xmp(MICROSOFT % people), "jpeg", (24, 24), SQUARE)
    packet = packet_of(answer)
    assert re.findall(rb'Name="(\w+)"', packet) == [b"whole", b"somewhere"]
    numbers = re.findall(rb'Rectangle="([^"]*)"', packet)
    assert [float(each) for each in numbers[0].split(b",")] == pytest.approx([6 / 12, 0.25, 2 / 12, 0.5])
    assert answer.notes == ()


IPTC_REGION = (
    b'xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><I:ImageRegion><rdf:Bag><rdf:li><I:rbUnit>%s</I:rbUnit>'
    b"</rdf:li></rdf:Bag></I:ImageRegion>"
)


@pytest.mark.parametrize(
    ("content", "size", "crop", "word"),
    [
        (IPTC_REGION % b"relative", (24, 40), WHOLE, None),
        (IPTC_REGION % b"pixel", (24, 40), WHOLE, "XMP regions"),
        (IPTC_REGION % b"relative", (24, 24), SQUARE, "XMP regions"),
        (
            b'xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:HasCrop="True" crs:CropTop="0.1">',
            (24, 24), SQUARE, "XMP of an earlier crop",
        ),
        (
            b'xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:HasCrop="True" crs:CropTop="0.1">',
            (24, 40), WHOLE, None,
        ),
    ],
)  # fmt: skip
def test_places_in_xmp_that_are_left_out(content: bytes, size: tuple[int, int], crop: Box, word: str | None) -> None:
    answer = result(with_xmp(content), "jpeg", size, crop)
    assert answer.notes == ((f"left out: {word}",) if word else ())
    assert (b"ImageRegion" in packet_of(answer) or b"Crop" in packet_of(answer)) == (word is None)


PANORAMA = (
    b'xmlns:G="http://ns.google.com/photos/1.0/panorama/" G:FullPanoWidthPixels="100" G:FullPanoHeightPixels="50" '
    b'G:CroppedAreaImageWidthPixels="%d" G:CroppedAreaImageHeightPixels="12" G:CroppedAreaLeftPixels="30" '
    b'G:CroppedAreaTopPixels="5" G:PoseHeadingDegrees="20.5">'
)


def test_a_panorama_in_a_part() -> None:
    answer = result(with_xmp(PANORAMA % 20), "jpeg", (24, 36), SQUARE)
    assert [int(each) for each in re.findall(rb'Pixels="(\d+)"', packet_of(answer))] == [300, 100, 36, 24, 102, 10]
    assert (answer.notes, b'"20.5"' in packet_of(answer)) == ((), True)
    other = result(with_xmp(PANORAMA % 40), "jpeg", (24, 36), SQUARE)
    assert (other.notes, b"Pixels" in packet_of(other)) == (("left out: XMP of a panorama",), False)


@pytest.mark.parametrize("raster_type", [1, 2], ids=["area", "point"])
@pytest.mark.parametrize(
    ("size", "crop"), [*((size, WHOLE) for size in SIZES), ((24, 24), SQUARE), ((30, 5), CORNER), ((1, 1), CORNER)]
)
def test_places_on_earth(size: tuple[int, int], crop: Box, raster_type: int) -> None:
    """The corners of the result lie where those of its part of the picture lay."""

    def corners(data: bytes, *places: tuple[int, int]) -> list[tuple[float, float]]:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            found: dict[str, Any] = file.geotiff_metadata or {}
        i, j, _, x, y, _ = found["ModelTiepoint"]
        across, down, _ = found["ModelPixelScale"]
        half = 0.5 if raster_type == 2 else 0  # from the centre of a pixel to its corner
        return [(x + (column - half - i) * across, y - (row - half - j) * down) for row, column in places]

    sent = geotiff(raster_type)
    before = corners(sent, (crop.top, crop.left), (crop.bottom, crop.right))
    after = corners(result(sent, "tiff", size, crop).data, (0, 0), size)
    assert np.ravel(after) == pytest.approx(np.ravel(before), rel=1e-12)


def test_a_matrix_in_a_part() -> None:
    matrix = [10.0, 1.0, 0.0, 500.0, 2.0, -20.0, 0.0, 900.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    sent = tiff_with((34264, 12, 16, tuple(matrix)), (34735, 3, 4, (1, 1, 0, 0)))
    answer = result(sent, "tiff", (30, 20), CORNER)
    with tifffile.TiffFile(io.BytesIO(answer.data)) as file:
        found = np.reshape(file.pages.first.tags["ModelTransformationTag"].value, (4, 4))
    place = np.reshape(matrix, (4, 4)) @ [10 + 3, 2 + 4, 0, 1]
    assert found @ [6, 12, 0, 1] == pytest.approx(place)


@pytest.mark.parametrize(("size", "crop"), [*((size, WHOLE) for size in SIZES), ((24, 24), SQUARE)])
def test_a_microscope(size: tuple[int, int], crop: Box) -> None:
    """Pixels of 0.5 x 0.25 micrometres; where the stage was is not where a part of the picture was."""
    sent = with_description(b'<Plane TheC="0" TheT="0" TheZ="0" PositionX="7.5" PositionXUnit="mm"/>')
    answer = result(sent, "tiff", size, crop)
    with tifffile.TiffFile(io.BytesIO(answer.data)) as file:
        text = file.ome_metadata or ""
    values = dict(re.findall(r'(SizeX|SizeY|PhysicalSizeX|PhysicalSizeY)="([^"]*)"', text))
    height, width = size
    assert (int(values["SizeX"]), int(values["SizeY"])) == (width, height)
    micrometres = float(values["PhysicalSizeX"]) * width, float(values["PhysicalSizeY"]) * height
    assert micrometres == pytest.approx((0.5 * crop.size[1], 0.25 * crop.size[0]), rel=1e-9)
    is_part = crop is not WHOLE
    assert ("PositionX" in text) != is_part
    assert answer.notes == (("left out: places of the stage",) if is_part else ())


def with_description(plane: bytes) -> bytes:
    """The microscope's file with another element among the pixels."""
    with tifffile.TiffFile(io.BytesIO(ome_tiff())) as file:
        text = str(file.ome_metadata).replace("</Pixels>", plane.decode() + "</Pixels>")
    stored = io.BytesIO()
    tifffile.imwrite(stored, RGB[:, :, 0], description=text, metadata=None)
    return stored.getvalue()


def resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + b"\0" * (len(content) % 2)


def path(*points: tuple[float, float]) -> bytes:
    """A path of knots whose three points coincide, from (y, x) in shares of the sides; with its head."""
    head = struct.pack(">H24x", 6) + struct.pack(">HH22x", 0, len(points))
    return head + b"".join(
        struct.pack(">H6i", 1, *(round(share * (1 << 24)) for share in point * 3)) for point in points
    )


def test_paths_of_photoshop_in_a_part() -> None:
    outline, name = path((0.5, 0.5), (0.0, 0.0), (1.0, 0.8)), resource(0x0BB7, b"\4Path\0\0")
    sent = jpeg_with((0xED, b"Photoshop 3.0\0" + resource(0x07D0, outline) + name))
    answer = result(sent, "jpeg", (24, 24), SQUARE)
    assert answer.notes == ()
    start = answer.data.index(b"8BIM\x07\xd0") + 12
    assert answer.data[start : start + 52] == outline[:52]
    knots = [struct.unpack_from(">6i", answer.data, start + at + 2)[:2] for at in (52, 78, 104)]
    expected = [(0.5, 0.5), (0.0, -4 / 12), (1.0, 1.0)]
    assert np.array(knots) / (1 << 24) == pytest.approx(np.array(expected), abs=1e-6)
    assert name in answer.data
    assert resource(0x07D0, outline) in result(sent, "jpeg", (36, 60)).data


def test_a_path_that_is_cut_off_is_named() -> None:
    sent = jpeg_with((0xED, b"Photoshop 3.0\0" + COPYRIGHT + resource(0x07D0, path((0.5, 0.5))[:-1])))
    assert result(sent, "jpeg", (24, 24), SQUARE).notes == ("left out: Photoshop's paths",)


def test_what_photoshop_says_of_pixels() -> None:
    """Its resolution counts where no other is said; lengths of what was measured go; pixels may get another shape."""
    resolution = struct.pack(">IHHIHH", 240 << 16, 1, 1, 120 << 16, 1, 1)
    aspect = struct.pack(">Id", 1, 2.0)
    resources = resource(0x03ED, resolution) + resource(0x0432, b"measured") + resource(0x0428, aspect)
    answer = result(jpeg_with((0xED, b"Photoshop 3.0\0" + resources)), "jpeg", (12, 40))
    assert dpi_of(answer.data) == (480, 120)
    assert answer.notes == ("left out: Photoshop's measurements",)
    assert resource(0x0428, struct.pack(">Id", 1, 1.0)) in answer.data


@pytest.mark.parametrize(
    ("options", "size", "dpi", "subject", "face"),
    [
        ({}, (40, 24), (600, 600), (26, 12, 8, 8), (0.65, 0.5, 0.2, 0.5)),
        ({"scale": "1"}, (20, 12), (300, 300), (13, 6, 4, 4), (0.65, 0.5, 0.2, 0.5)),
        ({"scale": "1.5"}, (30, 18), (450, 450), (19, 9, 6, 6), (0.65, 0.5, 0.2, 0.5)),
        ({"scale": "3"}, (60, 36), (900, 900), (39, 18, 12, 12), (0.65, 0.5, 0.2, 0.5)),
        ({"width": "10"}, (10, 6), (150, 150), (6, 3, 2, 2), (0.65, 0.5, 0.2, 0.5)),
        ({"width": "1"}, (1, 1), (15, 25), (0, 0, 1, 1), (0.65, 0.5, 0.2, 0.5)),
        ({"width": "60", "height": "12", "fit": "fill"}, (60, 12), (900, 300), (39, 6, 12, 4), (0.65, 0.5, 0.2, 0.5)),
        (
            {"width": "24", "height": "24", "fit": "cover"},
            (24, 24), (600, 600), (18, 12, 8, 8), (9 / 12, 0.5, 4 / 12, 0.5),
        ),
        ({"width": "3", "height": "12", "fit": "cover"}, (3, 12), (300, 300), None, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["jpeg", "webp"])
def test_through_the_service(
    server: Server,
    options: dict[str, str],
    size: tuple[int, int],
    dpi: tuple[int, int],
    subject: tuple[int, ...] | None,
    face: tuple[float, ...] | None,
    target: str,
) -> None:
    """A camera's picture of 20 x 12 px at 300 dots per inch, with a face in its right half."""
    packet = XMP_NAME + RDF % (REGIONS % (FACE % (b"one", 0.65, 0.5, 0.2, 0.5)))
    answer = server.upscale(camera(13, 6, 4, 4, segments=[(0xE1, packet)]), format=target, **options)
    assert answer.status_code == 200, answer.text
    assert "X-Upscaler-Notes" not in answer.headers
    assert opened(answer.content).size == size
    tags = tags_of(answer.content)
    assert [Fraction(*tags["0th"][tag]) for tag in (0x011A, 0x011B)] == list(dpi)
    assert dpi_of(answer.content) == pytest.approx(dpi)
    assert (tags["Exif"][0xA002], tags["Exif"][0xA003]) == size
    assert tags["Exif"].get(0x9214) == subject
    assert faces_of(answer.content) == ({b"one": pytest.approx(face)} if face else {})


def test_the_print_size_of_a_picture_on_its_side(server: Server) -> None:
    """A fax of 204 x 98 dots per inch that is turned; then made square."""
    block = exif_with((0x0112, 3, 1, b"\6\0"), (0x010F, 2, 5, b"Mine\0"))
    sent = jpeg_with((0xE1, block), density=(1, 204, 98))
    answer = server.upscale(sent, width="24", height="24", fit="fill")
    assert opened(answer.content).size == (24, 24)
    assert dpi_of(answer.content) == (98 * 24 / 12, round(204 * 24 / 20))


def test_a_georeference_of_a_part(server: Server) -> None:
    answer = server.upscale(geotiff(), width="36", height="36", fit="cover")
    with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
        found: dict[str, Any] = file.geotiff_metadata or {}
    assert found["ModelTiepoint"] == [(4 - 4) * 3, 2 * 3, 0, 500_000, 4_500_000, 0]
    assert found["ModelPixelScale"] == pytest.approx([10 / 3, 20 / 3, 0])


def test_frames_and_pages_are_cropped_with_their_metadata(server: Server) -> None:
    frames = [IMAGE, IMAGE.rotate(180)]
    block = exif_with((0xA002, 4, 1, struct.pack("<I", WIDTH)))
    sent = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50, exif=block)
    answer = server.upscale(sent, width="36", height="36", fit="cover")
    image = opened(answer.content)
    assert (image.size, getattr(image, "n_frames", 1)) == ((36, 36), 2)
    assert "X-Upscaler-Notes" not in answer.headers
    pages = io.BytesIO()
    with tifffile.TiffWriter(pages) as writer:
        writer.write(RGB, photometric="rgb", resolution=(300, 300), resolutionunit=2)
        writer.write(RGB[:, :12], photometric="rgb", resolution=(100, 100), resolutionunit=2)
    answer = server.upscale(pages.getvalue(), width="36", height="36", fit="cover")
    with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
        assert [page.shape[:2] for page in file.pages] == [(36, 36)] * 2
    found = decode(answer.content, LIMITS)
    assert [frame.metadata.dpi for frame in found.frames] == [(900, 900), (300, 300)]
