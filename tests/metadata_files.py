"""Files with each kind of metadata, made by hand, and how to find it in an answer."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from conftest import encoded, opened, png_chunk
from pictures import IMAGE, PROFILE, RGB

JFIF_END = 20  # bytes of a JPEG's beginning and its JFIF header
PNG_HEAD = 33
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
# A caption; and Photoshop's mark of copyright.
IPTC = b"\x1c\x02\x78\x00\x0alighthouse"
COPYRIGHT = b"8BIM\x04\x0a\0\0\0\0\0\x01\x01\0"
PARAMETERS = b"a lighthouse at dusk\nSteps: 20, Seed: 4711"


def jpeg_with(*segments: tuple[int, bytes], behind: bytes = b"", density: tuple[int, int, int] = (0, 1, 1)) -> bytes:
    """A JPEG with segments behind its JFIF header."""
    data = bytearray(encoded(RGB, "JPEG", quality=95))
    struct.pack_into(">BHH", data, 13, *density)
    inserted = b"".join(bytes([0xFF, marker]) + struct.pack(">H", len(each) + 2) + each for marker, each in segments)
    return bytes(data[:JFIF_END]) + inserted + bytes(data[JFIF_END:]) + behind


def png_with(*chunks: bytes, after: bytes = b"") -> bytes:
    """A PNG with chunks behind its header, and before its end."""
    data = encoded(RGB)
    return data[:PNG_HEAD] + b"".join(chunks) + data[PNG_HEAD:-12] + after + data[-12:]


def tiff_with(*tags: tuple[int, int, int, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, RGB, photometric="rgb", metadata=None, extratags=[(*tag, True) for tag in tags], **options)
    return file.getvalue()


def exif_with(*tags: tuple[int, int, int, bytes], order: str = "<", name: bytes = b"Exif\0\0") -> bytes:
    """An EXIF block of (tag, type, count, value) in its main directory."""
    table, rest, mark = b"", b"", {"<": b"II*\0", ">": b"MM\0*"}[order]
    for tag, kind, count, value in tags:
        if len(value) > 4:
            value, rest = struct.pack(order + "I", 14 + 12 * len(tags) + len(rest)), rest + value
        table += struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
    return name + mark + struct.pack(order + "IH", 8, len(tags)) + table + bytes(4) + rest


def geotiff(raster_type: int = 1, **more: Any) -> bytes:
    """Pixels of 10 x 20 metres, whose first corner lies at 500,000 east, 4,500,000 north."""
    return tiff_with(
        (33550, 12, 3, (10.0, 20.0, 0.0)),
        (33922, 12, 6, (4.0, 2.0, 0.0, 500_000.0, 4_500_000.0, 0.0)),
        (34735, 3, 12, (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, raster_type)),
        (42113, 2, 6, "-9999"),
        **more,
    )


def ome_tiff(pages: int = 1) -> bytes:
    """A microscope's, with pixels of 0.5 x 0.25 micrometres."""
    file = io.BytesIO()
    grey = np.stack([RGB[:, :, 0]] * pages)
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    tifffile.imwrite(
        file, grey if pages > 1 else grey[0], ome=True, metadata={"axes": "ZYX" if pages > 1 else "YX", **sizes}
    )
    return file.getvalue()


def _density(data: bytes) -> tuple[float, float, int] | None:
    """x, y and unit of a file, read by hand: 0 is none, 1 inches."""
    if data.startswith(b"\xff\xd8"):
        unit, x, y = struct.unpack_from(">BHH", data, 13)
        return x, y, unit
    if (place := data.find(b"pHYs")) >= 0 and data.startswith(b"\x89PNG"):
        x, y, unit = struct.unpack_from(">IIB", data, place + 4)
        return (x * 0.0254, y * 0.0254, 1) if unit else (x, y, 0)
    if data.startswith(b"BM"):
        x, y = struct.unpack_from("<ii", data, 38)
        return (x * 0.0254, y * 0.0254, 1) if x else None
    tags = opened(data).getexif()
    per_inch = 2.54 if tags.get(296) == 3 else 1
    return (tags[282] * per_inch, tags[283] * per_inch, int(tags.get(296) != 1)) if 282 in tags else None


def has_density(data: bytes, x: float, y: float, unit: int) -> bool:
    found = _density(data)
    return found is not None and found[2] == unit and abs(found[0] - x) < 0.5 and abs(found[1] - y) < 0.5


