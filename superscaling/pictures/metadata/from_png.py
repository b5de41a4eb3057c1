"""Reads the metadata of a PNG file. (PNG specification, third edition, 11.3)"""

import re
import zlib
from collections.abc import Iterable

from superscaling.pictures.containers.chunks import COLOUR_CHUNKS, Chunk
from superscaling.pictures.density import from_png
from superscaling.pictures.limits import MAX_EXIF
from superscaling.pictures.metadata.exif import PREFIX
from superscaling.pictures.metadata.words import named
from superscaling.pictures.metadata.xmp import MAX_XMP
from superscaling.pictures.picture import Metadata

# Most bytes of a profile, which a file may compress a thousandfold.
MAX_ICC = 1 << 25
# Most bytes of texts that are copied to a result, as stored.
MAX_TEXTS = 1 << 24
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
XMP = b"XML:com.adobe.xmp"
# Blocks in hexadecimal, as ImageMagick and exiftool write them: keyword, in small letters -> field.
PROFILE = b"raw profile type "
PROFILES = {b"exif": "exif", b"app1": "exif", b"xmp": "xmp", b"iptc": "photoshop", b"8bim": "photoshop", b"icc": "icc"}
XMP_IN_PROFILE = b"http://ns.adobe.com/xap/1.0/\0"
LENGTH = re.compile(rb"\s*\w*\s+\d+\s")
# What is copied otherwise, or says how the old file stored its pixels or when it was written.
SILENT = (b"bKGD", b"hIST", b"sPLT", b"sBIT", b"tIME", b"iDOT", b"vpAg", b"orNT")


def read_png(data: bytes, chunks: Iterable[Chunk], damaged: Iterable[bytes]) -> Metadata:
    """The metadata as stored.

    Args:
        data: the file.
        chunks: its chunks that are no pixels and not damaged.
        damaged: names of the others.
    """
    fields, colours, texts, others = dict[str, bytes](), list[tuple[bytes, bytes]](), list[tuple[bytes, bytes]](), []
    too_long, lost, density, rest = list[bytes](), list[str](), None, MAX_TEXTS
    for name, start, end in chunks:
        if name in TEXTS:
            keyword = data[start : min(end, start + 80)].partition(b"\0")[0]
            if (field := _field(keyword)) is not None:
                if block := _block(name, data[start:end], field):
                    fields.setdefault(field, block)
                else:
                    lost.append(named("a text that can't be read", [keyword]))
            elif end - start <= rest:
                rest -= end - start
                texts.append((name, data[start:end]))
            else:
                too_long.append(keyword)
        elif name == b"eXIf":
            fields["exif"] = data[start : min(end, start + MAX_EXIF + 1 + len(PREFIX))]
        elif name == b"iCCP":
            if profile := _unpacked(data[start:end].partition(b"\0")[2][1:], MAX_ICC):
                fields["icc"] = profile
            else:
                lost.append("an ICC profile that can't be read")
        elif name == b"pHYs":
            density = from_png(data[start:end])
        elif name in COLOUR_CHUNKS:
            if end - start == COLOUR_CHUNKS[name]:
                colours.append((name, data[start:end]))
        elif name not in SILENT:
            others.append(name)
    if too_long:
        lost.append(named("long texts", too_long))
    if names := list(damaged):
        lost.append(named("damaged PNG chunks", names))
    if others:
        lost.append(named("PNG chunks", others))
    packet = fields.get("xmp")
    return Metadata(
        icc=fields.get("icc"),
        exif=fields.get("exif"),
        xmp=packet.removeprefix(XMP_IN_PROFILE) if packet else None,
        density=density,
        png_colours=tuple(colours),
        texts=tuple(texts),
        photoshop=fields.get("photoshop"),
        lost=tuple(lost),
    )


def keyword_of(text: tuple[bytes, bytes]) -> bytes:
    """The keyword of a chunk of text."""
    return text[1][:80].partition(b"\0")[0]


def _field(keyword: bytes) -> str | None:
    """Which metadata a text holds; None if it is a text."""
    if keyword == XMP:
        return "xmp"
    kind = keyword.lower()
    return PROFILES.get(kind.removeprefix(PROFILE)) if kind.startswith(PROFILE) else None


def _block(name: bytes, content: bytes, field: str) -> bytes | None:
    """The metadata in a text; None if it can't be read."""
    keyword, _, rest = content.partition(b"\0")
    most = 2 * MAX_XMP
    if name == b"zTXt":
        text = _unpacked(rest[1:], most)
    elif name == b"iTXt":
        parts = rest[2:].split(b"\0", 2)  # language, translated keyword, text
        text = parts[2] if len(parts) == 3 else None
        if text and rest[:1] == b"\1":
            text = _unpacked(text, most)
    else:
        text = rest[:most]
    if not text or keyword == XMP:
        return text
    found = LENGTH.match(text[:200])
    try:
        return bytes.fromhex(text[found.end() :].decode("ascii")) if found else None
    except ValueError:
        return None


def _unpacked(packed: bytes, most: int) -> bytes | None:
    """Unpack up to `most` bytes; None if there are more, or if it is damaged."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, most)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None
