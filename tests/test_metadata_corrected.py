"""What metadata repeats of the picture is corrected; what it announces and the result lacks goes: by the service."""

import base64
import io
import re
import struct
import zlib
from typing import Any

import httpx
import numpy as np
import piexif
import pytest
import tifffile
from conftest import Server, encoded, opened, png_chunk
from metadata_files import (
    GAIN_MAP,
    IPTC,
    KINDS,
    PARAMETERS,
    XMP_NAME,
    exif_with,
    geotiff,
    has_density,
    jpeg_with,
    ome_tiff,
    png_with,
    tiff_with,
)
from pictures import IMAGE, PALETTE, PROFILE, RGB

RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" %s</rdf:Description></rdf:RDF></x:xmpmeta>'
)
TIFF_NAMES = b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
TURNED = [
    RDF % (TIFF_NAMES + b' tiff:Orientation="6">'),
    RDF % (TIFF_NAMES + b" tiff:Orientation = '6'>"),
    RDF % (TIFF_NAMES + b"><tiff:Orientation>6</tiff:Orientation>"),
    RDF % (b'xmlns:t="http://ns.adobe.com/tiff/1.0/"><t:Orientation> 6 </t:Orientation>'),
]


def xmp_of(data: bytes) -> bytes:
    return data[data.index(b"<x:xmpmeta") : data.index(b"</x:xmpmeta>") + 12]


@pytest.mark.parametrize("packet", TURNED)
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff"])
def test_xmp_turns_no_picture(server: Server, name: str, packet: bytes) -> None:
    match name:
        case "png":
            sent = png_with(after=png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
        case "tiff":
            sent = tiff_with((700, 1, len(packet), packet), compression="zlib")
        case _:
            sent = encoded(IMAGE, name, xmp=packet)
    answer = server.upscale(sent)
    assert opened(answer.content).size == (40, 24)
    assert b"6" not in xmp_of(answer.content).partition(b"Orientation")[2].partition(b"Orientation")[0][:20]
    assert b"1" in xmp_of(answer.content).partition(b"Orientation")[2][:12]


def test_sizes_in_xmp(server: Server) -> None:
    packet = RDF % (
        TIFF_NAMES
        + b' xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" tiff:ImageWidth="20" tiff:ImageLength="12"'
        b' GPano:FullPanoWidthPixels="20" GPano:CroppedAreaTopPixels="3">'
        b"<exif:PixelXDimension>20</exif:PixelXDimension>"
        b"<exif:PixelYDimension>12</exif:PixelYDimension><note>20 x 12</note>"
    )
    expected = packet.replace(b'Width="20"', b'Width="40"').replace(b'Length="12"', b'Length="24"')
    expected = expected.replace(b'WidthPixels="20"', b'WidthPixels="40"').replace(b'"3"', b'"6"')
    expected = expected.replace(b"sion>20<", b"sion>40<").replace(b"sion>12<", b"sion>24<")
    assert xmp_of(server.upscale(jpeg_with((0xE1, XMP_NAME + packet))).content) == expected


CAMERA_NAMES = b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
CONTAINER = (
    b'xmlns:Container="http://ns.google.com/photos/1.0/container/"><Container:Directory><rdf:Seq><rdf:li>'
    b'<Container:Item Item:Semantic="%s"/></rdf:li></rdf:Seq></Container:Directory><keep>this</keep>'
)


@pytest.mark.parametrize(
    ("packet", "behind", "words"),
    [
        (GAIN_MAP, encoded(IMAGE.convert("L"), "JPEG"), "the gain map"),
        (RDF % (CONTAINER % b"GainMap"), encoded(IMAGE.convert("L"), "JPEG"), "the gain map"),
        (RDF % (CONTAINER % b"MotionPhoto"), bytes(4) + b"ftypmp42" + bytes(500), "the motion photo's video"),
        (
            RDF % (CAMERA_NAMES + b' GCamera:MicroVideo="1" GCamera:MicroVideoOffset="500"><keep>this</keep>'),
            bytes(4) + b"ftypisom" + bytes(500),
            "the motion photo's video",
        ),
        (
            RDF % (b'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Format="RangeInverse">'),
            b"",
            "the depth map",
        ),
        (RDF % b">", b"something else " * 50, "750 bytes behind the picture"),
        (RDF % b">", encoded(RGB, "JPEG"), "further pictures"),
        (RDF % b"><!-- unharmed -->", b"\0" * 1000, None),
    ],
    ids=["hdrgm", "container", "container video", "micro video", "depth", "bytes", "picture", "padding"],
)
def test_what_is_not_there_is_not_announced(server: Server, packet: bytes, behind: bytes, words: str | None) -> None:
    answer = server.upscale(jpeg_with((0xE1, XMP_NAME + packet), behind=behind))
    assert answer.headers.get("X-Upscaler-Notes") == (words and f"left out: {words}")
    left = xmp_of(answer.content)
    assert not any(mark in left for mark in (b"hdrgm", b"MicroVideo", b"GDepth", b"Container:", b"GainMap"))
    assert left.count(b"<keep>this</keep>") == packet.count(b"<keep>this</keep>")
    assert answer.content.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "tiff"])