def _has_tie_point(data: bytes) -> bool:
    if not data.startswith(b"II"):
        return False
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        found = file.geotiff_metadata or {}
    return found.get("ModelPixelScale") == [5, 10, 0] and found["ModelTiepoint"][:3] == [8, 4, 0]


def _is_ome(data: bytes) -> bool:
    if not data.startswith(b"II"):
        return False
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return file.is_ome and 'SizeX="40"' in (file.ome_metadata or "")


@dataclass(frozen=True)
class Kind:
    """A file with one kind of metadata; whether an answer has it; and a word of the note that names it."""

    data: bytes
    is_in: Callable[[bytes], bool]
    word: str


GAIN_MAP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
    b' hdrgm:Version="1.0"/></x:xmpmeta>'
)
DEPTH_MAP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description'
    b' xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Format="RangeInverse"/></x:xmpmeta>'
)
MOTION = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description'
    b' xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"/></x:xmpmeta>'
)
KINDS = {
    "ICC profile": Kind(
        encoded(RGB, "JPEG", icc_profile=PROFILE),
        lambda data: opened(data).info.get("icc_profile") == PROFILE,
        "ICC profile",
    ),
    "EXIF": Kind(
        jpeg_with((0xE1, exif_with((0x010F, 2, 5, b"Mine\0")))),
        lambda data: opened(data).getexif().get(0x010F) == "Mine",
        "EXIF",
    ),
    "XMP": Kind(
        jpeg_with((0xE1, XMP_NAME + b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>hello</note></x:xmpmeta>')),
        lambda data: b"<note>hello</note>" in data,
        "XMP",
    ),
    "resolution": Kind(jpeg_with(density=(1, 204, 98)), lambda data: has_density(data, 408, 196, 1), "the resolution"),
    "aspect ratio of pixels": Kind(
        png_with(png_chunk(b"pHYs", struct.pack(">IIB", 32, 27, 0))),
        lambda data: has_density(data, 32, 27, 0),
        "aspect",
    ),
    "PNG colour chunks": Kind(
        png_with(png_chunk(b"gAMA", struct.pack(">I", 100_000))),
        lambda data: png_chunk(b"gAMA", struct.pack(">I", 100_000)) in data,
        "description of its colours",
    ),
    "PNG texts": Kind(
        png_with(png_chunk(b"tEXt", b"parameters\0" + PARAMETERS)),
        lambda data: png_chunk(b"tEXt", b"parameters\0" + PARAMETERS) in data,
        "texts (parameters)",
    ),
    "JPEG and GIF comments": Kind(jpeg_with((0xFE, b"by hand")), lambda data: b"by hand" in data, "comments"),
    "IPTC": Kind(
        jpeg_with((0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0")),
        lambda data: IPTC in data or IPTC.hex()[-20:].encode() in data.replace(b"\n", b""),
        "IPTC",
    ),
    "Photoshop resources": Kind(
        jpeg_with((0xED, b"Photoshop 3.0\0" + COPYRIGHT)),
        lambda data: COPYRIGHT in data or COPYRIGHT.hex().encode() in data,
        "Photoshop",
    ),
    "georeference (GeoTIFF)": Kind(geotiff(), _has_tie_point, "georeference"),
    "OME-XML": Kind(ome_tiff(), _is_ome, "OME-XML"),
    "gain map": Kind(
        jpeg_with((0xE1, XMP_NAME + GAIN_MAP), behind=encoded(IMAGE.convert("L"), "JPEG")),
        lambda data: b"hdrgm" in data,
        "gain map",
    ),
    "depth map": Kind(jpeg_with((0xE1, XMP_NAME + DEPTH_MAP)), lambda data: b"GDepth" in data, "the depth map"),
    "motion video": Kind(
        jpeg_with((0xE1, XMP_NAME + MOTION), behind=bytes(4) + b"ftypmp42" + bytes(500)),
        lambda data: b"MotionPhoto" in data or b"ftypmp42" in data,
        "the motion photo's video",
    ),
    "data behind the picture": Kind(
        encoded(RGB, "WEBP") + b"something else " * 50,
        lambda data: b"something else" in data,
        "750 bytes behind the picture",
    ),
    "private TIFF tags": Kind(tiff_with((65_010, 2, 7, "secret")), lambda data: b"secret" in data, "65010"),
    "damaged PNG chunks": Kind(
        png_with(png_chunk(b"tEXt", b"Comment\0broken")[:-1] + b"\0"), lambda data: b"broken" in data, "tEXt"
    ),
}
