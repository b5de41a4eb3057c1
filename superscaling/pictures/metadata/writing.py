"""Writes metadata: as segments, chunks and tags, and as options of Pillow's writers."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from superscaling.format_name import FormatName
from superscaling.pictures.containers.chunks import png_chunk
from superscaling.pictures.containers.jpeg_segments import COMMENT, MAX_SEGMENT, segment
from superscaling.pictures.density import to_bmp, to_jfif, to_png
from superscaling.pictures.metadata import from_jpeg, from_tiff, png_texts, xmp
from superscaling.pictures.metadata.exif import PREFIX, Exif, Part, read_exif
from superscaling.pictures.metadata.exif_geometry import set_density
from superscaling.pictures.metadata.photoshop import iptc_resource
from superscaling.pictures.picture import Metadata
from superscaling.recognition.directories import UNDEFINED, Entry
from superscaling.recognition.formats import PNG_SIGNATURE

# After signature and header, which has 13 bytes.
PNG_HEAD = len(PNG_SIGNATURE) + 12 + 13
# Offsets in a JPEG: of the name in its first segment, and of its density.
JFIF_NAME, JFIF_DENSITY = 6, 13
# Pixels without a unit, 1 to 1.
NO_JFIF_DENSITY = (0, 1, 1)
# Offset of a BMP's pixels per metre.
BMP_DENSITY = 38
HEX_LINE = 72


def file_for(metadata: Metadata, name: FormatName) -> io.BytesIO:
    """An empty file for Pillow to write a picture to; a PNG's metadata is added behind its header."""
    return _PngFile(b"".join(_png_chunks(metadata))) if name is FormatName.PNG else io.BytesIO()


def pillow_options(metadata: Metadata, name: FormatName) -> dict[str, Any]:
    """The metadata as options of Pillow's writers, as far as they take it."""
    match name:
        case FormatName.PNG | FormatName.BMP:
            return {}
        case FormatName.JPEG:
            return {"extra": b"".join(_jpeg_segments(metadata))}
        case _:
            options = {"icc_profile": metadata.icc, "exif": metadata.exif, "xmp": metadata.xmp}
            return {option: value for option, value in options.items() if value}


def set_header_density(file: io.BytesIO, metadata: Metadata, name: FormatName) -> None:
    """Set the density in the header of a JPEG or BMP, where Pillow invents one; a JPEG of CMYK has no such header."""
    with file.getbuffer() as data:
        if name is FormatName.JPEG and bytes(data[JFIF_NAME : JFIF_NAME + 5]) == from_jpeg.JFIF:
            said = to_jfif(metadata.density) if metadata.density else None
            struct.pack_into(">BHH", data, JFIF_DENSITY, *(said or NO_JFIF_DENSITY))
        if name is FormatName.BMP:
            metres = to_bmp(metadata.density) if metadata.density else None
            struct.pack_into("<ii", data, BMP_DENSITY, *(metres or (0, 0)))


def tiff_tags(metadata: Metadata) -> tuple[dict[int, Entry], dict[int, dict[int, Entry]]]:
    """The tags of a little-endian TIFF's page, and those of the directories that they point to."""
    main, inner = from_tiff.tags_of(read_exif(metadata.exif or b""))
    if metadata.density:
        own = Exif("<")
        set_density(own, metadata.density)
        main |= own.parts[Part.MAIN]
    for tag, kind, content in (
        (from_tiff.ICC, UNDEFINED, metadata.icc),
        (from_tiff.XMP, 1, metadata.xmp),
        (from_tiff.IPTC, UNDEFINED, metadata.iptc),
        (from_tiff.PHOTOSHOP, 1, metadata.photoshop),
    ):
        if content:
            main[tag] = Entry(kind, content)
    return main | {tag: Entry(kind, content) for tag, kind, content in metadata.geo}, inner


class _PngFile(io.BytesIO):
    """Adds chunks once the header is written."""

    def __init__(self, chunks: bytes) -> None:
        super().__init__()
        self._chunks = chunks

    def write(self, data: Any) -> int:
        written = super().write(data)
        if self.tell() == PNG_HEAD:
            super().write(self._chunks)
        return written


def _png_chunks(metadata: Metadata) -> Iterator[bytes]:
    if metadata.icc:
        yield png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc))
    for name, content in metadata.png_colours:
        if not (metadata.icc and name == b"sRGB"):
            yield png_chunk(name, content)
    if metadata.density and (metadata.resolution or metadata.aspect) and (physical := to_png(metadata.density)):
        yield png_chunk(b"pHYs", physical)
    if metadata.exif:
        yield png_chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        yield png_chunk(b"iTXt", png_texts.XMP + bytes(5) + metadata.xmp)
    if metadata.iptc or metadata.photoshop:
        digits = _resources(metadata).hex().encode()
        lines = b"\n".join(digits[at : at + HEX_LINE] for at in range(0, len(digits), HEX_LINE))
        text = b"\niptc\n%8d\n%s\n" % (len(digits) // 2, lines)
        yield png_chunk(b"tEXt", b"Raw profile type iptc\0" + text)
    for name, content in metadata.texts:
        yield png_chunk(name, content)


def _jpeg_segments(metadata: Metadata) -> Iterator[bytes]:
    if metadata.exif:
        yield segment(0xE1, PREFIX + metadata.exif)
    if metadata.xmp:
        yield segment(0xE1, xmp.NAME + metadata.xmp)
    resources = _resources(metadata)
    step = MAX_SEGMENT - len(from_jpeg.PHOTOSHOP)
    for at in range(0, len(resources), step):
        yield segment(0xED, from_jpeg.PHOTOSHOP + resources[at : at + step])
    icc = metadata.icc or b""
    step = from_jpeg.MAX_ICC_PART
    count = -(-len(icc) // step)
    for index in range(count):
        part = icc[index * step : (index + 1) * step]
        yield segment(0xE2, from_jpeg.ICC + bytes([index + 1, count]) + part)
    for comment in metadata.comments:
        yield segment(COMMENT, comment)


def _resources(metadata: Metadata) -> bytes:
    return (metadata.photoshop or b"") + (iptc_resource(metadata.iptc) if metadata.iptc else b"")