def test_exif_keeps_types_and_bytes(server: Server, order: str, target: str) -> None:
    """Every type, tags that nobody knows, 0/0, a maker note at its place; sizes and the orientation are corrected."""
    half = struct.pack(order + "II", 1, 2)
    inner = {
        0x9286: (7, 12, b"ASCII\0\0\0dusk"),
        0x927C: (7, 40, bytes(range(40))),
        0x9000: (7, 4, b"0232"),
        0xA002: (4, 1, struct.pack(order + "I", 20)),
        0xA003: (3, 1, struct.pack(order + "H", 12)),
        0x920A: (5, 1, bytes(8)),
        0x9204: (10, 1, struct.pack(order + "ii", -1, 3)),
        0xA20E: (5, 1, half),
        0xFDE9: (8, 2, struct.pack(order + "hh", -5, 7)),
        0xFDEA: (12, 1, struct.pack(order + "d", 0.1)),
        0xFDEB: (2, 4, b"J\xfcr\0"),
    }
    table, values, start = b"", b"", 100
    for tag, (kind, count, value) in sorted(inner.items()):
        stored = value.ljust(4, b"\0")
        if len(value) > 4:
            place = 600 if tag == 0x927C else start + 2 + 12 * len(inner) + 4 + len(values)
            stored = struct.pack(order + "I", place)
            values += b"" if tag == 0x927C else value
        table += struct.pack(order + "HHI", tag, kind, count) + stored
    directory = struct.pack(order + "H", len(inner)) + table + bytes(4) + values
    main = exif_with(
        (0x0112, 3, 1, struct.pack(order + "H", 1)), (0x8769, 4, 1, struct.pack(order + "I", start)), order=order
    )
    block = main.ljust(6 + start, b"\0") + directory
    block = block.ljust(6 + 600, b"\0") + bytes(range(40))
    answer = server.upscale(jpeg_with((0xE1, block)), format=target)
    assert "X-Upscaler-Notes" not in answer.headers
    if target == "tiff":
        assert b"J\xfcr\0" in answer.content
        with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
            details = file.pages.first.tags["ExifTag"].value
        assert (details["PixelXDimension"], details["PixelYDimension"]) == (40, 24)
        assert details["UserComment"] is not None
        return
    data = opened(answer.content).info["exif"].removeprefix(b"Exif\0\0")
    assert data[:2] == {"<": b"II", ">": b"MM"}[order]
    found = entries(data, order)
    expected = {tag: (kind, value) for tag, (kind, _, value) in inner.items()}
    expected[0xA002] = (4, struct.pack(order + "I", 40))
    expected[0xA003] = (3, struct.pack(order + "H", 24))
    expected[0xA20E] = (5, struct.pack(order + "II", 1, 1))
    assert found == expected
    assert data[600:640] == bytes(range(40)), "the maker note has moved"
    assert piexif.load(data)["Exif"][piexif.ExifIFD.UserComment].endswith(b"dusk")


SIZES = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 8: 2, 10: 8, 12: 8}


def entries(data: bytes, order: str) -> dict[int, tuple[int, bytes]]:
    """Type and bytes of the tags in the EXIF directory, read by hand."""

    def directory(place: int) -> dict[int, tuple[int, bytes]]:
        found = {}
        (count,) = struct.unpack_from(order + "H", data, place)
        for at in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind, number, offset = struct.unpack_from(order + "HHII", data, at)
            length = SIZES[kind] * number
            start = at + 8 if length <= 4 else offset
            found[tag] = (kind, data[start : start + length])
        return found

    (pointer,) = struct.unpack(order + "I", directory(struct.unpack_from(order + "I", data, 4)[0])[0x8769][1])
    return directory(pointer)


def test_broken_exif_entries_are_left_out_one_by_one(server: Server) -> None:
    block = exif_with((0x010F, 2, 5, b"Mine\0"), (0x0110, 2, 5, b"Ours\0"), (0x0131, 99, 1, b"\1"))
    place = block.index(struct.pack("<HHI", 0x0110, 2, 5)) + 8
    block = block[:place] + b"\xff\xff\xff\x7f" + block[place + 4 :]
    answer = server.upscale(jpeg_with((0xE1, block)))
    assert dict(opened(answer.content).getexif()) == {0x010F: "Mine"}
    assert answer.headers["X-Upscaler-Notes"] == "left out: damaged EXIF tags"


def test_the_subject_stays_where_it_is(server: Server) -> None:
    """Turned and enlarged with the picture of 20 x 12 px, which lies on its side."""
    inner = struct.pack("<H", 1) + struct.pack("<HHII", 0x9214, 3, 4, 100) + bytes(4)
    block = exif_with((0x0112, 3, 1, b"\6\0"), (0x8769, 4, 1, struct.pack("<I", 60)))
    block = (block.ljust(66, b"\0") + inner).ljust(106, b"\0") + struct.pack("<4H", 3, 2, 4, 6)
    answer = server.upscale(jpeg_with((0xE1, block)))
    assert opened(answer.content).size == (24, 40)
    details = opened(answer.content).getexif().get_ifd(0x8769)
    assert details[0x9214] == (2 * (11 - 2), 2 * 3, 12, 8)


RATIONALS = {"x": struct.pack("<II", 204, 1), "y": struct.pack("<II", 98, 1)}


def resolved(unit: int, x: bytes = RATIONALS["x"], y: bytes = RATIONALS["y"]) -> bytes:
    return exif_with((0x011A, 5, 1, x), (0x011B, 5, 1, y), (0x0128, 3, 1, struct.pack("<H", unit)))


@pytest.mark.parametrize(
    ("jfif", "exif", "expected"),
    [
        ((0, 1, 1), None, None),
        ((0, 1, 1), resolved(2), (408, 196, 1)),
        ((0, 1, 1), resolved(3), (1036.32, 497.84, 1)),
        ((0, 1, 1), resolved(1), (204, 98, 0)),
        ((0, 1, 1), resolved(2, bytes(8), bytes(8)), None),
        ((1, 300, 150), resolved(2), (600, 300, 1)),
        ((2, 100, 50), None, (508, 254, 1)),
        ((0, 4, 3), None, (4, 3, 0)),
        ((0, 4, 3), resolved(2), (4, 3, 0)),
        ((1, 0, 0), None, None),
        ((9, 72, 72), None, None),
    ],
)
@pytest.mark.parametrize("target", ["jpeg", "png", "tiff", "webp"])
def test_resolutions(
    server: Server,
    jfif: tuple[int, int, int],
    exif: bytes | None,
    expected: tuple[float, float, int] | None,
    target: str,
) -> None:
    """Twice the header's; without one EXIF's; none is invented, and header and EXIF of a JPEG agree."""
    sent = jpeg_with(*([(0xE1, exif)] if exif else []), density=jfif)
    answer = server.upscale(sent, format=target)
    assert "X-Upscaler-Notes" not in answer.headers
    if expected is None:
        assert not has_density(answer.content, 72, 72, 1)
        assert has_density(answer.content, 1, 1, 0) or b"pHYs" not in answer.content
        if target == "png":
            assert b"pHYs" not in answer.content
        return
    x, y, unit = expected
    assert has_density(answer.content, x, y, unit)
    tags = opened(answer.content).getexif()
    if target == "jpeg" and 282 in tags:
        per_inch = 2.54 if tags[296] == 3 else 1
        assert (tags[282] * per_inch, tags[283] * per_inch) == pytest.approx((x, y))
        assert (tags[296] == 1) == (unit == 0)


def test_the_resolution_of_a_jpeg_with_inks(server: Server) -> None:
    sent = encoded(IMAGE.convert("CMYK"), "TIFF", dpi=(204, 98))
    tags = opened(server.upscale(sent, format="jpeg").content).getexif()
    assert (tags[282], tags[283], tags[296]) == (408, 196, 2)


def chunk_with_wrong_checksum(name: bytes, content: bytes) -> bytes:
    chunk = png_chunk(name, content)
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


@pytest.mark.parametrize("name", [b"tEXt", b"pHYs", b"iCCP", b"eXIf", b"tRNS", b"zzZz"])
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_damaged_ancillary_chunks(server: Server, name: bytes, place: str) -> None:
    plain, broken = encoded(RGB), chunk_with_wrong_checksum(name, b"a\0b")
    if place == "between":
        start = plain.index(b"IDAT") - 4
        data = plain[start + 8 : -16]
        halves = png_chunk(b"IDAT", data[:50]), png_chunk(b"IDAT", data[50:])
        sent = plain[:start] + broken.join(halves) + plain[-12:]
    else:
        sent = png_with(broken) if place == "before" else png_with(after=broken)
    answer = server.upscale(sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Upscaler-Notes"] == f"left out: damaged PNG chunks ({name.decode()})"
    assert answer.content == server.upscale(plain).content


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE", b"IDAT"])
def test_damaged_critical_chunks(server: Server, name: bytes) -> None:
    sent = bytearray(encoded(PALETTE))
    place = sent.index(name)
    sent[place + 4 + int.from_bytes(sent[place - 4 : place])] ^= 1
    assert server.upscale(bytes(sent)).json()["code"] == "image_corrupt"


@pytest.mark.parametrize("name", [b"acTL", b"fcTL", b"fdAT"])
def test_damaged_chunks_of_an_animation(server: Server, name: bytes) -> None:
    frames = [IMAGE, IMAGE.rotate(180)]
    sent = bytearray(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50))
    place = sent.index(name)
    sent[place + 4 + int.from_bytes(sent[place - 4 : place])] ^= 1
    assert server.upscale(bytes(sent)).json()["code"] == "image_corrupt"


@pytest.mark.parametrize("keyword", [b"transparency", b"dpi", b"interlace", b"exif", b"icc_profile", b"gamma", b"loop"])
@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt"])
def test_texts_are_texts(server: Server, keyword: bytes, name: bytes) -> None:
    """By whatever keyword; they are copied byte for byte."""
    head = {b"tEXt": b"\0", b"zTXt": b"\0\0", b"iTXt": b"\0\0\0\0\0"}[name]
    chunk = png_chunk(name, keyword + head + (zlib.compress(PARAMETERS) if name == b"zTXt" else PARAMETERS))
    for sent in (png_with(chunk), png_with(after=chunk)):
        answer = server.upscale(sent)
        assert chunk in answer.content
        assert "X-Upscaler-Notes" not in answer.headers


def texts_of(data: bytes) -> dict[str, str]:
    return dict(opened(data).text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"zTXt", b"workflow\0\0" + zlib.compress(b"{}" * 700_000)),
        (b"iTXt", b"workflow\0\1\0en\0flow\0" + zlib.compress(b"{}" * 700_000)),
    ],
)
def test_large_texts_are_stored_so_that_pillow_opens_them(server: Server, name: bytes, content: bytes) -> None:
    for sent in (png_with(png_chunk(name, content)), png_with(after=png_chunk(name, content))):
        answer = server.upscale(sent)
        assert "X-Upscaler-Notes" not in answer.headers
        assert texts_of(answer.content) == {"workflow": "{}" * 700_000}


def test_a_text_that_unpacks_to_a_gigabyte_is_left_out(server: Server) -> None:
    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    chunks = [png_chunk(b"zTXt", b"bomb\0\0" + bomb)] * 40
    answer = server.upscale(png_with(*chunks, png_chunk(b"iCCP", b"x\0\0" + bomb), png_chunk(b"tEXt", b"a\0b")))
    assert answer.headers["X-Upscaler-Notes"] == "left out: an ICC profile that can't be read, texts (bomb)"
    assert texts_of(answer.content) == {"a": "b"}


def test_notes_survive_any_keyword(server: Server) -> None:
    names = [b"a\r\nSet-Cookie: x", "\u00e4".encode(), b"x" * 79, b"", b"tail"]
    answer = server.upscale(png_with(*(png_chunk(b"tEXt", name + b"\0text") for name in names)), format="jpeg")
    assert answer.headers["X-Upscaler-Notes"] == (
        f"left out, as this jpeg can't hold it: texts (a??Set-Cookie: x, ??, {'x' * 40}, , tail)"
    )


def test_iptc_and_resources_travel_through_png_and_tiff(server: Server) -> None:
    data = KINDS["IPTC"].data
    for name in ("png", "tiff", "png", "jpeg"):
        data = server.upscale(data, format=name).content
    assert b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC in data


@pytest.mark.parametrize("raster_type", [1, 2], ids=["area", "point"])
def test_places_on_earth(server: Server, raster_type: int) -> None:
    """The corners of a pixel, and of the four that it becomes, lie at the same place."""
    sent = geotiff(raster_type)
    answer = server.upscale(sent)
    assert "X-Upscaler-Notes" not in answer.headers

    def corners(data: bytes, side: int) -> list[tuple[float, float]]:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            found: dict[str, Any] = file.geotiff_metadata or {}
            assert file.pages.first.tags["GDAL_NODATA"].value == "-9999"
        i, j, _, x, y, _ = found["ModelTiepoint"]
        across, down, _ = found["ModelPixelScale"]
        half = 0.5 if raster_type == 2 else 0  # from the centre of a pixel to its corner
        return [
            (x + (column * side - half - i) * across, y - (row * side - half - j) * down)
            for column, row in ((3, 5), (0, 0))
        ]

    assert corners(sent, 1) == corners(answer.content, 2)


def test_a_transformation_to_places_on_earth(server: Server) -> None:
    matrix = [10.0, 1.0, 0.0, 500.0, 2.0, -20.0, 0.0, 900.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    answer = server.upscale(tiff_with((34264, 12, 16, tuple(matrix)), (34735, 3, 4, (1, 1, 0, 0))))
    with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
        found = np.reshape(file.pages.first.tags["ModelTransformationTag"].value, (4, 4))
    assert (found @ [6, 8, 0, 1] == np.reshape(matrix, (4, 4)) @ [3, 4, 0, 1]).all()


def test_a_georeference_that_makes_no_sense(server: Server) -> None:
    sent = tiff_with((33550, 2, 3, "ab"), (34735, 3, 4, (1, 1, 0, 0)))
    assert server.upscale(sent).headers["X-Upscaler-Notes"] == "left out, as this tiff can't hold it: the georeference"


def test_ome_xml_of_several_planes(server: Server) -> None:
    answer = server.upscale(ome_tiff(pages=2))
    assert answer.headers["X-Upscaler-Notes"] == "left out: OME-XML"
    with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
        assert (len(file.pages), file.is_ome) == (2, False)


@pytest.mark.parametrize(
    ("description", "note"),
    [
        ("ImageJ=1.54f\nunit=um\n", "left out: ImageJ's description"),
        ("ImageJ=1.54f\nmin=0\nmax=255\n", None),
        ('{"shape": [12, 20, 3]}', "left out: tifffile's description"),
        ("a lighthouse, 20 x 12", None),
    ],
)
def test_descriptions(server: Server, description: str, note: str | None) -> None:
    answer = server.upscale(tiff_with(description=description, software=None))
    assert answer.headers.get("X-Upscaler-Notes") == note
    with tifffile.TiffFile(io.BytesIO(answer.content)) as file:
        assert file.pages.first.description == ("" if note else description.strip())


EVERYTHING = jpeg_with(
    (0xE1, exif_with((0x0112, 3, 1, b"\6\0"), (0x010F, 2, 5, b"Mine\0"))),
    (0xE1, XMP_NAME + RDF % b">"),
    (0xFE, b"by hand"),
    (0xE2, b"ICC_PROFILE\0\1\1" + PROFILE),
    behind=b"something else " * 50,
    density=(1, 300, 300),
)


@pytest.mark.parametrize("choice", ["strip", "colour", "color"])
@pytest.mark.parametrize("way", ["query", "json", "form"])
def test_metadata_on_request(server: Server, way: str, choice: str) -> None:
    """No note about what was not wanted; the picture is upright all the same."""
    url = f"{server.url}/upscale"
    match way:
        case "query":
            answer = server.upscale(EVERYTHING, metadata=choice)
        case "json":
            message = {"imageBase64": base64.b64encode(EVERYTHING).decode(), "metadata": choice}
            answer = httpx.post(url, json=message, headers={"Accept": "image/jpeg"})
        case _:
            answer = httpx.post(url, files={"image": ("a.jpg", EVERYTHING)}, data={"metadata": choice})
    assert answer.status_code == 200, answer.text
    assert "X-Upscaler-Notes" not in answer.headers
    image = opened(answer.content)
    assert image.size == (24, 40)
    assert {"exif", "xmp", "comment"} & set(image.info) == set()
    assert has_density(answer.content, 1, 1, 0)
    assert image.info.get("icc_profile") == (None if choice == "strip" else PROFILE)


def test_colour_keeps_the_chunks_of_a_png(server: Server) -> None:
    gamma, text = png_chunk(b"gAMA", struct.pack(">I", 100_000)), png_chunk(b"tEXt", b"a\0b")
    kept = server.upscale(png_with(gamma, text), metadata="colour").content
    assert (gamma in kept, text in kept) == (True, False)
    assert gamma not in server.upscale(png_with(gamma, text), metadata="strip").content


def test_comments_of_a_gif(server: Server) -> None:
    sent = encoded(PALETTE, "GIF", comment=b"by hand")
    assert b"by hand" in server.upscale(sent, format="jpeg").content
    assert server.upscale(sent).headers["X-Upscaler-Notes"] == "left out, as this gif can't hold it: comments"


def test_everything_of_a_request_in_one_answer(server: Server) -> None:
    answer = server.upscale(EVERYTHING)
    assert answer.headers["X-Upscaler-Notes"] == "left out: 750 bytes behind the picture"
    assert opened(answer.content).info["comment"] == b"by hand"


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xED])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MPF\0",
        b"MPF\0II*\0\xff\xff\xff\xff",
        b"Photoshop 3.0\x008BIM\4\4\0\0\xff\xff",
        b"ICC_PROFILE\0",
        XMP_NAME + b"<",
    ],
)
def test_odd_segments_fail_no_picture(server: Server, marker: int, content: bytes) -> None:
    assert server.upscale(jpeg_with((marker, content))).status_code == 200


@pytest.mark.parametrize(
    "hostile",
    [
        b" tiff:ImageWidth ",
        b"<tiff:ImageWidth ",
        b" ",
        b"<hdrgm:a/>",
        b"<hdrgm:a>",
        b' hdrgm:a="',
        b" hdrgm:a='",
        b"xmlns:a ",
    ],
)
def test_hostile_xmp_costs_little(server: Server, hostile: bytes) -> None:
    """Two megabytes; searching for the end of each part again would take hours."""
    names = TIFF_NAMES + b' xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:b="1">'
    packet = RDF % (names + hostile * (2_000_000 // len(hostile)))
    chunk = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet))
    answer = server.upscale(png_with(chunk))
    assert answer.status_code == 200
    timing = dict(re.findall(r"(\w+);dur=([0-9.]+)", answer.headers["Server-Timing"]))
    assert float(timing["decode"]) + float(timing["encode"]) < 10_000


def test_what_lies_behind_a_png_is_named(server: Server) -> None:
    sent = encoded(RGB)
    answer = server.upscale(sent + b"something else " * 50)
    assert answer.headers["X-Upscaler-Notes"] == "left out: 750 bytes behind the picture"
    assert "X-Upscaler-Notes" not in server.upscale(sent + bytes(10)).headers


@pytest.mark.parametrize(
    "entry",
    [
        (0x011A, 7, 1, b"\xff"), (0x011A, 2, 1, b"\0"), (0x011B, 1, 1, b"\0"), (0x0128, 2, 3, b"cm\0"),
        (0x0128, 3, 2, b"\2\0\2\0"),
    ],
)  # fmt: skip
def test_a_resolution_that_is_no_number_is_left_out(server: Server, entry: tuple[int, int, int, bytes]) -> None:
    """Pillow can't open a JPEG with one."""
    answer = server.upscale(jpeg_with((0xE1, exif_with(entry, (0x010F, 2, 5, b"Mine\0")))))
    assert answer.headers["X-Upscaler-Notes"] == "left out: damaged EXIF tags"
    exif = opened(answer.content).getexif()
    assert exif[0x010F] == "Mine"
    assert entry[0] not in exif
